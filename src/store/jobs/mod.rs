//! Jobs: what is remembered of those of each deployment between answers, and what is asked for next.

mod due;
mod messages;
mod namespace_jobs;
mod record;

pub use due::{Round, Urgency};
pub(super) use messages::Messages;
pub(super) use namespace_jobs::{ListedAnswer, NamespaceJobs, ServeSettings, encode};
pub(super) use record::{JobList, MessageChange};

#[cfg(test)]
mod tests;
