//! What is served: every target's latest data and state, published as one immutable value.
//!
//! A [`Board`] takes what polls report and publishes a [`Snapshot`] by an atomic swap. A reader holds all of one
//! poll or all of the one before, and never waits. Targets of one namespace share a chunk of rendered text, since
//! their selections may overlap and a series must be served once.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use bytes::Bytes;
use tokio::time::Instant;

use crate::{
    api::ErrorKind,
    clock::Clock,
    exposition::{
        self, Chunk,
        targets::{TargetSamples, WorkspaceInfo},
    },
    model::{Deployment, JobState, LabelKeys, Selection},
};

/// What tells a target from all others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetId {
    /// The workspace's id.
    pub workspace: String,
    /// The namespace.
    pub namespace: String,
    /// The selection as a label's value; empty for the whole namespace.
    pub selection: String,
}

impl TargetId {
    /// The id of a selection's target.
    pub fn new(workspace: &str, namespace: &str, selection: &Selection) -> Self {
        let selection = selection.to_string();
        Self { workspace: workspace.to_owned(), namespace: namespace.to_owned(), selection }
    }
}

impl fmt::Display for TargetId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.workspace, self.namespace)?;
        if !self.selection.is_empty() {
            write!(formatter, "[{}]", self.selection)?;
        }
        Ok(())
    }
}

/// How a poll ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The whole listing came.
    Success,
    /// It did not.
    Failure(ErrorKind),
}

impl Outcome {
    /// Every outcome.
    pub fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Success).chain(ErrorKind::ALL.map(Self::Failure))
    }

    /// The outcome as a label's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure(kind) => kind.as_str(),
        }
    }

    fn index(self) -> usize {
        match self {
            Self::Success => 0,
            Self::Failure(kind) => 1 + kind as usize,
        }
    }
}

/// A target's last poll.
#[derive(Debug, Clone, PartialEq)]
pub struct LastPoll {
    /// How it ended.
    pub outcome: Outcome,
    /// When it ended, since the Unix epoch.
    pub ended: Duration,
    /// How long it took.
    pub took: Duration,
    /// Why it failed: safe to show.
    pub error: Option<String>,
}

/// How good a target's data is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Not polled yet.
    Pending,
    /// The last poll succeeded.
    Fresh,
    /// The last poll failed; the data of the last good one is served.
    Stale,
    /// No data is served: no poll ever succeeded, or the last good one is too old.
    Expired,
}

impl Freshness {
    /// The freshness as people and programs read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Fresh => "fresh",
            Self::Stale => "stale",
            Self::Expired => "expired",
        }
    }
}

/// The data of a target's last good poll.
#[derive(Debug, Clone)]
struct Data {
    deployments: Arc<Vec<Deployment>>,
    /// How many of them the poll listed; those after are kept from polls before.
    listed: usize,
    since: Instant,
}

/// A target's state.
#[derive(Debug, Clone, Default)]
pub struct TargetStatus {
    polls: [u64; 1 + ErrorKind::ALL.len()],
    data: Option<Data>,
    /// The last poll; none before the first.
    pub last_poll: Option<LastPoll>,
    /// When the last good poll ended, since the Unix epoch.
    pub last_success: Option<Duration>,
    /// When the next poll is due, since the Unix epoch.
    pub next_poll: Option<Duration>,
    /// The pages of the last good poll.
    pub pages: u64,
}

impl TargetStatus {
    /// How good the data is.
    pub fn freshness(&self) -> Freshness {
        match (&self.last_poll, &self.data) {
            (None, None) => Freshness::Pending,
            (_, None) => Freshness::Expired,
            (Some(LastPoll { outcome: Outcome::Failure(_), .. }), Some(_)) => Freshness::Stale,
            _ => Freshness::Fresh,
        }
    }

    /// The deployments served now.
    pub fn deployments(&self) -> Option<&[Deployment]> {
        self.data.as_ref().map(|data| data.deployments.as_slice())
    }

    /// The failed jobs of the deployments served now; none if no deployment says.
    pub fn failed_jobs(&self) -> Option<u64> {
        let failed =
            self.deployments()?.iter().filter_map(|deployment| deployment.jobs.get(JobState::Failed));
        failed.reduce(u64::saturating_add)
    }

