//! A simulator of Alibaba Cloud's API for Realtime Compute for Apache Flink: for demos, tests and load, without an account.
//!
//! Both products, `ververica` and `foasconsole`, are served on one address. It speaks the real protocol over plain HTTP, with its signatures, its three forms of errors, its quirks and, on
//! request, its faults. Behind it is a fleet that changes: jobs crash and restart, batch jobs run, deployments appear
//! and disappear. The same seed gives the same fleet at the same time since the start, except for the timestamps,
//! which follow the clock.

mod artifact;
mod console;
mod deployment;
mod deployment_filters;
mod engine_versions;
mod fleet;
mod gateway;
mod injected_faults;
mod job_failures;
mod job_history;
mod job_lifecycle;
mod list_jobs;
mod listing_page;
mod naming;
mod odd_values;
mod operation;
mod query;
mod query_parameters;
mod queues;
mod region;
mod reply;
mod resource_settings;
mod resource_usage;
mod rng;
mod server;
mod session_clusters;
mod settings;
mod simulator;
mod workspace;

#[cfg(test)]
mod tests;

pub use artifact::SECRET_MARK;
pub use injected_faults::Faults;
pub use job_failures::FAILURE_MARK;
pub use operation::Operation;
pub use settings::Settings;
pub use simulator::{Simulator, UNKNOWN_OPERATION};
