use std::collections::BTreeSet;

use serde_json::Value;
use strum::VariantArray as _;

use super::*;
use crate::deployment_filters::{ExecutionMode, JobStatus, LabelSelector};

const MINUTE: u64 = 60;

fn view(elapsed: u64) -> View<'static> {
    View {
        workspace: "a14bd5d90a0000",
        namespace: "default-namespace",
        started: 1_795_000_000,
        elapsed,
        with_jobs: true,
        with_resources: true,
    }
}

fn everything(fleet: &Fleet, elapsed: u64) -> Vec<Value> {
    let all = fleet.namespaces.iter();
    all.flat_map(|namespace| namespace.list(&DeploymentFilters::default(), view(elapsed), 0, usize::MAX).data)
        .collect()
}

fn selected(fleet: &Fleet, selection: &DeploymentFilters, elapsed: u64) -> Vec<Value> {
    fleet.namespaces[0].list(selection, view(elapsed), 0, usize::MAX).data
}

fn ids(data: &[Value]) -> BTreeSet<String> {
    data.iter().map(|deployment| deployment["deploymentId"].to_string()).collect()
}

fn failed(fleet: &Fleet, elapsed: u64) -> u64 {
    let all = fleet.namespaces.iter().flat_map(|namespace| &namespace.permanent);
    all.map(|deployment| deployment.jobs(elapsed).failed).sum()
}

#[test]
fn the_same_seed_gives_the_same_fleet_and_another_gives_another() {
    let (left, right, other) = (Fleet::new(7, 2, 40), Fleet::new(7, 2, 40), Fleet::new(8, 2, 40));
    for elapsed in [0, 13, 700, 86_400] {
        assert_eq!(everything(&left, elapsed), everything(&right, elapsed));
    }
    assert!(ids(&everything(&left, 0)).is_disjoint(&ids(&everything(&other, 0))));
}

#[test]
fn the_first_names_are_realistic_and_unique() {
    let names = Fleet::new(1, 30, 0).names();
    assert_eq!(names[..3], ["default-namespace", "payments-prod", "risk-prod"]);
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), 30);
}

#[test]
fn no_two_deployments_of_a_namespace_share_a_name_or_an_id() {
    let fleet = Fleet::new(1, 1, 2000);
    let data = selected(&fleet, &DeploymentFilters::default(), 10 * MINUTE);
    let names: BTreeSet<_> = data.iter().map(|deployment| deployment["name"].to_string()).collect();
    assert!(data.len() > 2000);
    assert_eq!((names.len(), ids(&data).len()), (data.len(), data.len()));
}

#[test]
fn every_job_state_is_there_at_any_time() {
    let fleet = Fleet::new(1, 3, 60);
    for elapsed in (0..6 * 60 * MINUTE).step_by(7) {
        let all = fleet.namespaces.iter().flat_map(|namespace| &namespace.permanent);
        let jobs: Vec<_> = all.map(|deployment| deployment.jobs(elapsed)).collect();
        for (state, count) in [
            ("starting", jobs.iter().map(|jobs| jobs.starting).sum::<u64>()),
            ("running", jobs.iter().map(|jobs| jobs.running).sum()),
            ("cancelling", jobs.iter().map(|jobs| jobs.cancelling).sum()),
            ("cancelled", jobs.iter().map(|jobs| jobs.cancelled).sum()),
            ("finished", jobs.iter().map(|jobs| jobs.finished).sum()),
            ("failed", jobs.iter().map(|jobs| jobs.failed).sum()),
        ] {
            assert!(count > 0, "no job is {state} after {elapsed} s");
        }
    }
}

#[test]
fn failures_rise_within_two_minutes_and_never_fall() {
    let fleet = Fleet::new(1, 3, 60);
    for minute in (0..60).step_by(2) {
        assert!(failed(&fleet, (minute + 2) * MINUTE) > failed(&fleet, minute * MINUTE), "minute {minute}");
    }
}

#[test]
fn deployments_appear_and_vanish_but_the_permanent_ones_stay() {
    let fleet = Fleet::new(1, 1, 60);
    let start = ids(&selected(&fleet, &DeploymentFilters::default(), 0));
    assert_eq!(start.len(), 60);
    let over_time: Vec<_> =
        (0..40).map(|step| ids(&selected(&fleet, &DeploymentFilters::default(), step * 30))).collect();
    assert!(over_time.iter().all(|now| now.is_superset(&start)));
    let ever: BTreeSet<_> = over_time.iter().flatten().cloned().collect();
    let last = over_time.last().unwrap();
    assert!(ever.len() > 65 && !ever.is_subset(last), "{} in all, {} at last", ever.len(), last.len());
}

