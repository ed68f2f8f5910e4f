//! Job transitions: the state of each deployment across polls, whichever target returns it.
//!
//! [`NamespaceTransitions::needs_status_lookup`] decides whether a poll must query the API for last job statuses. Then the
//! poll is compared with the known state. The result is saved, applied, and then served.

mod compare;
mod deployment_record;
mod failures;
mod namespace_transitions;
mod served;

pub(super) use compare::Poll;
pub use compare::StatusLookup;
pub(super) use namespace_transitions::{Committing, FORGET_AFTER, NamespaceTransitions};
pub(super) use served::Served;

#[cfg(test)]
mod tests;
