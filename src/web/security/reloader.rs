//! The security in force: read at start, and again whenever one of its files changed.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use arc_swap::ArcSwap;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::{
    file::{self, WebConfigError},
    settings::Security,
};

/// How often the files are looked at.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Holds the security in force.
#[derive(Debug, Default)]
pub struct Reloader {
    path: Option<PathBuf>,
    current: ArcSwap<Security>,
    /// The state of the files when they were read last.
    seen: std::sync::Mutex<Vec<Stamp>>,
}

/// A file, and what changes when it does: its length, its place, and when it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp(PathBuf, Option<(u64, u64, i64, i64)>);

impl Stamp {
    fn of(path: &Path) -> Self {
        let metadata = fs::metadata(path).ok();
        let state = metadata.map(|file| (file.len(), file.ino(), file.mtime(), file.mtime_nsec()));
        Self(path.to_owned(), state)
    }
}

impl Reloader {
    /// Reads the file, if there is one.
    pub fn load(path: Option<&Path>) -> Result<Self, WebConfigError> {
        let Some(path) = path else { return Ok(Self::default()) };
        // Looked at before it is read: a change in between is seen as one.
        let own = Stamp::of(path);
        let (security, files) = file::load(path)?;
        let mut seen: Vec<_> = files.iter().map(|file| Stamp::of(file)).collect();
        if let Some(first) = seen.first_mut() {
            *first = own;
        }
        Ok(Self {
            path: Some(path.to_owned()),
            current: ArcSwap::from_pointee(security),
            seen: std::sync::Mutex::new(seen),
        })
    }

    /// What is in force now.
    pub(in crate::web) fn current(&self) -> Arc<Security> {
        self.current.load_full()
    }

    /// Whether connections are encrypted.
    pub(in crate::web) fn speaks_tls(&self) -> bool {
        self.current().tls.is_some()
    }

    /// Reads the files again whenever they change, until `stopping`. A mistake is told of, and what was in force
    /// stays.
    pub async fn watch(self: Arc<Self>, stopping: CancellationToken) {
        if self.path.is_none() {
            return;
        }
        let watching = async {
            loop {
                sleep(CHECK_INTERVAL).await;
                let store = self.clone();
                // A panic there is none of this loop's business: the next look may go well.
                let _ = tokio::task::spawn_blocking(move || store.look()).await;
            }
        };
        stopping.run_until_cancelled(watching).await;
    }

    fn look(&self) {
        let Some(path) = &self.path else { return };
        let mut seen = self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let now: Vec<_> = seen.iter().map(|Stamp(path, _)| Stamp::of(path)).collect();
        if now == *seen {
            return;
        }
        *seen = now;
        match self.read_again(path) {
            Ok(files) => {
                let known = seen.clone();
                let stamp = |file: &PathBuf| {
                    known
                        .iter()
                        .find(|Stamp(path, _)| path == file)
                        .cloned()
                        .unwrap_or_else(|| Stamp::of(file))
                };
                *seen = files.iter().map(stamp).collect();
                info!(path = %path.display(), "the web configuration was read again");
            }
            Err(problem) => {
                error!(%problem, "the web configuration is wrong: what was in force stays");
            }
        }
    }

    fn read_again(&self, path: &Path) -> Result<Vec<PathBuf>, WebConfigError> {
        let (security, files) = file::load(path)?;
        if security.tls.is_some() != self.current().tls.is_some() {
            return Err(WebConfigError::new(
                path,
                "tls_server_config: TLS is switched on and off by a restart alone",
            ));
        }
        self.current.store(Arc::new(security));
        Ok(files)
    }
}
