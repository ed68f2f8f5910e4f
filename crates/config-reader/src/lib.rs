//! Reads typed settings from a YAML or TOML file, environment variables and flags, and reports every error with its
//! key and its place: file and line, variable or flag.
//!
//! figment merges the [`Layer`]s. A [`Node`] of the merged [`Settings`] is a deserializer of serde that reads on after a
//! error, so that one pass over types with derived `Deserialize` finds all of them; fields that may be wrong are
//! optional. The node then serves to validate what was read, and to note further errors.
//!
//! No message contains a value below the key that holds secrets, or the value of an unknown key.

mod deserialize;
mod document;
mod environment;
mod error;
mod file;
mod flow;
mod layer;
mod node;
mod ruled;
mod scalar;
mod schema;
mod short;
mod units;
mod write;
mod yaml;

#[cfg(test)]
mod tests;

pub use deserialize::Invalid;
pub use document::Document;
pub use environment::{Environment, List, Variables};
pub use error::{ConfigError, Diagnostic};
pub use file::{parse, read};
pub use layer::{Kind, Layer};
pub use node::{Node, Settings};
pub use ruled::{Rule, Ruled};
pub use scalar::{Decimal, Period, Request, Scalar, Size, Whole, deserialize_scalar};
pub use schema::schema_of;
pub use short::Short;
pub use units::{format_duration, parse_duration};
pub use write::to_yaml;
