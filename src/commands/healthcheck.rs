//! `healthcheck`: a query of the exporter on this machine.

use std::process::ExitCode;

use super::{Failure, stdout};
use crate::{
    cli::HealthcheckArgs,
    healthcheck::{self, Question},
};

/// Asks the local exporter for its health or readiness, and prints the URL that answered 200.
pub async fn healthcheck(arguments: HealthcheckArgs) -> Result<ExitCode, Failure> {
    let address = arguments.probe_address.unwrap_or(arguments.listen_address);
    let question = if arguments.ready { Question::Ready } else { Question::Healthy };
    let url = healthcheck::ask(address, question).await.map_err(Failure::runtime)?;
    stdout::write_all(&format!("{url} answers 200 OK\n"))?;
    Ok(ExitCode::SUCCESS)
}
