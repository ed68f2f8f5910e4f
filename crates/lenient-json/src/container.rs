//! Objects and arrays.

use std::borrow::Cow;

use crate::{
    cursor::{Cursor, SyntaxError},
    scalar::{Scalar, ScalarKind},
    value::{FromJson, InvalidValue, Parsed},
};

/// A value where an object or an array is expected.
#[derive(Debug, Default)]
pub enum Lenient<T> {
    /// Missing or `null`.
    #[default]
    Absent,
    /// Present, but something else.
    Invalid,
    /// What was expected.
    Valid(T),
}

impl<T> Lenient<T> {
    /// The value, if it is present.
    ///
    /// # Errors
    ///
    /// If it is present, but something else.
    pub fn value(self) -> Parsed<T> {
        match self {
            Self::Absent => Ok(None),
            Self::Invalid => Err(InvalidValue),
            Self::Valid(value) => Ok(Some(value)),
        }
    }

    /// Skips a value that is not what was expected.
    ///
    /// # Errors
    ///
    /// If the text is not JSON.
    pub fn mismatch(cursor: &mut Cursor<'_>) -> Result<Self, SyntaxError> {
        let is_absent = Scalar::from_json(cursor)?.kind == ScalarKind::Absent;
        Ok(if is_absent { Self::Absent } else { Self::Invalid })
    }
}

impl<'a, T: Object<'a>> FromJson<'a> for Lenient<T> {
    fn read(&mut self, cursor: &mut Cursor<'a>) -> Result<(), SyntaxError> {
        if cursor.peek()? != b'{' {
            *self = Self::mismatch(cursor)?;
            return Ok(());
        }
        *self = Self::Valid(T::default());
        let Self::Valid(object) = self else { return Ok(()) };
        cursor.object(|cursor, key| match key.text() {
            Some(key) => object.read_member(&key, cursor),
            None => cursor.skip().map(drop),
        })
    }
}

/// A JSON array.
#[derive(Debug)]
pub struct Array<T>(pub Vec<T>);

impl<'a, T: FromJson<'a>> FromJson<'a> for Lenient<Array<T>> {
    fn read(&mut self, cursor: &mut Cursor<'a>) -> Result<(), SyntaxError> {
        if cursor.peek()? != b'[' {
            *self = Self::mismatch(cursor)?;
            return Ok(());
        }
        let mut elements = Vec::new();
        cursor.array(|cursor| {
            elements.push(T::from_json(cursor)?);
            Ok::<_, SyntaxError>(())
        })?;
        *self = Self::Valid(Array(elements));
        Ok(())
    }
}

/// An object whose keys are data, in the order of the text. A key with a lone surrogate is `None`.
#[derive(Debug, Default)]
pub struct Entries<'a>(pub Vec<(Option<Cow<'a, str>>, Scalar<'a>)>);

impl<'a> FromJson<'a> for Lenient<Entries<'a>> {
    fn read(&mut self, cursor: &mut Cursor<'a>) -> Result<(), SyntaxError> {
        if cursor.peek()? != b'{' {
            *self = Self::mismatch(cursor)?;
            return Ok(());
        }
        let mut entries = Vec::new();
        cursor.object(|cursor, key| {
            entries.push((key.text(), Scalar::from_json(cursor)?));
            Ok::<_, SyntaxError>(())
        })?;
        *self = Self::Valid(Entries(entries));
        Ok(())
    }
}

/// A structure that is read from a JSON object. Declare it with [`lenient_object!`](crate::lenient_object).
pub trait Object<'a>: Default {
    /// Reads the value of `key`.
    ///
    /// # Errors
    ///
    /// If the text is not JSON.
    fn read_member(&mut self, key: &str, cursor: &mut Cursor<'a>) -> Result<(), SyntaxError>;
}

/// Declares a structure that is read from a JSON object. Any key may be missing, unknown keys are skipped, and if a key
/// is repeated, the last value wins.
#[macro_export]
macro_rules! lenient_object {
    ($(#[$attribute:meta])* $vis:vis struct $name:ident<'a> { $($field:ident: $type:ty = $key:literal),* $(,)? }) => {
        $(#[$attribute])*
        #[derive(Debug, Default)]
        $vis struct $name<'a> {
            $($vis $field: $type,)*
        }

        impl<'a> $crate::Object<'a> for $name<'a> {
            fn read_member(
                &mut self,
                key: &str,
                cursor: &mut $crate::Cursor<'a>,
            ) -> ::core::result::Result<(), $crate::SyntaxError> {
                match key {
                    $($key => $crate::FromJson::read(&mut self.$field, cursor)?,)*
                    _ => {
                        cursor.skip()?;
                    }
                }
                Ok(())
            }
        }
    };
}
