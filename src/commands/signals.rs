//! Signals: SIGTERM and SIGINT stop the process, SIGHUP reloads the configuration.

use std::{convert::Infallible, fmt::Display, io, process::ExitCode};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use super::Failure;
use crate::web::Reload;

/// Runs `work`, cancels `stopping` at the first signal, and drops the work at the second.
pub(super) async fn run_until_signal(
    work: impl Future<Output = ()>,
    stopping: CancellationToken,
) -> Result<ExitCode, Failure> {
    let mut signals = StopSignals::install().map_err(not_installed)?;
    let signalled = async {
        signals.recv().await;
        info!("stopping");
        stopping.cancel();
        signals.recv().await;
    };
    tokio::select! {
        () = work => Ok(ExitCode::SUCCESS),
        () = signalled => Err(Failure::Runtime("stopped at once by a second signal".to_owned())),
    }
}

/// SIGTERM and SIGINT.
struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    fn install() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn recv(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Installs the handler of SIGHUP. From then on the signal no longer ends the process.
pub(super) fn hangups() -> Result<Signal, Failure> {
    signal(SignalKind::hangup()).map_err(not_installed)
}

/// Reloads at each SIGHUP. The application logs the outcome.
pub(super) async fn reload_on_hangup(mut hangups: Signal, reload: Reload) -> Infallible {
    loop {
        hangups.recv().await;
        if let Err(mistakes) = reload.ask().await {
            debug!(%mistakes, "reload requested by SIGHUP");
        }
    }
}

fn not_installed(error: impl Display) -> Failure {
    Failure::Runtime(format!("can't install a signal handler: {error}"))
}
