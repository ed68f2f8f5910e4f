//! A simulator of Alibaba Cloud's API for Realtime Compute for Apache Flink: for demos, tests and load, without an account.
//!
//! It speaks the real protocol over plain HTTP, with its signatures, its three forms of errors, its quirks and, on
//! request, its faults. Behind it is a fleet that changes: jobs crash and restart, batch jobs run, deployments appear
//! and disappear. The same seed gives the same fleet at the same time since the start, except for the timestamps,
//! which follow the clock.

mod artifact;
mod deployment;
mod faults;
mod fleet;
mod gateway;
mod job_lifecycle;
mod naming;
mod query;
mod quirks;
mod reply;
mod resources;
mod rng;
mod selection;
mod server;
mod simulator;

#[cfg(test)]
mod tests;

pub use artifact::SECRET_MARK;
pub use faults::Faults;
pub use simulator::{Settings, Simulator, UNKNOWN_OPERATION};
