//! What is served: every target's latest data and state, published as one immutable value.
//!
//! A [`Board`] takes what polls report and publishes a [`Snapshot`] by an atomic swap. A reader holds all of one
//! poll or all of the one before, and never waits. Targets of one namespace share a chunk of rendered text, since
//! their selections may overlap and a series must be served once.

mod served;
mod status;

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fmt, io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use bytes::Bytes;
use tokio::time::Instant;

use crate::{
    clock::Clock,
    collectors::deployments::families::{self, Deployments, ExportedLabels},
    exposition::{
        self, AssembledBody, Encoding, Format, ObjectGroup, RenderedFamilies, targets::WorkspaceInfo,
    },
    model::{Deployment, ErrorClass, LabelKeys, PollOutcome, Selection},
};

pub use status::{Freshness, History, LastPoll, TargetStatus};

use served::{Demand, Served, Targets};
use status::Data;

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

/// The workspace and the namespace of targets that share a chunk.
type GroupId = (String, String);

/// What is served between two reports.
#[derive(Debug)]
pub struct Snapshot {
    targets: Targets,
    served: Arc<Served>,
}

impl Snapshot {
    /// Every target and its state, in the order of their ids.
    pub fn targets(&self) -> &[(TargetId, Arc<TargetStatus>)] {
        &self.targets
    }

    /// The state of one target.
    pub fn target(&self, id: &TargetId) -> Option<&Arc<TargetStatus>> {
        let index = self.targets.binary_search_by(|(known, _)| known.cmp(id)).ok()?;
        Some(&self.targets[index].1)
    }

    /// The metrics but for the live ones in the text format, in pieces; joined here and now.
    pub fn text(&self) -> Vec<Bytes> {
        self.served.text()
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
    demand: Demand,
    complete: AtomicBool,
    clock: Clock,
}

#[derive(Debug, Default)]
struct State {
    /// Whether nobody scrapes: then the text is made when it is written out.
    unrendered: bool,
    label_keys: LabelKeys,
    targets: BTreeMap<TargetId, Arc<TargetStatus>>,
    groups: BTreeMap<GroupId, Group>,
    workspaces: Arc<[WorkspaceInfo]>,
}

#[derive(Debug, Default, Clone)]
struct Group {
    chunk: Arc<RenderedFamilies>,
    /// The keys that the chunk was rendered with.
    label_keys: LabelKeys,
    /// Held while the chunk is made anew, so that two targets of a namespace don't overwrite each other's work.
    rendering: Arc<tokio::sync::Mutex<()>>,
}

impl Board {
    /// A board without targets.
    pub fn new(clock: Clock) -> Self {
        let published = ArcSwap::from_pointee(State::default().snapshot(&Served::default()));
        Self {
            state: Mutex::default(),
            published,
            demand: Demand::new(),
            complete: AtomicBool::default(),
            clock,
        }
    }

    /// Has the deployments' text made by [`Board::write`] alone, not with each poll.
    pub fn render_nothing(&self) {
        self.state().unrendered = true;
    }

    /// Writes the metrics but for the live ones in the text format, made here and now.
    pub fn write(&self, out: &mut impl io::Write) -> io::Result<()> {
        let (label_keys, mut groups) = {
            let state = self.state();
            let mut groups: BTreeMap<GroupId, Vec<Data>> = BTreeMap::new();
            for (id, status) in &state.targets {
                groups.entry(group_of(id)).or_default().extend(status.data.clone());
            }
            (state.label_keys.clone(), groups)
        };
        let labels = ExportedLabels::new(&label_keys);
        let namespaces: Vec<_> = groups.iter_mut().map(|(id, all)| deployments(id, all, &labels)).collect();
        exposition::write(&namespaces, out)?;
        self.snapshot().text().iter().try_for_each(|piece| out.write_all(piece))
    }

    /// Sets what is shown: `targets`, each with its interval. Those known before keep their state, others are withdrawn
    /// with all their series.
    pub async fn configure(
        &self,
        workspaces: Vec<WorkspaceInfo>,
        targets: &BTreeMap<TargetId, Duration>,
        label_keys: LabelKeys,
    ) {
        let known: Vec<TargetId> = self.state().targets.keys().cloned().collect();
        for id in known.iter().filter(|id| !targets.contains_key(*id)) {
            // Another target of the namespace may go on: its chunk is made anew.
            self.replace_data(id, |_| true, None, |_| {}).await;
        }
        let mut state = self.state();
        state.targets.retain(|id, _| targets.contains_key(id));
        for (id, interval) in targets {
            let status = state.targets.entry(id.clone()).or_default();
            Arc::make_mut(status).poll_interval = *interval;
        }
        let groups: BTreeSet<GroupId> = targets.keys().map(group_of).collect();
        state.groups.retain(|id, _| groups.contains(id));
        for id in groups {
            state.groups.entry(id).or_default();
        }
        state.workspaces = workspaces.into();
        state.label_keys = label_keys;
        self.publish(&state);
    }

