//! The limits of settings, and defaults that depend on others.

use super::*;

#[test]
fn settings_stay_within_their_limits() {
    for (setting, good, bad) in [
        ("api: {page_size: X}", &["1", "100"][..], &["0", "101", "-1", "1.0", "'50'", "many", "[]"][..]),
        ("api: {max_concurrent_requests: X}", &["1", "1000"], &["0", "1001"]),
        ("api: {account_requests_per_second: X}", &["0.001", "100"], &["0", "1000001"]),
        ("api: {console_requests_per_second: X}", &["0.001", "2"], &["0", "1000001"]),
        (
            "api: {requests_per_second: X}",
            &["0.1", "1", "1000000"],
            &["0", "-1", "1000001", ".nan", ".inf", "'5'"],
        ),
        ("api: {request_timeout: X}", &["1ms", "1h"], &["0s", "5", "366d", "''"]),
        ("api: {max_retries: X}", &["0", "100"], &["101", "-1"]),
        (
            "api: {max_response_size: X}",
            &["1024", "1KiB", "'2048'", "4GiB"],
            &["1023", "0", "5GiB", "-5", "1.5", "x"],
        ),
        ("api: {max_listing_size: X}", &["1KiB", "64GiB"], &["1023", "65GiB", "-5", "x"]),
        ("poll: {interval: X}", &["100ms", "365d"], &["99ms", "0s", "30", "'30'", "{}"]),
        ("poll: {timeout: X}", &["1ms", "10m"], &["0s", "true"]),
        ("poll: {stale_after: X}", &["1ms", "1d"], &["0s", "400d"]),
        ("metrics: {jobs: X}", &["true", "false"], &["yes", "'true'", "1"]),
        ("metrics: {max_series: X}", &["0", "1", "1000000000"], &["-1", "1.5", "1000000001", "many"]),
        ("shard: {index: X, total: 1000}", &["0", "999"], &["-1", "1000", "a"]),
        ("shard: {total: X}", &["1", "1000"], &["0", "1001"]),
        ("metrics: {first_value_hold: X}", &["0s", "2m", "365d"], &["0", "-1s", "366d"]),
        ("state: {path: X}", &["state.redb", "/a b/c"], &["''", "{}", "true"]),
        (
            "metrics: {deployment_labels: X}",
            &["[]", "['*']", "[a, 5]"],
            &["a", "[a, a]", "[a, '*']", "['']", "[[]]"],
        ),
    ] {
        let load = |value: &str| load_yaml(&format!("{}\n{WORKSPACE}", setting.replace('X', value)));
        for value in good {
            assert!(load(value).is_ok(), "{setting} {value}: {:?}", load(value));
        }
        for value in bad {
            assert!(load(value).is_err(), "{setting} {value}");
        }
    }
}

#[test]
fn a_section_without_keys_counts_as_absent() {
    let config =
        load_yaml(&format!("poll:\napi:\n  page_size:\nmetrics:\ncredentials:\n{WORKSPACE}")).unwrap();
    assert_eq!(config.api, api::Settings::default());
}

#[test]
fn the_default_account_rate_is_at_least_the_workspace_rate() {
    let rate = |api: &str| {
        load_yaml(&format!("api: {{{api}}}\n{WORKSPACE}")).unwrap().api.account_requests_per_second
    };
    for (api, expected) in [
        ("", 50.0),
        ("requests_per_second: 20", 50.0),
        ("requests_per_second: 200", 200.0),
        ("requests_per_second: 200, account_requests_per_second: 80", 80.0),
    ] {
        assert!((rate(api) - expected).abs() < f64::EPSILON, "{api}");
    }
}

#[test]
fn the_settings_of_jobs_are_those_of_the_workspace_then_those_at_the_top() {
    let jobs = |text: &str| {
        let enabled = load_yaml(text).unwrap().workspaces[0].collectors.get("jobs")?;
        let settings = enabled.jobs.unwrap();
        Some((settings.mode.as_str(), enabled.interval.as_secs(), settings.requests_per_second))
    };
    let workspace = "{id: w, endpoint: 'https://x.example', namespaces: [n1]";
    assert_eq!(jobs(&format!("workspaces: [{workspace}}}]")), None);
    let text = format!("workspaces: [{workspace}, collectors: {{jobs: true}}}}]");
    assert_eq!(jobs(&text), Some(("failures", 300, 2.0)));
    let text = format!(
        "collectors: {{jobs: {{mode: active, interval: 1m}}}}\n\
         workspaces: [{workspace}, collectors: {{jobs: {{requests_per_second: 5}}}}}}]"
    );
    assert_eq!(jobs(&text), Some(("active", 60, 5.0)));
}
