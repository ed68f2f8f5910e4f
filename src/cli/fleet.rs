//! Flags of the simulated fleet.

use std::time::Duration;

use clap::Args;
use strum::VariantArray as _;

use crate::{config, simulator};

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
    /// The number of deployments in each namespace
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1_000_000), default_value = "60")]
    deployments: u32,
    /// The seed of the fleet; the same seed gives the same fleet
    #[arg(long, value_name = "N", default_value = "1")]
    seed: u64,
    /// The delay of each response of the API, such as 50ms
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "0s")]
    latency: Duration,
    /// The fraction of requests that are throttled, from 0 to 1
    #[arg(long = "fault.throttle", value_name = "RATE", value_parser = rate, default_value = "0")]
    throttle: f64,
    /// The fraction of requests answered with a server error
    #[arg(long = "fault.server-error", value_name = "RATE", value_parser = rate, default_value = "0")]
    server_error: f64,
    /// The fraction of requests whose connection is reset during the response
    #[arg(long = "fault.reset", value_name = "RATE", value_parser = rate, default_value = "0")]
    reset: f64,
    /// The fraction of requests whose response is truncated
    #[arg(long = "fault.truncate", value_name = "RATE", value_parser = rate, default_value = "0")]
    truncate: f64,
    /// The fraction of requests answered with HTTP 200 and `success: false`
    #[arg(long = "fault.unsuccessful", value_name = "RATE", value_parser = rate, default_value = "0")]
    unsuccessful: f64,
    /// An operation whose RAM action is denied, such as `DescribeInstances` (repeatable)
    #[arg(long = "fault.denied", value_name = "OPERATION", value_parser = operation)]
    denied: Vec<simulator::Operation>,
}

impl FleetArgs {
    /// The settings of a simulator that accepts any access key and any ID of the first workspace.
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

/// The name of a simulated operation.
fn operation(text: &str) -> Result<simulator::Operation, String> {
    text.parse().map_err(|_| {
        let names: Vec<_> =
            simulator::Operation::VARIANTS.iter().map(|operation| operation.as_str()).collect();
        format!("unknown operation; expected one of {}", names.join(", "))
    })
}

fn duration(text: &str) -> Result<Duration, String> {
    config::parse_duration(text)
        .ok_or_else(|| "expected a duration with a unit, such as 50ms or 2s".to_owned())
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate| (0.0..=1.0).contains(rate));
    rate.ok_or_else(|| "expected a rate from 0 to 1".to_owned())
}
