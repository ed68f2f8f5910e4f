use std::time::Duration;

use super::{
    Query, overview, target,
    text::{Escaped, HumanDuration},
};
use crate::{
    model::{Deployment, ErrorClass, JobCounts, TargetId},
    snapshot::fixture::{Fixture, target as target_id},
    web::paths::Paths,
};

const HOSTILE: &str = "<script>alert(1)</script>\"'&\n\u{202e}\u{200f}";

#[test]
fn names_and_errors_cannot_write_html() {
    let text = Escaped("<script>\"&'\u{202e}\u{200f}\0").to_string();
    assert_eq!(text, "&lt;script&gt;&quot;&amp;&#39;\u{fffd}\u{fffd}\u{fffd}");
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
async fn nothing_that_comes_from_outside_becomes_markup() {
    let (fixture, id) = fixture(vec![deployment(HOSTILE, 1)]).await;
    let snapshot = fixture.publisher.snapshot();
    let query = Query { search: HOSTILE[..8].to_owned(), sort: "\"><script>".into(), ..Query::default() };
    let pages = [
        overview(&snapshot, Duration::ZERO, &Paths::default()),
        target(&id, &snapshot.targets()[0].1, &query, Duration::ZERO, &Paths::default()),
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
    let names = |query: &Query| {
        let page = target(&id, &snapshot.targets()[0].1, query, Duration::ZERO, &Paths::default());
        let rows = page.split("<td class=\"name\"><bdi>").skip(1);
        rows.map(|row| row.split('<').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let query = |search: &str, sort: &str, descending| Query {
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
    assert!(names(&Query { page: usize::MAX, ..Query::default() }).is_empty());
}
