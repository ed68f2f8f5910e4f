//! Damaged files show what was saved, or nothing.

use std::{fs, io};

use proptest::{prelude::*, test_runner::TestCaseError};

use super::*;
use crate::{error::Problem, inspect::inspect};

/// A file of some tables, and what it contains. Closed, or as `kill -9` leaves it.
async fn example(closed: bool) -> (Vec<u8>, Contents) {
    let (_directory, path) = directory();
    let opened = Opened::at(&path).await;
    for round in 0..20 {
        let mut batch = Batch::new();
        for key in 0..150 {
            let size = if key == 0 { 20_000 } else { (key * 13 + round) % 300 };
            batch.put(TABLE, format!("key {key}"), vec![b'a' + u8::try_from(round).unwrap(); size]);
            batch.put("other", format!("key {}", key * round), "value");
        }
        opened.file.save(batch).await.unwrap();
    }
    let killed = fs::read(&path).unwrap();
    opened.close().await;
    let bytes = if closed { fs::read(&path).unwrap() } else { killed };
    fs::write(&path, &bytes).unwrap();
    let contents = found(&path).unwrap().unwrap();
    (bytes, contents)
}

fn found(path: &Path) -> Result<Option<Contents>, Problem> {
    inspect(&fs::File::open(path).unwrap(), VERSION)
}

/// Checks what is found in `damaged`, and that the file stays as it is.
fn check(path: &Path, damaged: &[u8], expected: &Contents) -> Result<bool, String> {
    fs::write(path, damaged).unwrap();
    let found = found(path);
    if fs::read(path).unwrap() != damaged {
        return Err("it was written to".to_owned());
    }
    match found {
        Ok(Some(contents)) if contents == *expected => Ok(true),
        Ok(Some(contents)) => Err(format!("wrong contents of {:?}", contents.saved_at())),
        Ok(None) if damaged.is_empty() => Ok(true),
        Err(Problem::Damaged(_)) => Ok(false),
        other => Err(format!("{other:?}")),
    }
}

#[tokio::test]
async fn a_byte_that_differs_shows_correct_contents_or_damage() {
    for closed in [true, false] {
        let (bytes, expected) = example(closed).await;
        let (_directory, path) = directory();
        let mut intact = 0;
        // Every byte of the header, every bit of the flags in it, and some bytes of the pages.
        let header = (0..320).map(|place| (place, [0xff, 1, 0x80][place % 3]));
        let header = header.chain((0..8).map(|bit| (9, 1 << bit)));
        let pages = (320..bytes.len()).step_by(2039).map(|place| (place, 0x55));
        for (place, flip) in header.chain(pages) {
            let mut damaged = bytes.clone();
            damaged[place] ^= flip;
            // A file that was not closed and names the other of two complete transactions as the last can't be told
            // from one that was killed between writing the last one and naming it.
            if !closed && (place, flip) == (9, 1) {
                continue;
            }
            let result = check(&path, &damaged, &expected);
            intact +=
                usize::from(result.unwrap_or_else(|error| panic!("{place}: {error}, closed: {closed}")));
        }
        assert!(intact > 0, "unused pages don't matter");
    }
}

#[tokio::test]
async fn a_truncated_file_shows_correct_contents_or_damage() {
    for closed in [true, false] {
        let (bytes, expected) = example(closed).await;
        let (_directory, path) = directory();
        let ends = (0..400).step_by(7).chain((400..bytes.len()).step_by(16_411)).chain([bytes.len() - 1]);
        for end in ends {
            let result = check(&path, &bytes[..end], &expected);
            result.unwrap_or_else(|error| panic!("{end}: {error}, closed: {closed}"));
        }
    }
}

#[tokio::test]
async fn overwritten_parts_show_correct_contents_or_damage() {
    let (closed, killed) = (example(true).await, example(false).await);
    let (_directory, path) = directory();
    let config = ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() };
    let strategy = (any::<bool>(), 0..1000_usize, 1..20_000_usize, any::<u8>(), 0..4_u8);
    proptest!(config, |((is_closed, start, len, byte, kind) in strategy)| {
        let (bytes, expected) = if is_closed { &closed } else { &killed };
        let mut damaged = bytes.clone();
        // More often near the beginning.
        let start = start * start * damaged.len() / 1_000_000;
        let end = damaged.len().min(start + len);
        match kind {
            0 => damaged[start..end].fill(byte),
            1 => damaged[start..end].iter_mut().for_each(|byte| *byte = byte.wrapping_mul(31) ^ 0x5a),
            // A page in the place of another.
            2 => damaged.copy_within(start / 4096 * 4096..end / 4096 * 4096, 4096),
            _ => damaged.drain(start..end).for_each(drop),
        }
        check(&path, &damaged, expected).map_err(TestCaseError::fail)?;
    });
}

