//! Where log lines go, and how they look.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    Layer as _,
    filter::Targets,
    layer::SubscriberExt as _,
    util::{SubscriberInitExt as _, TryInitError},
};

use crate::cli::{LogArgs, LogFormat};

/// Sends log lines to standard error. Libraries may say no more than warnings: what they say at `trace` holds
/// parts of requests, and so perhaps of secrets.
pub fn init(arguments: LogArgs) -> Result<(), TryInitError> {
    let filter = Targets::new()
        .with_default(arguments.level.min(LevelFilter::WARN))
        .with_target(env!("CARGO_CRATE_NAME"), arguments.level);
    let lines = match arguments.format {
        LogFormat::Logfmt => tracing_logfmt::builder()
            .with_target(false)
            .layer()
            .with_writer(std::io::stderr)
            .with_filter(filter)
            .boxed(),
        LogFormat::Json => {
            let json = tracing_subscriber::fmt::layer().json().flatten_event(true).with_target(false);
            json.with_writer(std::io::stderr).with_filter(filter).boxed()
        }
    };
    tracing_subscriber::registry().with(lines).try_init()
}
