//! Jobs: what is remembered of those of each deployment between answers, and what is asked for next.

mod due;
mod memory;
mod messages;
mod record;

pub use due::{Round, Urgency};
pub(super) use memory::{Answered, NamespaceJobs, Serving, encode};
pub(super) use messages::Messages;
pub(super) use record::{JobList, MessageChange};

#[cfg(test)]
mod tests;
