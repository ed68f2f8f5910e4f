//! The server over real sockets: slow and hostile clients, TLS, passwords, and what a scraper sees meanwhile.

mod clients;
mod server;
mod tls;
