//! The interface for async callers.

use std::{path::Path, sync::Arc, thread, time::Duration};

use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};

use crate::{
    Batch, Loaded, Owner, SaveError, Settings, error::Problem, file_health::FileHealth, io_thread::IoThread,
    save_queue::SaveQueue,
};

/// In bytes. redb's trees are shallow.
const STACK_SIZE: usize = 1 << 20;

/// The file is being opened and read.
#[derive(Debug)]
pub struct Loading {
    loaded: oneshot::Receiver<Loaded>,
    deadline: Instant,
    timeout: Duration,
    queue: Arc<SaveQueue>,
    status: Arc<FileHealth>,
}

impl Loading {
    /// Waits until the file has been read, or the time-outs in [`Settings`] have passed. Returns the contents once. Can
    /// be cancelled and called again.
    pub async fn wait(&mut self) -> Loaded {
        let loaded = match timeout_at(self.deadline, &mut self.loaded).await {
            Ok(loaded) => loaded.ok(),
            Err(_) => self.queue.give_up(&mut self.loaded, || {
                self.status.set_problem(&Problem::Blocked(self.timeout));
            }),
        };
        loaded.unwrap_or_else(|| {
            Loaded::Nothing(self.status.problem().unwrap_or_else(|| "The state file is closed.".into()))
        })
    }
}

/// A persistent key–value file.
#[derive(Debug)]
pub struct StateFile {
    settings: Settings,
    queue: Arc<SaveQueue>,
    status: Arc<FileHealth>,
}

impl StateFile {
    /// Opens the file in the background, and creates it if it does not exist.
    ///
    /// Never fails: a file that can't be used is reported by [`StateFile::problem`] and retried.
    pub fn start(settings: Settings, owner: Arc<dyn Owner>) -> (Self, Loading) {
        let queue = Arc::new(SaveQueue::new(settings.max_queued_batches, settings.max_queued_bytes));
        let status = Arc::new(FileHealth::new(settings.path.clone()));
        let (sender, loaded) = oneshot::channel();
        let worker = IoThread::new(settings.clone(), owner, queue.clone(), status.clone(), sender);
        let thread = thread::Builder::new().name("state-file".to_owned()).stack_size(STACK_SIZE);
        if let Err(error) = thread.spawn(move || worker.run()) {
            status.set_problem(&Problem::NoThread(error));
            queue.ended(Err(SaveError::Closed));
        }
        let timeout = settings.lock_timeout + settings.load_timeout;
        let deadline = Instant::now() + timeout;
        let loading = Loading { loaded, deadline, timeout, queue: queue.clone(), status: status.clone() };
        (Self { settings, queue, status }, loading)
    }

    /// Saves `batch` in one transaction, possibly together with others. Batches are saved in the order of the calls, not
    /// of the polls of the futures.
    ///
    /// The owner must have the changes in memory as soon as this returns, also if it fails: what is not saved is made up
    /// for with [`Owner::dump`]. A key that waits to be saved must not be saved again before this returns.
    ///
    /// # Errors
    ///
    /// If the batch is not known to be durable within [`Settings::save_timeout`] of the call. It may still become so.
    pub fn save(&self, batch: Batch) -> impl Future<Output = Result<(), SaveError>> + Send + use<> {
        let timeout = self.settings.save_timeout;
        let deadline = Instant::now() + timeout;
        let reply = self.queue.push(batch, self.settings.clock.since_epoch(), timeout);
        let (queue, status) = (self.queue.clone(), self.status.clone());
        async move {
            let mut reply = reply?;
            if let Ok(result) = timeout_at(deadline, &mut reply).await {
                return result.unwrap_or(Err(SaveError::Closed));
            }
            let on_blocked = || {
                status.set_problem(&Problem::Blocked(timeout));
            };
            queue.give_up(&mut reply, on_blocked).unwrap_or(Err(SaveError::Blocked(timeout)))
        }
    }

    /// Overwrites the file with [`Owner::dump`] soon.
    pub fn request_dump(&self) {
        self.queue.request_dump();
    }

    /// Saves what waits, records the time, and closes the file. Later saves fail.
    ///
    /// # Errors
    ///
    /// If that is not finished within `timeout`, or if saving fails.
    pub async fn close(&self, timeout: Duration) -> Result<(), SaveError> {
        let reply = self.queue.close(self.settings.clock.since_epoch())?;
        match timeout_at(Instant::now() + timeout, reply).await {
            Ok(result) => result.unwrap_or(Err(SaveError::Closed)),
            Err(_) => Err(SaveError::Blocked(timeout)),
        }
    }

    /// Whether the file was read or created, and all that was to be saved has been saved.
    pub fn healthy(&self) -> bool {
        self.status.healthy()
    }

    /// Why the file is not healthy: one sentence that names the file, the reason and the remedy.
    pub fn problem(&self) -> Option<Arc<str>> {
        self.status.problem()
    }

    /// The time of the last save, by an earlier process if there was none yet, since the Unix epoch.
    pub fn last_save(&self) -> Option<Duration> {
        self.status.last_save()
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.settings.path
    }
}

impl Drop for StateFile {
    fn drop(&mut self) {
        // Nobody waits for the reply. A file that was closed before is no error.
        let _ = self.queue.close(self.settings.clock.since_epoch());
    }
}
