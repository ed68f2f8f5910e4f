//! Conversion of JSON values into the model, with a count of what could not be converted.

use std::collections::HashSet;

use foldhash::fast::RandomState;
use lenient_json::{Cursor, InvalidValue, Lenient, Parsed, Scalar, SyntaxError};

use super::InvalidValues;
use crate::model::{SharedStr, parse_memory};

/// Seconds since the epoch beyond this (the year 9999) are not seconds.
const MAX_SECONDS: f64 = 253_402_300_799.0;

/// No region has more cores, GiB or compute units. Sums of amounts up to this stay finite.
const MAX_AMOUNT: f64 = 1e12;

/// Times since the epoch beyond this (the year 5138 in seconds, 1973 in milliseconds) are milliseconds.
const MIN_MILLISECONDS: f64 = 1e11;

/// Why the list in a reply cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecodeError {
    /// The text is not JSON.
    Syntax(SyntaxError),
    /// The list has more elements than were requested.
    TooManyElements,
}

impl From<SyntaxError> for DecodeError {
    fn from(error: SyntaxError) -> Self {
        Self::Syntax(error)
    }
}

/// Converts the values of one reply, and counts the invalid ones.
#[derive(Debug)]
pub struct Decoder {
    operation: &'static str,
    max_elements: usize,
    texts: HashSet<SharedStr, RandomState>,
    empty: SharedStr,
    object_id: Box<str>,
    invalid: InvalidValues,
    unidentified: usize,
}

/// The list in one reply.
#[derive(Debug)]
pub struct Decoded<T> {
    /// The objects.
    pub items: Vec<T>,
    /// The number of elements in the list, valid or not.
    pub elements: usize,
    /// The number of elements that are not an object, or one without a key.
    pub unidentified: usize,
    /// The number of objects on all pages, where the list itself states it.
    pub total: Option<u64>,
    /// What could not be converted.
    pub invalid: InvalidValues,
}

impl<T> Default for Decoded<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            elements: 0,
            unidentified: 0,
            total: None,
            invalid: InvalidValues::default(),
        }
    }
}

impl Decoder {
    /// A decoder for a reply of `operation` with at most `max_elements` elements.
    pub fn new(operation: &'static str, max_elements: usize) -> Self {
        Self {
            operation,
            max_elements,
            texts: HashSet::default(),
            empty: SharedStr::default(),
            object_id: Box::default(),
            invalid: InvalidValues::default(),
            unidentified: 0,
        }
    }

    /// Reads an array. Each element is decoded as soon as it is read.
    ///
    /// # Errors
    ///
    /// If the text is not JSON, or as soon as the array has too many elements.
    pub fn array<'a, T>(
        mut self,
        cursor: &mut Cursor<'a>,
        mut element: impl FnMut(&mut Self, &mut Cursor<'a>) -> Result<Option<T>, SyntaxError>,
    ) -> Result<Lenient<Decoded<T>>, DecodeError> {
        if cursor.peek()? != b'[' {
            return Ok(Lenient::mismatch(cursor)?);
        }
        let (mut items, mut elements) = (Vec::new(), 0);
        cursor.array(|cursor| {
            if elements == self.max_elements {
                return Err(DecodeError::TooManyElements);
            }
            elements += 1;
            items.extend(element(&mut self, cursor)?);
            Ok(())
        })?;
        let Self { unidentified, invalid, .. } = self;
        Ok(Lenient::Valid(Decoded { items, elements, unidentified, total: None, invalid }))
    }

    /// Begins an object of the list, whose key is in the field `field`. `None` if the key is missing or invalid.
    pub fn begin_object(&mut self, field: &'static str, key: Scalar<'_>) -> Option<&str> {
        self.object_id = Box::default();
        let Ok(Some(key)) = key.text() else {
            self.unidentified(field);
            return None;
        };
        self.object_id = key.into();
        Some(&self.object_id)
    }

    /// Ends an object of the list; returns its key.
    pub fn end_object(&mut self) -> Box<str> {
        std::mem::take(&mut self.object_id)
    }

