//! The life of the process: command line, runtime, exit code.

use std::{process::ExitCode, time::Duration};

use aliyun_flink_exporter::{
    cli::{Cli, Command},
    commands::{self, CommandError},
    logging,
};
use tokio::runtime::Builder;

/// With the allocator of musl, which has one lock for all threads, a poll costs twice as much CPU. Those of musl and glibc
/// keep the memory of replaced objects (benches/README.md). `.cargo/config.toml` makes jemalloc return unused pages after
/// a second.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// How long the runtime waits for its blocking threads after the command has finished.
const RUNTIME_SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let Cli { command, run } = Cli::parse_checked();
    let command = command.unwrap_or(Command::Run(run));
    let code = execute(command).unwrap_or_else(|failure| {
        failure.report();
        ExitCode::from(failure.code())
    });
    logging::drain();
    code
}

fn execute(command: Command) -> Result<ExitCode, CommandError> {
    match command {
        Command::Run(arguments) => run_multi_thread(commands::run(arguments)),
        Command::Demo(arguments) => run_multi_thread(commands::demo(arguments)),
        Command::Simulate(arguments) => run_multi_thread(commands::simulate(arguments)),
        Command::Once(arguments) => run_current_thread(commands::once(arguments)),
        Command::Doctor(arguments) => run_current_thread(commands::doctor(arguments)),
        Command::CheckConfig(arguments) => commands::check_config(&arguments),
        Command::ConfigSchema => commands::config_schema(),
        Command::Healthcheck(arguments) => run_current_thread(commands::healthcheck(arguments)),
    }
}

/// Runs a daemon, which must answer requests while it does other work.
fn run_multi_thread(
    command: impl Future<Output = Result<ExitCode, CommandError>>,
) -> Result<ExitCode, CommandError> {
    commands::blocking_threads::check_limit()?;
    block_on(&mut Builder::new_multi_thread(), command)
}

/// Runs a command that ends by itself. Waking other threads would cost more time than they save.
fn run_current_thread(
    command: impl Future<Output = Result<ExitCode, CommandError>>,
) -> Result<ExitCode, CommandError> {
    block_on(&mut Builder::new_current_thread(), command)
}

fn block_on(
    builder: &mut Builder,
    command: impl Future<Output = Result<ExitCode, CommandError>>,
) -> Result<ExitCode, CommandError> {
    let runtime = builder
        .enable_all()
        .build()
        .map_err(|error| CommandError::Runtime(format!("can't start the runtime: {error}")))?;
    let result = runtime.block_on(command);
    runtime.shutdown_timeout(RUNTIME_SHUTDOWN_TIMEOUT);
    result
}
