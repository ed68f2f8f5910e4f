//! Jobs: the state of each deployment's jobs across answers, and which deployment to query next.

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
