//! Replies as they come, and as they should not.

use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::ListDeployments;
use crate::{
    api::{self, ApiError, Retry},
    model::{
        Deployment, ErrorClass, FieldSelection, JobState, LabelKeys, RequestedResources, Selection, TaskSlots,
    },
};

type Page = api::Page<Deployment>;

const LIST: &str = include_str!("../../../tests/data/list_deployments.json");
const BY_LABEL: &str = include_str!("../../../tests/data/get_deployments_by_label.json");

fn all() -> FieldSelection {
    FieldSelection { labels: LabelKeys::All, ..FieldSelection::default() }
}

fn decode(body: &[u8], fields: &FieldSelection) -> Result<Page, ApiError> {
    let operation = ListDeployments {
        namespace: "ns".into(),
        selection: Selection::default(),
        fields: fields.clone().into(),
    };
    Page::decode(&operation, 100, body)
}

fn page(reply: &Value) -> Page {
    decode(reply.to_string().as_bytes(), &all()).unwrap()
}

fn sample() -> Value {
    serde_json::from_str(BY_LABEL).unwrap()
}

/// The sample with `value` at `pointer` of its deployment.
fn sample_with(pointer: &str, value: Value) -> Value {
    let mut reply = sample();
    *reply.pointer_mut(&format!("/data/0{pointer}")).unwrap() = value;
    reply
}

fn only(page: &Page) -> &Deployment {
    assert_eq!(page.decoded.items.len(), 1);
    &page.decoded.items[0]
}

fn invalid_fields(page: &Page) -> Vec<(&'static str, u64)> {
    page.decoded.invalid.iter().map(|(_, field, invalid)| (field, invalid.count)).collect()
}

#[test]
fn the_samples_of_the_api_reference_are_read() {
    for text in [LIST, BY_LABEL] {
        let page = decode(text.as_bytes(), &all()).unwrap();
        assert_eq!(invalid_fields(&page), []);
        let deployment = only(&page);
        let jobs = JobState::ALL.map(|state| deployment.jobs.get(state).unwrap());
        assert_eq!(jobs, [1, 2, 0, 5, 4, 6]);
        assert_eq!((deployment.created, deployment.modified), (Some(1_714_058_507.0), Some(1_714_058_843.0)));
        assert_eq!(deployment.changes_pending, Some(true));
        let resources = &deployment.resources;
        assert_eq!(resources.taskmanager_slots, TaskSlots::Given(1));
        let expert = resources.expert.as_ref().unwrap();
        assert_eq!(expert.jobmanager.cpu_cores, Some(2.0));
        assert_eq!(expert.jobmanager.memory_bytes, Some(4_294_967_296));
        let plan = expert.plan.as_ref().unwrap();
        let group = &plan.groups()[0];
        assert_eq!((&*group.name, group.cpu_cores, group.slots), ("default", Some(1.13), Some(1)));
        assert_eq!((group.heap_bytes, group.off_heap_bytes), (Some(1_073_741_824), Some(33_554_432)));
        assert_eq!(group.managed_bytes, None);
        assert_eq!(resources.basic.as_ref().unwrap().parallelism, Some(4));
        assert_eq!(resources.batch.as_ref().unwrap().max_slots, Some(10));
        let requested = RequestedResources::of(deployment);
        assert_eq!((requested.slots, requested.cpu_cores), (Some(1), Some(3.13)));
        assert_eq!(requested.memory_bytes, None);
    }
    let labelled = decode(BY_LABEL.as_bytes(), &all()).unwrap();
    let labels: Vec<_> = only(&labelled).labels.iter().map(|(key, value)| (&**key, &**value)).collect();
    assert_eq!(labels, [("test", "test"), ("test2", "1")]);
}

#[test]
fn the_deployment_target_is_a_queue_or_in_mode_session_a_session_cluster() {
    for (mode, queue, session_cluster) in
        [("PER_JOB", "vvp-workload", ""), ("SESSION", "", "vvp-workload"), ("", "vvp-workload", "")]
    {
        let page = page(&sample_with("/deploymentTarget/mode", json!(mode)));
        let info = &only(&page).info;
        assert_eq!(
            (&*info.deployment_mode, &*info.queue, &*info.session_cluster),
            (mode, queue, session_cluster)
        );
    }
}

