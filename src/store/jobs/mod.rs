//! Jobs: the state of each deployment's jobs across answers, and which deployment to query next.

mod due_deployments;
mod failure_messages;
mod job_record;
mod last_failure;
mod live_job_totals;
mod namespace_jobs;
mod restart_counter;

pub use due_deployments::{Round, Urgency};
pub(super) use failure_messages::FailureMessages;
pub(super) use last_failure::MessageChange;
pub(super) use namespace_jobs::{ListedAnswer, NamespaceJobs, ServeSettings, encode};
pub(super) use restart_counter::JobList;

#[cfg(test)]
mod tests;
