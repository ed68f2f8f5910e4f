//! Job transitions: what is remembered of each deployment between polls, whichever target returns it.
//!
//! A poll asks [`NamespaceTransitions::needs_answer`] whether the counts tell every status. Then it is compared with what is
//! remembered; the result is saved, if there is a state file, applied, and only then served.

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
