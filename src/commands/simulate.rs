//! `simulate`: the API simulator alone.

use std::{process::ExitCode, sync::Arc};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::{CommandError, signals::run_until_signal, startup::init_logging};
use crate::{cli::SimulateArgs, clock::Clock, simulator::Simulator};

/// Serves the simulated API until a signal stops it.
pub async fn simulate(arguments: SimulateArgs) -> Result<ExitCode, CommandError> {
    init_logging(arguments.log)?;
    let mut settings = arguments.fleet.settings();
    settings.access_key = arguments.access_key_id.zip(arguments.access_key_secret);
    settings.workspace = arguments.workspace;
    let address = arguments.listen_address;
    let listener = TcpListener::bind(address).await.map_err(|error| {
        CommandError::Runtime(format!("can't listen on {address} (--listen-address): {error}"))
    })?;
    let simulator = Arc::new(Simulator::new(settings, Clock::System));
    let address = listener.local_addr().map_err(CommandError::runtime)?;
    info!(%address, namespaces = simulator.namespaces().join(","), "the simulated API listens");
    let shutdown = CancellationToken::new();
    run_until_signal(simulator.serve(listener, shutdown.clone()), shutdown).await
}
