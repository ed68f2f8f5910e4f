//! A Prometheus exporter for Alibaba Cloud's Realtime Compute for Apache Flink.
//!
//! Data flows one way: [`poll`] decides that a target is due and lists its deployments through [`collectors`]; [`api`]
//! signs, sends and paginates the requests; `collectors` decodes the replies into [`model`]; [`snapshot`] has [`exposition`] render them and publishes the
//! whole by an atomic swap; [`web`] answers from what is published and never asks the cloud.
//!
//! Each module uses only those below it:
//!
//! | layer | modules |
//! | --- | --- |
//! | the process | `main` |
//! | | [`commands`] |
//! | | [`cli`] |
//! | wiring | [`app`], [`demo`], [`doctor`], [`healthcheck`], [`fuzzing`] |
//! | configuration | [`config`] |
//! | work | [`web`], [`targets`], [`discovery`] |
//! | | [`poll`] |
//! | the published value | [`snapshot`] |
//! | | [`catalogue`] |
//! | kinds of objects | [`collectors`] |
//! | the console's API | [`console`] |
//! | state and API | [`store`], [`api`] |
//! | ground | [`telemetry`] |
//! | | [`exposition`], [`model`], [`endpoint`], [`sd_notify`], [`logging`] |
//! | crates | [`credentials`], [`clock`], [`simulator`] |

pub mod api;
pub mod app;
pub mod catalogue;
pub mod cli;
pub mod collectors;
pub mod commands;
pub mod config;
pub mod console;
pub mod demo;
pub mod discovery;
pub mod doctor;
pub mod endpoint;
pub mod exposition;
pub mod fuzzing;
pub mod healthcheck;
pub mod logging;
pub mod model;
pub mod poll;
pub mod sd_notify;
pub mod snapshot;
pub mod store;
pub mod targets;
pub mod telemetry;
pub mod web;

pub use ::{clock, credentials, simulator};
