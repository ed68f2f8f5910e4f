//! The command line.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{
    Arg, ArgAction, ArgMatches, Args, CommandFactory as _, FromArgMatches, Parser, Subcommand, ValueEnum,
    error::ErrorKind,
};
use secrecy::SecretString;
use strum::VariantArray as _;
use tracing::level_filters::LevelFilter;
use url::Url;

use crate::{
    config,
    logging::LogFormat,
    model::CollectorName,
    simulator,
    web::{ListenAddress, Paths, normalize_prefix},
};

/// Prometheus exporter for Alibaba Cloud Realtime Compute for Apache Flink.
///
/// Polls the ververica API for the deployments of the configured namespaces and serves their job counts and
/// resource settings as metrics. Without a command it runs the exporter.
#[derive(Debug, Parser)]
#[command(name = "aliyun-flink-exporter", version = VERSION, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The flags of `run`, which is the default.
    #[command(flatten)]
    pub run: RunArgs,
}

impl Cli {
    /// The command line of this process; exits with 2 if it is wrong.
    pub fn parse_checked() -> Self {
        let cli = Self::parse();
        match cli.misplaced_command() {
            None => cli,
            Some(command) => {
                let message =
                    format!("the command `{command}` comes first: aliyun-flink-exporter {command} ...");
                Self::command().error(ErrorKind::ArgumentConflict, message).exit()
            }
        }
    }

    /// A command that stands where it was taken for one more namespace.
    fn misplaced_command(&self) -> Option<&str> {
        let last = self.run.config.namespaces.last()?;
        let is_command = Self::command().get_subcommands().any(|command| command.get_name() == last);
        (self.command.is_none() && is_command).then_some(last)
    }
}

const DEFAULT_LISTEN_ADDRESS: &str = ":10978";

const VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    " (revision ",
    env!("BUILD_REVISION"),
    ", rustc ",
    env!("BUILD_RUSTC"),
    ")"
);

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the exporter (the default command)
    Run(RunArgs),
    /// Run the exporter over the embedded API simulator: no account, no configuration needed
    Demo(DemoArgs),
    /// Run the API simulator alone, for other clients, tests and load
    Simulate(SimulateArgs),
    /// Poll every target once, print the metrics to standard output, and exit: with 1 if any target failed
    Once(OnceArgs),
    /// Check each target live with the real credentials, and say what is missing; exit with 1 when anything fails
    Doctor(DoctorArgs),
    /// Validate the configuration and print it resolved, secrets redacted; exit with 0 or 2
    CheckConfig(CheckConfigArgs),
    /// Print the JSON schema of the configuration file, for editors, Helm and CI
    ConfigSchema,
    /// Ask the exporter that runs on this machine whether it is well, as a container's health check; exit with 0 or 1
    Healthcheck(HealthcheckArgs),
}

/// The flags of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Reload when the configuration file changes, also when Kubernetes replaces its volume
    #[arg(long = "config.auto-reload", requires = "file", help_heading = "Configuration")]
    pub auto_reload: bool,
    /// What is served.
    #[command(flatten)]
    pub web: WebArgs,
    /// What clients may do.
    #[command(flatten)]
    pub lifecycle: LifecycleArgs,
    /// What is logged.
    #[command(flatten)]
    pub log: LogArgs,
}

/// The flags of `once`.
#[derive(Debug, Args)]
pub struct OnceArgs {
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// What is logged.
    #[command(flatten)]
    pub log: LogArgs,
}

/// The flags of `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// The form of the report
    #[arg(id = "report_format", long = "format", value_name = "FORMAT", default_value = "table")]
    pub format: ReportFormat,
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// What is logged.
    #[command(flatten)]
    pub log: LogArgs,
}

/// The form of the doctor's report, on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// The flags of `check-config`.
#[derive(Debug, Args)]
pub struct CheckConfigArgs {
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// A web configuration file to validate as well
    #[arg(long = "web.config.file", value_name = "PATH", help_heading = "Web")]
    pub web_config_file: Option<PathBuf>,
    /// What is logged.
    #[command(flatten)]
    pub log: LogArgs,
}