#[test]
fn an_unreadable_value_is_counted_and_spoils_only_itself() {
    let cases: [(&str, Value, &str); 18] = [
        ("/name", json!({"a": 1}), "name"),
        ("/createdAt", json!("yesterday"), "createdAt"),
        ("/modifiedAt", json!(-1), "modifiedAt"),
        ("/modifiedAt", json!(1_714_058_843_000_u64), "modifiedAt"),
        ("/deploymentHasChanged", json!("maybe"), "deploymentHasChanged"),
        ("/executionMode", json!([]), "executionMode"),
        ("/artifact", json!("SQLSCRIPT"), "artifact"),
        ("/deploymentTarget", json!(7), "deploymentTarget"),
        ("/flinkConf", json!(7), "flinkConf.taskmanager.numberOfTaskSlots"),
        ("/flinkConf/taskmanager.numberOfTaskSlots", json!("two"), "flinkConf.taskmanager.numberOfTaskSlots"),
        ("/flinkConf/taskmanager.numberOfTaskSlots", json!(-2), "flinkConf.taskmanager.numberOfTaskSlots"),
        ("/labels/test", json!(["x"]), "labels"),
        ("/jobSummary", json!([1, 2]), "jobSummary"),
        ("/jobSummary/failed", json!(-6), "jobSummary.failed"),
        ("/jobSummary/failed", json!(1.5), "jobSummary.failed"),
        ("/streamingResourceSetting", json!("BASIC"), "streamingResourceSetting"),
        (
            "/streamingResourceSetting/basicResourceSetting/taskmanagerResourceSettingSpec/memory",
            json!("lots"),
            "streamingResourceSetting.basicResourceSetting.taskmanagerResourceSettingSpec.memory",
        ),
        (
            "/streamingResourceSetting/expertResourceSetting/resourcePlan",
            json!("{broken"),
            "streamingResourceSetting.expertResourceSetting.resourcePlan",
        ),
    ];
    let sound = page(&sample());
    for (pointer, value, field) in cases {
        let page = page(&sample_with(pointer, value));
        assert_eq!(invalid_fields(&page), [(field, 1)], "{pointer}");
        let deployment = only(&page);
        assert_eq!(deployment.id, only(&sound).id);
        if !pointer.starts_with("/batch") {
            assert_eq!(deployment.resources.batch, only(&sound).resources.batch, "{pointer}");
        }
    }
}

#[test]
fn absent_null_and_blank_values_are_not_counted_as_invalid() {
    for value in [json!(null), json!("")] {
        for pointer in ["/createdAt", "/engineVersion", "/jobSummary/running", "/deploymentHasChanged"] {
            assert_eq!(invalid_fields(&page(&sample_with(pointer, value.clone()))), [], "{pointer} {value}");
        }
    }
    for pointer in
        ["/jobSummary", "/streamingResourceSetting", "/batchResourceSetting", "/labels", "/artifact"]
    {
        let page = page(&sample_with(pointer, json!(null)));
        assert_eq!(invalid_fields(&page), [], "{pointer}");
    }
    let bare = page(&json!({"success": true, "data": [{"deploymentId": "d"}]}));
    assert_eq!(only(&bare), &Deployment { id: "d".into(), ..Deployment::default() });
}

#[test]
fn a_deployment_without_an_id_is_counted_and_left_out() {
    let reply = json!({"success": true, "totalSize": 4, "data": [
        null, 7, {"name": "nameless"}, {"deploymentId": "d"}
    ]});
    let page = page(&reply);
    assert_eq!((page.decoded.elements, page.decoded.unidentified), (4, 3));
    assert_eq!(&*only(&page).id, "d");
    assert_eq!(invalid_fields(&page), [("data", 2), ("deploymentId", 1)]);
}

#[test]
fn texts_too_long_for_a_label_are_left_out() {
    let page = page(&sample_with("/name", json!("x".repeat(2000))));
    assert_eq!(invalid_fields(&page), [("name", 1)]);
    assert_eq!(&*only(&page).name, "");
}

#[test]
fn the_last_value_of_a_duplicate_key_is_used() {
    let reply = r#"{"success": false, "success": true, "totalSize": 1,
        "data": [{"deploymentId": "a", "name": "x", "deploymentId": "b", "labels": {"k": 1, "k": 2}}]}"#;
    let page = decode(reply.as_bytes(), &all()).unwrap();
    assert_eq!(&*only(&page).id, "b");
    assert_eq!(&*only(&page).labels[0].1, "2");
}

