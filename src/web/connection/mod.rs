//! Client connections: limits, timeouts and the protocols spoken over them.

mod connection_state;
mod eviction;
mod serve_connection;
mod tracked_stream;

pub(super) use connection_state::ConnectionState;
pub(super) use eviction::Connections;
pub(super) use serve_connection::serve;
