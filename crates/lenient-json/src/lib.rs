#![doc = include_str!("../README.md")]

mod container;
mod cursor;
mod escape;
mod scalar;
mod simd;
mod string_index;
mod value;

#[cfg(test)]
mod tests;

pub use container::{Array, Entries, Lenient, Object};
pub use cursor::{Cursor, RawString, SyntaxError};
pub use escape::unescape;
pub use scalar::{MAX_TEXT, Scalar};
pub use value::{FromJson, InvalidValue, Parsed, parse};