    /// What is served now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.published.load_full()
    }

    /// The metrics but for the live ones, as they are published now.
    pub async fn body(&self, format: Format, encoding: Encoding) -> io::Result<Arc<AssembledBody>> {
        self.demand.note(encoding);
        let served = self.snapshot().served.clone();
        served.body(format, encoding).await
    }

    /// Whether every target has been polled, with or without success. Once it was so it stays so: a target that is
    /// added later must not make an exporter that serves all others look as if it had just been started.
    pub fn is_complete(&self) -> bool {
        let polled =
            |snapshot: &Snapshot| snapshot.targets.iter().all(|(_, status)| status.last_poll().is_some());
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
        let mut state = self.state();
        if let Some(status) = state.status(id) {
            status.next_poll = Some(next);
            // No metric says when the next poll is.
            let served = self.snapshot().served.clone();
            self.published.store(Arc::new(Snapshot { targets: state.targets(), served }));
        }
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
        let listed = deployments.len();
        let poll =
            LastPoll { deployments: Some(listed), ..self.last_poll(PollOutcome::Success, times, None) };
        let next = self.time_of_day(times.next);
        deployments.extend(kept);
        let data = Data { deployments: Arc::new(deployments), listed, since: Instant::now() };
        self.replace_data(
            id,
            |_| true,
            Some(data),
            |status| {
                status.polled(poll, next);
                status.pages = pages;
            },
        )
        .await;
    }

    /// Notes a failed poll; the data of the last good one stays.
    pub fn failed(&self, id: &TargetId, kind: ErrorClass, error: String, times: PollTimes) {
        let poll = self.last_poll(PollOutcome::Failure(kind), times, Some(error));
        let next = self.time_of_day(times.next);
        let mut state = self.state();
        if let Some(status) = state.status(id) {
            status.polled(poll, next);
            self.publish(&state);
        }
    }

    /// Withdraws a target's data if it is still that of `since`; tells whether it was.
    pub async fn expire(&self, id: &TargetId, since: Instant) -> bool {
        self.replace_data(id, |data| data.is_some_and(|data| data.since == since), None, |_| {}).await
    }

    fn last_poll(&self, outcome: PollOutcome, times: PollTimes, error: Option<String>) -> LastPoll {
        LastPoll { outcome, ended: self.clock.since_epoch(), took: times.took, deployments: None, error }
    }

    fn time_of_day(&self, instant: Instant) -> Duration {
        self.clock.since_epoch() + instant.saturating_duration_since(Instant::now())
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
        if !may_go(self.state().targets.get(id).and_then(|status| status.data.as_ref())) {
            return false;
        }
        // Read under the lock: another target of the namespace may have had its chunk made meanwhile.
        let (group, label_keys) = {
            let state = self.state();
            (state.groups.get(&group_id).cloned().unwrap_or_default(), state.label_keys.clone())
        };
        let chunk = match self.changed(id, data.as_ref(), group.label_keys == label_keys) {
            None => None,
            Some(all) => match self.render(group_id.clone(), all, label_keys.clone(), group.chunk).await {
                Some(chunk) => Some(Arc::new(chunk)),
                None => return false,
            },
        };
        let mut state = self.state();
        if let Some(status) = state.status(id) {
            status.data = data;
            change(status);
            if let (Some(chunk), Some(group)) = (chunk, state.groups.get_mut(&group_id)) {
                group.chunk = chunk;
                group.label_keys = label_keys;
            }
            self.publish(&state);
        }
        true
    }

    /// All data of a target's namespace with `data` as the target's; none if that changes nothing.
    fn changed(&self, id: &TargetId, data: Option<&Data>, same_keys: bool) -> Option<Vec<Data>> {
        let (state, group_id) = (self.state(), group_of(id));
        let before = state.targets.get(id).and_then(|status| status.data.as_ref());
        let others = state.targets.iter().filter(|(other, _)| *other != id && group_of(other) == group_id);
        let mut all: Vec<Data> = others.filter_map(|(_, status)| status.data.clone()).collect();
        let same_data = before.map(|data| &data.deployments) == data.map(|data| &data.deployments);
        if state.unrendered || (all.is_empty() && same_data && same_keys) {
            return None;
        }
        all.extend(data.cloned());
        Some(all)
    }

