//! How this program identifies itself to services.

use crate::credentials::Application;

/// This program, as requests for credentials name it.
pub const APPLICATION: Application =
    Application { name: "aliyun-flink-exporter", version: env!("CARGO_PKG_VERSION") };

/// The `User-Agent` header of requests.
pub const USER_AGENT: &str = concat!("aliyun-flink-exporter/", env!("CARGO_PKG_VERSION"));
