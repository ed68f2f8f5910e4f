//! The commands of the command line, one file each. A command returns the exit code of the process.

mod auto_reload;
pub mod blocking_threads;
mod check_config;
mod config_schema;
mod demo;
mod doctor;
mod exit_code;
mod healthcheck;
mod once;
mod progress_bar;
mod run;
mod signals;
mod simulate;
mod startup;
mod stdout;

pub use check_config::check_config;
pub use config_schema::config_schema;
pub use demo::demo;
pub use doctor::doctor;
pub use exit_code::CommandError;
pub use healthcheck::healthcheck;
pub use once::once;
pub use run::run;
pub use simulate::simulate;
