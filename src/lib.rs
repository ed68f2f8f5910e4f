//! A Prometheus exporter for Alibaba Cloud's Realtime Compute for Apache Flink.

pub mod api;
pub mod clock;
pub mod config;
pub mod credentials;
pub mod exposition;
pub mod model;
pub mod poll;
pub mod simulator;
pub mod snapshot;
pub mod telemetry;
pub mod web;
