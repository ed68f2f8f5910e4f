//! Job transitions: the state of each deployment across polls, whichever target returns it.
//!
//! [`NamespaceTransitions::needs_answer`] decides whether a poll must query the API for last job statuses. Then the
//! poll is compared with the known state. The result is saved, applied, and then served.

mod compare;
mod deployment_record;
mod failures;
mod namespace_transitions;
mod served;

pub use compare::Answer;
pub(super) use compare::Poll;
pub(super) use namespace_transitions::{Committing, FORGET_AFTER, NamespaceTransitions};
pub(super) use served::Served;

#[cfg(test)]
mod tests;
