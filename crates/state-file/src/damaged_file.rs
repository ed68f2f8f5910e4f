//! A damaged file is renamed to `….damaged`, so that a new one can be started.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use crate::{error::Problem, locked_file::sync_directory};

/// Renames a damaged file, and replaces the one that was renamed before.
pub(crate) fn set_aside(path: &Path) -> Result<(), Problem> {
    let mut name = OsString::from(path);
    name.push(".damaged");
    fs::rename(path, PathBuf::from(name)).map_err(Problem::NotRenamed)?;
    sync_directory(path)
}
