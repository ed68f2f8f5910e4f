//! What a poll reports to the store, and what the store returns.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    readiness::Latch,
    target_status::{TargetData, TargetStatus},
    transitions::StatusLookup,
};
use crate::model::{ErrorClass, GroupId, Misses, ObjectSet};

/// The report of a poll. `T` is [`Listed`] or [`PollFailure`].
#[derive(Debug)]
pub struct PollReport<T> {
    /// The result.
    pub result: T,
    /// Start of the poll.
    pub requested_at: Instant,
    /// Duration, including retries.
    pub took: Duration,
    /// Start of the next poll.
    pub next_poll: Instant,
    /// Time by which the next poll must report.
    pub next_report_due: Instant,
}

/// The result of a successful poll.
#[derive(Debug)]
pub struct Listed {
    /// The objects.
    pub objects: Box<dyn ObjectSet>,
    /// Whether the pages of the listing were consistent. Otherwise it may lack objects.
    pub consistent: bool,
    /// The pages read.
    pub pages: u64,
    /// Last job statuses, if the API was queried: see [`Store::needs_status_lookup`](super::Store::needs_status_lookup).
    pub answer: StatusLookup,
}

/// The failure of a poll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PollFailure {
    /// The class of the error.
    pub class: ErrorClass,
    /// The error message, without secrets.
    pub message: String,
}

/// The change caused by a commit.
#[derive(Debug, Clone)]
pub struct Change {
    /// The group of the target.
    pub group: GroupId,
    /// The group of the jobs in the same namespace, if its data changed too.
    pub jobs: Option<GroupId>,
    /// The data before the commit.
    pub before: Option<TargetData>,
    /// The data after it.
    pub after: Option<TargetData>,
    /// To be dropped once the change is published.
    pub unpublished: Unpublished,
    pub(super) undo: Undo,
}

/// Keeps the exporter from becoming ready until the result of a target's first poll is published.
#[derive(Debug, Clone)]
#[must_use = "the exporter may become ready when this is dropped"]
pub struct Unpublished {
    pub(super) _latch: Option<Latch>,
}

/// The state before a commit.
#[derive(Debug, Clone)]
pub(super) struct Undo {
    pub(super) status: Arc<TargetStatus>,
    pub(super) misses: Misses,
}
