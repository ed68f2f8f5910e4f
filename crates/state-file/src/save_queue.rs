//! What waits to be saved.

use std::{mem, time::Duration};

use parking_lot::{Condvar, Mutex};
use tokio::{sync::oneshot, time::Instant};

use crate::{Batch, SaveError};

pub(crate) type Reply = oneshot::Receiver<Result<(), SaveError>>;
type Replier = oneshot::Sender<Result<(), SaveError>>;

/// The batches between callers and the thread for file I/O.
#[derive(Debug)]
pub(crate) struct SaveQueue {
    max_batches: usize,
    max_bytes: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<Pending>,
    /// The size of the batches that wait and of those being saved.
    bytes: usize,
    /// Something was not saved.
    needs_dump: bool,
    thread: Thread,
    closed: bool,
    /// When the queue was closed, and the reply to the caller.
    closing: Option<(Duration, Replier)>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Thread {
    Idle,
    /// It uses the disk. This includes opening the file at the start.
    #[default]
    Busy,
    /// A caller gave up. Others do not wait until the thread has finished what it does.
    Blocked,
}

#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) batch: Batch,
    /// The time of the call, since the Unix epoch.
    time: Duration,
    reply: Replier,
}

impl Pending {
    /// Whether the caller has not given up. Until it has the reply, its memory may lack the batch.
    pub(crate) fn is_awaited(&self) -> bool {
        !self.reply.is_closed()
    }
}

/// What the thread has to do.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) pending: Vec<Pending>,
    /// The time of the last call, since the Unix epoch; none if no caller waits.
    pub(crate) time: Option<Duration>,
    /// Everything in memory has to be saved.
    pub(crate) dump: bool,
    /// The thread ends afterwards.
    pub(crate) last: bool,
}

impl SaveQueue {
    pub(crate) fn new(max_batches: usize, max_bytes: usize) -> Self {
        Self { max_batches, max_bytes, state: Mutex::default(), changed: Condvar::new() }
    }

    /// Adds `batch` at `time`, or drops it in favour of a dump. `timeout` is what the caller would wait.
    pub(crate) fn push(&self, batch: Batch, time: Duration, timeout: Duration) -> Result<Reply, SaveError> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(SaveError::Closed);
        }
        let error = if state.thread == Thread::Blocked {
            SaveError::Blocked(timeout)
        } else if state.waiting.len() >= self.max_batches || state.bytes + batch.size() > self.max_bytes {
            SaveError::QueueFull
        } else {
            let (reply, receiver) = oneshot::channel();
            state.bytes += batch.size();
            state.waiting.push(Pending { batch, time, reply });
            self.changed.notify_all();
            return Ok(receiver);
        };
        state.needs_dump = true;
        self.changed.notify_all();
        Err(error)
    }

    /// Gives up waiting for `reply`, unless it has come. `on_blocked` runs if the thread is the reason.
    pub(crate) fn give_up<T>(
        &self,
        reply: &mut oneshot::Receiver<T>,
        on_blocked: impl FnOnce(),
    ) -> Option<T> {
        let mut state = self.state.lock();
        reply.close();
        if let Ok(result) = reply.try_recv() {
            return Some(result);
        }
        if state.thread != Thread::Idle || !state.waiting.is_empty() {
            state.thread = Thread::Blocked;
            on_blocked();
        }
        None
    }

    /// Has everything saved that is in memory.
    pub(crate) fn request_dump(&self) {
        self.state.lock().needs_dump = true;
        self.changed.notify_all();
    }

    pub(crate) fn needs_dump(&self) -> bool {
        self.state.lock().needs_dump
    }

    /// The disk responds.
    pub(crate) fn unblock(&self) {
        self.state.lock().thread = Thread::Busy;
    }

    /// Accepts no more batches. The thread ends after those that wait.
    pub(crate) fn close(&self, time: Duration) -> Result<Reply, SaveError> {
        let mut state = self.state.lock();
        if mem::replace(&mut state.closed, true) {
            return Err(SaveError::Closed);
        }
        let (reply, receiver) = oneshot::channel();
        state.closing = Some((time, reply));
        self.changed.notify_all();
        Ok(receiver)
    }

    /// Waits for `interval`, or until the queue is closed. Returns whether it is.
    pub(crate) fn wait_for_close(&self, interval: Duration) -> bool {
        let mut state = self.state.lock();
        self.changed.wait_while_for(&mut state, |state| !state.closed, interval);
        state.closed
    }

    /// Waits for work until `deadline`, or without end if there is none. A dump is work if `can_dump`.
    pub(crate) fn next(&self, can_dump: bool, deadline: Option<Instant>) -> Work {
        let idle =
            |state: &mut State| state.waiting.is_empty() && !state.closed && !(can_dump && state.needs_dump);
        let mut state = self.state.lock();
        state.thread = Thread::Idle;
        match deadline {
            None => self.changed.wait_while(&mut state, idle),
            Some(deadline) => {
                let timeout = deadline.saturating_duration_since(Instant::now());
                self.changed.wait_while_for(&mut state, idle, timeout);
            }
        }
        state.thread = Thread::Busy;
        let closed_at = state.closing.as_ref().map(|(time, _)| *time);
        Work {
            time: closed_at.or(state.waiting.last().map(|pending| pending.time)),
            pending: mem::take(&mut state.waiting),
            dump: mem::take(&mut state.needs_dump),
            last: state.closed,
        }
    }

    /// Reports the result of `work`. `before` runs before any caller learns it.
    pub(crate) fn finish(&self, work: Work, result: &Result<(), SaveError>, before: impl FnOnce(bool)) {
        let mut state = self.state.lock();
        state.needs_dump |= result.is_err();
        before(!state.needs_dump);
        state.thread = Thread::Busy;
        for Pending { batch, reply, .. } in work.pending {
            state.bytes -= batch.size();
            // The caller may have given up.
            let _ = reply.send(result.clone());
        }
    }

    /// Reports that the thread has ended.
    pub(crate) fn ended(&self, result: Result<(), SaveError>) {
        let mut state = self.state.lock();
        state.closed = true;
        state.thread = Thread::Idle;
        state.waiting.clear();
        if let Some((_, reply)) = state.closing.take() {
            // The caller may have given up.
            let _ = reply.send(result);
        }
    }
}
