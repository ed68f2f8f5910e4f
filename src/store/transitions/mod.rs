//! Job transitions: what is remembered of each deployment between polls, whichever target returns it.
//!
//! A poll asks [`Namespace::needs_answer`] whether the counts tell every status. Then it is compared with what is
//! remembered; the result is saved, if there is a state file, applied, and only then served.

mod compare;
mod failures;
mod namespace;
mod remembered;
mod served;

pub use compare::Answer;
pub(super) use compare::Poll;
pub(super) use namespace::{Committing, Namespace, REMEMBER};
pub(super) use served::Served;

#[cfg(test)]
mod tests;