    fn samples<'a>(&'a self, id: &'a TargetId) -> TargetSamples<'a> {
        TargetSamples {
            workspace: &id.workspace,
            namespace: &id.namespace,
            selection: &id.selection,
            up: self.last_poll.as_ref().is_some_and(|poll| poll.outcome == Outcome::Success),
            deployments: self.deployments().map(|deployments| deployments.len() as u64),
            last_success: self.last_success.map(|time| time.as_secs_f64()),
            poll_duration: self.last_poll.as_ref().map(|poll| poll.took.as_secs_f64()),
            polls: Outcome::all().map(|outcome| (outcome.as_str(), self.polls[outcome.index()])).collect(),
        }
    }
}

/// The workspace and the namespace of targets that share a chunk.
type GroupId = (String, String);

/// What is served between two reports.
#[derive(Debug, Default)]
pub struct Snapshot {
    chunks: Vec<Arc<Chunk>>,
    targets: Vec<(TargetId, TargetStatus)>,
    workspaces: Arc<[WorkspaceInfo]>,
    text_of_targets: OnceLock<Bytes>,
}

impl Snapshot {
    /// Every target and its state, in the order of their ids.
    pub fn targets(&self) -> &[(TargetId, TargetStatus)] {
        &self.targets
    }

    /// The text to serve, in pieces: deployments, then targets and workspaces.
    pub fn text(&self) -> Vec<Bytes> {
        let mut pieces = Chunk::join(&self.chunks);
        pieces.push(self.text_of_targets().clone());
        pieces
    }

    fn text_of_targets(&self) -> &Bytes {
        self.text_of_targets.get_or_init(|| {
            let targets: Vec<_> = self.targets.iter().map(|(id, status)| status.samples(id)).collect();
            exposition::targets::render(&self.workspaces, &targets)
        })
    }
}

/// A poll that ended, as its target reports it.
#[derive(Debug, Clone, Copy)]
pub struct PollTimes {
    /// How long the poll took.
    pub took: Duration,
    /// When the next one is due.
    pub next: Instant,
}

/// Where polls report, and readers read.
#[derive(Debug)]
pub struct Board {
    state: Mutex<State>,
    published: ArcSwap<Snapshot>,
    complete: AtomicBool,
    clock: Clock,
}

#[derive(Debug, Default)]
struct State {
    label_keys: LabelKeys,
    targets: BTreeMap<TargetId, TargetStatus>,
    groups: HashMap<GroupId, Group>,
    workspaces: Arc<[WorkspaceInfo]>,
}

#[derive(Debug, Default, Clone)]
struct Group {
    chunk: Arc<Chunk>,
    /// The keys that the chunk was rendered with.
    label_keys: LabelKeys,
    /// Held while the chunk is made anew, so that two targets of a namespace don't overwrite each other's work.
    rendering: Arc<tokio::sync::Mutex<()>>,
}

impl Board {
    /// A board without targets.
    pub fn new(clock: Clock) -> Self {
        Self {
            state: Mutex::default(),
            published: ArcSwap::default(),
            complete: AtomicBool::default(),
            clock,
        }
    }

    /// Sets what is shown: `targets` known before keep their state, others are withdrawn with all their series.
    pub async fn configure(
        &self,
        workspaces: Vec<WorkspaceInfo>,
        targets: &BTreeSet<TargetId>,
        label_keys: LabelKeys,
    ) {
        let known: Vec<TargetId> = self.state().targets.keys().cloned().collect();
        for id in known.iter().filter(|id| !targets.contains(*id)) {
            // Another target of the namespace may go on: its chunk is made anew.
            self.replace_data(id, |_| true, None, |_| {}).await;
        }
        let mut state = self.state();
        state.targets.retain(|id, _| targets.contains(id));
        for id in targets {
            state.targets.entry(id.clone()).or_default();
        }
        let groups: BTreeSet<GroupId> = targets.iter().map(group_of).collect();
        state.groups.retain(|id, _| groups.contains(id));
        for id in groups {
            state.groups.entry(id).or_default();
        }
        state.workspaces = workspaces.into();
        state.label_keys = label_keys;
        self.published.store(Arc::new(state.snapshot()));
    }

