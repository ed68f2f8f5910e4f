//! What polling many targets costs besides requests and decoding: schedule, commit, rendering, publication.
//!
//! `cargo bench --bench targets -- --targets 5000 --seconds 30`. Each target returns one deployment, whose counts change
//! with every poll; a reader takes the gzip body every fifteen seconds. The interval is shorter than a minute, and the
//! share of a core is scaled to polls once a minute.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

use std::{
    any::Any,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use aliyun_flink_exporter::{
    api::{ApiError, InvalidValues},
    collectors::{self, Collected, Collector, TargetQuery},
    exposition::{Encoding, Format},
    model::{Deployment, JobCounts, Objects, TargetId},
    poll,
    snapshot::Publisher,
    store::Store,
    targets::{DesiredTarget, TargetManager, TargetSet},
    telemetry::Telemetry,
};
use clock::Clock;
use futures_util::future::BoxFuture;
use nix::sys::resource::{UsageWho, getrusage};
use tokio::time::Instant;

/// The deployment of one target, whose failed jobs rise with each poll.
#[derive(Debug)]
struct Rising(AtomicU64);

impl TargetQuery for Rising {
    fn collector(&self) -> &'static dyn Collector {
        collectors::by_name(collectors::DEPLOYMENTS).unwrap()
    }

    fn poll(&self, _deadline: Instant) -> BoxFuture<'_, Result<Collected, ApiError>> {
        let failed = self.0.fetch_add(1, Ordering::Relaxed);
        let deployment = Deployment {
            id: "d-1".into(),
            name: "orders".into(),
            jobs: JobCounts::new([Some(0), Some(1), Some(0), Some(0), Some(0), Some(failed)]),
            ..Deployment::default()
        };
        let objects = Box::new(Objects::listed(vec![deployment]));
        let collected = Collected { objects, consistent: true, pages: 1, invalid: InvalidValues::default() };
        Box::pin(async move { Ok(collected) })
    }

    fn equals(&self, _other: &dyn TargetQuery) -> bool {
        true
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn argument(name: &str, default: u64) -> u64 {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    arguments.nth(1).map_or(default, |value| value.parse().unwrap())
}

fn cpu() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    let time = |time: nix::sys::time::TimeVal| {
        Duration::new(time.tv_sec().try_into().unwrap(), u32::try_from(time.tv_usec()).unwrap() * 1000)
    };
    (time(usage.user_time()) + time(usage.system_time())).as_secs_f64()
}

fn targets(count: u64, interval: Duration) -> TargetSet {
    let target = |number: u64| {
        let id = TargetId {
            workspace: format!("workspace-{}", number / 100),
            namespace: format!("namespace-{number}"),
            collector: collectors::DEPLOYMENTS,
            selection: String::new(),
        };
        let settings = poll::Settings { interval, ..poll::Settings::default() };
        let query = Arc::new(Rising(AtomicU64::new(0)));
        (
            Arc::new(id),
            DesiredTarget { region: "cn-hangzhou".into(), query, settings, requests_per_second: 1000.0 },
        )
    };
    TargetSet {
        targets: (0..count).map(target).collect(),
        first_value_hold: Some(Duration::from_secs(120)),
        ..TargetSet::default()
    }
}

fn main() {
    let (count, seconds) = (argument("--targets", 5000), argument("--seconds", 30));
    let interval = Duration::from_secs(6);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let publisher =
            Arc::new(Publisher::new(Arc::new(Store::new(Clock::System)), Telemetry::new().unwrap()));
        let mut manager = TargetManager::new(publisher.clone(), Telemetry::new().unwrap(), Clock::System);
        let started = cpu();
        println!("{}", manager.apply(targets(count, interval)).await);
        println!("start: {:.3} s of CPU", cpu() - started);
        // The first polls are over, and somebody scrapes.
        tokio::time::sleep(2 * interval).await;
        publisher.body(Format::Text, Encoding::Gzip).await.unwrap();
        let before = cpu();
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let used = cpu() - before;
        let polls = count as f64 * seconds as f64 / interval.as_secs_f64();
        println!(
            "{count} targets: {:.1} µs of CPU a poll, {:.2} % of a core if each is polled once a minute",
            used / polls * 1e6,
            used / polls * count as f64 / 60.0 * 100.0
        );
        let scrape = (cpu(), Instant::now());
        publisher.body(Format::Text, Encoding::Gzip).await.unwrap();
        println!(
            "a gzip scrape after that: {:.3} s, {:.3} s of CPU",
            scrape.1.elapsed().as_secs_f64(),
            cpu() - scrape.0
        );
    });
}
