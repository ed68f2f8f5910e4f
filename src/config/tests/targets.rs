//! Workspaces, endpoints and targets.

use super::*;

#[test]
fn an_endpoint_is_a_scheme_a_host_and_perhaps_a_port() {
    let load = |endpoint: &str, more: &str| {
        load_yaml(&format!("workspaces: [{{id: w1, endpoint: '{endpoint}', namespaces: [n1]{more}}}]"))
    };
    for endpoint in [
        "https://h.example.com",
        "https://h.example.com/",
        "https://h:8443",
        "https://[2001:db8::1]",
        "http://127.0.0.1:10979",
        "http://127.9.9.9",
        "http://[::1]:80",
        "http://localhost:1",
        "http://LOCALHOST",
    ] {
        assert!(load(endpoint, "").is_ok(), "{endpoint}: {:?}", load(endpoint, ""));
    }
    for endpoint in [
        "",
        "h.example.com",
        "localhost:8080",
        "ftp://h",
        "https://",
        "https://h/path",
        "https://h?q",
        "https://h#f",
        "https://u@h",
        "https://u:p@h",
        "file:///etc/passwd",
        "http://h",
        "http://10.0.0.1",
        "http://128.0.0.1",
        "http://localhost.example.com",
        "http://[::2]",
        "http://0.0.0.0",
        "mailto:a@b",
    ] {
        assert!(load(endpoint, "").is_err(), "{endpoint}");
    }
    let config = load("http://10.0.0.1", ", allow_plain_http: true").unwrap();
    assert_eq!(config.warnings().len(), 1);
    assert!(load("http://10.0.0.1", ", allow_plain_http: false").is_err());
}

#[test]
fn invalid_workspaces_and_targets_are_rejected() {
    for text in [
        "workspaces: {id: w1}",
        "workspaces: [w1]",
        "workspaces: [null]",
        "workspaces: [{id: '', region: r, namespaces: [n]}]",
        "workspaces: [{id: 'w 1', region: r, namespaces: [n]}]",
        "workspaces: [{id: \"w\\t1\", region: r, namespaces: [n]}]",
        "workspaces: [{id: wé, region: r, namespaces: [n]}]",
        "workspaces: [{id: true, region: r, namespaces: [n]}]",
        "workspaces: [{id: w, namespaces: [n]}]",
        "workspaces: [{id: w, region: a.b, namespaces: [n]}]",
        "workspaces: [{id: w, region: -a, namespaces: [n]}]",
        "workspaces: [{id: w, region: A, namespaces: [n]}]",
        "workspaces: [{id: w, region: 'a/b', namespaces: [n]}]",
        "workspaces: [{id: w, region: r}]",
        "workspaces: [{id: w, region: r, namespaces: []}]",
        "workspaces: [{id: w, region: r, namespaces: n}]",
        "workspaces: [{id: w, region: r, namespaces: [n, n]}]",
        "workspaces: [{id: w, region: r, namespaces: [n, {name: n, poll: {interval: 1s}}]}]",
    ] {
        assert!(load_yaml(text).is_err(), "{text}");
    }
    for target in [
        ".",
        "..",
        "a/b",
        "a b",
        "''",
        "null",
        "[a]",
        "{}",
        "{name: ..}",
        "{name: n, selection: {}}",
        "{name: n, select: {status: running}}",
        "{name: n, select: {name: ''}}",
        "{name: n, select: {creator: 1.5}}",
        "{name: n, select: {label: team}}",
        "{name: n, select: {label: {key: team}}}",
        "{name: n, select: {label: {key: team, values: []}}}",
        "{name: n, select: {label: {key: '', values: [a]}}}",
        "{name: n, select: {label: {key: team, values: ['']}}}",
        "{name: n, select: {label: {values: [a]}}}",
        "{name: n, select: {label: {key: team, values: [a;b]}}}",
        "{name: n, api: by_label}",
        "{name: n, api: by_label, select: {}}",
        "{name: n, api: both}",
        "{name: n, api: by_label, select: {label: {key: team, values: ['a,b']}}}",
        "{name: n, api: by_label, select: {status: RUNNING, label: {key: team, values: [a]}}}",
    ] {
        assert!(load_target(target).is_err(), "{target}");
    }
}

#[test]
fn valid_targets_are_accepted() {
    let label = |values: &[&str]| {
        let values = values.iter().map(|&value| value.to_owned()).collect();
        Selection { label: Some(LabelSelector { key: "team".into(), values }), ..Selection::default() }
    };
    for (target, namespace, selection) in [
        ("n", "n", Selection::default()),
        ("123", "123", Selection::default()),
        ("A.b_c-1", "A.b_c-1", Selection::default()),
        ("{name: n, select: {}}", "n", Selection::default()),
        ("{name: n, select: {label: {key: team, values: ['a,b', 7]}}}", "n", label(&["a,b", "7"])),
        ("{name: n, api: by_label, select: {label: {key: team, values: [a;b]}}}", "n", label(&["a;b"])),
        (
            "{name: n, select: {creator: 183899668}}",
            "n",
            Selection { creator: Some("183899668".into()), ..Selection::default() },
        ),
    ] {
        let loaded = load_target(target).unwrap();
        assert_eq!((loaded.namespace.as_str(), &loaded.selection), (namespace, &selection), "{target}");
    }
}