    /// Renders a namespace, and compresses what changed for those who asked for that; off the async threads.
    async fn render(
        &self,
        group_id: GroupId,
        mut all: Vec<Data>,
        keys: LabelKeys,
        before: Arc<RenderedFamilies>,
    ) -> Option<RenderedFamilies> {
        let encodings: Vec<_> = self.demand.encodings().collect();
        let rendering = tokio::task::spawn_blocking(move || {
            let chunk =
                exposition::render(&deployments(&group_id, &mut all, &ExportedLabels::new(&keys)), &before);
            for encoding in encodings {
                // Whoever asks for a part that is not compressed tries again, and tells why it can't be.
                let _ = chunk.compress(encoding);
            }
            chunk
        });
        match rendering.await {
            Ok(chunk) => Some(chunk),
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // The runtime is stopping.
            Err(_) => None,
        }
    }

    fn publish(&self, state: &State) {
        let before = self.snapshot();
        self.published.store(Arc::new(state.snapshot(&before.served)));
    }

    /// No state is left half-changed by a panic: each change is made of assignments.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn status(&mut self, id: &TargetId) -> Option<&mut TargetStatus> {
        self.targets.get_mut(id).map(Arc::make_mut)
    }

    fn targets(&self) -> Targets {
        self.targets.iter().map(|(id, status)| (id.clone(), status.clone())).collect()
    }

    fn snapshot(&self, before: &Served) -> Snapshot {
        let chunks = self.groups.values().map(|group| group.chunk.clone()).collect();
        let targets = self.targets();
        let served = Arc::new(before.next(chunks, targets.clone(), self.workspaces.clone()));
        Snapshot { targets, served }
    }
}

fn group_of(id: &TargetId) -> GroupId {
    (id.workspace.clone(), id.namespace.clone())
}

