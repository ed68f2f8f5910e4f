//! The transactions.

use std::{collections::BTreeMap, time::Duration};

use redb::{
    Builder, Database, ReadableDatabase as _, ReadableTable as _, StorageBackend, TableDefinition,
    TableHandle as _, WriteTransaction,
};

use crate::{Contents, Entry, batch::Change, error::Problem};

/// In bytes. The file is read once, and its pages change rarely.
const CACHE_SIZE: usize = 8 << 20;

/// The maximum size of everything that a file contains, in bytes.
const MAX_CONTENTS: usize = 1 << 30;

/// Files below this size are not compacted. redb starts with about 1 MiB.
const MIN_COMPACTED_SIZE: u64 = 8 << 20;

type Bytes = &'static [u8];

const META: TableDefinition<'static, Bytes, Bytes> = TableDefinition::new("state-file");
const FORMAT_VERSION: &[u8] = b"format_version";
const SAVED_AT: &[u8] = b"saved_at_milliseconds";

/// The time and the version that a transaction records.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record {
    pub(crate) saved_at: Duration,
    pub(crate) format_version: u32,
}

pub(crate) fn open(backend: impl StorageBackend) -> Result<Database, Problem> {
    Ok(Builder::new().set_cache_size(CACHE_SIZE).create_with_backend(backend)?)
}

/// Everything in the database; none if it is new.
pub(crate) fn read(database: &Database) -> Result<Option<Contents>, Problem> {
    let transaction = database.begin_read()?;
    let mut names: Vec<String> = transaction.list_tables()?.map(|table| table.name().to_owned()).collect();
    if names.is_empty() && transaction.list_multimap_tables()?.next().is_none() {
        return Ok(None);
    }
    names.sort_unstable();
    let mut tables = BTreeMap::new();
    let mut room = MAX_CONTENTS;
    for name in names {
        let definition: TableDefinition<'_, Bytes, Bytes> = TableDefinition::new(&name);
        let mut entries = Vec::new();
        for entry in transaction.open_table(definition)?.iter()? {
            let (key, value) = entry?;
            let (key, value) = (key.value(), unseal(&name, key.value(), value.value())?);
            let size = key.len() + value.len();
            room = room.checked_sub(size).ok_or_else(|| damaged("it is larger than 1 GiB"))?;
            entries.push((key.to_vec(), value.to_vec()));
        }
        tables.insert(name, entries);
    }
    let meta = tables.remove(META.name()).unwrap_or_default();
    let Record { saved_at, format_version } = record(&meta)?;
    Ok(Some(Contents { tables, saved_at, format_version }))
}

fn record(meta: &[Entry]) -> Result<Record, Problem> {
    let find = |name: &[u8]| meta.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_slice());
    let version = find(FORMAT_VERSION).and_then(|value| value.try_into().ok()).map(u32::from_le_bytes);
    let saved_at = find(SAVED_AT).and_then(|value| value.try_into().ok()).map(u64::from_le_bytes);
    match (version, saved_at) {
        (Some(format_version), Some(saved_at)) => {
            Ok(Record { saved_at: Duration::from_millis(saved_at), format_version })
        }
        _ => Err(damaged("it has no version")),
    }
}

/// Applies `changes` in order.
pub(crate) fn apply<'c>(
    database: &Database,
    changes: impl Iterator<Item = &'c Change>,
    record: Record,
) -> Result<(), Problem> {
    let transaction = begin(database)?;
    write(&transaction, changes, record)?;
    Ok(transaction.commit()?)
}

/// Replaces everything by what `changes` put.
pub(crate) fn replace<'c>(
    database: &Database,
    changes: impl Iterator<Item = &'c Change>,
    record: Record,
) -> Result<(), Problem> {
    let transaction = begin(database)?;
    let tables: Vec<_> = transaction.list_tables()?.collect();
    for table in tables {
        transaction.delete_table(table)?;
    }
    write(&transaction, changes, record)?;
    Ok(transaction.commit()?)
}

fn begin(database: &Database) -> Result<WriteTransaction, Problem> {
    let mut transaction = database.begin_write()?;
    // With one phase, redb answers damage to the last transaction by silently returning to the one before.
    transaction.set_two_phase_commit(true);
    Ok(transaction)
}

fn write<'c>(
    transaction: &WriteTransaction,
    changes: impl Iterator<Item = &'c Change>,
    record: Record,
) -> Result<(), Problem> {
    let mut changes = changes.peekable();
    while let Some(name) = changes.peek().map(|change| change.table) {
        let definition: TableDefinition<'_, Bytes, Bytes> = TableDefinition::new(name);
        let mut table = transaction.open_table(definition)?;
        // A table can be open once.
        while let Some(Change { key, value, .. }) = changes.next_if(|change| change.table == name) {
            match value {
                Some(value) => table.insert(key.as_slice(), seal(name, key, value).as_slice())?,
                None => table.remove(key.as_slice())?,
            };
        }
    }
    let saved_at = u64::try_from(record.saved_at.as_millis()).unwrap_or(u64::MAX);
    let mut meta = transaction.open_table(META)?;
    for (key, value) in
        [(FORMAT_VERSION, &record.format_version.to_le_bytes()[..]), (SAVED_AT, &saved_at.to_le_bytes()[..])]
    {
        meta.insert(key, seal(META.name(), key, value).as_slice())?;
    }
    Ok(())
}

/// Shrinks a file of `len` bytes, of which more than half is free.
pub(crate) fn compact(database: &mut Database, len: u64) -> Result<(), Problem> {
    if len < MIN_COMPACTED_SIZE {
        return Ok(());
    }
    let transaction = database.begin_write()?;
    let stats = transaction.stats()?;
    // Not the allocated pages, which include those that the next transaction frees.
    let used = stats.stored_bytes() + stats.metadata_bytes() + stats.fragmented_bytes();
    transaction.abort()?;
    if used < len / 2 {
        database.compact()?;
    }
    Ok(())
}

/// The value, preceded by a checksum over where it belongs and what it is. redb has checksums of pages; this one also
/// holds if a page is read in the place of another.
fn seal(table: &str, key: &[u8], value: &[u8]) -> Vec<u8> {
    [&checksum(table, key, value), value].concat()
}

fn unseal<'v>(table: &str, key: &[u8], sealed: &'v [u8]) -> Result<&'v [u8], Problem> {
    match sealed.split_first_chunk() {
        Some((found, value)) if *found == checksum(table, key, value) => Ok(value),
        _ => Err(damaged("its checksums are wrong")),
    }
}

fn checksum(table: &str, key: &[u8], value: &[u8]) -> [u8; 4] {
    let mut hasher = crc32fast::Hasher::new();
    for part in [table.as_bytes(), key] {
        hasher.update(&part.len().to_le_bytes());
        hasher.update(part);
    }
    hasher.update(value);
    hasher.finalize().to_le_bytes()
}

fn damaged(reason: &str) -> Problem {
    Problem::Damaged(reason.to_owned())
}
