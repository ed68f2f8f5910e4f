//! Shared by the test binaries that run the program: the program as a child process, APIs that it polls, and a parser
//! of the metrics that it serves.

mod certificate;
mod exposition;
mod job_fleet;
mod notify_socket;
mod page;
mod pipe;
mod program;
mod raw;
mod stub;

use std::{fmt::Display, time::Duration};

use tokio::time::{Instant, sleep};

pub(crate) use certificate::web_config_with_certificate;
pub(crate) use exposition::{Exposition, Query, Series};
pub(crate) use job_fleet::{JobFleet, failed_job, job_settings, running_job, steady_deployment};
pub(crate) use notify_socket::NotifySocket;
pub(crate) use page::{empty_page, page_of, sample, unsuccessful};
pub(crate) use pipe::FullPipe;
pub(crate) use program::{Finished, Program, Start};
pub(crate) use raw::{Raw, RawApi, http};
pub(crate) use stub::{Reply, Seen, StubApi};

/// Maximum time to wait for an event. Only a failing test reaches it: a slow, busy machine is no reason to fail.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

/// Calls `attempt` until it returns a value.
pub(crate) async fn until<T>(what: impl Display, mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = attempt().await {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "timed out waiting for {what}");
        sleep(Duration::from_millis(20)).await;
    }
}
