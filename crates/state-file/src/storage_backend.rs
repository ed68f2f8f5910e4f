//! The storage below redb, which tests replace.

use std::{fmt, io, sync::Arc};

use redb::{StorageBackend, backends::FileBackend};

/// The storage of a database.
#[derive(Debug)]
pub(crate) struct Backend(Box<dyn StorageBackend>);

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.0.close()
    }
}

type Function = dyn Fn(FileBackend) -> Box<dyn StorageBackend> + Send + Sync;

/// Makes the storage of a database from its file.
#[derive(Clone)]
pub(crate) struct Wrap(Arc<Function>);

impl Wrap {
    #[cfg(test)]
    pub(crate) fn new(wrap: impl Fn(FileBackend) -> Box<dyn StorageBackend> + Send + Sync + 'static) -> Self {
        Self(Arc::new(wrap))
    }

    pub(crate) fn apply(&self, file: FileBackend) -> Backend {
        Backend((self.0)(file))
    }
}

impl Default for Wrap {
    fn default() -> Self {
        Self(Arc::new(|file| Box::new(file)))
    }
}

impl fmt::Debug for Wrap {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Wrap")
    }
}
