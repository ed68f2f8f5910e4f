//! What the tests stand on: the program, an API of their own, and a reader of what is served.

mod exposition;
mod page;
mod pipe;
mod program;
mod raw;
mod stub;

use std::{fmt::Display, time::Duration};

use tokio::time::{Instant, sleep};

pub(crate) use exposition::{Exposition, Query, Series};
pub(crate) use page::{empty_page, page_of, sample, unsuccessful};
pub(crate) use pipe::FullPipe;
pub(crate) use program::{Finished, Program, Start};
pub(crate) use raw::{Raw, RawApi, http};
pub(crate) use stub::{Reply, Seen, StubApi};

/// How long anything may take on a slow, busy machine before a test gives up on it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Tries until something comes of it.
pub(crate) async fn until<T>(what: impl Display, mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = attempt().await {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
        sleep(Duration::from_millis(20)).await;
    }
}
