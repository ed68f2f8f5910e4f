//! Disks that block or fail.

use std::{
    fs, io,
    sync::{Condvar, atomic::AtomicU32},
};

use redb::{StorageBackend, backends::FileBackend};

use super::*;
use crate::storage_backend::Wrap;

/// A disk that can be made to block or to fail.
#[derive(Debug, Default)]
struct Disk {
    blocked: Mutex<bool>,
    changed: Condvar,
    fails: AtomicBool,
    syncs: AtomicU32,
}

impl Disk {
    fn set_blocked(&self, blocked: bool) {
        *self.blocked.lock().unwrap() = blocked;
        self.changed.notify_all();
    }

    fn settings(self: &Arc<Self>, path: &Path) -> Settings {
        let disk = self.clone();
        let wrap = move |file| Box::new(FaultyFile { file, disk: disk.clone() }) as _;
        Settings { wrap: Wrap::new(wrap), ..settings(path) }
    }
}

#[derive(Debug)]
struct FaultyFile {
    file: FileBackend,
    disk: Arc<Disk>,
}

impl StorageBackend for FaultyFile {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        let blocked = self.disk.blocked.lock().unwrap();
        drop(self.disk.changed.wait_while(blocked, |blocked| *blocked).unwrap());
        self.disk.syncs.fetch_add(1, Ordering::Relaxed);
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        if self.disk.fails.load(Ordering::Relaxed) {
            return Err(io::Error::from_raw_os_error(5));
        }
        self.file.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }
}

#[tokio::test]
async fn a_blocked_disk_delays_one_save_and_no_value_is_lost() {
    let (_directory, path) = directory();
    let disk = Arc::new(Disk::default());
    let short = Duration::from_millis(100);
    let opened = Opened::new(Settings { save_timeout: short, ..disk.settings(&path) }).await;
    disk.set_blocked(true);
    assert_eq!(opened.put("key", "1").await, Err(SaveError::Blocked(short)));
    assert!(!opened.file.healthy());
    let problem = opened.file.problem().unwrap();
    assert!(problem.ends_with("has not responded for 100ms: check the disk."), "{problem}");
    for value in 2..1000 {
        let save = opened.put_in(TABLE, "key", &value.to_string());
        // Without waiting: at its first poll.
        let mut save = std::pin::pin!(save);
        let polled = std::future::poll_fn(|context| std::task::Poll::Ready(save.as_mut().poll(context)));
        assert_eq!(polled.await, std::task::Poll::Ready(Err(SaveError::Blocked(short))));
    }
    disk.set_blocked(false);
    opened.wait_until("the dump", StateFile::healthy).await;
    assert_eq!(opened.file.problem(), None);
    opened.close().await;
    assert_eq!(text(&reopened(&path).await, TABLE), [("key".to_owned(), "999".to_owned())]);
}

#[tokio::test]
async fn a_blocked_disk_delays_loading_at_most_by_the_timeout() {
    let (_directory, path) = directory();
    let opened = Opened::at(&path).await;
    opened.put("before", "1").await.unwrap();
    opened.close().await;
    let disk = Arc::new(Disk::default());
    disk.set_blocked(true);
    let short = Duration::from_millis(50);
    let opened =
        Opened::new(Settings { load_timeout: short, lock_timeout: short, ..disk.settings(&path) }).await;
    assert!(
        matches!(&opened.loaded, Loaded::Nothing(reason) if reason.contains("has not responded for 100ms"))
    );
    assert!(!opened.file.healthy());
    let save = opened.put_in(TABLE, "new", "2");
    disk.set_blocked(false);
    assert!(matches!(save.await, Err(SaveError::Blocked(_))));
    opened.wait_until("the dump", StateFile::healthy).await;
    assert_eq!(
        text(&opened.memory.merged.lock().unwrap()[0], TABLE),
        [("before".to_owned(), "1".to_owned())]
    );
    opened.close().await;
    assert_eq!(text(&reopened(&path).await, TABLE), [("new".to_owned(), "2".to_owned())]);
}

#[tokio::test]
async fn closing_a_blocked_file_ends_at_its_deadline() {
    let (_directory, path) = directory();
    let disk = Arc::new(Disk::default());
    let opened = Opened::new(disk.settings(&path)).await;
    disk.set_blocked(true);
    let short = Duration::from_millis(50);
    assert_eq!(opened.file.close(short).await, Err(SaveError::Blocked(short)));
    disk.set_blocked(false);
}

#[tokio::test]
async fn an_io_error_is_not_damage_and_a_retry_saves_everything() {
    let (_directory, path) = directory();
    let disk = Arc::new(Disk::default());
    let opened = Opened::new(disk.settings(&path)).await;
    opened.put("a", "1").await.unwrap();
    disk.fails.store(true, Ordering::Relaxed);
    let SaveError::Unusable(problem) = opened.put("b", "2").await.unwrap_err() else { panic!() };
    assert!(problem.contains("Input/output error (os error 5)): check the disk."), "{problem}");
    assert_eq!(opened.file.problem().as_deref(), Some(&*problem));
    assert!(opened.put("c", "3").await.is_err());
    disk.fails.store(false, Ordering::Relaxed);
    opened.wait_until("a retry", StateFile::healthy).await;
    assert!(opened.memory.merged.lock().unwrap().is_empty());
    opened.close().await;
    assert_eq!(reopened(&path).await.table(TABLE).len(), 3);
    assert!(!path.with_extension("redb.damaged").exists());
}