    /// What is served now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.published.load_full()
    }

    /// Whether every target has been polled, with or without success. Once it was so it stays so: a target that is
    /// added later must not make an exporter that serves all others look as if it had just been started.
    pub fn is_complete(&self) -> bool {
        let polled =
            |snapshot: &Snapshot| snapshot.targets.iter().all(|(_, status)| status.last_poll.is_some());
        if !self.complete.load(Ordering::Relaxed) && polled(&self.published.load()) {
            self.complete.store(true, Ordering::Relaxed);
        }
        self.complete.load(Ordering::Relaxed)
    }

    /// When a target's data was made, if any is served.
    pub fn data_since(&self, id: &TargetId) -> Option<Instant> {
        Some(self.state().targets.get(id)?.data.as_ref()?.since)
    }

    /// A target's deployments, if any are served.
    pub fn deployments(&self, id: &TargetId) -> Option<Arc<Vec<Deployment>>> {
        Some(self.state().targets.get(id)?.data.as_ref()?.deployments.clone())
    }

    /// Tells when a target's next poll is due.
    pub fn scheduled(&self, id: &TargetId, next: Instant) {
        let next = self.time_of_day(next);
        self.change(id, |status| status.next_poll = Some(next));
    }

    /// Publishes a whole listing, and after it the `kept` deployments that it may have missed.
    pub async fn succeeded(
        &self,
        id: &TargetId,
        mut deployments: Vec<Deployment>,
        kept: Vec<Deployment>,
        pages: u64,
        times: PollTimes,
    ) {
        let poll = self.last_poll(Outcome::Success, times, None);
        let next = self.time_of_day(times.next);
        let listed = deployments.len();
        deployments.extend(kept);
        let data = Data { deployments: Arc::new(deployments), listed, since: Instant::now() };
        self.replace_data(
            id,
            |_| true,
            Some(data),
            |status| {
                status.polls[Outcome::Success.index()] += 1;
                status.last_success = Some(poll.ended);
                status.last_poll = Some(poll);
                status.next_poll = Some(next);
                status.pages = pages;
            },
        )
        .await;
    }

    /// Notes a failed poll; the data of the last good one stays.
    pub fn failed(&self, id: &TargetId, kind: ErrorKind, error: String, times: PollTimes) {
        let outcome = Outcome::Failure(kind);
        let poll = self.last_poll(outcome, times, Some(error));
        let next = self.time_of_day(times.next);
        self.change(id, |status| {
            status.polls[outcome.index()] += 1;
            status.last_poll = Some(poll);
            status.next_poll = Some(next);
        });
    }

    /// Withdraws a target's data if it is still that of `since`; tells whether it was.
    pub async fn expire(&self, id: &TargetId, since: Instant) -> bool {
        self.replace_data(id, |data| data.is_some_and(|data| data.since == since), None, |_| {}).await
    }

    fn last_poll(&self, outcome: Outcome, times: PollTimes, error: Option<String>) -> LastPoll {
        LastPoll { outcome, ended: self.clock.since_epoch(), took: times.took, error }
    }

    fn time_of_day(&self, instant: Instant) -> Duration {
        self.clock.since_epoch() + instant.saturating_duration_since(Instant::now())
    }

    /// Changes a target's state and publishes it.
    fn change(&self, id: &TargetId, change: impl FnOnce(&mut TargetStatus)) {
        let mut state = self.state();
        if let Some(status) = state.targets.get_mut(id) {
            change(status);
            self.published.store(Arc::new(state.snapshot()));
        }
    }

    /// Replaces a target's data if what is there `may_go`, renders its namespace if that changed anything, and
    /// publishes both at once. May be dropped at any time: then nothing was published.
    async fn replace_data(
        &self,
        id: &TargetId,
        may_go: impl FnOnce(Option<&Data>) -> bool,
        data: Option<Data>,
        change: impl FnOnce(&mut TargetStatus),
    ) -> bool {
        let group_id = group_of(id);
        let rendering = self.state().groups.get(&group_id).map(|group| group.rendering.clone());
        let Some(rendering) = rendering else { return false };
        let _rendering = rendering.lock().await;
        let (before, mut siblings, label_keys, same_keys) = {
            let state = self.state();
            let keys_before = state.groups.get(&group_id).map(|group| &group.label_keys);
            let same_keys = keys_before == Some(&state.label_keys);
            let before = state.targets.get(id).and_then(|status| status.data.clone());
            let others =
                state.targets.iter().filter(|(other, _)| *other != id && group_of(other) == group_id);
            let siblings: Vec<_> = others.filter_map(|(_, status)| status.data.clone()).collect();
            (before, siblings, state.label_keys.clone(), same_keys)
        };
        if !may_go(before.as_ref()) {
            return false;
        }
        let before = before.map(|data| data.deployments);
        let now = data.as_ref().map(|data| data.deployments.clone());
        let unchanged = siblings.is_empty() && before == now && same_keys;
        let chunk = if unchanged {
            None
        } else {
            siblings.extend(data.clone());
            let keys = label_keys.clone();
            let (workspace, namespace) = group_id.clone();
            let rendered =
                tokio::task::spawn_blocking(move || render(&workspace, &namespace, siblings, &keys)).await;
            match rendered {
                Ok(chunk) => Some(Arc::new(chunk)),
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                // The runtime is stopping.
                Err(_) => return false,
            }
        };
        let mut state = self.state();
        if let Some(status) = state.targets.get_mut(id) {
            status.data = data;
            change(status);
            if let (Some(chunk), Some(group)) = (chunk, state.groups.get_mut(&group_id)) {
                group.chunk = chunk;
                group.label_keys = label_keys;
            }
            self.published.store(Arc::new(state.snapshot()));
        }
        true
    }

    /// No state is left half-changed by a panic: each change is made of assignments.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn snapshot(&self) -> Snapshot {
        Snapshot {
            chunks: self.groups.values().map(|group| group.chunk.clone()).collect(),
            targets: self.targets.iter().map(|(id, status)| (id.clone(), status.clone())).collect(),
            workspaces: self.workspaces.clone(),
            text_of_targets: OnceLock::new(),
        }
    }
}

