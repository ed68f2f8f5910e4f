//! Processes that are killed, and limits that only another process can have.

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    os::unix::{fs::PermissionsExt as _, process::ExitStatusExt as _},
    process::{Child, Command, Stdio},
};

use nix::{
    sys::resource::{Resource, setrlimit},
    unistd::{Uid, geteuid, seteuid},
};
use rand::RngExt as _;

use super::*;

const ROLE: &str = "STATE_FILE_TEST_ROLE";
const PATH: &str = "STATE_FILE_TEST_PATH";

/// Starts this test program again in `role`.
fn spawn(role: &str, path: &Path) -> Child {
    Command::new("sh")
        // A write beyond the limit on file sizes fails, instead of ending the process.
        .args(["-c", r#"trap "" XFSZ; exec "$0" "$@""#])
        .arg(env::current_exe().unwrap())
        .args(["tests::processes::child", "--exact", "--ignored", "--nocapture"])
        .envs([(ROLE, role.as_ref()), (PATH, path.as_os_str())])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn run(role: &str, path: &Path) {
    let status = spawn(role, path).wait_with_output().unwrap();
    assert!(status.status.success(), "{role}: {}", String::from_utf8_lossy(&status.stdout));
}

#[tokio::test]
#[ignore = "the other tests start it"]
#[expect(clippy::disallowed_methods, reason = "arguments belong to the test harness")]
async fn child() {
    let path = PathBuf::from(env::var_os(PATH).unwrap());
    match env::var(ROLE).unwrap().as_str() {
        "save" => save_for_ever(&path).await,
        "limited" => meet_a_limit_on_file_sizes(&path).await,
        "unprivileged" => meet_a_directory_without_permission(&path).await,
        other => panic!("{other}"),
    }
}

/// Saves numbers in two tables, and writes each that is acknowledged.
async fn save_for_ever(path: &Path) {
    let opened = Opened::at(path).await;
    let first = match &opened.loaded {
        Loaded::Contents(contents) => number(contents) + 1,
        Loaded::New => 1,
        Loaded::Nothing(problem) => panic!("{problem}"),
    };
    for number in first.. {
        let mut batch = Batch::new();
        let text = number.to_string();
        batch.put(TABLE, "number", text.clone());
        batch.put("other", "number", text.clone());
        // Of changing sizes, so that the file is restructured.
        batch.put(
            "large",
            format!("{}", number % 50),
            vec![b'x'; usize::try_from(number * 97 % 20_000).unwrap()],
        );
        batch.delete("large", format!("{}", number * 7 % 50));
        opened.file.save(batch).await.unwrap();
        println!("\nsaved {number}");
    }
}

fn number(contents: &Contents) -> u64 {
    let number = |table| text(contents, table).first().map_or(0, |(_, number)| number.parse().unwrap());
    assert_eq!(number(TABLE), number("other"), "a transaction is whole");
    number(TABLE)
}

#[tokio::test]
async fn after_kill_9_the_file_has_every_acknowledged_save_and_at_most_one_more() {
    let (_directory, path) = directory();
    let mut last = 0;
    for _ in 0..25 {
        let mut child = spawn("save", &path);
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut saved =
            lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("saved ")?.parse::<u64>().ok());
        let before_first = rand::rng().random_ratio(1, 5);
        if !before_first {
            last = saved.next().expect("the child ended early");
        }
        let pause = rand::rng().random_range(0..if before_first { 30_000 } else { 60_000 });
        std::thread::sleep(Duration::from_micros(pause));
        child.kill().unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(9));
        last = saved.last().unwrap_or(last);
        let opened = Opened::at(&path).await;
        let found = match opened.close().await {
            Loaded::Contents(contents) => number(&contents),
            Loaded::New => 0,
            Loaded::Nothing(problem) => panic!("{problem}"),
        };
        assert!(found == last || found == last + 1, "{found} after {last}");
        last = found;
    }
    assert!(last > 25, "{last}");
    assert!(!path.with_extension("redb.damaged").exists());
}

#[test]
fn a_retry_saves_everything_after_a_full_disk() {
    let (_directory, path) = directory();
    run("limited", &path);
}

/// A limit on file sizes refuses writes as a full disk does, and needs no privilege.
async fn meet_a_limit_on_file_sizes(path: &Path) {
    let opened = Opened::at(path).await;
    opened.put("before", "1").await.unwrap();
    let size = path.metadata().unwrap().len();
    let hard = nix::sys::resource::getrlimit(Resource::RLIMIT_FSIZE).unwrap().1;
    setrlimit(Resource::RLIMIT_FSIZE, size, hard).unwrap();
    let large = "x".repeat(4 << 20);
    let SaveError::Unusable(problem) = opened.put("large", &large).await.unwrap_err() else { panic!() };
    assert!(problem.ends_with("(File too large (os error 27)): raise the limit on file sizes."), "{problem}");
    assert!(!opened.file.healthy());
    assert_eq!(opened.memory.entries.lock().unwrap().len(), 2);
    setrlimit(Resource::RLIMIT_FSIZE, hard, hard).unwrap();
    opened.wait_until("room", StateFile::healthy).await;
    // At the start.
    opened.close().await;
    let other = path.with_extension("other");
    setrlimit(Resource::RLIMIT_FSIZE, 1000, hard).unwrap();
    let second = Opened::at(&other).await;
    assert_eq!(second.loaded, Loaded::New);
    assert_problem(&second, "(File too large (os error 27)): raise the limit on file sizes.");
    assert!(second.put("a", "1").await.is_err());
    // What exists is read.
    let third = Opened::at(path).await;
    assert_eq!(contents(third.loaded).table(TABLE).len(), 2);
    drop(third.file);
    setrlimit(Resource::RLIMIT_FSIZE, hard, hard).unwrap();
    second.wait_until("room", StateFile::healthy).await;
    second.close().await;
    assert_eq!(reopened(&other).await.table(TABLE).len(), 1);
    assert!(!path.with_extension("other.damaged").exists());
}

#[test]
fn a_directory_without_permission_is_reported_and_retried() {
    let (directory, path) = directory();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).unwrap();
    run("unprivileged", &path);
}

