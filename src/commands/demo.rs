//! `demo`: the exporter with a simulated API.

use std::process::ExitCode;

use tokio_util::sync::CancellationToken;

use super::{
    CommandError,
    signals::run_until_signal,
    startup::{bind, build_app, init_logging, load_security, systemd},
    stdout,
};
use crate::{
    cli::DemoArgs,
    clock::Clock,
    config::Environment,
    demo::{self, Demo},
};

/// Runs the exporter against the embedded API simulator until a signal stops it.
pub async fn demo(arguments: DemoArgs) -> Result<ExitCode, CommandError> {
    init_logging(arguments.log)?;
    let security = load_security(&arguments.web)?;
    let listeners = bind(&arguments.web).await?;
    let settings = arguments.fleet.settings();
    let mut demo = Demo::new(settings, Clock::System).await.map_err(CommandError::runtime)?;
    demo.config.state_path = arguments.state_path;
    let app = build_app(&demo.config, &Environment::default())?;
    let paths = arguments.web.paths();
    if let Some(&address) = listeners.addresses().first() {
        stdout::write_within_timeout(demo::greeting(address, &paths, security.has_tls())).await?;
    }
    let systemd = systemd(&Environment::from_process());
    let shutdown = CancellationToken::new();
    let work = async {
        tokio::join!(
            demo.serve(shutdown.clone()),
            app.run(listeners, paths, security, None, systemd, shutdown.clone())
        );
    };
    // The future of exporter and simulator is too large for the stack of the caller.
    run_until_signal(Box::pin(work), shutdown.clone()).await
}
