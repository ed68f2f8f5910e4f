//! Client connections: limits, timeouts and the protocols spoken over them.

mod limiter;
mod serve;
mod state;
mod tracked_stream;

pub(super) use limiter::Connections;
pub(super) use serve::serve;
pub(super) use state::ConnectionState;