async fn meet_a_directory_without_permission(path: &Path) {
    if geteuid().is_root() {
        // Nothing is forbidden to root. This holds for all threads.
        seteuid(Uid::from_raw(65534)).unwrap();
    }
    let directory = path.parent().unwrap().join("own");
    let path = directory.join("state.redb");
    let opened = Opened::at(&path).await;
    assert_problem(&opened, "can't be used (No such file or directory (os error 2)): create its directory.");
    fs::create_dir(&directory).unwrap();
    opened.wait_until("the directory", StateFile::healthy).await;
    opened.put("a", "1").await.unwrap();
    opened.close().await;

    for (file_mode, directory_mode) in [(0o400, 0o500), (0o400, 0o700)] {
        set_mode(&path, file_mode);
        set_mode(&directory, directory_mode);
        let opened = Opened::at(&path).await;
        assert_eq!(contents(opened.loaded.clone()).table(TABLE).len(), 1, "it is read");
        assert_problem(
            &opened,
            "can't be written (Permission denied (os error 13)): make the file and its directory writable.",
        );
        assert!(opened.put("a", "2").await.is_err());
        set_mode(&directory, 0o700);
        set_mode(&path, 0o600);
        opened.wait_until("permission", StateFile::healthy).await;
        assert!(opened.memory.merged.lock().unwrap().is_empty(), "it was read before");
        opened.close().await;
    }

    fs::remove_file(&path).unwrap();
    set_mode(&directory, 0o500);
    let opened = Opened::at(&path).await;
    let remedy = format!("make its directory writable for user {}.", geteuid());
    assert_problem(&opened, &format!("(Permission denied (os error 13)): {remedy}"));
    set_mode(&directory, 0o700);
    opened.wait_until("permission", StateFile::healthy).await;
    opened.close().await;

    fs::write(&path, "rubbish").unwrap();
    set_mode(&directory, 0o500);
    let opened = Opened::at(&path).await;
    assert_problem(
        &opened,
        "is damaged and can't be renamed (Permission denied (os error 13)): remove it, or make its directory writable.",
    );
    assert_eq!(fs::read(&path).unwrap(), b"rubbish");
    set_mode(&directory, 0o700);
    opened.wait_until("permission", StateFile::healthy).await;
    opened.close().await;
}

fn assert_problem(opened: &Opened, end: &str) {
    assert!(!opened.file.healthy());
    let problem = opened.file.problem().unwrap();
    assert!(problem.ends_with(end), "{problem}");
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn only_regular_files_are_accepted() {
    let directory = tempfile::tempdir().unwrap();
    let fifo = directory.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    for path in [directory.path(), Path::new("/dev/null"), &fifo] {
        let opened = Opened::at(path).await;
        assert_problem(&opened, "is not a regular file: set the path of a file.");
        assert_eq!(opened.loaded, Loaded::Nothing(opened.file.problem().unwrap()));
    }
    let opened = Opened::at(&fifo.join("below")).await;
    assert_problem(&opened, "(Not a directory (os error 20)): set the path of a file.");
}
