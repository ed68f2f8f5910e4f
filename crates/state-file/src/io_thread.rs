//! The thread for file I/O.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
    time::Duration,
};

use redb::{Database, backends::FileBackend};
use tokio::{sync::oneshot, time::Instant};

use crate::{
    Batch, Loaded, Owner, SaveError, Settings, damaged_file,
    database::{self, Record},
    error::Problem,
    file_health::FileHealth,
    inspect::{catch, inspect},
    locked_file::{LockedFile, retry_while_locked},
    save_queue::{SaveQueue, Work},
};

/// A save retries a file that can't be used if the last attempt ended this long ago, or the retry interval.
const MIN_RETRY_INTERVAL: Duration = Duration::from_secs(1);

pub(crate) struct IoThread {
    settings: Settings,
    owner: Arc<dyn Owner>,
    queue: Arc<SaveQueue>,
    status: Arc<FileHealth>,
    /// Waits for what the file contains.
    loaded: Option<oneshot::Sender<Loaded>>,
    /// What the file contained, until it is passed on.
    contents: Option<Loaded>,
    /// The owner knows what the file contained, or the file was damaged.
    known: bool,
    /// The file must never be written.
    refused: bool,
    open: Option<OpenFile>,
    last_attempt: Instant,
    /// When the last dump is repeated.
    repeat_at: Option<Instant>,
}

/// How long a dump waits for callers that have just learnt the result of their save: they may change their memory only
/// then.
const SETTLE_TIME: Duration = Duration::from_millis(50);

/// A dump is repeated after this time, for callers that took longer than [`SETTLE_TIME`].
const REPEAT_INTERVAL: Duration = Duration::from_secs(1);

/// What is to be saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// What waits.
    Changes,
    /// Everything, since something was not saved.
    Everything,
    /// Everything once more.
    EverythingAgain,
}

/// What was found where the file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// An intact file, or none.
    Intact,
    /// A damaged file, which was replaced by a new one.
    Damaged,
}

/// The fields are dropped in this order: the lock outlives the database.
struct OpenFile {
    database: Database,
    file: LockedFile,
}

impl IoThread {
    pub(crate) fn new(
        settings: Settings,
        owner: Arc<dyn Owner>,
        queue: Arc<SaveQueue>,
        status: Arc<FileHealth>,
        loaded: oneshot::Sender<Loaded>,
    ) -> Self {
        let last_attempt = Instant::now();
        let (loaded, contents, known, refused, open) = (Some(loaded), None, false, false, None);
        let repeat_at = None;
        Self {
            settings,
            owner,
            queue,
            status,
            loaded,
            contents,
            known,
            refused,
            open,
            last_attempt,
            repeat_at,
        }
    }

    pub(crate) fn run(mut self) {
        self.start();
        loop {
            let work = self.queue.next(self.open.is_some(), self.wake_at());
            let last = work.last;
            let result = self.perform(&work);
            self.finish(work, &result);
            if last {
                self.close();
                self.queue.ended(result);
                return;
            }
        }
    }

    /// Opens the file, and waits for another process to release it.
    fn start(&mut self) {
        let (queue, status) = (self.queue.clone(), self.status.clone());
        let pause = |interval| {
            status.set_problem(&Problem::Locked);
            queue.wait_for_close(interval)
        };
        let result = retry_while_locked(self.settings.lock_timeout, pause, || self.attempt());
        match &result {
            Err(problem) => drop(self.status.set_problem(problem)),
            Ok(Found::Intact) if !self.queue.needs_dump() => self.status.set_healthy(),
            Ok(_) => {}
        }
        self.pass_on();
        if let (Some(loaded), Some(problem)) = (self.loaded.take(), self.status.problem()) {
            // Without a receiver, the owner does not wait for the contents.
            let _ = loaded.send(Loaded::Nothing(problem));
        }
        self.queue.unblock();
    }

    /// When there is something to do although no batch waits.
    fn wake_at(&self) -> Option<Instant> {
        match self.open {
            Some(_) => self.repeat_at,
            None if self.refused => None,
            None => Some(self.last_attempt + self.settings.retry_interval),
        }
    }

    fn perform(&mut self, work: &Work) -> Result<(), SaveError> {
        let repeats = self.repeat_at.is_some_and(|at| at <= Instant::now() || work.last);
        let mut extent = match (work.dump, repeats) {
            (true, _) => Extent::Everything,
            (false, true) => Extent::EverythingAgain,
            (false, false) => Extent::Changes,
        };
        if self.open.as_ref().is_some_and(|open| !open.file.is_at(&self.settings.path)) {
            // It was removed or replaced: what was saved is gone.
            self.close();
            extent = Extent::Everything;
        } else if self.open.is_none() {
            extent = Extent::Everything;
            let min_interval = MIN_RETRY_INTERVAL.min(self.settings.retry_interval);
            if self.refused || self.last_attempt.elapsed() < min_interval && !work.last {
                return Err(self.unusable());
            }
        }
        let mut result = self.save(work, extent);
        if matches!(result, Err(Problem::Damaged(_))) {
            // Inspecting the file shows whether it is damaged; if so, a new one is started.
            self.close();
            extent = Extent::Everything;
            result = self.save(work, extent);
        }
        match extent {
            Extent::Changes => {}
            Extent::Everything => self.repeat_at = Some(Instant::now() + REPEAT_INTERVAL),
            Extent::EverythingAgain => self.repeat_at = None,
        }
        result.map_err(|problem| self.fail(&problem))
    }

