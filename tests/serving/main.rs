//! The HTTP server over real sockets, without the rest of the program: requests, formats, TLS, and authentication.
//!
//! Tests of slow and misbehaving clients are in `tests/slow`.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

mod clients;
mod health;
mod requests;
mod server;
mod tls;
