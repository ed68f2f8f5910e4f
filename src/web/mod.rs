//! What the exporter answers over HTTP, from memory alone.

mod body;
mod page;
mod reload;
mod routes;
mod server;
mod status;

pub use reload::{Reload, Reloaded};
pub use routes::{RESERVED, Routes};
pub use server::{Listeners, serve};
