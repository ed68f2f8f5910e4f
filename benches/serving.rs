//! What a poll and a scrape of 10 000 deployments cost: `cargo bench --bench serving`.
//!
//! Prints the best of several runs in milliseconds. Whole processes are measured by `benches/processes.py`.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark tells its figures and may fail")]

use std::{hint::black_box, time::Duration};

use aliyun_flink_exporter::{
    collectors::deployments::families::{self, Deployments, ExportedLabels},
    exposition::{
        Encoding, Format, JoinedFamilies, MetricsBody, PublishedSeries, RenderedFamilies, SegmentCache,
        render,
    },
    model::{
        BasicSetting, Deployment, DeploymentInfo, DeploymentStatus, JobCounts, LabelKeys, ObservedStatus,
        ProcessSpec, ResourceSettings, TaskSlots, Transitions,
    },
    telemetry::Telemetry,
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use tokio::time::Instant;

const DEPLOYMENTS: usize = 10_000;
const RUNS: usize = 9;

fn fleet() -> Vec<Deployment> {
    let mut random = StdRng::seed_from_u64(1);
    let mut deployment = |number: usize| {
        let id = format!("{:016x}-{:016x}", random.next_u64(), random.next_u64());
        let process = ProcessSpec { cpu_cores: Some(1.0), memory_bytes: Some(4 << 30) };
        let basic = BasicSetting {
            parallelism: Some(random.next_u64() % 64),
            jobmanager: process,
            taskmanager: process,
        };
        Deployment {
            id: id.into(),
            name: format!("orders-enrichment-{number}").into(),
            info: DeploymentInfo {
                execution_mode: "STREAMING".into(),
                resource_mode: "BASIC".into(),
                creator: "183899668".into(),
                ..DeploymentInfo::default()
            }
            .into(),
            jobs: JobCounts::new([0, 1, 0, number as u64 % 40, 2, number as u64 % 3].map(Some)),
            created: Some(1.7e9 + number as f64),
            modified: Some(1.75e9 + number as f64),
            changes_pending: Some(false),
            resources: ResourceSettings {
                basic: Some(basic),
                taskmanager_slots: TaskSlots::Given(2),
                ..ResourceSettings::default()
            }
            .into(),
            ..Deployment::default()
        }
    };
    (0..DEPLOYMENTS).map(&mut deployment).collect()
}

/// Times `work` without what `prepare` takes.
fn best<P, T>(title: &str, prepare: impl Fn() -> P, work: impl Fn(P) -> T) {
    let run = |_| {
        let prepared = prepare();
        let begun = Instant::now();
        let result = work(prepared);
        let took = begun.elapsed();
        drop(black_box(result));
        took
    };
    let least = (0..RUNS).map(run).min().unwrap_or(Duration::ZERO);
    println!("{title:60} {:10.3} ms", least.as_secs_f64() * 1e3);
}

fn assemble<'r>(
    encoding: Encoding,
    groups: impl IntoIterator<Item = &'r RenderedFamilies>,
    cache: &SegmentCache,
) -> MetricsBody {
    MetricsBody::new(Format::Text, encoding, &[JoinedFamilies::of::<Deployments>(groups)], cache).unwrap()
}

/// The deployments with transitions as most have them.
fn with_transitions<'d>(
    deployments: impl IntoIterator<Item = &'d Deployment>,
) -> impl Iterator<Item = (&'d Deployment, Transitions)> {
    let status =
        ObservedStatus { status: DeploymentStatus::Running, since: Some(Duration::from_secs(1_795_812_950)) };
    let transitions = Transitions { status: Some(status), jobs_ended: [Some(0), Some(1), Some(2)] };
    deployments.into_iter().map(move |deployment| (deployment, transitions))
}

/// Thousands of namespaces with one deployment each.
fn small_groups(fleet: &[Deployment]) {
    const NAMESPACES: usize = 5000;
    let labels = ExportedLabels::new(&LabelKeys::default());
    let render = |namespace: usize, deployment| {
        let group = families::group(
            "workspace",
            &format!("namespace-{namespace}"),
            with_transitions([deployment]),
            &labels,
        );
        render(&group, &RenderedFamilies::default())
    };
    let render_all = || -> Vec<_> { (0..NAMESPACES).map(|number| render(number, &fleet[number])).collect() };
    for encoding in Encoding::ALL {
        let title = format!("{NAMESPACES} namespaces: the first scrape, each group by itself, {encoding:?}");
        best(&title, render_all, |groups| {
            groups
                .iter()
                .map(|group| assemble(encoding, [group], &SegmentCache::default()).len())
                .sum::<u64>()
        });
        let title = format!("{NAMESPACES} namespaces: the first scrape, {encoding:?}");
        best(&title, render_all, |groups| assemble(encoding, &groups, &SegmentCache::default()));
        let groups = render_all();
        let size = assemble(encoding, &groups, &SegmentCache::default()).len();
        println!("{:60} {size:10} bytes", format!("  of {encoding:?}"));
        let mut changed = groups.clone();
        changed[NAMESPACES / 2] = render(NAMESPACES / 2, &fleet[NAMESPACES]);
        let title = format!("{NAMESPACES} namespaces: a scrape after one changed, {encoding:?}");
        let before = || {
            let cache = SegmentCache::default();
            assemble(encoding, &groups, &cache);
            cache
        };
        best(&title, before, |cache| assemble(encoding, &changed, &cache));
    }
}

fn main() {
    let fleet = fleet();
    let labels = ExportedLabels::new(&LabelKeys::default());
    let render = |before: &RenderedFamilies| {
        render(&families::group("workspace", "namespace", with_transitions(&fleet), &labels), before)
    };
    let render_all = || render(&RenderedFamilies::default());
    let join =
        |encoding, rendered: RenderedFamilies| assemble(encoding, [&rendered], &SegmentCache::default());
    best("a poll: render", || (), |()| render_all());
    let before = render_all();
    best("a poll: render what did not change", || (), |()| render(&before));
    for encoding in [Encoding::Gzip, Encoding::Zstd] {
        best(&format!("a poll: compress all, {encoding:?}"), render_all, |chunk| {
            JoinedFamilies::of::<Deployments>([&chunk]).compress(encoding)
        });
    }
    for encoding in Encoding::ALL {
        JoinedFamilies::of::<Deployments>([&before]).compress(encoding).unwrap();
        let title = format!("the first scrape after a poll: join, {encoding:?}");
        best(&title, || before.clone(), |chunk| join(encoding, chunk));
        let joined = join(encoding, before.clone());
        println!("{:60} {:10} bytes", format!("  of {encoding:?}"), joined.len());
        let telemetry = Telemetry::new().unwrap();
        let title = format!("each scrape: the live metrics, {encoding:?}");
        best(
            &title,
            || (),
            |()| joined.last_piece(telemetry.render(&PublishedSeries::default()).unwrap().into()).unwrap(),
        );
    }
    small_groups(&fleet);
}
