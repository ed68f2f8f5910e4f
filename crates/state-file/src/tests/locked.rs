//! Files that another process uses. Locks are per open file, so one process can show them.

use std::fs;

use super::*;

#[tokio::test]
async fn the_start_waits_for_the_lock() {
    let (_directory, path) = directory();
    let first = Opened::at(&path).await;
    first.put("a", "1").await.unwrap();
    let second = tokio::spawn({
        let path = path.clone();
        async move { Opened::at(&path).await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!second.is_finished());
    first.close().await;
    let second = second.await.unwrap();
    assert!(second.file.healthy());
    assert_eq!(contents(second.close().await).table(TABLE).len(), 1);
}

#[tokio::test]
async fn loading_can_be_cancelled_and_continued() {
    let (_directory, path) = directory();
    let first = Opened::at(&path).await;
    first.put("a", "1").await.unwrap();
    let memory = Arc::new(Memory::default());
    let (file, mut loading) = StateFile::start(settings(&path), memory.clone());
    for _ in 0..3 {
        let waited = tokio::time::timeout(Duration::from_millis(20), loading.wait()).await;
        assert!(waited.is_err(), "{waited:?}");
    }
    first.close().await;
    assert_eq!(contents(loading.wait().await).table(TABLE).len(), 1);
    file.close(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_file_that_stays_locked_is_merged_and_overwritten_once_it_is_free() {
    let (_directory, path) = directory();
    let first = Opened::at(&path).await;
    first.put("old", "1").await.unwrap();
    let second = Opened::new(Settings { lock_timeout: Duration::from_millis(300), ..settings(&path) }).await;
    let Loaded::Nothing(problem) = &second.loaded else { panic!("{:?}", second.loaded) };
    assert!(
        problem.ends_with("is locked by another process: stop that process, or set another path."),
        "{problem}"
    );
    assert!(!second.file.healthy());
    assert!(matches!(second.put("new", "2").await, Err(SaveError::Unusable(_))));
    first.put("old", "3").await.unwrap();
    first.close().await;
    second.wait_until("the lock", StateFile::healthy).await;
    let merged: Vec<_> =
        second.memory.merged.lock().unwrap().iter().map(|contents| text(contents, TABLE)).collect();
    assert_eq!(merged, [[("old".to_owned(), "3".to_owned())]]);
    second.put("newer", "4").await.unwrap();
    second.close().await;
    let loaded = reopened(&path).await;
    assert_eq!(text(&loaded, TABLE), [("new", "2"), ("newer", "4")].map(|(k, v)| (k.into(), v.into())));
}

#[tokio::test]
async fn closing_does_not_wait_for_the_lock() {
    let (_directory, path) = directory();
    let _first = Opened::at(&path).await;
    let (file, mut loading) = StateFile::start(
        Settings { lock_timeout: Duration::from_secs(3600), ..settings(&path) },
        Arc::new(Memory::default()),
    );
    let (closed, loaded) = tokio::join!(file.close(PATIENCE), loading.wait());
    assert!(matches!(closed, Err(SaveError::Unusable(_))), "{closed:?}");
    assert!(matches!(loaded, Loaded::Nothing(_)), "{loaded:?}");
}

#[tokio::test]
async fn a_locked_file_that_is_replaced_by_its_owner_is_not_taken() {
    let (_directory, path) = directory();
    let held = fs::File::create(&path).unwrap();
    held.lock().unwrap();
    let memory = Arc::new(Memory::default());
    let (file, mut loading) = StateFile::start(settings(&path), memory);
    tokio::time::sleep(Duration::from_millis(100)).await;
    fs::rename(&path, path.with_extension("redb.damaged")).unwrap();
    let next = fs::File::create(&path).unwrap();
    next.lock().unwrap();
    drop(held);
    let waited = tokio::time::timeout(Duration::from_millis(500), loading.wait()).await;
    assert!(waited.is_err(), "{waited:?}");
    drop(next);
    assert_eq!(loading.wait().await, Loaded::New);
    file.close(PATIENCE).await.unwrap();
}
