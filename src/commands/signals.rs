//! Signals: SIGTERM and SIGINT stop the process, SIGHUP reloads the configuration.

use std::{
    convert::Infallible,
    io,
    process::{self, ExitCode},
    thread,
    time::Duration,
};

use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use super::{Failure, threads};
use crate::{logging, web::Reload};

/// How long a stop may take before the process exits without waiting for the rest. A stop whose every part uses up
/// its own time limit takes 7 s, and supervisors such as Docker kill after 10 s.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(7500);

/// Runs the work of a daemon. The first SIGTERM or SIGINT cancels `stopping`. The second one, or a stop that takes too
/// long, ends the process.
///
/// # Errors
///
/// Fails if the signals can't be waited for, or if the system refuses to start a thread that the work needs.
pub(super) async fn run_until_signal(
    work: impl Future<Output = ()>,
    stopping: CancellationToken,
) -> Result<ExitCode, Failure> {
    stop_on_signal(stopping).await?;
    tokio::select! {
        () = work => Ok(ExitCode::SUCCESS),
        failure = threads::watch() => Err(failure),
    }
}

/// Waits for signals in a thread with a runtime of its own: the threads that serve and poll may be stuck.
async fn stop_on_signal(stopping: CancellationToken) -> Result<(), Failure> {
    let (installed, result) = oneshot::channel();
    let runtime =
        Builder::new_current_thread().enable_all().build().map_err(|error| not_installed(&error))?;
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || wait_for_signals(&runtime, &stopping, installed))
        .map_err(|error| not_installed(&error))?;
    let result = result.await.map_err(Failure::runtime)?;
    result.map_err(|error| not_installed(&error))
}

fn wait_for_signals(
    runtime: &Runtime,
    stopping: &CancellationToken,
    installed: oneshot::Sender<io::Result<()>>,
) {
    runtime.block_on(async {
        let mut signals = match StopSignals::install() {
            Ok(signals) => signals,
            Err(error) => {
                // If nobody waits for the result, the process ends already.
                let _ = installed.send(Err(error));
                return;
            }
        };
        let _ = installed.send(Ok(()));
        signals.recv().await;
        info!("stopping");
        stopping.cancel();
        let reason = tokio::select! {
            () = signals.recv() => "stopped at once by a second signal".to_owned(),
            () = sleep(SHUTDOWN_TIMEOUT) => {
                format!("the stop did not finish within {} s", SHUTDOWN_TIMEOUT.as_secs_f64())
            }
        };
        exit(&Failure::Runtime(reason));
    });
}

/// Ends the process without waiting for any other thread.
fn exit(failure: &Failure) -> ! {
    failure.report();
    logging::drain();
    process::exit(failure.code().into())
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
    signal(SignalKind::hangup()).map_err(|error| not_installed(&error))
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

fn not_installed(error: &io::Error) -> Failure {
    Failure::Runtime(format!("can't install a signal handler: {error}"))
}
