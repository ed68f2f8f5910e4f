//! The program whose memory the file persists.

use std::sync::Arc;

use crate::{Batch, Contents};

/// The owner of what the file persists. The thread for file I/O calls these methods.
///
/// The file keeps its owner alive until it is closed or dropped; an owner that has the file must refer to itself weakly.
pub trait Owner: Send + Sync + 'static {
    /// Everything to persist, from memory. It overwrites all that the file contains.
    ///
    /// It must include every batch whose [`StateFile::save`](crate::StateFile::save) has returned. None if the memory is
    /// gone, as while the program ends: then the file stays as it is.
    fn dump(&self) -> Option<Batch>;

    /// Takes over what was found in a file that could not be read at the start, because another process had locked it
    /// or the disk was blocked. A dump follows.
    fn merge(&self, contents: Contents);
}

/// What the file contained at the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loaded {
    /// There was no file, or an empty one.
    New,
    /// The file was intact.
    Contents(Contents),
    /// Nothing could be read. The text names the file, the reason and the remedy.
    Nothing(Arc<str>),
}
