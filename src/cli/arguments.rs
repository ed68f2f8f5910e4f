//! Arguments of each command.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, ValueEnum};
use secrecy::SecretString;

use super::{
    config::ConfigArgs,
    fleet::FleetArgs,
    log::LogArgs,
    web::{self, DEFAULT_LISTEN_ADDRESS, LifecycleArgs, WebArgs},
};
use crate::web::ListenAddress;

/// The flags of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The configuration file, and the settings that flags override.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Reload the configuration when its file changes, also if Kubernetes replaces a mounted volume
    #[arg(long = "config.auto-reload", requires = "file", help_heading = "Configuration")]
    pub auto_reload: bool,
    /// The addresses, paths and security of the web server.
    #[command(flatten)]
    pub web: WebArgs,
    /// Requests that change something.
    #[command(flatten)]
    pub lifecycle: LifecycleArgs,
    /// The level and the format of the log.
    #[command(flatten)]
    pub log: LogArgs,
}

/// The flags of `once`.
#[derive(Debug, Args)]
pub struct OnceArgs {
    /// The configuration file, and the settings that flags override.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The level and the format of the log.
    #[command(flatten)]
    pub log: LogArgs,
}

/// The flags of `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// The format of the report
    #[arg(id = "report_format", long = "format", value_name = "FORMAT", default_value = "table")]
    pub format: ReportFormat,
    /// The configuration file, and the settings that flags override.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The level and the format of the log.
    #[command(flatten)]
    pub log: LogArgs,
}

/// The format of the report of `doctor`, on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// A table for people.
    Table,
    /// JSON for programs.
    Json,
}

/// The flags of `check-config`.
#[derive(Debug, Args)]
pub struct CheckConfigArgs {
    /// The configuration file, and the settings that flags override.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// A web configuration file to validate as well
    #[arg(long = "web.config.file", value_name = "PATH", help_heading = "Web")]
    pub web_config_file: Option<PathBuf>,
    /// The level and the format of the log.
    #[command(flatten)]
    pub log: LogArgs,
}

/// The flags of `healthcheck`.
#[derive(Debug, Args)]
pub struct HealthcheckArgs {
    /// The address of the exporter, with or without TLS
    #[arg(long = "web.listen-address", value_name = "ADDR:PORT", default_value = DEFAULT_LISTEN_ADDRESS)]
    pub listen_address: ListenAddress,
    /// The --web.probe-address of the exporter, which is then queried instead
    #[arg(long = "web.probe-address", value_name = "ADDR:PORT")]
    pub probe_address: Option<ListenAddress>,
    /// The --web.route-prefix of the exporter, or the path of its --web.external-url
    #[arg(long = "web.route-prefix", value_name = "PATH", value_parser = web::route_prefix)]
    pub route_prefix: Option<String>,
    /// Check readiness (every target has been polled) instead of health
    #[arg(long)]
    pub ready: bool,
}

/// The flags of `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// The simulated fleet.
    #[command(flatten)]
    pub fleet: FleetArgs,
    /// The file for the state that survives restarts
    #[arg(long = "state.path", value_name = "FILE")]
    pub state_path: Option<PathBuf>,
    /// The addresses, paths and security of the web server.
    #[command(flatten)]
    pub web: WebArgs,
    /// The level and the format of the log.
    #[command(flatten)]
    pub log: LogArgs,
}

/// The flags of `simulate`.
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// The address that the simulated API listens on
    #[arg(long, value_name = "ADDR:PORT", value_parser = address, default_value = "127.0.0.1:10979")]
    pub listen_address: SocketAddr,
    /// The only access key ID to accept; without it, any access key is accepted
    #[arg(long, value_name = "ID", requires = "access_key_secret")]
    pub access_key_id: Option<String>,
    /// The access key secret that signatures are verified with
    #[arg(long, value_name = "SECRET", requires = "access_key_id")]
    pub access_key_secret: Option<SecretString>,
    /// The ID of the first workspace; without it, any ID is accepted
    #[arg(long, value_name = "ID")]
    pub workspace: Option<String>,
    /// The simulated fleet.
    #[command(flatten)]
    pub fleet: FleetArgs,
    /// The level and the format of the log.
    #[command(flatten)]
    pub log: LogArgs,
}

/// An address such as `127.0.0.1:10979`, or `:10979` for every IPv4 address.
fn address(text: &str) -> Result<SocketAddr, String> {
    let full = if text.starts_with(':') { format!("0.0.0.0{text}") } else { text.to_owned() };
    full.parse()
        .map_err(|_| "expected an IP address and a port, such as 127.0.0.1:10979 or [::1]:10979".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_leave_out_the_host() {
        assert_eq!(address(":9").unwrap().to_string(), "0.0.0.0:9");
        assert_eq!(address("[::1]:9").unwrap().to_string(), "[::1]:9");
        assert!(address("localhost").is_err());
    }
}