#[tokio::test]
async fn a_save_retries_a_file_that_failed() {
    let (_directory, path) = directory();
    let disk = Arc::new(Disk::default());
    let seldom = Settings { retry_interval: Duration::from_secs(3600), ..disk.settings(&path) };
    let opened = Opened::new(seldom).await;
    disk.fails.store(true, Ordering::Relaxed);
    assert!(opened.put("a", "1").await.is_err());
    disk.fails.store(false, Ordering::Relaxed);
    let mut value = 0;
    while opened.put("b", &value.to_string()).await.is_err() {
        value += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(opened.file.healthy());
    opened.close().await;
    assert_eq!(reopened(&path).await.table(TABLE).len(), 2);
}

#[tokio::test]
async fn batches_that_wait_are_saved_in_one_transaction() {
    let (_directory, path) = directory();
    let disk = Arc::new(Disk::default());
    let opened = Opened::new(disk.settings(&path)).await;
    disk.set_blocked(true);
    let first = opened.put_in(TABLE, "first", "");
    // Until the thread waits for the disk, it may take one more group.
    let others: Vec<_> = (0..1000).map(|n| opened.put_in(TABLE, &n.to_string(), "")).collect();
    let before = disk.syncs.load(Ordering::Relaxed);
    disk.set_blocked(false);
    first.await.unwrap();
    for save in others {
        save.await.unwrap();
    }
    let syncs = disk.syncs.load(Ordering::Relaxed) - before;
    assert!(syncs <= 12, "{syncs}");
    opened.close().await;
    fs::metadata(&path).unwrap();
    assert_eq!(reopened(&path).await.table(TABLE).len(), 1001);
}

#[tokio::test]
async fn a_file_whose_owner_is_gone_stays_as_it_is() {
    let (_directory, path) = directory();
    let opened = Opened::at(&path).await;
    opened.put("a", "1").await.unwrap();
    opened.memory.gone.store(true, Ordering::Relaxed);
    opened.file.request_dump();
    opened.file.close(PATIENCE).await.unwrap_err();
    assert_eq!(reopened(&path).await.table(TABLE).len(), 1);
}

fn batch(key: &str, value: &str) -> Batch {
    let mut batch = Batch::new();
    batch.put(TABLE, key, value);
    batch
}

#[tokio::test]
async fn a_dump_keeps_batches_that_are_not_in_memory_yet() {
    let (_directory, path) = directory();
    let disk = Arc::new(Disk::default());
    let opened = Opened::new(Settings { max_queued_batches: 1, ..disk.settings(&path) }).await;
    disk.set_blocked(true);
    let first = tokio::spawn(opened.file.save(batch("first", "1")));
    // As soon as the thread has taken the first one, there is room for the second.
    let second = loop {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let second = tokio::spawn(opened.file.save(batch("second", "2")));
        tokio::time::sleep(Duration::from_millis(20)).await;
        if !second.is_finished() {
            break second;
        }
    };
    assert_eq!(opened.put("third", "3").await, Err(SaveError::QueueFull));
    disk.set_blocked(false);
    first.await.unwrap().unwrap();
    opened.memory.entries.lock().unwrap().insert((TABLE, b"first".to_vec()), b"1".to_vec());
    second.await.unwrap().unwrap();
    opened.memory.entries.lock().unwrap().insert((TABLE, b"second".to_vec()), b"2".to_vec());
    opened.wait_until("the dump", StateFile::healthy).await;
    // As kill -9 leaves it.
    let killed = path.with_extension("killed");
    fs::copy(&path, &killed).unwrap();
    let keys: Vec<_> = text(&reopened(&killed).await, TABLE).into_iter().map(|(key, _)| key).collect();
    assert!(keys.contains(&"second".to_owned()) && keys.contains(&"third".to_owned()), "{keys:?}");
    opened.close().await;
    assert_eq!(reopened(&path).await.table(TABLE).len(), 3);
}

#[tokio::test]
async fn changes_after_a_failed_save_are_saved_by_a_second_dump() {
    let (_directory, path) = directory();
    let disk = Arc::new(Disk::default());
    let short = Duration::from_millis(50);
    let opened = Opened::new(Settings { save_timeout: short, ..disk.settings(&path) }).await;
    disk.set_blocked(true);
    for key in ["waiting", "refused"] {
        assert!(opened.file.save(batch(key, "")).await.is_err());
    }
    disk.set_blocked(false);
    opened.wait_until("the first dump", StateFile::healthy).await;
    for key in ["waiting", "refused"] {
        opened.memory.entries.lock().unwrap().insert((TABLE, key.into()), Vec::new());
    }
    let syncs = disk.syncs.load(Ordering::Relaxed);
    opened.wait_until("the second dump", |_| disk.syncs.load(Ordering::Relaxed) >= syncs + 2).await;
    opened.close().await;
    assert_eq!(reopened(&path).await.table(TABLE).len(), 2);
}