/// The flags of `healthcheck`.
#[derive(Debug, Args)]
pub struct HealthcheckArgs {
    /// Where the exporter listens; plain HTTP or TLS
    #[arg(long = "web.listen-address", value_name = "ADDR:PORT", default_value = DEFAULT_LISTEN_ADDRESS)]
    pub listen_address: ListenAddress,
    /// Where the exporter serves probes, if it has an address for them; asked instead
    #[arg(long = "web.probe-address", value_name = "ADDR:PORT")]
    pub probe_address: Option<ListenAddress>,
    /// The exporter's --web.route-prefix, or the path of its --web.external-url
    #[arg(long = "web.route-prefix", value_name = "PATH", value_parser = route_prefix)]
    pub route_prefix: Option<String>,
    /// Ask whether every target has been polled, instead of whether the process serves
    #[arg(long)]
    pub ready: bool,
}

/// The flags of `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// The simulated fleet.
    #[command(flatten)]
    pub fleet: FleetArgs,
    /// The file that keeps the state across restarts
    #[arg(long = "state.path", value_name = "FILE")]
    pub state_path: Option<PathBuf>,
    /// What is served.
    #[command(flatten)]
    pub web: WebArgs,
    /// What is logged.
    #[command(flatten)]
    pub log: LogArgs,
}

/// The flags of `simulate`.
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// Where the simulated API listens
    #[arg(long, value_name = "ADDR:PORT", value_parser = address, default_value = "127.0.0.1:10979")]
    pub listen_address: SocketAddr,
    /// The access key whose signatures are verified; without it any key is taken
    #[arg(long, value_name = "ID", requires = "access_key_secret")]
    pub access_key_id: Option<String>,
    /// The secret of that access key
    #[arg(long, value_name = "SECRET", requires = "access_key_id")]
    pub access_key_secret: Option<SecretString>,
    /// The first workspace's id; without it, any id is accepted for it
    #[arg(long, value_name = "ID")]
    pub workspace: Option<String>,
    /// The simulated fleet.
    #[command(flatten)]
    pub fleet: FleetArgs,
    /// What is logged.
    #[command(flatten)]
    pub log: LogArgs,
}

/// Where the configuration is.
#[derive(Debug, Args)]
#[command(next_help_heading = "Configuration")]
pub struct ConfigArgs {
    /// The configuration file: YAML (.yml, .yaml) or TOML (.toml)
    #[arg(long = "config.file", value_name = "PATH")]
    pub file: Option<PathBuf>,
    /// A workspace's id; with --region, it takes the place of all workspaces and discovery entries of the file
    #[arg(long, value_name = "ID")]
    pub workspace: Option<String>,
    /// A region, such as cn-hangzhou: the workspace's, or without --workspace one whose workspaces are discovered
    /// (repeatable)
    #[arg(long = "region", value_name = "REGION")]
    pub regions: Vec<String>,
    /// A namespace of the workspace (repeatable); without any, all of them are discovered
    #[arg(long = "namespace", value_name = "NAME", num_args = 1..)]
    pub namespaces: Vec<String>,
    /// Which of several exporters that share the work this is, from 0
    #[arg(long = "shard.index", value_name = "N")]
    pub shard_index: Option<u32>,
    /// How many exporters share the work
    #[arg(long = "shard.total", value_name = "N")]
    pub shard_total: Option<u32>,
    /// The file that keeps the state across restarts of `run`
    #[arg(long = "state.path", value_name = "FILE")]
    pub state_path: Option<String>,
    /// What is polled besides deployments.
    #[command(flatten)]
    pub collectors: CollectorArgs,
}

impl ConfigArgs {
    /// The settings given as flags.
    pub fn flags(&self) -> config::Flags {
        config::Flags {
            workspace: self.workspace.clone(),
            regions: self.regions.clone(),
            namespaces: self.namespaces.clone(),
            collectors: self.collectors.0.clone(),
            shard_index: self.shard_index,
            shard_total: self.shard_total,
            state_path: self.state_path.clone(),
        }
    }
}

