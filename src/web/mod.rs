//! What the exporter answers over HTTP, from memory alone.

mod body;
mod page;
mod routes;
mod server;
mod status;

pub use routes::{RESERVED, Routes};
pub use server::{Listeners, serve};
