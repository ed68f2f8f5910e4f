use std::time::Duration;

use maud::html;

use super::{
    PageData, PageQuery, deployment as deployment_page,
    html_text::{HumanDuration, Untrusted},
    overview, serving, target,
};
use crate::{
    clock::Clock,
    model::{Deployment, ErrorClass, JobCounts, TargetId},
    snapshot::testing::{Fixture, target as target_id},
    telemetry::DiscoveryHealth,
    web::{route_prefix::Paths, state_file_status::StateFileStatus},
};

const HOSTILE: &str = "<script>alert(1)</script>\"'&\n\u{202e}\u{200f}";

#[test]
fn names_and_errors_cannot_write_html() {
    let text = Untrusted("<script>\"&'\u{202e}\u{200f}\0");
    // All attributes are in double quotes, so a single quote needs no escape.
    let page = html! { p title=(text) { (text) } };
    let escaped = "&lt;script&gt;&quot;&amp;'\u{fffd}\u{fffd}\u{fffd}";
    assert_eq!(page.into_string(), format!("<p title=\"{escaped}\">{escaped}</p>"));
}

#[test]
fn durations_read_in_two_units() {
    let spans =
        [(0.25, "250 ms"), (59.0, "59 s"), (61.0, "1 min 1 s"), (7260.0, "2 h 1 min"), (9e4, "1 d 1 h")];
    for (seconds, text) in spans {
        assert_eq!(HumanDuration(Duration::from_secs_f64(seconds)).to_string(), text);
    }
}

fn deployment(name: &str, failed: u64) -> Deployment {
    Deployment {
        id: name.into(),
        name: name.into(),
        labels: vec![("team".into(), name.into())],
        jobs: JobCounts::new([None, Some(1), None, None, None, Some(failed)]),
        ..Deployment::default()
    }
}

async fn fixture(deployments: Vec<Deployment>) -> (Fixture, TargetId) {
    let id = target_id(HOSTILE, HOSTILE);
    let fixture = Fixture::new(std::slice::from_ref(&id)).await;
    fixture.succeed(&id, deployments).await;
    fixture.fail(&id, ErrorClass::Api, HOSTILE);
    (fixture, id)
}

#[tokio::test]
async fn external_text_never_becomes_markup() {
    let (fixture, id) = fixture(vec![deployment(HOSTILE, 1)]).await;
    let snapshot = fixture.publisher.snapshot();
    let query =
        PageQuery { search: HOSTILE[..8].to_owned(), sort: "\"><script>".into(), ..PageQuery::default() };
    let paths = Paths::default();
    let data = PageData::new(&snapshot, fixture.publisher.store(), Duration::ZERO, &paths);
    let pages = [
        overview(&data),
        target(&data, &id, &snapshot.targets()[0].1, &query),
        deployment_page(&data, &id.group(), &snapshot.targets()[0].1, HOSTILE).unwrap(),
    ];
    for page in pages {
        assert!(page.contains("&lt;script&gt;"), "{page}");
        assert!(
            !page.contains("<script") && !page.contains('\u{202e}') && !page.contains('\u{200f}'),
            "{page}"
        );
    }
}

#[tokio::test]
async fn deployments_are_found_and_sorted() {
    let (fixture, id) = fixture(vec![deployment("b", 1), deployment("c", 30), deployment("a", 4)]).await;
    let snapshot = fixture.publisher.snapshot();
    let names = |query: &PageQuery| {
        let paths = Paths::default();
        let data = PageData::new(&snapshot, fixture.publisher.store(), Duration::ZERO, &paths);
        let page = target(&data, &id, &snapshot.targets()[0].1, query);
        let rows = page.split("<td class=\"name\">").skip(1);
        let name = |row: &str| row.split("<bdi>").nth(1)?.split('<').next().map(str::to_owned);
        rows.map(|row| name(row).unwrap()).collect::<Vec<_>>()
    };
    let query = |search: &str, sort: &str, descending| PageQuery {
        search: search.into(),
        sort: sort.into(),
        descending,
        page: 0,
    };
    assert_eq!(names(&query("", "", false)), ["a", "b", "c"]);
    assert_eq!(names(&query("", "failed", true)), ["c", "a", "b"]);
    assert_eq!(names(&query("TEAM=B", "", false)), ["b"]);
    assert_eq!(names(&query("running", "name", true)), ["c", "b", "a"]);
    assert!(names(&query("nothing", "", false)).is_empty());
    assert!(names(&PageQuery { page: usize::MAX, ..PageQuery::default() }).is_empty());
}

