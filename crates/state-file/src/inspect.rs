//! Reading a file of unknown contents, without changing it.

use std::{
    fs::File,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
};

use crate::{Contents, copy_on_write::CopyOnWrite, database, error::Problem, header, header::Header};

/// Everything in the file; none if it is new.
///
/// # Errors
///
/// [`Problem::Damaged`], [`Problem::NewerVersion`], or an error of the system.
pub(crate) fn inspect(file: &File, format_version: u32) -> Result<Option<Contents>, Problem> {
    match Header::read(file)? {
        Header::Empty => return Ok(None),
        Header::NewerVersion => return Err(Problem::NewerVersion),
        Header::Damaged => return Err(Problem::Damaged("it is incomplete or has another format".to_owned())),
        Header::Plausible => {}
    }
    let overlay = CopyOnWrite::new(file.try_clone()?)?;
    header::require_recovery(&overlay)?;
    let contents = catch(move || {
        let mut database = database::open(overlay)?;
        // A file that was closed is not verified by opening it.
        database.check_integrity()?;
        database::read(&database)
    })?;
    match contents {
        Some(contents) if contents.format_version > format_version => Err(Problem::NewerVersion),
        contents => Ok(contents),
    }
}

/// Runs `work` on a database. redb has assertions that fail on some damaged files.
pub(crate) fn catch<T>(work: impl FnOnce() -> Result<T, Problem>) -> Result<T, Problem> {
    // Whatever a panic left behind is dropped.
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Problem::Damaged("its structure is inconsistent".to_owned())))
}

/// Whether the file at `path` may be used after `error`, for reading.
pub(crate) fn is_write_protected(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}
