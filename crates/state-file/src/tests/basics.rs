//! Saving and loading.

use std::fs;

use super::*;

#[tokio::test]
async fn saved_values_are_loaded() {
    let (_directory, path) = directory();
    let opened = Opened::at(&path).await;
    assert_eq!(opened.loaded, Loaded::New);
    assert!(opened.file.healthy());
    assert_eq!((opened.file.problem(), opened.file.last_save()), (None, None));
    opened.put("b", "1").await.unwrap();
    opened.put("a", "2").await.unwrap();
    opened.put("b", "3").await.unwrap();
    opened.put_in("other", "", "").await.unwrap();
    let mut batch = Batch::new();
    batch.delete(TABLE, "a");
    batch.delete("missing", "a");
    batch.put("other", "c", "4");
    batch.put(TABLE, "d", "5");
    opened.file.save(batch).await.unwrap();
    let saved = opened.file.last_save().unwrap();
    opened.close().await;
    let loaded = reopened(&path).await;
    assert_eq!(text(&loaded, TABLE), [("b", "3"), ("d", "5")].map(|(k, v)| (k.to_owned(), v.to_owned())));
    assert_eq!(text(&loaded, "other"), [("", ""), ("c", "4")].map(|(k, v)| (k.to_owned(), v.to_owned())));
    assert_eq!(text(&loaded, "missing"), []);
    assert_eq!(loaded.format_version(), VERSION);
    assert!(loaded.saved_at() + Duration::from_millis(1) >= saved, "closing records the time");
}

#[tokio::test]
async fn batches_of_many_callers_are_saved_in_the_order_of_their_calls() {
    let (_directory, path) = directory();
    let opened = Opened::at(&path).await;
    let saves: Vec<_> = (0..2000).map(|n| opened.put_in(TABLE, "key", &n.to_string())).collect();
    let other: Vec<_> = (0..2000).map(|n| opened.put_in("other", &n.to_string(), "")).collect();
    for save in other.into_iter().chain(saves.into_iter().rev()) {
        save.await.unwrap();
    }
    opened.close().await;
    let loaded = reopened(&path).await;
    assert_eq!(text(&loaded, TABLE), [("key".to_owned(), "1999".to_owned())]);
    assert_eq!(loaded.table("other").len(), 2000);
}

#[tokio::test]
async fn an_empty_file_and_an_interrupted_creation_count_as_new() {
    for bytes in [vec![], vec![0; 1 << 20]] {
        let (_directory, path) = directory();
        fs::write(&path, &bytes).unwrap();
        let opened = Opened::at(&path).await;
        assert_eq!(opened.loaded, Loaded::New);
        assert!(opened.file.healthy());
        opened.put("a", "1").await.unwrap();
        opened.close().await;
        assert_eq!(reopened(&path).await.table(TABLE).len(), 1);
        assert!(!path.with_extension("redb.damaged").exists());
    }
}

#[tokio::test]
async fn after_closing_nothing_is_saved() {
    let (_directory, path) = directory();
    let opened = Opened::at(&path).await;
    let pending = opened.put_in(TABLE, "a", "1");
    opened.file.close(PATIENCE).await.unwrap();
    assert_eq!(pending.await, Ok(()), "what waits is saved");
    assert_eq!(opened.put("b", "2").await, Err(SaveError::Closed));
    assert_eq!(opened.file.close(PATIENCE).await, Err(SaveError::Closed));
    assert_eq!(reopened(&path).await.table(TABLE).len(), 1);
}

#[tokio::test]
async fn dropping_the_file_closes_it() {
    let (_directory, path) = directory();
    let opened = Opened::at(&path).await;
    drop(opened.put_in(TABLE, "a", "1"));
    drop(opened);
    // The start waits for the lock.
    assert_eq!(reopened(&path).await.table(TABLE).len(), 1);
}

