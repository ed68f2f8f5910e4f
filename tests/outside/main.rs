//! Tests of the built program: its command line, its HTTP interface, and the requests that it sends.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

mod alerts;
mod blocked_log;
mod bounds;
mod chart;
mod collectors;
mod command_line;
mod credentials;
mod dashboards;
mod demo;
mod direction;
mod discovery;
mod documents;
mod exposition_parser;
mod faults;
mod healthcheck;
mod http;
mod isolation;
mod jobs;
mod odd_values;
mod reference;
mod reload;
mod samples;
mod secrets;
mod series_budget;
mod shards;
mod simulate;
mod staleness;
mod systemd;
mod transitions;
mod web_config;
mod wire;

#[path = "../support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "tests/slow uses the rest")]
mod support;
