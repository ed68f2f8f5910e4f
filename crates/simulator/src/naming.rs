//! What things are called in the company whose fleet is simulated.

use serde_json::{Value, json};

use crate::rng::{Rng, once_in, pick};
use rand::RngExt as _;

const NAMESPACES: &[&str] = &[
    "default-namespace",
    "payments-prod",
    "risk-prod",
    "search-staging",
    "data-platform",
    "logistics-prod",
    "ads-realtime",
    "growth-staging",
    "iot-edge",
];

/// A namespace that comes and goes.
pub(crate) const VISITING_NAMESPACE: &str = "preview-4711";

/// The names of workspaces.
const WORKSPACES: &[&str] = &["production", "analytics", "logistics", "advertising", "staging"];

const SUBJECTS: &[&str] = &[
    "orders",
    "payments",
    "refunds",
    "fraud",
    "clicks",
    "impressions",
    "page-views",
    "sessions",
    "inventory",
    "shipments",
    "prices",
    "coupons",
    "carts",
    "users",
    "merchants",
    "devices",
    "sensor-readings",
    "gps-tracks",
    "tickets",
    "chat-messages",
    "search-queries",
    "ad-bids",
    "login-events",
    "ledger-entries",
    "invoices",
    "catalog-items",
];

const STREAMING_TASKS: &[&str] = &[
    "scoring",
    "enriched-to-hologres",
    "to-paimon",
    "dedup",
    "cdc-mysql-to-kafka",
    "5m-aggregates",
    "anomaly-alerts",
    "to-clickhouse",
    "joined-with-users",
    "to-elasticsearch",
    "feature-store",
    "to-sls",
    "rollup",
    "to-doris",
];

const BATCH_TASKS: &[&str] = &[
    "daily-report",
    "hourly-compaction",
    "backfill",
    "reconciliation",
    "export-to-oss",
    "snapshot",
    "model-training",
];

const TEAMS: &[&str] = &[
    "payments",
    "risk",
    "search",
    "data-platform",
    "logistics",
    "growth",
    "ads",
    "merchant tools",
    "物联网",
];

/// A RAM user.
#[derive(Debug)]
pub(crate) struct Person {
    /// The UID, as `creator` and `modifier` carry it.
    pub(crate) uid: &'static str,
    /// The log-in name, as `creatorName` and `modifierName` carry it.
    pub(crate) name: &'static str,
}

/// Everyone who makes and changes deployments.
pub(crate) static PEOPLE: &[Person] = &[
    Person { uid: "278463638774560001", name: "lena.zhou@streamcompute.onaliyun.com" },
    Person { uid: "278463638774560002", name: "marco.rossi@streamcompute.onaliyun.com" },
    Person { uid: "278463638774560003", name: "wei.zhang@streamcompute.onaliyun.com" },
    Person { uid: "278463638774560004", name: "priya.nair@streamcompute.onaliyun.com" },
    Person { uid: "278463638774560005", name: "jonas.berg@streamcompute.onaliyun.com" },
    Person { uid: "278463638774560006", name: "ci-deployer@streamcompute.onaliyun.com" },
    Person { uid: "183899668000000", name: "183899668000000" },
];

/// The name of the namespace at `index`.
pub(crate) fn namespace(index: usize) -> String {
    NAMESPACES.get(index).map_or_else(|| format!("team-{index:03}"), |&name| name.to_owned())
}

/// The name of the workspace at `index`.
pub(crate) fn workspace(index: usize) -> String {
    WORKSPACES.get(index).map_or_else(|| format!("workspace-{index:03}"), |&name| name.to_owned())
}

/// A name for the deployment at `index`, like no other of its namespace.
pub(crate) fn deployment(index: usize, batch: bool, seed: u64) -> String {
    let tasks = if batch { BATCH_TASKS } else { STREAMING_TASKS };
    let pairs = SUBJECTS.len() * tasks.len();
    let start = usize::try_from(seed % 997).unwrap_or_default();
    // The step is a prime that divides no number of pairs: each pair comes up once before any comes again.
    let pair = (index % pairs * 7919 + start) % pairs;
    let name = format!("{}-{}", SUBJECTS[pair % SUBJECTS.len()], tasks[pair / SUBJECTS.len()]);
    match index / pairs {
        0 => name,
        round => format!("{name}-{}", round + 1),
    }
}

/// A name for a deployment that won't stay.
pub(crate) fn transient(rng: &mut Rng) -> String {
    let kind = pick(rng, &["adhoc", "debug", "smoke-test", "backfill-once"]);
    let subject = pick(rng, SUBJECTS);
    format!("{kind}-{subject}-{:06x}", rng.random_range(0..0x0100_0000))
}

/// A deployment's labels; one in ten has none.
pub(crate) fn labels(rng: &mut Rng, name: &str) -> Vec<(&'static str, Value)> {
    if once_in(rng, 10) {
        return Vec::new();
    }
    let mut labels = vec![
        ("team", json!(pick(rng, TEAMS))),
        ("env", json!(pick(rng, &["prod", "prod", "prod", "staging", "dev"]))),
    ];
    if once_in(rng, 2) {
        labels.push(("tier", json!(rng.random_range(1..=3))));
    }
    if once_in(rng, 3) {
        labels.push(("costCenter", json!(rng.random_range(4000..4020))));
    }
    if once_in(rng, 4) {
        labels.push(("app.kubernetes.io/name", json!(name)));
    }
    if once_in(rng, 8) {
        labels.push(("oncall", json!(once_in(rng, 2))));
    }
    labels
}

/// What people write about a deployment.
pub(crate) fn description(rng: &mut Rng) -> &'static str {
    pick(
        rng,
        &["", "", "Owned by the team in the labels.", "实时数仓 DWD 层", "Migrated from the old cluster"],
    )
}
