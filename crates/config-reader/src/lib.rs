//! Reads typed settings from a YAML or TOML file, environment variables and flags, and reports every error with its
//! key and its place: file and line, variable or flag.
//!
//! figment merges the [`Layer`]s. A [`Node`] of the merged [`Settings`] is a deserializer of serde that reads on after a
//! error, so that one pass over types with derived `Deserialize` finds all of them; fields that may be wrong are
//! optional. The node then serves to validate what was read, and to note further errors.
//!
//! No message contains a value below the key that holds secrets, or the value of an unknown key.

mod deserialize;
mod environment;
mod error;
mod file;
mod flow_syntax;
mod json_schema;
mod layer;
mod located_values;
mod merged_setting;
mod scalar;
mod short_form;
mod suggestion;
mod text_rule;
mod units;
mod unstable_numbers;
mod yaml_parser;
mod yaml_writer;

#[cfg(test)]
mod tests;

pub use deserialize::Invalid;
pub use environment::{Environment, List, Variables};
pub use error::{ConfigError, Diagnostic};
pub use file::{parse, read};
pub use json_schema::schema_of;
pub use layer::{Kind, Layer};
pub use located_values::Document;
pub use merged_setting::{Node, Settings};
pub use scalar::{Decimal, Period, Request, Scalar, Size, Whole, deserialize_scalar};
pub use short_form::Short;
pub use text_rule::{Rule, Ruled};
pub use units::{format_duration, parse_duration};
pub use yaml_writer::to_yaml;