#[test]
fn a_resource_plan_is_read_after_any_number_of_escapes() {
    let plan = r#"{"ssgProfiles":[{"name":"g","cpu":0.5,"heap":"1 gb","managed":{"a":"64 mb","b":"1 mb"}}],
        "nodes":[{"id":1,"profile":{"group":"g","parallelism":3}}]}"#;
    let mut written = json!(plan);
    let bare: Value = serde_json::from_str(plan).unwrap();
    let inner = |text: &str| {
        let quoted = Value::from(text).to_string();
        quoted[1..quoted.len() - 1].to_owned()
    };
    for form in [bare, written.clone(), json!(inner(plan)), json!(inner(&inner(plan)))] {
        let page = page(&sample_with("/streamingResourceSetting/expertResourceSetting/resourcePlan", form));
        let resources = &only(&page).resources;
        let plan = resources.expert.as_ref().unwrap().plan.as_ref().unwrap();
        assert_eq!((plan.slots(), plan.cpu_cores()), (Some(3), Some(1.5)));
        assert_eq!(plan.groups()[0].managed_bytes, Some(65 << 20));
    }
    for _ in 0..5 {
        written = json!(written.to_string());
    }
    let page = page(&sample_with("/streamingResourceSetting/expertResourceSetting/resourcePlan", written));
    assert_eq!(invalid_fields(&page).len(), 1, "so many layers are a mistake");
}

#[test]
fn blank_plans_say_nothing_and_hostile_ones_are_refused() {
    let plan_of = |plan: &str| {
        let pointer = "/streamingResourceSetting/expertResourceSetting/resourcePlan";
        let page = page(&sample_with(pointer, json!(plan)));
        let plan = only(&page).resources.expert.as_ref().unwrap().plan.clone();
        (plan.is_some(), invalid_fields(&page).len())
    };
    for blank in ["", "  ", "null", "\"\""] {
        assert_eq!(plan_of(blank), (false, 0), "{blank:?}");
    }
    let many: Vec<_> = (0..1000).map(|index| json!({"name": index.to_string()})).collect();
    let many_nodes: Vec<_> =
        (0..1000).map(|index| json!({"profile": {"group": index.to_string()}})).collect();
    for hostile in [
        "[]".to_owned(),
        "17".to_owned(),
        "[".repeat(100_000),
        json!({"ssgProfiles": many}).to_string(),
        json!({"nodes": many_nodes}).to_string(),
        json!({"ssgProfiles": [{"name": "twice"}, {"name": "twice"}]}).to_string(),
        json!({"ssgProfiles": [null]}).to_string(),
    ] {
        let (known, invalid) = plan_of(&hostile);
        assert!(!known && invalid > 0, "{}", &hostile[..hostile.len().min(60)]);
    }
}

#[test]
fn a_plan_of_very_many_groups_is_refused_soon() {
    let nodes: Vec<_> = (0..100_000).map(|group| json!({"profile": {"group": group.to_string()}})).collect();
    let pointer = "/streamingResourceSetting/expertResourceSetting/resourcePlan";
    let reply = sample_with(pointer, json!(json!({"nodes": nodes}).to_string()));
    let begun = tokio::time::Instant::now();
    assert_eq!(only(&page(&reply)).resources.expert.as_ref().unwrap().plan, None);
    let took = begun.elapsed();
    assert!(took.as_secs() < 5, "{took:?}: each group is looked for among all others");
}

