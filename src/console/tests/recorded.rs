//! Requests that the official SDKs sent, and the replies that they accepted.

use std::collections::BTreeMap;

use acs3::{
    Signable,
    verify::{Authorization, canonical_received_query, verify},
};
use serde::Deserialize;
use serde_json::Value;

use super::super::{DescribeInstances, DescribeNamespaces, ListEditableNamespace};
use crate::api::{Operation, Page};

const SECRET: &str = "fakeAccessKeySecret0001";

#[derive(Deserialize)]
struct Recorded {
    name: String,
    method: String,
    /// As it was on the wire.
    target: String,
    headers: BTreeMap<String, String>,
    reply: Value,
}

impl Recorded {
    fn path_and_query(&self) -> (&str, &str) {
        self.target.split_once('?').unwrap_or((&self.target, ""))
    }
}

fn recorded() -> Vec<Recorded> {
    serde_json::from_str(include_str!("../../../tests/data/sdk_requests.json")).unwrap()
}

fn named(name: &str) -> Recorded {
    recorded().into_iter().find(|recorded| recorded.name == name).unwrap()
}

#[test]
fn every_recorded_signature_is_reproduced() {
    let recorded = recorded();
    assert_eq!(recorded.len(), 28);
    for request in &recorded {
        let headers: BTreeMap<String, &str> =
            request.headers.iter().map(|(name, value)| (name.to_lowercase(), value.as_str())).collect();
        let authorization = Authorization::parse(headers["authorization"]).unwrap();
        let signed: Vec<_> =
            authorization.signed_headers.split(';').map(|name| (name, headers[name])).collect();
        let (path, query) = request.path_and_query();
        let signable = Signable {
            method: &request.method,
            path,
            query: &canonical_received_query(query),
            headers: &signed,
            body_sha256: headers["x-acs-content-sha256"],
        };
        assert!(verify(signable, SECRET, authorization.signature), "{}", request.name);
        let own = acs3::authorization(signable, authorization.access_key_id, SECRET);
        assert_eq!(own, headers["authorization"], "{}", request.name);
    }
}

/// The path and the query of a page, as the client sends them.
fn sent<O: Operation>(operation: &O, page: [(&str, &str); 2]) -> String {
    let parameters = operation.parameters();
    let mut parameters: Vec<_> = parameters.iter().map(|(key, value)| (*key, value.as_str())).collect();
    parameters.extend(page);
    format!("{}?{}", operation.path(), acs3::canonical_query(&parameters))
}

fn assert_sent_as_recorded<O: Operation>(operation: &O, recorded: &Recorded) {
    assert_eq!(recorded.headers["x-acs-action"], O::ACTION);
    assert_eq!(recorded.headers["x-acs-version"], O::PRODUCT.version());
    assert!(!recorded.headers.contains_key("workspace"));
    let (path, query) = recorded.path_and_query();
    assert_eq!(path, operation.path());
    for (key, value) in operation.parameters() {
        assert!(query.contains(&format!("{key}={value}")), "{query}");
    }
}

#[test]
fn operations_are_sent_as_the_official_sdk_sends_them() {
    let pages = [("PageIndex", "1"), ("PageSize", "100")];
    let namespaces =
        DescribeNamespaces { region: "cn-hangzhou".into(), instance_id: "f-cn-000000000000".into() };
    let recorded = named("DescribeNamespaces");
    assert_sent_as_recorded(&namespaces, &recorded);
    assert_eq!(sent(&namespaces, pages), recorded.target);

    let instances = DescribeInstances { region: "cn-hangzhou".into() };
    assert_sent_as_recorded(&instances, &named("DescribeInstances minimal"));
    assert_eq!(sent(&instances, pages), "/?PageIndex=1&PageSize=100&Region=cn-hangzhou");

    let editable = ListEditableNamespace { region: "cn-hangzhou".into() };
    let recorded = named("ListEditableNamespace");
    assert_sent_as_recorded(&editable, &recorded);
    let pages = [("pageIndex", "1"), ("pageSize", "100")];
    let target = recorded.target.replace("&workspaceId=a14bd5d90a0000", "");
    assert_eq!(sent(&editable, pages), target);
}

#[test]
fn the_replies_that_the_sdk_accepted_are_decoded() {
    let reply = |name| named(name).reply.to_string().into_bytes();
    let instances = DescribeInstances { region: "cn-hangzhou".into() };
    let page = Page::decode(&instances, 100, &reply("DescribeInstances minimal")).unwrap();
    assert_eq!(page.total_pages, Some(1));
    let instance = &page.decoded.items[0];
    assert_eq!((&*instance.workspace, &*instance.instance_id), ("b3690a16550000", "f-cn-000000000000"));
    assert_eq!((instance.quota.total(), instance.used.compute_units), (Some(15.0), Some(3.5)));
    assert_eq!(instance.used.memory_bytes, Some(14.0 * 1024.0 * 1024.0 * 1024.0));
    assert_eq!((instance.created, instance.expires), (Some(1_629_879_567.394), Some(1_637_337_600.0)));
    assert_eq!(page.decoded.invalid.iter().count(), 0);
    let page = Page::decode(&instances, 100, &reply("DescribeInstances all filters")).unwrap();
    assert_eq!((page.total_pages, page.decoded.items.len()), (Some(0), 0));

    let namespaces = DescribeNamespaces { region: "cn-hangzhou".into(), instance_id: "f".into() };
    let page = Page::decode(&namespaces, 100, &reply("DescribeNamespaces")).unwrap();
    let namespace = &page.decoded.items[0];
    assert_eq!((&*namespace.name, &*namespace.status), ("ws1-default", "SUCCESS"));
    let quotas = (namespace.quota, namespace.guaranteed_quota, namespace.elastic_quota);
    assert_eq!(quotas, (Some(8.0), Some(8.0), Some(4.0)));
    assert_eq!(namespace.used.cpu_cores, Some(3.5));
    let refused = reply("DescribeNamespaces with tags and Ha");
    assert!(Page::decode(&namespaces, 100, &refused).is_err(), "a failure without a reason");

    let editable = ListEditableNamespace { region: "cn-hangzhou".into() };
    let page = Page::decode(&editable, 100, &reply("ListEditableNamespace")).unwrap();
    assert_eq!(page.total_size, Some(1));
    let namespace = &page.decoded.items[0];
    assert_eq!((namespace.workspace(), namespace.name()), ("a14bd5d90a0000", "ws1-default"));
}