#[tokio::test]
async fn a_damaged_file_is_renamed_and_a_new_one_started() {
    for round in 0..2 {
        for damaged in [&b"rubbish"[..], &vec![0xff; 1 << 20], &[0; 100]] {
            let (_directory, path) = directory();
            let renamed = path.with_extension("redb.damaged");
            if round == 1 {
                fs::write(&renamed, "earlier").unwrap();
            }
            fs::write(&path, damaged).unwrap();
            let opened = Opened::at(&path).await;
            let Loaded::Nothing(problem) = &opened.loaded else { panic!("{:?}", opened.loaded) };
            assert!(problem.contains("was damaged (") && problem.contains("state.redb.damaged"), "{problem}");
            assert_eq!(opened.file.problem().as_ref(), Some(problem));
            assert!(!opened.file.healthy(), "until the first save");
            assert_eq!(fs::read(&renamed).unwrap(), damaged);
            opened.put("a", "1").await.unwrap();
            assert!(opened.file.healthy());
            assert_eq!(opened.file.problem(), None);
            opened.close().await;
            assert_eq!(reopened(&path).await.table(TABLE).len(), 1);
        }
    }
}

#[tokio::test]
async fn a_file_damaged_while_open_is_replaced() {
    let (_directory, path) = directory();
    let opened = Opened::at(&path).await;
    opened.put("a", "1").await.unwrap();
    // Every page, which a write by redb reads again or not.
    let bytes = fs::read(&path).unwrap();
    io::Write::write_all(&mut fs::OpenOptions::new().write(true).open(&path).unwrap(), &vec![7; bytes.len()])
        .unwrap();
    for round in 0..300 {
        opened.put(&round.to_string(), &"x".repeat(1000)).await.unwrap();
    }
    opened.close().await;
    let loaded = Opened::at(&path).await;
    let loaded_again = loaded.loaded.clone();
    loaded.close().await;
    // Either the damage was noticed and the file replaced, or it is noticed now. Never is anything wrong.
    if let Loaded::Contents(contents) = loaded_again {
        assert_eq!(contents.table(TABLE).len(), 301);
    }
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_left_untouched() {
    let (_directory, path) = directory();
    let opened = Opened::new(Settings { format_version: VERSION + 1, ..settings(&path) }).await;
    opened.put("a", "1").await.unwrap();
    opened.close().await;
    let newer_storage = {
        let mut bytes = fs::read(&path).unwrap();
        (bytes[64], bytes[192]) = (4, 4);
        bytes
    };
    for bytes in [fs::read(&path).unwrap(), newer_storage] {
        fs::write(&path, &bytes).unwrap();
        let opened = Opened::at(&path).await;
        let Loaded::Nothing(problem) = &opened.loaded else { panic!("{:?}", opened.loaded) };
        assert!(problem.ends_with("was written by a newer version: run that version, or set another path."));
        assert_eq!(opened.put("a", "2").await, Err(SaveError::Unusable(problem.clone())));
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(!opened.file.healthy());
        opened.file.close(PATIENCE).await.unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
}

#[tokio::test]
async fn a_scrambled_header_is_damage_and_not_a_newer_version() {
    let (bytes, expected) = example(true).await;
    let (_directory, path) = directory();
    for version in 0..=u8::MAX {
        let mut damaged = bytes.clone();
        // Both slots seem to have `version`, and nothing else is as it was.
        for byte in &mut damaged[64..320] {
            *byte = byte.wrapping_add(version.wrapping_sub(3));
        }
        let result = check(&path, &damaged, &expected);
        assert_eq!(result, Ok(version == 3), "{version}");
    }
}

#[tokio::test]
async fn a_file_of_an_older_version_is_read_and_upgraded() {
    let (_directory, path) = directory();
    let opened = Opened::new(Settings { format_version: VERSION - 1, ..settings(&path) }).await;
    opened.put("a", "1").await.unwrap();
    opened.close().await;
    let opened = Opened::at(&path).await;
    opened.put("b", "2").await.unwrap();
    let loaded = contents(opened.close().await);
    assert_eq!((loaded.format_version(), loaded.table(TABLE).len()), (VERSION - 1, 1));
    let loaded = reopened(&path).await;
    assert_eq!((loaded.format_version(), loaded.table(TABLE).len()), (VERSION, 2));
}