    /// Counts an element of the list that is not an object, or one without a key.
    pub fn unidentified(&mut self, field: &'static str) {
        self.object_id = Box::default();
        self.unidentified += 1;
        self.invalid(field);
    }

    /// Counts an invalid value.
    pub fn invalid(&mut self, field: &'static str) {
        self.invalid.add(self.operation, field, &self.object_id);
    }

    /// The value, if it is valid; otherwise it is counted.
    pub fn valid<T>(&mut self, field: &'static str, parsed: Parsed<T>) -> Option<T> {
        parsed.unwrap_or_else(|InvalidValue| {
            self.invalid(field);
            None
        })
    }

    /// A text; empty if it is missing or invalid.
    pub fn text(&mut self, field: &'static str, scalar: Scalar<'_>) -> SharedStr {
        match self.valid(field, scalar.text()) {
            Some(text) => self.intern(&text),
            None => self.empty.clone(),
        }
    }

    /// The text of a field that is not there, because `part`, which contains it, is missing or invalid.
    pub fn missing_text<T>(&mut self, field: &'static str, part: &Lenient<T>) -> SharedStr {
        if matches!(part, Lenient::Invalid) {
            self.invalid(field);
        }
        self.empty.clone()
    }

    /// A number of CPU cores.
    pub fn cores(&mut self, field: &'static str, scalar: Scalar<'_>) -> Option<f64> {
        self.number_within(field, scalar, f64::INFINITY)
    }

    /// An amount of cores, GiB or compute units, which may be added to others.
    pub fn amount(&mut self, field: &'static str, scalar: Scalar<'_>) -> Option<f64> {
        self.number_within(field, scalar, MAX_AMOUNT)
    }

    /// A number from 0 to `most`.
    fn number_within(&mut self, field: &'static str, scalar: Scalar<'_>, most: f64) -> Option<f64> {
        let number = scalar.number().and_then(|number| match number {
            Some(number) if !(0.0..=most).contains(&number) => Err(InvalidValue),
            number => Ok(number),
        });
        self.valid(field, number)
    }

    /// A memory size such as `4 GiB`, in bytes.
    pub fn memory(&mut self, field: &'static str, scalar: Scalar<'_>) -> Option<u64> {
        let bytes = scalar.text().and_then(|text| match text {
            Some(text) if !text.trim().is_empty() => parse_memory(&text).map(Some).map_err(|_| InvalidValue),
            _ => Ok(None),
        });
        self.valid(field, bytes)
    }

    /// A time in seconds since the Unix epoch.
    pub fn seconds(&mut self, field: &'static str, scalar: Scalar<'_>) -> Option<f64> {
        let seconds = scalar.number().and_then(|seconds| match seconds {
            Some(seconds) if !(0.0..=MAX_SECONDS).contains(&seconds) => Err(InvalidValue),
            seconds => Ok(seconds),
        });
        self.valid(field, seconds)
    }

    /// A time in seconds or milliseconds since the Unix epoch, in seconds. One that is not positive means that there is
    /// none.
    pub fn timestamp(&mut self, field: &'static str, scalar: Scalar<'_>) -> Option<f64> {
        let seconds = scalar.number().and_then(|time| match time {
            Some(time) if time <= 0.0 => Ok(None),
            Some(time) if time > MAX_SECONDS * 1000.0 => Err(InvalidValue),
            Some(time) if time > MIN_MILLISECONDS => Ok(Some(time / 1000.0)),
            time => Ok(time),
        });
        self.valid(field, seconds)
    }

    /// The text, which is shared with equal texts of the same reply.
    pub fn intern(&mut self, text: &str) -> SharedStr {
        if let Some(known) = self.texts.get(text) {
            return known.clone();
        }
        let text = SharedStr::from(text);
        self.texts.insert(text.clone());
        text
    }

    /// The empty text.
    pub fn empty_text(&self) -> SharedStr {
        self.empty.clone()
    }
}
