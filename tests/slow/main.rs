//! Tests that take long or depend on real time: rates, timeouts, intervals, and limits of the system under load.
//!
//! Each of them passes on a busy machine. They are in a binary of their own so that they do not slow down or disturb
//! the tests in `tests/outside` and `tests/serving`. Tests of timers inside the library use paused time instead, and
//! are next to the code.
//!
//! Tests that mostly wait run at the same time. Tests that load the machine hold [`LOAD`].

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

mod changing_fleet;
mod descriptors;
mod fairness;
mod fault_table;
mod healthcheck;
mod job_requests;
mod large_metrics;
mod request_rates;
mod state_file;
mod stopping;
mod threads;
mod watchdog;
mod web_clients;

#[path = "../support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "tests/outside uses the rest")]
mod support;

use tokio::sync::Mutex;

/// Held by tests that load the machine, so that they run one at a time.
static LOAD: Mutex<()> = Mutex::const_new(());
