//! What a poll reports to the store, and what the store answers.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    readiness::Latch,
    status::{Data, TargetStatus},
    transitions::Answer,
};
use crate::model::{ErrorClass, GroupId, Misses, ObjectSet};

/// A poll that ended, with `T`: [`Listed`] or [`PollFailure`].
#[derive(Debug)]
pub struct PollReport<T> {
    /// How it ended.
    pub result: T,
    /// When it started.
    pub requested_at: Instant,
    /// How long it took, retries included.
    pub took: Duration,
    /// When the next poll starts.
    pub next_poll: Instant,
    /// By when the next poll must have reported.
    pub next_report_due: Instant,
}

/// What a successful poll returned.
#[derive(Debug)]
pub struct Listed {
    /// The objects.
    pub objects: Box<dyn ObjectSet>,
    /// Whether the pages of the listing were consistent; otherwise it may have missed an object.
    pub consistent: bool,
    /// The pages read.
    pub pages: u64,
    /// How the last jobs ended, if the API was asked: see [`Store::needs_answer`](super::Store::needs_answer).
    pub answer: Answer,
}

/// Why a poll failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PollFailure {
    /// The class of the error.
    pub class: ErrorClass,
    /// A message for people, without secrets.
    pub message: String,
}

/// What a commit changed.
#[derive(Debug, Clone)]
pub struct Change {
    /// The group of the target.
    pub group: GroupId,
    /// The group of the jobs in the same namespace, if its data changed with it.
    pub jobs: Option<GroupId>,
    /// The data before the commit.
    pub before: Option<Data>,
    /// The data after it.
    pub after: Option<Data>,
    /// To be dropped once the change is published.
    pub unpublished: Unpublished,
    pub(super) undo: Undo,
}

/// Keeps the exporter from becoming ready by the first poll of a target before readers see what it returned.
#[derive(Debug, Clone)]
#[must_use = "the exporter may become ready when this is dropped"]
pub struct Unpublished {
    pub(super) _latch: Option<Latch>,
}

/// What a commit replaced.
#[derive(Debug, Clone)]
pub(super) struct Undo {
    pub(super) status: Arc<TargetStatus>,
    pub(super) misses: Misses,
}
