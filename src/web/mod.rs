//! What the exporter answers over HTTP, from memory alone.

mod address;
mod body;
mod connection;
mod connections;
mod gate;
mod negotiate;
mod page;
mod reload;
mod routes;
mod security;
mod server;
mod status;

pub use reload::{Reload, Reloaded};
pub use routes::{Routes, is_reserved};
pub use security::{Security, Store as SecurityStore, WebConfigError};
pub use server::{Listeners, serve};
