//! A Prometheus exporter for Alibaba Cloud's Realtime Compute for Apache Flink.

pub mod clock;
pub mod model;
