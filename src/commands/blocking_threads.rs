//! The threads of a daemon, on systems that limit their number.
//!
//! Tokio starts a thread for blocking work when work arrives, and ends it after ten idle seconds. If the system
//! refuses to start another one, the work waits forever, and so do the requests that need it. Therefore a daemon
//! checks at its start that it gets the threads it needs, keeps one for blocking work alive, and ends if it has none.

use std::{io, num::NonZero, thread, time::Duration};

use tokio::{
    task::spawn_blocking,
    time::{sleep, timeout},
};

use super::CommandError;

/// Threads besides the runtime's workers: for blocking work, the log, signals, and standard output.
const EXTRA_THREADS: usize = 4;

/// Less than the ten seconds after which Tokio ends an idle thread.
const CHECK_INTERVAL: Duration = Duration::from_secs(4);

/// How long blocking work may wait before the system is asked for a thread directly.
const START_TIMEOUT: Duration = Duration::from_secs(10);

/// Checks that as many threads as a daemon needs can exist at the same time.
///
/// # Errors
///
/// Fails if the system refuses one of them.
pub fn check_limit() -> Result<(), CommandError> {
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    let threads = (0..workers + EXTRA_THREADS).map(|_| start(thread::park)).collect::<io::Result<Vec<_>>>();
    for thread in threads.map_err(|error| refused(&error))? {
        thread.thread().unpark();
        // The result of a thread that only waits.
        let _ = thread.join();
    }
    Ok(())
}

/// Keeps a thread for blocking work alive. Returns if there is none and the system refuses to start one.
pub(super) async fn watch() -> CommandError {
    loop {
        let mut work = spawn_blocking(|| ());
        while timeout(START_TIMEOUT, &mut work).await.is_err() {
            if let Err(error) = start(|| ()) {
                return refused(&error);
            }
        }
        sleep(CHECK_INTERVAL).await;
    }
}

fn start(work: impl FnOnce() + Send + 'static) -> io::Result<thread::JoinHandle<()>> {
    thread::Builder::new().name("check".to_owned()).spawn(work)
}

fn refused(error: &io::Error) -> CommandError {
    CommandError::Runtime(format!(
        "can't start a thread: {error}; raise the limit of tasks (ulimit -u, systemd's TasksMax=, the container's \
         limit of PIDs)"
    ))
}