fn group_of(id: &TargetId) -> GroupId {
    (id.workspace.clone(), id.namespace.clone())
}

/// Renders the data of a namespace's targets. Of a deployment that several have, the word of the latest poll that
/// listed it holds; one that is only kept from an earlier poll gives way to any that was listed.
fn render(workspace: &str, namespace: &str, mut all: Vec<Data>, keys: &LabelKeys) -> Chunk {
    all.sort_by_key(|data| std::cmp::Reverse(data.since));
    let listed = all.iter().flat_map(|data| &data.deployments[..data.listed]);
    let deployments = listed.chain(all.iter().flat_map(|data| &data.deployments[data.listed..]));
    if all.len() == 1 {
        return exposition::render(workspace, namespace, deployments, keys);
    }
    let mut seen = HashSet::new();
    let distinct = deployments.filter(|deployment| seen.insert(&deployment.id));
    exposition::render(workspace, namespace, distinct, keys)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::JobCounts;

    fn id(namespace: &str, selection: &str) -> TargetId {
        TargetId { workspace: "w".into(), namespace: namespace.into(), selection: selection.into() }
    }

    async fn board(ids: &[TargetId]) -> Board {
        let board = Board::new(Clock::System);
        board.configure(Vec::new(), &ids.iter().cloned().collect(), LabelKeys::default()).await;
        board
    }

    fn deployments(names: &[(&str, u64)]) -> Vec<Deployment> {
        let deployment = |&(id, failed): &(&str, u64)| Deployment {
            id: id.into(),
            jobs: JobCounts::new([None, None, None, None, None, Some(failed)]),
            ..Deployment::default()
        };
        names.iter().map(deployment).collect()
    }

    fn times() -> PollTimes {
        PollTimes { took: Duration::from_millis(5), next: Instant::now() }
    }

    async fn withdraw(board: &Board, id: &TargetId) {
        assert!(board.expire(id, board.data_since(id).unwrap()).await);
    }

    /// The deployment ids and failed jobs that are served, in their order.
    fn served(board: &Board) -> Vec<String> {
        let pieces = board.snapshot().text();
        let text: String = pieces.iter().map(|piece| std::str::from_utf8(piece).unwrap()).collect();
        let jobs = text.lines().filter(|line| line.starts_with("aliyun_flink_deployment_jobs{"));
        jobs.map(|line| {
            let id = line.split("deployment_id=\"").nth(1).unwrap().split('"').next().unwrap();
            format!("{id}={}", line.rsplit(' ').next().unwrap())
        })
        .collect()
    }

    #[tokio::test]
    async fn a_deployment_that_two_selections_match_is_served_once_as_last_seen() {
        let (all, some) = (id("n", ""), id("n", "name=x"));
        let board = board(&[all.clone(), some.clone()]).await;
        board.succeeded(&all, deployments(&[("a", 1), ("b", 1)]), Vec::new(), 1, times()).await;
        board.succeeded(&some, deployments(&[("b", 2), ("c", 2)]), Vec::new(), 1, times()).await;
        let mut seen = served(&board);
        seen.sort();
        assert_eq!(seen, ["a=1", "b=2", "c=2"]);
        board.succeeded(&all, deployments(&[("a", 3), ("b", 3)]), Vec::new(), 1, times()).await;
        let mut seen = served(&board);
        seen.sort();
        assert_eq!(seen, ["a=3", "b=3", "c=2"]);
        withdraw(&board, &all).await;
        assert_eq!(served(&board), ["b=2", "c=2"]);
        withdraw(&board, &some).await;
        assert!(served(&board).is_empty());
    }

    #[tokio::test]
    async fn a_deployment_kept_from_an_earlier_poll_gives_way_to_one_that_was_listed() {
        let (all, some) = (id("n", ""), id("n", "name=x"));
        let board = board(&[all.clone(), some.clone()]).await;
        board.succeeded(&some, deployments(&[("a", 5)]), Vec::new(), 1, times()).await;
        board.succeeded(&all, deployments(&[("b", 1)]), deployments(&[("a", 2)]), 1, times()).await;
        let mut seen = served(&board);
        seen.sort();
        assert_eq!(seen, ["a=5", "b=1"]);
    }

    #[tokio::test]
    async fn data_that_was_renewed_is_not_withdrawn() {
        let target = id("n", "");
        let board = board(std::slice::from_ref(&target)).await;
        board.succeeded(&target, deployments(&[("a", 1)]), Vec::new(), 1, times()).await;
        let since = board.data_since(&target).unwrap();
        tokio::time::sleep(Duration::from_millis(2)).await;
        board.succeeded(&target, deployments(&[("a", 2)]), Vec::new(), 1, times()).await;
        assert!(!board.expire(&target, since).await);
        assert_eq!(served(&board), ["a=2"]);
    }

    #[tokio::test]
    async fn an_exporter_that_was_ready_stays_ready_when_a_target_is_added() {
        let target = id("n", "");
        let board = board(std::slice::from_ref(&target)).await;
        assert!(!board.is_complete());
        board.failed(&target, ErrorKind::Api, String::new(), times());
        assert!(board.is_complete());
        board.configure(Vec::new(), &[target, id("m", "")].into(), LabelKeys::default()).await;
        assert!(board.is_complete());
    }

    #[tokio::test]
    async fn a_reader_keeps_the_snapshot_it_took() {
        let target = id("n", "");
        let board = board(std::slice::from_ref(&target)).await;
        board.succeeded(&target, deployments(&[("a", 1)]), Vec::new(), 1, times()).await;
        let before = board.snapshot();
        board.succeeded(&target, deployments(&[("b", 1)]), Vec::new(), 1, times()).await;
        assert_eq!(before.targets()[0].1.deployments().unwrap()[0].id, "a".into());
        assert_eq!(served(&board), ["b=1"]);
    }

    #[tokio::test]
    async fn an_unchanged_target_is_not_rendered_again() {
        let target = id("n", "");
        let board = board(std::slice::from_ref(&target)).await;
        board.succeeded(&target, deployments(&[("a", 1)]), Vec::new(), 1, times()).await;
        let before = board.snapshot();
        board.succeeded(&target, deployments(&[("a", 1)]), Vec::new(), 1, times()).await;
        assert!(Arc::ptr_eq(&before.chunks[0], &board.snapshot().chunks[0]));
        board.succeeded(&target, deployments(&[("a", 2)]), Vec::new(), 1, times()).await;
        assert!(!Arc::ptr_eq(&before.chunks[0], &board.snapshot().chunks[0]));
    }

    #[tokio::test]
    async fn failed_jobs_are_summed_where_they_are_known() {
        let target = id("n", "");
        let board = board(std::slice::from_ref(&target)).await;
        board.succeeded(&target, vec![Deployment::default()], Vec::new(), 1, times()).await;
        assert_eq!(board.snapshot().targets()[0].1.failed_jobs(), None);
        board.succeeded(&target, deployments(&[("a", 2), ("b", 3)]), Vec::new(), 1, times()).await;
        assert_eq!(board.snapshot().targets()[0].1.failed_jobs(), Some(5));
    }

    #[tokio::test]
    async fn a_report_of_an_unknown_target_changes_nothing() {
        let board = board(&[id("n", "")]).await;
        board.succeeded(&id("gone", ""), deployments(&[("a", 1)]), Vec::new(), 1, times()).await;
        board.failed(&id("gone", ""), ErrorKind::Api, String::new(), times());
        assert!(served(&board).is_empty());
        assert_eq!(board.snapshot().targets().len(), 1);
    }
}
