//! Job transitions: the state of each deployment across polls, whichever target returns it.
//!
//! [`NamespaceTransitions::needs_status_lookup`] decides whether a poll must query the API for last job statuses. Then the
//! poll is compared with the known state. The result is saved, applied, and then served.

mod compare;
mod deployment_record;
mod deployment_retention;
mod deployment_status;
mod ended_jobs;
mod failure_log;
mod live_jobs;
mod namespace_transitions;
mod new_deployment;
mod served_deployments;
mod status_lookup;
mod status_since;

pub(super) use compare::ComparedPoll;
pub(super) use deployment_retention::FORGET_AFTER;
pub(super) use namespace_transitions::{Committing, NamespaceTransitions};
pub(super) use served_deployments::ServedDeployments;
pub use status_lookup::StatusLookup;

#[cfg(test)]
mod tests;
