//! What requests to all services have in common.

pub use outbound_http::{is_loopback, root_cause};

use crate::credentials::Application;

/// This program, as requests for credentials name it.
pub const APPLICATION: Application =
    Application { name: "aliyun-flink-exporter", version: env!("CARGO_PKG_VERSION") };

/// The `User-Agent` header of requests.
pub const USER_AGENT: &str = concat!("aliyun-flink-exporter/", env!("CARGO_PKG_VERSION"));
