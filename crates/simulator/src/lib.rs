//! A simulator of Alibaba Cloud's API for Realtime Compute for Apache Flink: for demos, tests and load, without an account.
//!
//! Both products, `ververica` and `foasconsole`, are served on one address. It speaks the real protocol over plain HTTP, with its signatures, its three forms of errors, its quirks and, on
//! request, its faults. Behind it is a fleet that changes: jobs crash and restart, batch jobs run, deployments appear
//! and disappear. The same seed gives the same fleet at the same time since the start, except for the timestamps,
//! which follow the clock.

mod artifact;
mod console;
mod deployment;
mod engine_versions;
mod failures;
mod faults;
mod fleet;
mod footprint;
mod gateway;
mod job_history;
mod job_lifecycle;
mod jobs;
mod listing;
mod naming;
mod operation;
mod parameters;
mod query;
mod queues;
mod quirks;
mod region;
mod reply;
mod resources;
mod rng;
mod selection;
mod server;
mod session_clusters;
mod settings;
mod simulator;
mod workspace;

#[cfg(test)]
mod tests;

pub use artifact::SECRET_MARK;
pub use failures::FAILURE_MARK;
pub use faults::Faults;
pub use operation::Operation;
pub use settings::Settings;
pub use simulator::{Simulator, UNKNOWN_OPERATION};