/// A collector's name, the flags that enable and disable it, and what it collects.
const COLLECTORS: [(CollectorName, [&str; 2], &str); 6] = [
    (
        "workspaces",
        ["collector.workspaces", "no-collector.workspaces"],
        "the collector of workspaces: state, expiry, quota and usage",
    ),
    (
        "namespaces",
        ["collector.namespaces", "no-collector.namespaces"],
        "the collector of namespaces: state, quota and usage",
    ),
    ("queues", ["collector.queues", "no-collector.queues"], "the collector of queues: limits and usage"),
    (
        "session_clusters",
        ["collector.session_clusters", "no-collector.session_clusters"],
        "the collector of session clusters: state, size and users",
    ),
    (
        "engine_versions",
        ["collector.engine_versions", "no-collector.engine_versions"],
        "the collector of engine versions: support status",
    ),
    (
        "jobs",
        ["collector.jobs", "no-collector.jobs"],
        "the collector of jobs: failure reasons, restarts, usage",
    ),
];

/// `--collector.NAME` and `--no-collector.NAME` of each collector; the last one wins.
#[derive(Debug, Clone, Default)]
pub struct CollectorArgs(Vec<(CollectorName, bool)>);

impl Args for CollectorArgs {
    fn augment_args(command: clap::Command) -> clap::Command {
        let flags = COLLECTORS.into_iter().flat_map(|(_, [on, off], what)| {
            let flag = |flag, other, help: String| {
                let flag = Arg::new(flag).long(flag).overrides_with(other).action(ArgAction::SetTrue);
                flag.help_heading("Collectors").help(help)
            };
            let enable = flag(on, off, format!("Enable {what}"));
            let disable = flag(off, on, format!("Disable {what}"));
            [enable, disable]
        });
        command.args(flags)
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for CollectorArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = COLLECTORS.into_iter().filter_map(|(name, flags, _)| {
            let [enabled, disabled] = flags.map(|flag| matches.get_flag(flag));
            (enabled || disabled).then_some((name, enabled))
        });
        Ok(Self(given.collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// What is served.
#[derive(Debug, Args)]
#[command(next_help_heading = "Web")]
pub struct WebArgs {
    /// Where to listen (repeatable). Without a host, on every address of IPv6 and IPv4
    #[arg(long = "web.listen-address", value_name = "ADDR:PORT", default_value = DEFAULT_LISTEN_ADDRESS)]
    pub listen_addresses: Vec<ListenAddress>,
    /// The URL under which browsers reach the exporter, behind a reverse proxy for example. Links begin with its path
    #[arg(long = "web.external-url", value_name = "URL", value_parser = external_url)]
    pub external_url: Option<Url>,
    /// What the paths of all pages and metrics begin with [default: the path of --web.external-url]
    #[arg(long = "web.route-prefix", value_name = "PATH", value_parser = route_prefix)]
    pub route_prefix: Option<String>,
    /// The path of the metrics
    #[arg(long = "web.telemetry-path", value_name = "PATH", value_parser = telemetry_path, default_value = "/metrics")]
    pub telemetry_path: String,
    /// TLS, users, headers and rate limit: the exporter-toolkit's web configuration file
    #[arg(long = "web.config.file", value_name = "PATH")]
    pub config_file: Option<PathBuf>,
    /// Where health and readiness, and nothing else, are served in clear text to whoever asks
    #[arg(long = "web.probe-address", value_name = "ADDR:PORT")]
    pub probe_address: Option<ListenAddress>,
}

impl WebArgs {
    /// The paths that are served.
    pub fn paths(&self) -> Paths {
        Paths::new(&self.telemetry_path, self.external_url.as_ref(), self.route_prefix.as_deref())
    }
}

/// What clients may do beside reading.
#[derive(Debug, Args)]
#[command(next_help_heading = "Web")]
pub struct LifecycleArgs {
    /// Let clients reload the configuration by POST /-/reload
    #[arg(long = "web.enable-lifecycle")]
    pub enabled: bool,
}

/// What is logged.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Logging")]
pub struct LogArgs {
    /// The least severe level that is logged: error, warn, info, debug or trace
    #[arg(long = "log.level", value_name = "LEVEL", value_parser = level, default_value = "info")]
    pub level: LevelFilter,
    /// The form of log lines, on standard error
    #[arg(long = "log.format", value_name = "FORMAT", default_value = "logfmt")]
    pub format: LogFormat,
}

/// The simulated fleet and its faults.
#[derive(Debug, Args)]
#[command(next_help_heading = "Simulated fleet")]
pub struct FleetArgs {
    /// The number of running workspaces; one more is overdue, and one is being created
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000), default_value = "1")]
    workspaces: u32,
    /// The number of namespaces in each workspace
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000), default_value = "3")]
    namespaces: u32,
    /// The deployments in each namespace
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1_000_000), default_value = "60")]
    deployments: u32,
    /// The same seed gives the same fleet
    #[arg(long, value_name = "N", default_value = "1")]
    seed: u64,
    /// The wait before each reply of the API, such as 50ms
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "0s")]
    latency: Duration,
    /// The share of requests that are throttled, from 0 to 1
    #[arg(long = "fault.throttle", value_name = "RATE", value_parser = rate, default_value = "0")]
    throttle: f64,
    /// The share of requests answered with a server's error
    #[arg(long = "fault.server-error", value_name = "RATE", value_parser = rate, default_value = "0")]
    server_error: f64,
    /// The share of requests whose connection breaks within the reply
    #[arg(long = "fault.reset", value_name = "RATE", value_parser = rate, default_value = "0")]
    reset: f64,
    /// The share of requests whose reply is cut off
    #[arg(long = "fault.truncate", value_name = "RATE", value_parser = rate, default_value = "0")]
    truncate: f64,
    /// The share of requests answered with HTTP 200 and `success: false`
    #[arg(long = "fault.unsuccessful", value_name = "RATE", value_parser = rate, default_value = "0")]
    unsuccessful: f64,
    /// An operation whose RAM action is denied, such as `DescribeInstances` (repeatable)
    #[arg(long = "fault.denied", value_name = "OPERATION", value_parser = operation)]
    denied: Vec<simulator::Operation>,
}

