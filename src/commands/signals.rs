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

use super::{CommandError, blocking_threads};
use crate::{logging, web::ReloadHandle};

/// How long a stop may take before the process exits without waiting for the rest. If each step uses up its time
/// limit, a stop takes 7 s. Supervisors such as Docker kill after 10 s.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(7500);

/// Runs the work of a daemon. The first SIGTERM or SIGINT cancels `shutdown`. The second one, or a stop that takes too
/// long, ends the process.
///
/// # Errors
///
/// [`CommandError::Runtime`] if the signal handlers can't be installed, or if the system refuses to start a thread that the
/// work needs.
pub(super) async fn run_until_signal(
    work: impl Future<Output = ()>,
    shutdown: CancellationToken,
) -> Result<ExitCode, CommandError> {
    stop_on_signal(shutdown, SHUTDOWN_TIMEOUT).await?;
    tokio::select! {
        () = work => Ok(ExitCode::SUCCESS),
        failure = blocking_threads::watch() => Err(failure),
    }
}

/// Waits for signals in a thread with a separate runtime, because the threads that serve and poll may be stuck.
async fn stop_on_signal(shutdown: CancellationToken, timeout: Duration) -> Result<(), CommandError> {
    let (installed, result) = oneshot::channel();
    let runtime =
        Builder::new_current_thread().enable_all().build().map_err(|error| not_installed(&error))?;
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || wait_for_signals(&runtime, &shutdown, timeout, installed))
        .map_err(|error| not_installed(&error))?;
    let result = result.await.map_err(CommandError::runtime)?;
    result.map_err(|error| not_installed(&error))
}

fn wait_for_signals(
    runtime: &Runtime,
    shutdown: &CancellationToken,
    timeout: Duration,
    installed: oneshot::Sender<io::Result<()>>,
) {
    runtime.block_on(async {
        let mut signals = match StopSignals::install() {
            Ok(signals) => signals,
            Err(error) => {
                // Without a receiver, the process already ends.
                let _ = installed.send(Err(error));
                return;
            }
        };
        let _ = installed.send(Ok(()));
        signals.recv().await;
        info!("stopping");
        shutdown.cancel();
        let reason = tokio::select! {
            () = signals.recv() => "stopped immediately by a second signal".to_owned(),
            () = sleep(timeout) => {
                format!("the shutdown did not finish within {} s", timeout.as_secs_f64())
            }
        };
        exit(&CommandError::Runtime(reason));
    });
}

/// Ends the process without waiting for any other thread.
fn exit(failure: &CommandError) -> ! {
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
pub(super) fn hangups() -> Result<Signal, CommandError> {
    signal(SignalKind::hangup()).map_err(|error| not_installed(&error))
}

/// Reloads at each SIGHUP. The application logs the outcome.
pub(super) async fn reload_on_hangup(mut hangups: Signal, reload: ReloadHandle) -> Infallible {
    loop {
        hangups.recv().await;
        if let Err(mistakes) = reload.ask().await {
            debug!(%mistakes, "reload requested by SIGHUP");
        }
    }
}

fn not_installed(error: &io::Error) -> CommandError {
    CommandError::Runtime(format!("can't install a signal handler: {error}"))
}

#[cfg(test)]
mod tests {
    use std::{
        env,
        io::{BufRead as _, BufReader, Read as _},
        process::{Command, Stdio},
    };

    use super::*;

    /// How long the stuck process lives if nothing ends it.
    const PATIENCE: Duration = Duration::from_secs(60);

    #[test]
    #[ignore = "a process that the next test starts"]
    fn stuck_process() {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            stop_on_signal(CancellationToken::new(), Duration::from_millis(300)).await.unwrap();
            // The worker, which drives timers and signals, and the main thread.
            tokio::spawn(async { thread::sleep(PATIENCE) });
            println!("\nstuck");
            thread::sleep(PATIENCE);
        });
    }

    #[test]
    fn a_process_whose_threads_are_all_stuck_ends_after_a_signal() {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "commands::signals::tests::stuck_process", "--ignored", "--nocapture"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.map_while(Result::ok).any(|line| line == "stuck"));
        let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        assert_eq!(child.wait().unwrap().code(), Some(1));
        let mut errors = String::new();
        child.stderr.unwrap().read_to_string(&mut errors).unwrap();
        assert!(errors.contains("the shutdown did not finish within 0.3 s"), "{errors}");
    }
}