#[tokio::test]
async fn a_dump_replaces_everything() {
    let (_directory, path) = directory();
    let opened = Opened::at(&path).await;
    let mut batch = Batch::new();
    batch.put(TABLE, "only in the file", "1");
    batch.put("only there", "a", "1");
    opened.file.save(batch).await.unwrap();
    opened.memory.entries.lock().unwrap().insert((TABLE, b"in memory".to_vec()), b"2".to_vec());
    opened.file.request_dump();
    opened.close().await;
    let loaded = reopened(&path).await;
    assert_eq!(text(&loaded, TABLE), [("in memory".to_owned(), "2".to_owned())]);
    assert!(loaded.table("only there").is_empty());
}

#[tokio::test]
async fn a_full_queue_drops_the_batch_in_favour_of_a_dump() {
    let (_directory, path) = directory();
    let opened = Opened::new(Settings { max_queued_bytes: 1 << 10, ..settings(&path) }).await;
    assert_eq!(opened.put("large", &"x".repeat(1 << 10)).await, Err(SaveError::QueueFull));
    opened.put("small", "1").await.unwrap();
    opened.close().await;
    assert_eq!(reopened(&path).await.table(TABLE).len(), 2);
    let opened = Opened::new(Settings { max_queued_batches: 0, ..settings(&path) }).await;
    assert_eq!(opened.put("none", "2").await, Err(SaveError::QueueFull));
    opened.close().await;
    assert_eq!(text(&reopened(&path).await, TABLE), [("none".to_owned(), "2".to_owned())]);
}

#[tokio::test]
async fn the_size_stays_bounded_when_values_are_replaced() {
    let (_directory, path) = directory();
    let opened = Opened::at(&path).await;
    let mut largest = 0;
    for round in 0..1000 {
        let mut batch = Batch::new();
        for key in 0..100 {
            batch.put(TABLE, format!("{}", (round * 7 + key) % 500), vec![b'x'; 50 + (round * key) % 100]);
            batch.delete(TABLE, format!("{}", (round * 11 + key * 3) % 500));
        }
        opened.file.save(batch).await.unwrap();
        largest = largest.max(path.metadata().unwrap().len());
    }
    assert!(largest < 4 << 20, "{largest} bytes for at most 75 000 bytes of values");
    opened.close().await;
}

#[tokio::test]
async fn a_file_that_is_mostly_free_is_compacted_at_the_start() {
    let (_directory, path) = directory();
    let opened = Opened::at(&path).await;
    let mut batch = Batch::new();
    for key in 0..9_000_u32 {
        batch.put(TABLE, key.to_be_bytes(), vec![1; 1000]);
    }
    opened.file.save(batch).await.unwrap();
    let mut batch = Batch::new();
    for key in (0..9_000_u32).filter(|key| key % 100 != 0) {
        batch.delete(TABLE, key.to_be_bytes());
    }
    opened.file.save(batch).await.unwrap();
    // What kill -9 leaves; closing also shrinks the file.
    let killed = path.with_extension("killed");
    fs::copy(&path, &killed).unwrap();
    let before = killed.metadata().unwrap().len();
    let opened = Opened::at(&killed).await;
    let after = killed.metadata().unwrap().len();
    assert!(before > 8 << 20 && after < 4 << 20, "{before} {after}");
    assert_eq!(contents(opened.close().await).table(TABLE).len(), 90);
    assert_eq!(reopened(&killed).await.table(TABLE).len(), 90);
}

#[tokio::test]
async fn a_file_that_is_removed_or_replaced_is_written_again() {
    let (_directory, path) = directory();
    let opened = Opened::at(&path).await;
    opened.put("a", "1").await.unwrap();
    fs::remove_file(&path).unwrap();
    opened.put("b", "2").await.unwrap();
    assert_eq!(path.metadata().map(|metadata| metadata.is_file()).ok(), Some(true));
    fs::rename(&path, path.with_extension("moved")).unwrap();
    fs::write(&path, "").unwrap();
    opened.put("c", "3").await.unwrap();
    assert!(opened.memory.merged.lock().unwrap().is_empty());
    opened.close().await;
    assert_eq!(reopened(&path).await.table(TABLE).len(), 3);
}