#[test]
fn a_response_that_is_not_a_listing_has_the_right_error() {
    let cases: [(&[u8], ErrorClass, bool); 12] = [
        (b"", ErrorClass::InvalidResponse, true),
        (b"<html>busy</html>", ErrorClass::InvalidResponse, true),
        (br#"{"success": true, "data": [{"deploymentId": "a"#, ErrorClass::InvalidResponse, true),
        (b"[]", ErrorClass::InvalidResponse, false),
        (b"null", ErrorClass::InvalidResponse, false),
        (b"{}", ErrorClass::InvalidResponse, false),
        (br#"{"success": "perhaps", "data": []}"#, ErrorClass::InvalidResponse, false),
        (br#"{"success": true, "data": {"a": 1}}"#, ErrorClass::InvalidResponse, false),
        (br#"{"success": true, "totalSize": -1, "data": []}"#, ErrorClass::InvalidResponse, false),
        (br#"{"success": false, "errorCode": "990301", "data": []}"#, ErrorClass::NotFound, false),
        (br#"{"success": false, "errorCode": "Throttling.User"}"#, ErrorClass::Throttled, true),
        (br#"{"success": false, "httpCode": 500}"#, ErrorClass::Api, true),
    ];
    for (body, kind, retried) in cases {
        let error = decode(body, &all()).unwrap_err();
        let text = String::from_utf8_lossy(body);
        assert_eq!((error.class(), error.retry() != Retry::Never), (kind, retried), "{text}: {error}");
    }
}

#[test]
fn bytes_that_are_no_utf_8_spoil_only_their_text() {
    let mut body = json!({"success": true, "totalSize": 1, "data": [{"deploymentId": "d", "name": "NAME"}]})
        .to_string()
        .into_bytes();
    let at = body.windows(4).position(|window| window == b"NAME").unwrap();
    body[at] = 0xff;
    let page = decode(&body, &all()).unwrap();
    assert_eq!(&*only(&page).name, "\u{fffd}AME");
}

#[test]
fn fields_without_a_metric_are_not_read() {
    let nothing = FieldSelection { jobs: false, resources: false, labels: LabelKeys::default() };
    let page = decode(BY_LABEL.as_bytes(), &nothing).unwrap();
    let deployment = only(&page);
    assert_eq!(deployment.jobs.get(JobState::Failed), None);
    assert_eq!((deployment.resources.basic.is_none(), deployment.labels.len()), (true, 0));
    assert_eq!(&*deployment.info.resource_mode, "");
}

/// Any JSON.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "[0-9.eE+-]{0,8}( ?[kKmMgGtT][iI]?[bB]?)?".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map("[a-zA-Z]{0,6}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Every place of the sample's deployment, but its id.
fn pointers() -> Vec<String> {
    fn walk(value: &Value, path: &str, found: &mut Vec<String>) {
        let Value::Object(members) = value else { return };
        for (key, member) in members.iter().filter(|(key, _)| *key != "deploymentId") {
            let path = format!("{path}/{key}");
            walk(member, &path, found);
            found.push(path);
        }
    }
    let mut found = Vec::new();
    walk(&sample()["data"][0], "", &mut found);
    found
}

proptest! {
    #[test]
    fn any_value_in_any_place_leaves_the_deployment_and_its_neighbour(
        pointer in proptest::sample::select(pointers()),
        value in json_value(),
    ) {
        let mut reply = sample_with(&pointer, value);
        let mut neighbour = sample()["data"][0].clone();
        neighbour["deploymentId"] = json!("neighbour");
        reply["data"].as_array_mut().unwrap().push(neighbour);
        let page = page(&reply);
        prop_assert_eq!(page.decoded.items.len(), 2);
        let sound = self::page(&sample());
        let expected = Deployment { id: "neighbour".into(), ..only(&sound).clone() };
        prop_assert_eq!(&page.decoded.items[1], &expected);
        // At the most everything below the place is lost, each once.
        prop_assert!(invalid_fields(&page).iter().map(|(_, count)| count).sum::<u64>() <= 8);
    }

    #[test]
    fn any_json_is_a_listing_or_an_error(value in json_value()) {
        prop_assert!(decode(value.to_string().as_bytes(), &all()).is_err(), "without `success`");
        let wrapped = json!({"success": true, "totalSize": 1, "data": value});
        match decode(wrapped.to_string().as_bytes(), &all()) {
            Ok(page) => {
                let (decoded, elements) = (page.decoded, value.as_array().map_or(0, Vec::len));
                prop_assert_eq!(decoded.elements, elements);
                prop_assert_eq!(decoded.items.len() + decoded.unidentified, elements);
            }
            Err(_) => prop_assert!(!value.is_array() && !value.is_null()),
        }
    }

    #[test]
    fn any_bytes_are_a_listing_or_an_error(mut bytes in proptest::collection::vec(any::<u8>(), 0..64), at in 0..2000_usize) {
        prop_assert!(decode(&bytes, &all()).is_err(), "too short for a reply");
        let mut body = BY_LABEL.as_bytes().to_vec();
        let at = at.min(body.len());
        body.truncate(at);
        body.append(&mut bytes);
        let is_json = serde_json::from_str::<IgnoredAny>(&String::from_utf8_lossy(&body)).is_ok();
        prop_assert!(is_json || decode(&body, &all()).is_err());
    }
}
