//! Files that are intact, and files that are not.

mod basics;
mod blocked;
mod copy_on_write;
mod damage;
mod locked;
mod processes;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use clock::Clock;

use crate::{Batch, Contents, Loaded, Owner, SaveError, Settings, StateFile};

const TABLE: &str = "table";
const VERSION: u32 = 3;

/// What is waited for at most, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

type Entries = BTreeMap<(&'static str, Vec<u8>), Vec<u8>>;

/// An owner with keys and values in memory.
#[derive(Debug, Default)]
struct Memory {
    entries: Mutex<Entries>,
    merged: Mutex<Vec<Contents>>,
    gone: AtomicBool,
}

impl Owner for Memory {
    fn dump(&self) -> Option<Batch> {
        if self.gone.load(Ordering::Relaxed) {
            return None;
        }
        let mut batch = Batch::new();
        for ((table, key), value) in &*self.entries.lock().unwrap() {
            batch.put(table, key.clone(), value.clone());
        }
        Some(batch)
    }

    fn merge(&self, contents: Contents) {
        self.merged.lock().unwrap().push(contents);
    }
}

/// A file and its owner.
struct Opened {
    file: StateFile,
    memory: Arc<Memory>,
    loaded: Loaded,
}

impl Opened {
    async fn new(settings: Settings) -> Self {
        let memory = Arc::new(Memory::default());
        let (file, mut loading) = StateFile::start(settings, memory.clone());
        let loaded = loading.wait().await;
        Self { file, memory, loaded }
    }

    async fn at(path: &Path) -> Self {
        Self::new(settings(path)).await
    }

    async fn put(&self, key: &str, value: &str) -> Result<(), SaveError> {
        self.put_in(TABLE, key, value).await
    }

    fn put_in(
        &self,
        table: &'static str,
        key: &str,
        value: &str,
    ) -> impl Future<Output = Result<(), SaveError>> + use<> {
        self.memory.entries.lock().unwrap().insert((table, key.into()), value.into());
        let mut batch = Batch::new();
        batch.put(table, key, value);
        self.file.save(batch)
    }

    async fn close(self) -> Loaded {
        self.file.close(PATIENCE).await.unwrap();
        self.loaded
    }

    async fn wait_until(&self, what: &str, condition: impl Fn(&StateFile) -> bool) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !condition(&self.file) {
            assert!(tokio::time::Instant::now() < deadline, "{what}: {:?}", self.file.problem());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// With deadlines that a busy machine keeps.
fn settings(path: &Path) -> Settings {
    Settings {
        save_timeout: PATIENCE,
        load_timeout: PATIENCE,
        retry_interval: Duration::from_millis(50),
        ..Settings::new(path, VERSION, Clock::System)
    }
}

fn directory() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.redb");
    (directory, path)
}

fn text(contents: &Contents, table: &str) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    contents.table(table).iter().map(|(key, value)| (text(key), text(value))).collect()
}

fn contents(loaded: Loaded) -> Contents {
    match loaded {
        Loaded::Contents(contents) => contents,
        other => panic!("{other:?}"),
    }
}

/// What a process that starts now finds.
async fn reopened(path: &Path) -> Contents {
    contents(Opened::at(path).await.close().await)
}
