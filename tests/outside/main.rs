//! The exporter from outside: the built binary, its command line, its HTTP and what it sends, each claim a test.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

mod alerts;
mod blocked_log;
mod bounds;
mod collectors;
mod command_line;
mod dashboards;
mod demo;
mod descriptors;
mod direction;
mod discovery;
mod documents;
mod fairness;
mod fault_table;
mod faults;
mod healthcheck;
mod http;
mod isolation;
mod jobs;
mod living;
mod odd_values;
mod reference;
mod reload;
mod request_rates;
mod samples;
mod secrets;
mod series_budget;
mod shards;
mod simulate;
mod staleness;
mod state_file;
mod stopping;
mod support;
mod systemd;
mod threads;
mod transitions;
mod wire;
