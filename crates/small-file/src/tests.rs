//! Files, and what is none.

use std::{fs, os::unix::fs::FileTypeExt as _, path::PathBuf, process::Command};

use tokio::time::Instant;

use super::*;

const SHORT: Limits = Limits { max_size: 16, timeout: Duration::from_millis(300), pipes: false };

fn fifo(directory: &tempfile::TempDir) -> PathBuf {
    let path = directory.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    assert!(path.metadata().unwrap().file_type().is_fifo());
    path
}

fn stamp(path: &Path, timeout: Duration) -> Result<Option<Stamp>, ReadError> {
    stamps(vec![path.to_owned()], timeout).map(|stamps| stamps[0])
}

#[test]
fn a_file_is_read_up_to_its_limit_without_a_byte_order_mark() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    for (bytes, expected) in
        [(&b"\xef\xbb\xbfkey\n"[..], "key\n"), (b"0123456789abcdef", "0123456789abcdef"), (b"", "")]
    {
        fs::write(&path, bytes).unwrap();
        assert_eq!(read_text(&path, SHORT).unwrap(), expected);
    }
    fs::write(&path, "0123456789abcdefg").unwrap();
    assert_eq!(read_text(&path, SHORT).unwrap_err().to_string(), "it is larger than 16 bytes");
    fs::write(&path, "the-secret\u{e9}".as_bytes().split_last().unwrap().1).unwrap();
    assert_eq!(read_text(&path, SHORT).unwrap_err().to_string(), "it is not valid UTF-8");
    assert!(read(&directory.path().join("none"), SHORT).unwrap_err().is_not_found());
}

#[test]
fn a_pipe_a_device_and_a_directory_are_rejected_immediately() {
    let directory = tempfile::tempdir().unwrap();
    let fifo = fifo(&directory);
    for path in [fifo.as_path(), Path::new("/dev/zero"), Path::new("/dev/null"), directory.path()] {
        let started = Instant::now();
        let error = read(path, Limits { timeout: Duration::from_secs(60), ..SHORT }).unwrap_err();
        assert_eq!(error.to_string(), "it is not a regular file", "{path:?}");
        assert!(started.elapsed() < Duration::from_secs(30));
    }
}

#[test]
fn a_pipe_is_read_to_its_end_if_that_is_allowed() {
    let directory = tempfile::tempdir().unwrap();
    let path = fifo(&directory);
    let limits = Limits { pipes: true, timeout: Duration::from_secs(30), ..SHORT };
    // Opened for both, so that the open does not wait for a reader.
    let mut writer = fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
    let reader = std::thread::spawn({
        let path = path.clone();
        move || read_text(&path, limits)
    });
    std::thread::sleep(Duration::from_millis(50));
    std::io::Write::write_all(&mut writer, b"in parts").unwrap();
    drop(writer);
    assert_eq!(reader.join().unwrap().unwrap(), "in parts");
}

#[test]
fn reading_a_pipe_without_a_writer_times_out() {
    let directory = tempfile::tempdir().unwrap();
    let path = fifo(&directory);
    let _writer = fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
    let error = read(&path, Limits { pipes: true, ..SHORT }).unwrap_err();
    assert!(matches!(error, ReadError::TimedOut(_)), "{error}");
}

#[test]
fn a_hanging_path_uses_one_thread_and_fails_immediately_until_it_recovers() {
    let path = Path::new("/hanging/mount");
    let (release, blocked) = std::sync::mpsc::channel::<()>();
    let started = Instant::now();
    let first = read_threads::run(path, Duration::from_millis(50), move |_, _| {
        let _ = blocked.recv();
        Ok(())
    });
    assert!(matches!(first, Err(ReadError::TimedOut(_))));
    for _ in 0..1000 {
        assert!(matches!(stamp(path, Duration::from_secs(60)), Err(ReadError::Hanging)));
    }
    assert!(started.elapsed() < Duration::from_secs(30));
    assert!(stamp(Path::new("/"), Duration::from_secs(60)).unwrap().is_some(), "other paths are read");
    drop(release);
    while matches!(stamp(path, Duration::from_secs(60)), Err(ReadError::Hanging)) {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(stamp(path, Duration::from_secs(60)).unwrap().is_none());
}

#[test]
fn the_stamp_differs_after_a_change() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    let timeout = Duration::from_secs(60);
    fs::write(&path, "one").unwrap();
    let first = stamp(&path, timeout).unwrap();
    assert_eq!(Some(read(&path, SHORT).unwrap().stamp), first);
    let other = directory.path().join("other");
    fs::write(&other, "two").unwrap();
    fs::rename(&other, &path).unwrap();
    assert_ne!(stamp(&path, timeout).unwrap(), first);
}

#[tokio::test(start_paused = true)]
async fn paused_time_does_not_time_out_a_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    fs::write(&path, "key").unwrap();
    assert_eq!(read_async(&path, Limits::default()).await.unwrap().bytes, b"key");
    assert!(stamps_async(vec![path], Duration::from_secs(5)).await.unwrap()[0].is_some());
}
