//! A Prometheus exporter for Alibaba Cloud's Realtime Compute for Apache Flink.
//!
//! Data flows in one direction. [`poll`] polls targets on schedule with the queries of [`collectors`]. [`api`] signs,
//! sends and paginates the requests, and `collectors` decodes the responses into [`model`]. [`store`] keeps the state
//! across polls. [`snapshot`] renders changed data with [`exposition`] and publishes it. [`web`] serves what is published
//! and never calls the API.
//!
//! A module uses only modules of lower layers:
//!
//! | layer | modules |
//! | --- | --- |
//! | process | `main` |
//! | | [`commands`] |
//! | | [`cli`] |
//! | wiring | [`app`], [`demo`], [`doctor`], [`healthcheck`], [`fuzzing`] |
//! | configuration | [`config`] |
//! | | [`targets`], [`web`], [`discovery`] |
//! | polling | [`poll`] |
//! | published data | [`snapshot`] |
//! | | [`catalogue`] |
//! | object types | [`collectors`] |
//! | console API | [`console`] |
//! | state and API | [`store`], [`api`] |
//! | foundation | [`telemetry`] |
//! | | [`exposition`], [`model`], [`default_endpoints`], [`application`], [`sd_notify`], [`logging`], [`allocator`] |
//! | crates | [`credentials`], [`clock`], [`simulator`] |

pub mod allocator;
pub mod api;
pub mod app;
pub mod application;
pub mod catalogue;
pub mod cli;
pub mod collectors;
pub mod commands;
pub mod config;
pub mod console;
pub mod default_endpoints;
pub mod demo;
pub mod discovery;
pub mod doctor;
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
