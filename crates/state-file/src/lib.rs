//! A persistent key-value file, with named tables of bytes, that never holds up the program that uses it.
//!
//! All file I/O runs on one thread of its own. [`StateFile::save`] returns once the change is durable, or fails at its
//! deadline if the disk is blocked. What could not be saved is not lost: as soon as the file can be written again, it
//! is overwritten with [`Owner::dump`], all of what the owner has in memory.
//!
//! A file that is damaged, locked, of a newer version, or that cannot be written never stops the program. The crate
//! reports it with [`StateFile::healthy`] and [`StateFile::problem`], and retries.

mod batch;
mod copy_on_write;
mod damaged_file;
mod database;
mod error;
mod file_health;
mod header;
mod inspect;
mod io_thread;
mod locked_file;
mod owner;
mod save_queue;
mod settings;
mod state_file;
mod storage_backend;

pub use batch::{Batch, Contents, Entry};
pub use error::SaveError;
pub use owner::{Loaded, Owner};
pub use settings::Settings;
pub use state_file::{Loading, StateFile};

#[cfg(test)]
mod tests;
