//! The threads that may hang: one for each path that is being read.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    path::{Path, PathBuf},
    sync::{LazyLock, mpsc},
    thread,
    time::Duration,
};

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::ReadError;

/// The number of threads, of which each may hang.
const MAX_WORKERS: usize = 64;

/// The number of calls that wait for one path.
const MAX_QUEUE: usize = 16;

/// In bytes. Reading needs little, and a thread that hangs keeps its stack.
const STACK_SIZE: usize = 128 << 10;

static WORKERS: LazyLock<Mutex<HashMap<PathBuf, Worker>>> = LazyLock::new(Mutex::default);

/// The thread of a path.
struct Worker {
    queue: VecDeque<Job>,
    /// When the job that it runs is to be finished.
    deadline: Instant,
}

struct Job {
    deadline: Instant,
    run: Box<dyn FnOnce(&Path) + Send>,
}

/// Runs `work` on the thread of `path`, and waits for its result no longer than `timeout`.
pub(crate) fn run<T: Send + 'static>(
    path: &Path,
    timeout: Duration,
    work: impl FnOnce(&Path, Instant) -> Result<T, ReadError> + Send + 'static,
) -> Result<T, ReadError> {
    let (sender, receiver) = mpsc::sync_channel(1);
    let deadline = Instant::now() + timeout;
    let run = Box::new(move |path: &Path| {
        // The caller may have given up.
        let _ = sender.try_send(work(path, deadline));
    });
    enqueue(path, Job { deadline, run })?;
    receiver.recv_timeout(timeout).unwrap_or(Err(ReadError::TimedOut(timeout)))
}

fn enqueue(path: &Path, job: Job) -> Result<(), ReadError> {
    let mut workers = WORKERS.lock();
    let count = workers.len();
    match workers.entry(path.to_owned()) {
        Entry::Occupied(worker) if worker.get().deadline <= Instant::now() => Err(ReadError::Hanging),
        Entry::Occupied(worker) if worker.get().queue.len() >= MAX_QUEUE => Err(ReadError::Busy),
        Entry::Occupied(mut worker) => {
            worker.get_mut().queue.push_back(job);
            Ok(())
        }
        Entry::Vacant(_) if count >= MAX_WORKERS => Err(ReadError::Busy),
        Entry::Vacant(vacant) => {
            let path = path.to_owned();
            let thread = thread::Builder::new().name("small-file".to_owned()).stack_size(STACK_SIZE);
            thread.spawn(move || work_off(&path))?;
            vacant.insert(Worker { deadline: job.deadline, queue: VecDeque::from([job]) });
            Ok(())
        }
    }
}

/// Runs the jobs of `path` until there are none.
fn work_off(path: &Path) {
    while let Some(job) = next(path) {
        (job.run)(path);
    }
}

/// The next job whose caller still waits. Without one the thread ends.
fn next(path: &Path) -> Option<Job> {
    let mut workers = WORKERS.lock();
    let worker = workers.get_mut(path)?;
    while let Some(job) = worker.queue.pop_front() {
        if job.deadline > Instant::now() {
            worker.deadline = job.deadline;
            return Some(job);
        }
    }
    workers.remove(path);
    None
}
