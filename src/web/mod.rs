//! What the exporter answers over HTTP, from memory alone.

mod body;
mod negotiate;
mod page;
mod routes;
mod server;
mod status;

pub use routes::{Routes, is_reserved};
pub use server::{Listeners, serve};
