//! `healthcheck`: a query of the exporter on this machine.

use std::process::ExitCode;

use super::{CommandError, stdout};
use crate::{
    cli::HealthcheckArgs,
    healthcheck::{self, Probe},
};

/// Checks the health or readiness of the local exporter, and prints the URL that answered 200.
pub async fn healthcheck(arguments: HealthcheckArgs) -> Result<ExitCode, CommandError> {
    let (address, prefix) = match arguments.probe_address {
        // Paths of the probe address have no prefix.
        Some(address) => (address, String::new()),
        None => (arguments.listen_address, arguments.route_prefix.unwrap_or_default()),
    };
    let probe = if arguments.ready { Probe::Ready } else { Probe::Healthy };
    let url = healthcheck::check(address, &prefix, probe).await.map_err(CommandError::runtime)?;
    stdout::write_all(&format!("{url} answers 200 OK\n"))?;
    Ok(ExitCode::SUCCESS)
}
