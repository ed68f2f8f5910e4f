//! What requests to any service have in common: who sends them, and what an address or an error says.

pub use outbound_http::{is_loopback, root_cause};

use crate::credentials::Application;

/// This program, as its requests name it.
pub const APPLICATION: Application =
    Application { name: "aliyun-flink-exporter", version: env!("CARGO_PKG_VERSION") };
