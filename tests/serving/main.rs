//! The server over real sockets: slow and hostile clients, TLS, passwords, and what a scraper sees meanwhile.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

mod clients;
mod health;
mod requests;
mod server;
mod tls;