/// The deployments of a namespace's targets. Of one that several have, the word of the latest poll that listed it
/// holds; one that is only kept from an earlier poll gives way to any that was listed.
fn deployments<'d>(
    (workspace, namespace): &GroupId,
    all: &'d mut [Data],
    labels: &'d ExportedLabels,
) -> ObjectGroup<'d, Deployments> {
    all.sort_by_key(|data| std::cmp::Reverse(data.since));
    let all = &*all;
    let listed = all.iter().flat_map(|data| &data.deployments[..data.listed]);
    let deployments = listed.chain(all.iter().flat_map(|data| &data.deployments[data.listed..]));
    if all.len() == 1 {
        return families::group(workspace, namespace, deployments, labels);
    }
    let mut seen = HashSet::new();
    let once = deployments.filter(|deployment| seen.insert(&deployment.id));
    families::group(workspace, namespace, once, labels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::JobCounts;

    const INTERVAL: Duration = Duration::from_secs(60);

    fn id(namespace: &str, selection: &str) -> TargetId {
        TargetId { workspace: "w".into(), namespace: namespace.into(), selection: selection.into() }
    }

    async fn board(ids: &[TargetId]) -> Board {
        let board = Board::new(Clock::System);
        board
            .configure(
                Vec::new(),
                &ids.iter().map(|id| (id.clone(), INTERVAL)).collect(),
                LabelKeys::default(),
            )
            .await;
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
    async fn served(board: &Board) -> Vec<String> {
        let body = board.body(Format::Text, Encoding::Identity).await.unwrap();
        let text: String = body.pieces().iter().map(|piece| std::str::from_utf8(piece).unwrap()).collect();
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
        let mut seen = served(&board).await;
        seen.sort();
        assert_eq!(seen, ["a=1", "b=2", "c=2"]);
        board.succeeded(&all, deployments(&[("a", 3), ("b", 3)]), Vec::new(), 1, times()).await;
        let mut seen = served(&board).await;
        seen.sort();
        assert_eq!(seen, ["a=3", "b=3", "c=2"]);
        withdraw(&board, &all).await;
        assert_eq!(served(&board).await, ["b=2", "c=2"]);
        withdraw(&board, &some).await;
        assert!(served(&board).await.is_empty());
    }

    #[tokio::test]
    async fn a_deployment_kept_from_an_earlier_poll_gives_way_to_one_that_was_listed() {
        let (all, some) = (id("n", ""), id("n", "name=x"));
        let board = board(&[all.clone(), some.clone()]).await;
        board.succeeded(&some, deployments(&[("a", 5)]), Vec::new(), 1, times()).await;
        board.succeeded(&all, deployments(&[("b", 1)]), deployments(&[("a", 2)]), 1, times()).await;
        let mut seen = served(&board).await;
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
        assert_eq!(served(&board).await, ["a=2"]);
    }

    #[tokio::test]
    async fn an_exporter_that_was_ready_stays_ready_when_a_target_is_added() {
        let target = id("n", "");
        let board = board(std::slice::from_ref(&target)).await;
        assert!(!board.is_complete());
        board.failed(&target, ErrorClass::Api, String::new(), times());
        assert!(board.is_complete());
        board
            .configure(
                Vec::new(),
                &[(target, INTERVAL), (id("m", ""), INTERVAL)].into(),
                LabelKeys::default(),
            )
            .await;
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
        assert_eq!(served(&board).await, ["b=1"]);
    }

    #[tokio::test]
    async fn an_unchanged_target_is_not_rendered_again() {
        let target = id("n", "");
        let board = board(std::slice::from_ref(&target)).await;
        board.succeeded(&target, deployments(&[("a", 1)]), Vec::new(), 1, times()).await;
        let before = board.snapshot();
        board.succeeded(&target, deployments(&[("a", 1)]), Vec::new(), 1, times()).await;
        assert!(Arc::ptr_eq(&before.served.chunks()[0], &board.snapshot().served.chunks()[0]));
        board.succeeded(&target, deployments(&[("a", 2)]), Vec::new(), 1, times()).await;
        assert!(!Arc::ptr_eq(&before.served.chunks()[0], &board.snapshot().served.chunks()[0]));
    }

    #[tokio::test]
    async fn what_is_written_once_is_what_would_be_served() {
        let ids = [id("a", "name=x"), id("a", "name=y"), id("b", "")];
        let (rendered, unrendered) = (board(&ids).await, board(&ids).await);
        unrendered.render_nothing();
        for board in [&rendered, &unrendered] {
            board.succeeded(&ids[0], deployments(&[("a", 1), ("b", 2)]), Vec::new(), 1, times()).await;
            board.succeeded(&ids[1], deployments(&[("c", 3)]), deployments(&[("a", 9)]), 1, times()).await;
            board.succeeded(&ids[2], deployments(&[("a", 4)]), Vec::new(), 1, times()).await;
        }
        let mut written = Vec::new();
        unrendered.write(&mut written).unwrap();
        let without_times = |text: &str| -> Vec<String> {
            text.lines().filter(|line| !line.contains("_last_success_")).map(str::to_owned).collect()
        };
        let written = String::from_utf8(written).unwrap();
        let served: String =
            rendered.snapshot().text().iter().map(|piece| String::from_utf8_lossy(piece)).collect();
        assert_eq!(without_times(&written), without_times(&served));
        assert!(written.contains("deployment_id=\"c\""), "{written}");
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
        board.failed(&id("gone", ""), ErrorClass::Api, String::new(), times());
        assert!(served(&board).await.is_empty());
        assert_eq!(board.snapshot().targets().len(), 1);
    }

    #[tokio::test]
    async fn what_does_not_change_is_joined_and_compressed_once() {
        let ids = [id("a", ""), id("b", "")];
        let board = board(&ids).await;
        for target in &ids {
            board.succeeded(target, deployments(&[("a", 1)]), Vec::new(), 1, times()).await;
        }
        let first = board.body(Format::Text, Encoding::Gzip).await.unwrap();
        board.scheduled(&ids[0], Instant::now());
        let second = board.body(Format::Text, Encoding::Gzip).await.unwrap();
        assert!(Arc::ptr_eq(&first, &second), "when the next poll is, no metric says");
        board.succeeded(&ids[0], deployments(&[("a", 2)]), Vec::new(), 1, times()).await;
        let third = board.body(Format::Text, Encoding::Gzip).await.unwrap();
        let pointers =
            |body: &AssembledBody| body.pieces().iter().map(|piece| piece.as_ptr()).collect::<HashSet<_>>();
        let (before, after) = (pointers(&first), pointers(&third));
        // Anew: the jobs of one namespace, and the targets' counts of polls, times of success and durations.
        assert!(before.difference(&after).count() <= 4 && before.len() > 10, "{before:?} {after:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_asked_for_lately_is_not_compressed() {
        let demand = Demand::new();
        assert_eq!(demand.encodings().count(), 0);
        demand.note(Encoding::Gzip);
        assert_eq!(demand.encodings().collect::<Vec<_>>(), [Encoding::Gzip]);
        tokio::time::advance(Duration::from_secs(16 * 60)).await;
        assert_eq!(demand.encodings().count(), 0);
    }
}
