//! The effective web configuration: read at startup, and again when one of its files changes.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::{
    certificate_expiry::ExpiryWatch,
    errors::WebConfigError,
    password_check::PasswordCheck,
    security_settings::Security,
    web_config_file::{self, Loaded},
};
use crate::{clock::Clock, telemetry::Telemetry};

/// How often the files are checked for changes.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// How often a configuration that could not be loaded is read again without a visible change.
const RETRY_INTERVAL: Duration = Duration::from_secs(10);

/// How long reading the state of a file may take.
const STAMP_TIMEOUT: Duration = Duration::from_secs(5);

/// Holds the effective settings.
#[derive(Debug, Default)]
pub struct SecurityStore {
    path: Option<PathBuf>,
    current: ArcSwap<Security>,
    passwords: Arc<PasswordCheck>,
    last: Mutex<LastRead>,
}

/// What is known of the last time the files were read.
#[derive(Debug, Default)]
struct LastRead {
    stamps: Vec<Stamp>,
    /// The error and the time, if it failed.
    failed: Option<(WebConfigError, Instant)>,
}

/// A file and its state, if that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp(PathBuf, Option<small_file::Stamp>);

impl Stamp {
    /// The state of each of `files`.
    fn of_all(files: Vec<PathBuf>) -> Vec<Self> {
        let states = small_file::stamps(files.clone(), STAMP_TIMEOUT).unwrap_or_default();
        let states = states.into_iter().chain(std::iter::repeat(None));
        files.into_iter().zip(states).map(|(file, state)| Self(file, state)).collect()
    }
}

impl SecurityStore {
    /// Reads the file, if there is one.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the file, or with a file it refers to.
    pub fn load(path: Option<&Path>) -> Result<Self, WebConfigError> {
        let Some(path) = path else { return Ok(Self::default()) };
        // Taken before reading, so that a change in between is noticed.
        let own = Stamp::of_all(vec![path.to_owned()]);
        let passwords = Arc::default();
        let Loaded { security, files } = web_config_file::load(path, &passwords);
        let stamps = stamps(&files, &own);
        Ok(Self {
            path: Some(path.to_owned()),
            current: ArcSwap::from_pointee(security?),
            passwords,
            last: Mutex::new(LastRead { stamps, failed: None }),
        })
    }

    /// The effective settings.
    pub(in crate::web) fn current(&self) -> Arc<Security> {
        self.current.load_full()
    }

    /// Whether connections are encrypted.
    pub fn has_tls(&self) -> bool {
        self.current().tls.is_some()
    }

    /// Reads the files again whenever they change, until `shutdown`. An error is logged, and the effective settings
    /// stay.
    ///
    /// Exports the expiry of the served certificate, and warns before it expires.
    pub async fn watch(self: Arc<Self>, telemetry: Telemetry, clock: Clock, shutdown: CancellationToken) {
        if self.path.is_none() {
            return;
        }
        let watching = async {
            let mut expiry = ExpiryWatch::default();
            loop {
                if let Some(tls) = &self.current().tls {
                    telemetry.tls_certificate_expires(tls.validity.not_after);
                    expiry.check(tls.validity, clock.since_epoch());
                }
                sleep(CHECK_INTERVAL).await;
                let reloader = self.clone();
                // After a panic, the next check may succeed.
                let _ = tokio::task::spawn_blocking(move || reloader.check()).await;
            }
        };
        shutdown.run_until_cancelled(watching).await;
    }

    fn check(&self) {
        let Some(path) = &self.path else { return };
        let mut last = self.last.lock();
        let now = Stamp::of_all(last.stamps.iter().map(|Stamp(path, _)| path.clone()).collect());
        let is_due = last.failed.as_ref().is_some_and(|(_, at)| at.elapsed() >= RETRY_INTERVAL);
        if now == last.stamps && !is_due {
            return;
        }
        let Loaded { security, files } = web_config_file::load(path, &self.passwords);
        // After an error too: a file that is missing now may appear.
        last.stamps = stamps(&files, &now);
        let outcome = security.and_then(|security| self.replace(path, security));
        match outcome {
            Ok(()) => {
                last.failed = None;
                info!(path = %path.display(), "web configuration reloaded");
            }
            Err(problem) => {
                if last.failed.as_ref().is_none_or(|(known, _)| *known != problem) {
                    error!(%problem, "web configuration not reloaded: the previous one stays in effect");
                }
                last.failed = Some((problem, Instant::now()));
            }
        }
    }

    fn replace(&self, path: &Path, security: Security) -> Result<(), WebConfigError> {
        if security.tls.is_some() != self.has_tls() {
            return Err(WebConfigError::new(
                path,
                "tls_server_config: TLS cannot be enabled or disabled by a reload: restart the exporter",
            ));
        }
        self.current.store(Arc::new(security));
        Ok(())
    }
}

/// The state of `files`: that of `before` where known, otherwise the present one.
fn stamps(files: &[PathBuf], before: &[Stamp]) -> Vec<Stamp> {
    let known = |file: &PathBuf| before.iter().find(|Stamp(path, _)| path == file).cloned();
    let new = files.iter().filter(|file| known(file).is_none()).cloned().collect();
    let new = Stamp::of_all(new);
    files
        .iter()
        .filter_map(|file| known(file).or_else(|| new.iter().find(|Stamp(path, _)| path == file).cloned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A web configuration that refers to a certificate and a key.
    fn directory() -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
        write("a.pem", &made.cert.pem());
        write("a.key", &made.signing_key.serialize_pem());
        write("web.yml", "tls_server_config: {cert_file: a.pem, key_file: a.key}");
        directory
    }

    #[test]
    fn files_that_appear_after_the_configuration_that_names_them_are_read() {
        let directory = directory();
        let path = directory.path().join("web.yml");
        let reloader = SecurityStore::load(Some(&path)).unwrap();
        let before = reloader.current();
        let text =
            "tls_server_config: {cert_file: b.pem, key_file: b.key}\nrate_limit: {interval: 1s, burst: 1}";
        fs::write(&path, text).unwrap();
        reloader.check();
        assert!(Arc::ptr_eq(&before, &reloader.current()), "b.pem does not exist yet");
        for (from, to) in [("a.pem", "b.pem"), ("a.key", "b.key")] {
            fs::copy(directory.path().join(from), directory.path().join(to)).unwrap();
            reloader.check();
        }
        assert!(reloader.current().limit.is_some());
    }

    #[test]
    fn tls_is_neither_enabled_nor_disabled_by_a_reload() {
        let directory = directory();
        let path = directory.path().join("web.yml");
        let reloader = SecurityStore::load(Some(&path)).unwrap();
        fs::write(&path, "rate_limit: {interval: 1s, burst: 1}").unwrap();
        reloader.check();
        assert!(reloader.has_tls());
    }
}