/// A deployment with these running, starting and failed jobs.
fn streaming(name: &str, running: u64, starting: u64, failed: u64) -> Deployment {
    let mut deployment = deployment(name, failed);
    std::sync::Arc::make_mut(&mut deployment.info).execution_mode = "STREAMING".into();
    deployment.jobs =
        JobCounts::new([Some(starting), Some(running), Some(0), Some(0), Some(0), Some(failed)]);
    deployment
}

/// What the status page shows before its figures, as text.
fn attention(data: &PageData<'_>) -> String {
    let page = overview(data);
    let section =
        page.split("<section class=\"attention\">").nth(1).unwrap().split("</section>").next().unwrap();
    let parts = section.split('<').filter_map(|part| Some(part.split_once('>')?.1.trim()));
    parts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn the_status_page_starts_with_problems() {
    let (id, paths) = (target_id("n", ""), Paths::default());
    let fixture = Fixture::new(std::slice::from_ref(&id)).await;
    let now = || Clock::System.since_epoch();
    let show = |now: Duration| {
        let snapshot = fixture.publisher.snapshot();
        attention(&PageData::new(&snapshot, fixture.publisher.store(), now, &paths))
    };
    let pending = "Needs attention Targets not polled yet: 1 of 1. Deployments may be missing here.";
    assert_eq!(show(now()), pending);
    let healthy = vec![streaming("down", 1, 0, 7), streaming("up", 1, 0, 0), streaming("slow", 1, 0, 0)];
    fixture.succeed(&id, healthy).await;
    assert_eq!(show(now()), "Needs attention Nothing needs attention.", "old failures are history");

    let mut batch = streaming("batch", 0, 0, 5);
    std::sync::Arc::make_mut(&mut batch.info).execution_mode = "BATCH".into();
    let failed =
        vec![streaming("down", 0, 0, 9), streaming("up", 1, 0, 3), streaming("slow", 0, 1, 0), batch.clone()];
    fixture.succeed(&id, failed.clone()).await;
    let minutes = |minutes: u64| now() + Duration::from_secs(minutes * 60);
    let shown = show(minutes(10));
    let expected = "Needs attention Failed streaming deployments down w / n for 10 min";
    assert!(shown.starts_with(expected), "{shown}");
    let failures = "Failures in the last hour up w / n 3 down w / n 2";
    assert!(shown.ends_with(failures), "jobs that failed before a deployment was seen are history: {shown}");

    let shown = show(minutes(21));
    assert!(shown.contains("Stuck jobs slow w / n for 21 min"), "{shown}");
    let shown = show(minutes(61));
    assert!(shown.contains("down w / n for 1 h 1 min") && !shown.contains("Failures"), "{shown}");

    fixture.fail(&id, ErrorClass::Timeout, "");
    let failing =
        "Needs attention Targets failing: 1 of 1. Deployments may be missing here. Failed streaming";
    assert!(show(now()).starts_with(failing), "{}", show(now()));
}

#[tokio::test]
async fn failed_deployments_are_listed_longest_first_and_within_bounds() {
    let (id, paths) = (target_id("n", ""), Paths::default());
    let fixture = Fixture::new(std::slice::from_ref(&id)).await;
    // A status at first sight has no known beginning.
    fixture.succeed(&id, vec![streaming("first", 0, 0, 1), streaming("second", 1, 0, 0)]).await;
    let mut all = vec![streaming("first", 0, 0, 1), streaming("second", 0, 0, 1)];
    fixture.succeed(&id, all.clone()).await;
    let snapshot = fixture.publisher.snapshot();
    let now = Clock::System.since_epoch();
    let shown = attention(&PageData::new(&snapshot, fixture.publisher.store(), now, &paths));
    let expected = "first w / n since before it was first polled second w / n for ";
    assert!(shown.contains(expected), "{shown}");
    all.extend((0..100).map(|n| streaming(&format!("more-{n}"), 0, 0, 1)));
    fixture.succeed(&id, all).await;
    let snapshot = fixture.publisher.snapshot();
    let data = PageData::new(&snapshot, fixture.publisher.store(), now, &paths);
    let shown = attention(&data);
    assert!(shown.contains("and 82 more deployments"), "{shown}");
    let page = overview(&data);
    assert!(page.contains("href=\"/targets/w/n/deployments/first\""), "{page}");
}

#[tokio::test]
async fn the_status_page_shows_why_the_state_is_not_saved() {
    let (id, paths) = (target_id("n", ""), Paths::default());
    let fixture = Fixture::new(std::slice::from_ref(&id)).await;
    fixture.succeed(&id, vec![streaming("up", 1, 0, 0)]).await;
    let snapshot = fixture.publisher.snapshot();
    let now = Duration::from_secs(1000);
    let data = PageData::new(&snapshot, fixture.publisher.store(), now, &paths);
    let problem = "The state file /<b> is locked.";
    let unhealthy = StateFileStatus { healthy: false, problem: Some(problem.into()), last_save: None };
    let data = PageData { state: Some(unhealthy), ..data };
    assert_eq!(attention(&data), "Needs attention The state file /&lt;b&gt; is locked.");
    assert!(overview(&data).contains("<dt>State</dt><dd class=\"bad\">not saved</dd>"));
    let healthy = StateFileStatus { healthy: true, problem: None, last_save: Some(Duration::from_secs(930)) };
    let data = PageData { state: Some(healthy), ..data };
    assert_eq!(attention(&data), "Needs attention Nothing needs attention.");
    assert!(overview(&data).contains("<dt>State saved</dt><dd class=\"good\">1 min 10 s ago</dd>"));
}

#[tokio::test]
async fn a_target_shows_statuses_and_the_failures_of_the_last_hour() {
    let (id, paths) = (target_id("n", ""), Paths::default());
    let fixture = Fixture::new(std::slice::from_ref(&id)).await;
    fixture.succeed(&id, vec![streaming("a", 1, 0, 40), streaming("b", 1, 0, 1)]).await;
    fixture.succeed(&id, vec![streaming("a", 1, 0, 40), streaming("b", 0, 0, 2)]).await;
    let snapshot = fixture.publisher.snapshot();
    let now = Clock::System.since_epoch();
    let data = PageData::new(&snapshot, fixture.publisher.store(), now, &paths);
    let show = |search: &str, sort: &str, descending| {
        let query = PageQuery { search: search.into(), sort: sort.into(), descending, page: 0 };
        target(&data, &id, &snapshot.targets()[0].1, &query)
    };
    let page = show("", "failed", true);
    assert!(page.find("<bdi>b</bdi>").unwrap() < page.find("<bdi>a</bdi>").unwrap(), "{page}");
    assert!(page.contains("<td class=\"bad\">FAILED<div class=\"small\">"), "{page}");
    assert!(
        page.contains("<td class=\"good\">RUNNING</td>"),
        "at first sight its beginning is unknown: {page}"
    );
    assert!(page.contains("<b>1</b> failures in the last hour"), "{page}");
    assert!(page.contains("<td class=\"number bad\">1</td>") && page.contains("<td class=\"number\">0</td>"));
    let failed = show("failed", "status", false);
    assert!(failed.contains("1 of 2 deployments"), "{failed}");
}

#[tokio::test]
async fn targets_of_other_collectors_are_shown_where_they_belong() {
    let deployments = target_id("n", "");
    let workspace = TargetId { namespace: String::new(), collector: "workspaces", ..deployments.clone() };
    let namespace = TargetId { collector: "namespaces", ..deployments.clone() };
    let paths = Paths::default();
    let fixture = Fixture::new(&[deployments.clone(), workspace.clone(), namespace.clone()]).await;
    fixture.succeed(&deployments, vec![streaming("up", 1, 0, 0)]).await;
    fixture.fail(&workspace, ErrorClass::Api, "no answer");
    fixture.fail(&namespace, ErrorClass::Api, "no namespaces");
    let snapshot = fixture.publisher.snapshot();
    let data = PageData::new(&snapshot, fixture.publisher.store(), Duration::ZERO, &paths);
    let page = overview(&data);
    assert!(page.contains("<h2><bdi>w</bdi> <span class=\"small\">workspaces</span>"), "{page}");
    assert!(page.contains("<b>1</b> deployments</li><li><b>0</b> failures in the last hour"), "{page}");
    assert!(page.contains("<b>–</b> workspaces</li><li>pages read"), "{page}");
    assert_eq!(attention(&data), "Needs attention Targets of other collectors failing: 2 of 2.");
    let page = target(&data, &deployments, snapshot.target(&deployments).unwrap(), &PageQuery::default());
    assert!(page.contains("<h2>namespaces ") && page.contains("no namespaces"), "{page}");
    assert!(!page.contains("<h2>workspaces") && !page.contains("no answer"), "{page}");
}

#[tokio::test]
async fn a_deployment_has_a_page() {
    let (id, paths) = (target_id("n", ""), Paths::default());
    let fixture = Fixture::new(std::slice::from_ref(&id)).await;
    fixture.succeed(&id, vec![streaming("orders", 1, 0, 40)]).await;
    fixture.succeed(&id, vec![streaming("orders", 0, 0, 42)]).await;
    let snapshot = fixture.publisher.snapshot();
    let now = Clock::System.since_epoch() + Duration::from_secs(120);
    let data = PageData::new(&snapshot, fixture.publisher.store(), now, &paths);
    let status = serving(&snapshot, &id.group(), "orders").unwrap();
    let page = deployment_page(&data, &id.group(), &status, "orders").unwrap();
    for (title, value) in [
        ("Status", "FAILED"),
        ("Failures in the last hour", "2"),
        // The first value is held for two minutes.
        ("Jobs observed to end: failed", "0"),
        ("Jobs: failed", "42"),
        ("Jobs: running", "0"),
        ("Execution mode", "<bdi>STREAMING</bdi>"),
        ("Created", "–"),
    ] {
        assert!(page.contains(&format!("<th scope=\"row\">{title}</th><td>{value}</td>")), "{title}: {page}");
    }
    assert!(page.contains("<th scope=\"row\">Status observed for</th><td>2 min "), "{page}");
    assert!(page.contains("<a href=\"/targets/w/n\">") && page.contains("team"), "{page}");
    assert!(serving(&snapshot, &id.group(), "other").is_none());
    assert!(serving(&snapshot, &target_id("other", "").group(), "orders").is_none());
}

#[tokio::test]
async fn the_status_page_shows_discovered_targets_and_discovery_errors() {
    let (id, paths) = (target_id("n", ""), Paths::default());
    let fixture = Fixture::new(std::slice::from_ref(&id)).await;
    fixture.succeed(&id, vec![streaming("up", 1, 0, 0)]).await;
    let snapshot = fixture.publisher.snapshot();
    let entry = DiscoveryHealth {
        name: "hangzhou".into(),
        region: "cn-hangzhou".into(),
        interval: Duration::from_secs(300),
        up: Some(true),
        last_success: Some(Duration::from_secs(100)),
        source: Some("DescribeInstances and DescribeNamespaces".into()),
        problem: None,
        workspaces: [2, 0, 1, 0],
        namespaces: [0, 4, 0, 0],
    };
    let show = |discovery| {
        let now = Duration::from_secs(160);
        let data = PageData::new(&snapshot, fixture.publisher.store(), now, &paths);
        let data = PageData { discovery: vec![discovery], ..data };
        (attention(&data), overview(&data))
    };
    let (shown, page) = show(entry.clone());
    assert_eq!(shown, "Needs attention Nothing needs attention.");
    assert!(page.contains("workspaces: <b>2</b> polled, <b>1</b> not running</li>"), "{page}");
    assert!(page.contains("namespaces: <b>0</b> polled, <b>4</b> excluded</li>"), "{page}");
    assert!(
        page.contains("<li>by DescribeInstances and DescribeNamespaces</li><li>last success 1 min 0 s ago")
    );
    let problem = Some("DescribeInstances: <denied>".to_owned());
    let (shown, _) = show(DiscoveryHealth { up: Some(false), problem, ..entry });
    assert_eq!(shown, "Needs attention Discovery of hangzhou fails: DescribeInstances: &lt;denied&gt;");
}
