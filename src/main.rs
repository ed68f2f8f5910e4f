//! The life of the process: arguments, logging, configuration, run, a signal, an exit code.

use std::{
    convert::Infallible,
    fmt::Display,
    io::{self, IsTerminal as _, Write as _},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{self, ExitCode},
    sync::Arc,
    time::Duration,
};

use aliyun_flink_exporter::{
    api::Progress,
    app::{App, BuildError, Reloads},
    cli::{
        CheckConfigArgs, Cli, Command, ConfigArgs, DemoArgs, DoctorArgs, HealthcheckArgs, LogArgs, OnceArgs,
        ReportFormat, RunArgs, SimulateArgs, WebArgs,
    },
    clock::Clock,
    config::{self, Config, Environment},
    demo::{self, Demo},
    doctor, healthcheck, logging,
    simulator::Simulator,
    snapshot::Outcome,
    systemd::Systemd,
    web::{Listeners, Reload, SecurityStore},
};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::{
    net::TcpListener,
    runtime::Builder,
    signal::unix::{Signal, SignalKind, signal},
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

/// musl's own allocator has one lock for all threads and takes and gives back memory in small steps: with it a poll
/// costs twice as much (docs/performance.md).
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long the runtime waits for work off its threads once everything else has ended.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// Why the process ends without success.
enum Failure {
    /// The command line or the configuration is wrong.
    Usage(String),
    /// Something failed while it ran.
    Runtime(String),
}

fn usage(error: impl Display) -> Failure {
    Failure::Usage(error.to_string())
}

fn runtime(error: impl Display) -> Failure {
    Failure::Runtime(error.to_string())
}

fn no_signals(error: impl Display) -> Failure {
    Failure::Runtime(format!("no signals: {error}"))
}

fn not_written(error: impl Display) -> Failure {
    Failure::Runtime(format!("can't write to standard output: {error}"))
}

fn main() -> ExitCode {
    let Cli { command, run: default } = Cli::parse_checked();
    if matches!(command, None | Some(Command::Run(_) | Command::Demo(_))) {
        give_memory_back();
    }
    let ended = match command.unwrap_or(Command::Run(default)) {
        Command::Run(arguments) => on_threads(run(arguments)),
        Command::Demo(arguments) => on_threads(run_demo(arguments)),
        Command::Simulate(arguments) => on_threads(simulate(arguments)),
        Command::Once(arguments) => on_one_thread(once(arguments)),
        Command::Doctor(arguments) => on_one_thread(examine(arguments)),
        Command::CheckConfig(arguments) => check_config(&arguments),
        Command::Healthcheck(arguments) => on_one_thread(check_health(arguments)),
    };
    let (message, code) = match ended {
        Ok(code) => return code,
        Err(Failure::Usage(message)) => (message, 2),
        Err(Failure::Runtime(message)) => (message, 1),
    };
    // Where standard error is closed there is nobody to tell.
    let _ = writeln!(io::stderr(), "aliyun-flink-exporter: {message}");
    ExitCode::from(code)
}

/// Starts the same process again with a setting of glibc's allocator, which reads it at the start alone.
///
/// Each poll replaces large texts. Once the first of them is freed, glibc would keep such blocks instead of giving
/// them back, and the process would stay at twice of what it holds. A fixed threshold, its own default, leaves
/// that out. Whoever sets one keeps it; where this fails, more memory is all that it costs.
fn give_memory_back() {
    const THRESHOLD: (&str, &str) = ("MALLOC_MMAP_THRESHOLD_", "131072");
    // glibc takes the threshold out of the environment of a program with capabilities of its own: once is enough.
    const AGAIN: (&str, &str) = ("_ALIYUN_FLINK_EXPORTER_AGAIN", "1");
    let environment = Environment::from_process();
    let set = [THRESHOLD, AGAIN].iter().any(|(name, _)| environment.get(name).is_some());
    if !cfg!(target_env = "gnu") || set {
        return;
    }
    // Run by the dynamic loader, which would not find the program in its own arguments.
    let is_loader = |program: &Path| {
        let name = program.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("ld") && name.contains(".so")
    };
    if let Ok(program) = std::env::current_exe()
        && !is_loader(&program)
    {
        let mut arguments = std::env::args_os();
        let name = arguments.next().unwrap_or_else(|| program.clone().into());
        // Returns only if it failed.
        let _ = process::Command::new(program).arg0(name).args(arguments).envs([THRESHOLD, AGAIN]).exec();
    }
}

/// Runs a daemon, which has to answer whatever else it does.
fn on_threads(work: impl Future<Output = Result<ExitCode, Failure>>) -> Result<ExitCode, Failure> {
    within(&mut Builder::new_multi_thread(), work)
}

/// Does work that ends. Nobody waits for its thread meanwhile, and to wake others would cost more than they do.
fn on_one_thread(work: impl Future<Output = Result<ExitCode, Failure>>) -> Result<ExitCode, Failure> {
    within(&mut Builder::new_current_thread(), work)
}

fn within(
    builder: &mut Builder,
    work: impl Future<Output = Result<ExitCode, Failure>>,
) -> Result<ExitCode, Failure> {
    let runtime =
        builder.enable_all().build().map_err(|error| Failure::Runtime(format!("no runtime: {error}")))?;
    let ended = runtime.block_on(work);
    runtime.shutdown_timeout(LAST_WAIT);
    ended
}

async fn run(arguments: RunArgs) -> Result<ExitCode, Failure> {
    start_log(arguments.log)?;
    // From here on a hangup waits for the start to end, instead of ending it.
    let hangups = signal(SignalKind::hangup()).map_err(no_signals)?;
    let environment = Environment::from_process();
    let config = load(&arguments.config, &environment)?;
    let security = security(&arguments.web)?;
    let app = build(&config, &environment).await?;
    let listeners = bind(&arguments.web).await?;
    let systemd = systemd(&environment);
    let stopping = CancellationToken::new();
    let reloads = reloads(arguments.config, environment, arguments.lifecycle.enabled);
    let reload = reloads.handle();
    let path = arguments.web.telemetry_path;
    let work = app.run(listeners, path, security, Some(reloads), systemd, stopping.clone());
    tokio::select! {
        ended = until_stopped(work, stopping) => ended,
        never = reload_at_hangup(hangups, reload) => match never {},
    }
}

async fn run_demo(arguments: DemoArgs) -> Result<ExitCode, Failure> {
    start_log(arguments.log)?;
    let security = security(&arguments.web)?;
    let listeners = bind(&arguments.web).await?;
    let demo = Demo::new(arguments.fleet.settings(), Clock::System).await.map_err(runtime)?;
    let app = build(&demo.config, &Environment::default()).await?;
    let path = arguments.web.telemetry_path;
    if let Some(&address) = listeners.addresses().first() {
        demo::greet(io::stdout(), address, &path).map_err(not_written)?;
    }
    let systemd = systemd(&Environment::from_process());
    let stopping = CancellationToken::new();
    let work = async {
        tokio::join!(
            demo.serve(stopping.clone()),
            app.run(listeners, path, security, None, systemd, stopping.clone())
        );
    };
    until_stopped(work, stopping.clone()).await
}

async fn simulate(arguments: SimulateArgs) -> Result<ExitCode, Failure> {
    start_log(arguments.log)?;
    let mut settings = arguments.fleet.settings();
    settings.access_key = arguments.access_key_id.zip(arguments.access_key_secret);
    settings.workspace = arguments.workspace;
    let address = arguments.listen_address;
    let listener = TcpListener::bind(address).await.map_err(|error| {
        Failure::Runtime(format!("can't listen on {address} (--listen-address): {error}"))
    })?;
    let simulator = Arc::new(Simulator::new(settings, Clock::System));
    let address = listener.local_addr().map_err(runtime)?;
    info!(%address, namespaces = simulator.namespaces().join(","), "the simulated API listens");
    let stopping = CancellationToken::new();
    until_stopped(simulator.serve(listener, stopping.clone()), stopping).await
}

async fn once(arguments: OnceArgs) -> Result<ExitCode, Failure> {
    start_log(arguments.log)?;
    let environment = Environment::from_process();
    let config = load(&arguments.config, &environment)?;
    let app = build(&config, &environment).await?;
    let outcomes = tokio::select! {
        outcomes = app.poll_once() => outcomes,
        never = show_progress(app.progress()) => match never {},
    };
    let mut out = io::stdout().lock();
    match app.write_metrics(&mut out).and_then(|()| out.flush()) {
        // Whoever reads has seen enough, as `head` has.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        written => written.map_err(not_written)?,
    }
    // The process ends: its memory is given back as a whole, not deployment by deployment.
    std::mem::forget(app);
    let failed = outcomes.iter().any(|outcome| *outcome != Outcome::Success);
    Ok(ExitCode::from(u8::from(failed)))
}

async fn examine(arguments: DoctorArgs) -> Result<ExitCode, Failure> {
    start_log(arguments.log)?;
    let environment = Environment::from_process();
    let config = load(&arguments.config, &environment)?;
    let progress = Arc::default();
    let report = tokio::select! {
        report = doctor::examine(&config, &environment, &progress, Clock::System) => report.map_err(runtime)?,
        never = show_progress(&progress) => match never {},
    };
    let text = match arguments.format {
        ReportFormat::Table => report.to_table(),
        ReportFormat::Json => report.to_json(),
    };
    io::stdout().write_all(text.as_bytes()).map_err(runtime)?;
    Ok(ExitCode::from(u8::from(!report.ok())))
}

fn check_config(arguments: &CheckConfigArgs) -> Result<ExitCode, Failure> {
    SecurityStore::load(arguments.web_config_file.as_deref()).map_err(usage)?;
    let arguments = &arguments.config;
    let config = config::load(arguments.file.as_deref(), &Environment::from_process(), &arguments.flags())
        .map_err(usage)?;
    for warning in config.warnings() {
        writeln!(io::stderr(), "warning: {warning}").map_err(runtime)?;
    }
    io::stdout().write_all(config.to_yaml_redacted().as_bytes()).map_err(not_written)?;
    Ok(ExitCode::SUCCESS)
}

async fn check_health(arguments: HealthcheckArgs) -> Result<ExitCode, Failure> {
    let address = arguments.probe_address.unwrap_or(arguments.listen_address);
    let question =
        if arguments.ready { healthcheck::Question::Ready } else { healthcheck::Question::Healthy };
    let url = healthcheck::ask(address, question).await.map_err(runtime)?;
    writeln!(io::stdout(), "{url} answers 200 OK").map_err(not_written)?;
    Ok(ExitCode::SUCCESS)
}

fn start_log(arguments: LogArgs) -> Result<(), Failure> {
    logging::init(arguments).map_err(runtime)
}

fn load(arguments: &ConfigArgs, environment: &Environment) -> Result<Config, Failure> {
    let config = config::load(arguments.file.as_deref(), environment, &arguments.flags()).map_err(usage)?;
    for warning in config.warnings() {
        warn!("{warning}");
    }
    Ok(config)
}

/// Reads the configuration as at the start.
fn reloads(arguments: ConfigArgs, environment: Environment, over_http: bool) -> Reloads {
    let load = move || config::load(arguments.file.as_deref(), &environment, &arguments.flags());
    Reloads::new(Arc::new(load), over_http)
}

/// Reloads at each SIGHUP; the outcome is logged where it is made.
async fn reload_at_hangup(mut hangups: Signal, reload: Reload) -> Infallible {
    loop {
        hangups.recv().await;
        if let Err(mistakes) = reload.ask().await {
            debug!(%mistakes, "the reload that SIGHUP asked for");
        }
    }
}

async fn build(config: &Config, environment: &Environment) -> Result<App, Failure> {
    App::build(config, environment, Clock::System).await.map_err(|error| match error {
        BuildError::Credentials { .. } => usage(error),
        _ => runtime(error),
    })
}

async fn bind(arguments: &WebArgs) -> Result<Listeners, Failure> {
    Listeners::bind(&arguments.listen_addresses, arguments.probe_address).await.map_err(runtime)
}

fn systemd(environment: &Environment) -> Systemd {
    Systemd::new(|name| environment.get(name), process::id())
}

fn security(arguments: &WebArgs) -> Result<SecurityStore, Failure> {
    SecurityStore::load(arguments.config_file.as_deref()).map_err(usage)
}

/// Runs `work`, tells it to stop at the first signal, and leaves it at the second.
async fn until_stopped(
    work: impl Future<Output = ()>,
    stopping: CancellationToken,
) -> Result<ExitCode, Failure> {
    let mut signals = signals().map_err(no_signals)?;
    let signalled = async {
        signals.next().await;
        info!("stopping");
        stopping.cancel();
        signals.next().await;
    };
    tokio::select! {
        () = work => Ok(ExitCode::SUCCESS),
        () = signalled => Err(Failure::Runtime("stopped at once by a second signal".to_owned())),
    }
}

/// SIGTERM and SIGINT.
struct Signals(Signal, Signal);

fn signals() -> io::Result<Signals> {
    Ok(Signals(signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?))
}

impl Signals {
    async fn next(&mut self) {
        tokio::select! {
            _ = self.0.recv() => {}
            _ = self.1.recv() => {}
        }
    }
}

/// Shows how far the listings are, if somebody looks.
async fn show_progress(progress: &Progress) -> Infallible {
    if !io::stderr().is_terminal() {
        return std::future::pending().await;
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} pages, {elapsed}");
    let bar = ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    loop {
        let (read, expected) = progress.pages();
        bar.set_length(expected);
        bar.set_position(read);
        sleep(Duration::from_millis(100)).await;
    }
}