impl FleetArgs {
    /// The simulator's settings: any workspace, any key.
    pub fn settings(&self) -> simulator::Settings {
        simulator::Settings {
            access_key: None,
            workspace: None,
            workspaces: self.workspaces as usize,
            namespaces: self.namespaces as usize,
            deployments: self.deployments as usize,
            seed: self.seed,
            latency: self.latency,
            faults: simulator::Faults {
                throttle: self.throttle,
                server_error: self.server_error,
                reset: self.reset,
                truncate: self.truncate,
                unsuccessful: self.unsuccessful,
            },
            denied: self.denied.clone(),
        }
    }
}

/// The name of an operation that the simulator has.
fn operation(text: &str) -> Result<simulator::Operation, String> {
    text.parse().map_err(|_| {
        let names: Vec<_> =
            simulator::Operation::VARIANTS.iter().map(|operation| operation.as_str()).collect();
        format!("no such operation; expected one of {}", names.join(", "))
    })
}

/// An address such as `127.0.0.1:10979`, or `:10979` for every IPv4 address.
fn address(text: &str) -> Result<SocketAddr, String> {
    let full = if text.starts_with(':') { format!("0.0.0.0{text}") } else { text.to_owned() };
    full.parse()
        .map_err(|_| "expected an IP address and a port, such as 127.0.0.1:10979 or [::1]:10979".to_owned())
}

/// An absolute URL of HTTP or HTTPS. The message does not repeat it: it may have a password.
fn external_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let is_plain = |url: &Url| {
        let has_password = !url.username().is_empty() || url.password().is_some();
        url.query().is_none() && url.fragment().is_none() && !has_password
    };
    let url = url.ok_or("expected a URL such as https://prometheus.example/flink")?;
    if !is_plain(&url) {
        return Err("expected a URL without user, query and fragment".to_owned());
    }
    route_prefix(url.path())?;
    Ok(url)
}

/// A path such as `/flink`; `/` for none.
fn route_prefix(text: &str) -> Result<String, String> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"?#\"<>\\".contains(&byte);
    let prefix = normalize_prefix(text);
    if !prefix.bytes().all(is_plain) || prefix.contains("//") {
        return Err("expected a path such as /flink".to_owned());
    }
    Ok(prefix)
}