    fn save(&mut self, work: &Work, extent: Extent) -> Result<(), Problem> {
        if self.open.is_none() {
            let result = self.attempt();
            self.pass_on();
            result?;
        }
        let record = self.record(work.time);
        let awaited: Vec<_> = work.pending.iter().filter(|pending| pending.is_awaited()).collect();
        let dump = self.dump(extent)?;
        let Some(open) = &self.open else { return Err(Problem::Internal) };
        if let Some(dump) = dump {
            let awaited = awaited.iter().flat_map(|pending| pending.batch.changes());
            let changes = dump.changes().iter().chain(awaited);
            catch(|| database::replace(&open.database, changes, record))?;
        } else {
            let changes = work.pending.iter().flat_map(|pending| pending.batch.changes());
            catch(|| database::apply(&open.database, changes, record))?;
        }
        self.status.set_last_save(record.saved_at);
        Ok(())
    }

    /// Everything in memory, if it is to be saved.
    fn dump(&self, extent: Extent) -> Result<Option<Batch>, Problem> {
        if extent == Extent::Changes {
            return Ok(None);
        }
        if extent == Extent::Everything {
            thread::sleep(SETTLE_TIME);
        }
        let owner = &self.owner;
        let dump = catch_unwind(AssertUnwindSafe(|| owner.dump())).map_err(|_| Problem::Internal)?;
        match dump {
            // What waits can be saved without it.
            None if extent == Extent::Everything => Err(Problem::NoMemory),
            dump => Ok(dump),
        }
    }

    fn record(&self, time: Option<Duration>) -> Record {
        let saved_at = time.unwrap_or_else(|| self.settings.clock.since_epoch());
        Record { saved_at, format_version: self.settings.format_version }
    }

    fn finish(&self, work: Work, result: &Result<(), SaveError>) {
        self.queue.finish(work, result, |complete| {
            if result.is_ok() && complete {
                self.status.set_healthy();
            }
        });
    }

    fn fail(&mut self, problem: &Problem) -> SaveError {
        self.close();
        SaveError::Unusable(self.status.set_problem(problem))
    }

    fn unusable(&self) -> SaveError {
        let problem = self.status.problem();
        SaveError::Unusable(problem.unwrap_or_else(|| "The state file can't be used.".into()))
    }

    /// Opens the file, and passes on what it contains.
    fn attempt(&mut self) -> Result<Found, Problem> {
        let result = self.open();
        self.last_attempt = Instant::now();
        self.refused |= matches!(result, Err(Problem::NewerVersion));
        result
    }

    fn open(&mut self) -> Result<Found, Problem> {
        let path = self.settings.path.clone();
        let file = LockedFile::open(&path)?;
        let (file, is_new, found) = match inspect(&file.file, self.settings.format_version) {
            Ok(contents) => {
                let is_new = contents.is_none();
                if !self.known {
                    self.contents = Some(contents.map_or(Loaded::New, Loaded::Contents));
                }
                (file, is_new, Found::Intact)
            }
            Err(problem @ Problem::Damaged(_)) => {
                damaged_file::set_aside(&path)?;
                self.known = true;
                self.status.set_problem(&problem);
                (LockedFile::open(&path)?, true, Found::Damaged)
            }
            Err(problem) => return Err(problem),
        };
        if let Some(error) = file.read_only {
            return Err(Problem::NotWritable(error));
        }
        let database = self.open_database(&file, is_new)?;
        self.open = Some(OpenFile { database, file });
        Ok(found)
    }

    fn open_database(&self, file: &LockedFile, is_new: bool) -> Result<Database, Problem> {
        let open = || {
            // The lock is per open file, which this shares.
            let backend = FileBackend::new(file.file.try_clone()?)?;
            database::open(self.settings.wrap.apply(backend))
        };
        if is_new {
            file.file.set_len(0)?;
            let database = catch(open)?;
            catch(|| database::apply(&database, std::iter::empty(), self.record(None)))?;
            return Ok(database);
        }
        let len = file.file.metadata()?.len();
        catch(|| {
            let mut database = open()?;
            database::compact(&mut database, len)?;
            Ok(database)
        })
        // Without room to compact it, it may still be used.
        .or_else(|_| catch(open))
    }

    /// Passes on what the file contained, if that is news.
    fn pass_on(&mut self) {
        let Some(contents) = self.contents.take() else { return };
        self.known = true;
        if let Loaded::Contents(contents) = &contents {
            self.status.set_last_save(contents.saved_at());
        }
        let late = match self.loaded.take() {
            Some(receiver) => receiver.send(contents).err(),
            None => Some(contents),
        };
        if let Some(Loaded::Contents(contents)) = late {
            self.queue.request_dump();
            let owner = &self.owner;
            // A panic is logged. The dump follows without what was to be merged.
            let _ = catch_unwind(AssertUnwindSafe(|| owner.merge(contents)));
        }
    }

    fn close(&mut self) {
        if let Some(open) = self.open.take() {
            // An error here leaves a file that is repaired when it is opened.
            let _ = catch(|| {
                drop(open);
                Ok(())
            });
        }
    }
}

impl Drop for IoThread {
    fn drop(&mut self) {
        if thread::panicking() {
            self.status.set_problem(&Problem::Internal);
        }
        self.queue.ended(Err(SaveError::Closed));
    }
}