#[test]
fn pages_join_into_the_whole() {
    let fleet = Fleet::new(1, 1, 60);
    let (selection, view) = (DeploymentFilters::default(), view(5 * MINUTE));
    let whole = fleet.namespaces[0].list(&selection, view, 0, usize::MAX);
    let pages = (0..10).flat_map(|page| fleet.namespaces[0].list(&selection, view, page * 7, 7).data);
    assert_eq!(pages.collect::<Vec<_>>(), whole.data);
    assert_eq!(whole.total, whole.data.len());
    assert_eq!(fleet.namespaces[0].list(&selection, view, 7000, 7).data, Vec::<Value>::new());
}

#[test]
fn each_filter_returns_exactly_the_matching_deployments() {
    let fleet = Fleet::new(1, 1, 300);
    let all = selected(&fleet, &DeploymentFilters::default(), 0);
    let check = |selection: &DeploymentFilters, matches: &dyn Fn(&Value) -> bool| {
        let expected: Vec<_> = all.iter().filter(|deployment| matches(deployment)).cloned().collect();
        assert!(!expected.is_empty() && expected.len() < all.len(), "{selection:?}");
        assert_eq!(selected(&fleet, selection, 0), expected, "{selection:?}");
    };
    check(
        &DeploymentFilters { name: Some("orders".into()), ..DeploymentFilters::default() },
        &|deployment| deployment["name"].as_str().unwrap().contains("orders"),
    );
    check(
        &DeploymentFilters { execution_mode: Some(ExecutionMode::Batch), ..DeploymentFilters::default() },
        &|deployment| deployment["executionMode"] == "BATCH",
    );
    check(
        &DeploymentFilters { creator: Some("278463638774560001".into()), ..DeploymentFilters::default() },
        &|deployment| deployment["creator"] == "278463638774560001",
    );
    let label = LabelSelector { key: "tier".into(), values: vec!["1".into(), "3".into()] };
    check(&DeploymentFilters { label: Some(label), ..DeploymentFilters::default() }, &|deployment| {
        deployment["labels"]["tier"] == 1 || deployment["labels"]["tier"] == 3
    });
}

#[test]
fn every_status_selects_some_and_they_do_not_overlap() {
    let fleet = Fleet::new(1, 1, 300);
    let mut seen = BTreeSet::new();
    for &status in JobStatus::VARIANTS {
        let found = ids(&selected(
            &fleet,
            &DeploymentFilters { status: Some(status), ..DeploymentFilters::default() },
            0,
        ));
        assert!(!found.is_empty() && seen.is_disjoint(&found), "{status:?}");
        seen.extend(found);
    }
}

#[test]
fn the_fleet_has_every_unusual_value() {
    let text = Value::from(everything(&Fleet::new(1, 3, 200), 0)).to_string();
    for odd in [
        r#""memory":"lots""#,
        r#""cpu":"2""#,
        r#""labels":null"#,
        r#""parallelism":-4"#,
        r#""resourceSettingMode":"""#,
        r#""resourceSettingMode":"AUTO""#,
        r#"\"v2\""#,
        "订单宽表",
        r"\\backup",
        r#""resourcePlan":"{""#,
        "yesterday",
        r#"\n","#,
        r#"{\\\"edges"#,
        r#""managed\":\"512 mb"#,
        "SIMULATED-SECRET-",
    ] {
        assert!(text.contains(odd), "{odd}");
    }
    let without_jobs = everything(&Fleet::new(1, 3, 200), 0);
    assert!(without_jobs.iter().any(|deployment| deployment.get("jobSummary").is_none()));
}

#[test]
fn every_kind_mode_and_spelling_of_a_real_fleet_is_there() {
    let text = Value::from(everything(&Fleet::new(1, 3, 60), 0)).to_string();
    for usual in [
        "SQLSCRIPT",
        "JAR",
        "PYTHON",
        "CDCYAML",
        "STREAMING",
        "BATCH",
        "BASIC",
        "EXPERT",
        "PER_JOB",
        "SESSION",
        "maxSlot",
        " GiB",
        "Gi\"",
        "g\"",
        "m\"",
        " gb\"",
        "costCenter",
        "app.kubernetes.io/name",
    ] {
        assert!(text.contains(usual), "{usual}");
    }
}