fn telemetry_path(text: &str) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"?#%\"<>".contains(&byte);
    if !text.starts_with('/') || !text.bytes().all(plain) {
        return Err("expected a path that starts with /, such as /metrics".to_owned());
    }
    if crate::web::is_reserved(text) {
        return Err("the exporter serves something else under this path".to_owned());
    }
    Ok(text.to_owned())
}

fn level(text: &str) -> Result<LevelFilter, String> {
    let levels =
        [LevelFilter::ERROR, LevelFilter::WARN, LevelFilter::INFO, LevelFilter::DEBUG, LevelFilter::TRACE];
    let named = |level: &LevelFilter| level.to_string() == text.to_ascii_lowercase();
    levels.into_iter().find(named).ok_or_else(|| "expected error, warn, info, debug or trace".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    config::parse_duration(text)
        .ok_or_else(|| "expected a duration with a unit, such as 50ms or 2s".to_owned())
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate| (0.0..=1.0).contains(rate));
    rate.ok_or_else(|| "expected a rate from 0 to 1".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_stand_alone_or_after_a_command() {
        let cli = Cli::parse_from(["exporter", "--workspace", "w", "--region", "r", "--namespace", "a", "b"]);
        assert!(cli.command.is_none());
        assert_eq!(cli.run.config.namespaces, ["a", "b"]);
        let cli = Cli::parse_from(["exporter", "once", "--namespace", "a", "--namespace", "b"]);
        let Some(Command::Once(once)) = cli.command else { panic!("{cli:?}") };
        assert_eq!(once.config.namespaces, ["a", "b"]);
    }

    #[test]
    fn the_last_flag_of_a_collector_wins() {
        let settings = |flags: &[&str]| {
            Cli::parse_from([&["exporter", "once"], flags].concat()).command.map(|command| match command {
                Command::Once(once) => once.config.collectors.0,
                command => panic!("{command:?}"),
            })
        };
        assert_eq!(settings(&[]), Some(vec![]));
        assert_eq!(
            settings(&["--no-collector.workspaces", "--collector.workspaces", "--no-collector.namespaces"]),
            Some(vec![("workspaces", true), ("namespaces", false)])
        );
    }

    #[test]
    fn a_command_after_namespaces_is_no_namespace() {
        let words = ["exporter", "--workspace", "w", "--region", "r", "--namespace", "a", "once"];
        assert_eq!(Cli::parse_from(words).misplaced_command(), Some("once"));
        assert_eq!(Cli::parse_from(&words[..7]).misplaced_command(), None);
    }

    #[test]
    fn an_address_may_leave_out_the_host() {
        assert_eq!(address(":9").unwrap().to_string(), "0.0.0.0:9");
        assert_eq!(address("[::1]:9").unwrap().to_string(), "[::1]:9");
        assert!(address("localhost").is_err());
    }

    #[test]
    fn external_urls_and_prefixes_are_checked() {
        for url in ["http://h", "https://h:1/a/b/"] {
            assert!(external_url(url).is_ok(), "{url}");
        }
        for url in ["h", "/flink", "ftp://h", "http://u:secret@h", "http://h?a", "http://h#a", "'http://h'"] {
            let error = external_url(url).unwrap_err();
            assert!(!error.contains("secret"), "{error}");
        }
        for (prefix, expected) in [("/", ""), ("", ""), ("flink", "/flink"), ("/a/b/", "/a/b")] {
            assert_eq!(route_prefix(prefix).as_deref(), Ok(expected));
        }
        for prefix in ["/a b", "/a?b", "/a//b", "/é"] {
            assert!(route_prefix(prefix).is_err(), "{prefix}");
        }
    }

    #[test]
    fn the_metrics_take_no_other_path_s_place() {
        assert!(telemetry_path("/prometheus").is_ok());
        for path in ["metrics", "/", "/-/ready", "/targets/a", "/a b", "/é", "/a?b"] {
            assert!(telemetry_path(path).is_err(), "{path}");
        }
    }
}
