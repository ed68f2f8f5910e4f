//! The command line.

mod arguments;
mod collectors;
mod config;
mod fleet;
mod log;
mod web;

use clap::{CommandFactory as _, Parser, Subcommand, error::ErrorKind};

pub use arguments::{
    CheckConfigArgs, DemoArgs, DoctorArgs, HealthcheckArgs, OnceArgs, ReportFormat, RunArgs, SimulateArgs,
};
pub use collectors::CollectorArgs;
pub use config::ConfigArgs;
pub use fleet::FleetArgs;
pub use log::LogArgs;
pub use web::{LifecycleArgs, WebArgs};

/// Prometheus exporter for Alibaba Cloud Realtime Compute for Apache Flink.
///
/// Polls the API of Realtime Compute for Apache Flink and serves the state of workspaces, namespaces, deployments and
/// jobs as metrics. Without a command, it runs the exporter.
#[derive(Debug, Parser)]
#[command(name = "aliyun-flink-exporter", version = VERSION, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// The command.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The flags of `run`, the default command.
    #[command(flatten)]
    pub run: RunArgs,
}

impl Cli {
    /// Parses the command line of this process; exits with 2 if it is invalid.
    pub fn parse_checked() -> Self {
        let cli = Self::parse();
        match cli.misplaced_command() {
            None => cli,
            Some(command) => {
                let message =
                    format!("put the command `{command}` first: aliyun-flink-exporter {command} ...");
                Self::command().error(ErrorKind::ArgumentConflict, message).exit()
            }
        }
    }

    /// A command after `--namespace`, which clap takes for another namespace.
    fn misplaced_command(&self) -> Option<&str> {
        let last = self.run.config.namespaces.last()?;
        let is_command = Self::command().get_subcommands().any(|command| command.get_name() == last);
        (self.command.is_none() && is_command).then_some(last)
    }
}

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
    /// Run the exporter against a simulated API; needs no account and no configuration
    Demo(DemoArgs),
    /// Run the simulated API alone, for tests of clients and load tests
    Simulate(SimulateArgs),
    /// Poll every target once and print the metrics; exit with 1 if any target failed
    Once(OnceArgs),
    /// Check each target with the real credentials and report what is missing; exit with 1 if anything fails
    Doctor(DoctorArgs),
    /// Validate the configuration and print the resolved one with secrets redacted; exit with 2 if it is invalid
    CheckConfig(CheckConfigArgs),
    /// Print the JSON schema of the configuration file, for editors, Helm and CI
    ConfigSchema,
    /// Check the health of the local exporter, for containers without a shell; exit with 1 if it is unhealthy
    Healthcheck(HealthcheckArgs),
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
    fn a_command_after_namespaces_is_not_a_namespace() {
        let words = ["exporter", "--workspace", "w", "--region", "r", "--namespace", "a", "once"];
        assert_eq!(Cli::parse_from(words).misplaced_command(), Some("once"));
        assert_eq!(Cli::parse_from(&words[..7]).misplaced_command(), None);
    }
}
