//! Values that can be read from any JSON.

use crate::cursor::{Cursor, SyntaxError};

/// The value is present, but is not what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid value")]
pub struct InvalidValue;

/// A converted value: `None` where it is missing, `null` or empty.
pub type Parsed<T> = Result<Option<T>, InvalidValue>;

/// A type that can be read from any JSON value.
pub trait FromJson<'a>: Default {
    /// Reads the value at the cursor into `self`.
    ///
    /// # Errors
    ///
    /// If the text is not JSON.
    fn read(&mut self, cursor: &mut Cursor<'a>) -> Result<(), SyntaxError>;

    /// Reads the value at the cursor.
    ///
    /// # Errors
    ///
    /// If the text is not JSON.
    #[inline]
    fn from_json(cursor: &mut Cursor<'a>) -> Result<Self, SyntaxError> {
        let mut value = Self::default();
        value.read(cursor)?;
        Ok(value)
    }
}

/// Reads `text` as one value.
///
/// # Errors
///
/// If the text is not JSON, or has more than one value.
pub fn parse<'a, T: FromJson<'a>>(text: &'a str) -> Result<T, SyntaxError> {
    let mut cursor = Cursor::new(text);
    let value = T::from_json(&mut cursor)?;
    cursor.expect_end()?;
    Ok(value)
}
