//! Values that are written as one word or number.

use std::{borrow::Cow, fmt, marker::PhantomData, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, Visitor},
};

use crate::units::{self, format_duration, format_size};

/// Which values of a file may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// A text, or a whole number whose digits are kept.
    Text,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A text or a number.
    Any,
}

/// A value that is read from one word or number. Variables and flags give any of them as text.
pub trait Scalar: Sized {
    /// Which values of a file may be read.
    const REQUEST: Request;

    /// What is expected, for messages.
    fn expected() -> String;

    /// Reads the value.
    ///
    /// # Errors
    ///
    /// What is expected, if `text` is something else.
    fn read(text: &str) -> Result<Self, String>;
}

/// Reads a scalar, for implementations of `Deserialize`.
///
/// # Errors
///
/// Those of the deserializer, and what [`Scalar::read`] expects.
pub fn deserialize_scalar<'de, T: Scalar, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let visitor = ScalarVisitor::<T>(PhantomData);
    match T::REQUEST {
        Request::Text => deserializer.deserialize_string(visitor),
        Request::Number => deserializer.deserialize_f64(visitor),
        Request::Boolean => deserializer.deserialize_bool(visitor),
        Request::Any => deserializer.deserialize_any(visitor),
    }
}

struct ScalarVisitor<T>(PhantomData<T>);

impl<T: Scalar> Visitor<'_> for ScalarVisitor<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&T::expected())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        T::read(text).map_err(|expected| E::custom(format_args!("expected {expected}")))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<T, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_u64<E: de::Error>(self, whole: u64) -> Result<T, E> {
        self.visit_str(&whole.to_string())
    }

    fn visit_i64<E: de::Error>(self, whole: i64) -> Result<T, E> {
        self.visit_str(&whole.to_string())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<T, E> {
        // With a decimal point, so that it is no whole number.
        self.visit_str(&format!("{number:?}"))
    }
}

/// The longest duration in milliseconds: beyond it, sums with the time of day could overflow.
const YEAR: u64 = 365 * 86_400_000;

/// A duration, within limits in milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Period<const MIN: u64, const MAX: u64 = YEAR>(pub Duration);

impl<const MIN: u64, const MAX: u64> Scalar for Period<MIN, MAX> {
    const REQUEST: Request = Request::Any;

    fn expected() -> String {
        units::DURATION.to_owned()
    }

    fn read(text: &str) -> Result<Self, String> {
        let [min, max] = [MIN, MAX].map(Duration::from_millis);
        match units::parse_duration(text) {
            Some(duration) if (min..=max).contains(&duration) => Ok(Self(duration)),
            Some(_) => Err(format!("a duration from {} to {}", format_duration(min), format_duration(max))),
            None if text.trim().parse::<f64>().is_ok() => Err(format!("{}: add the unit", units::DURATION)),
            None => Err(Self::expected()),
        }
    }
}

/// A number of bytes, within limits.
#[derive(Debug, Clone, Copy)]
pub struct Size<const MIN: u64, const MAX: u64>(pub usize);

impl<const MIN: u64, const MAX: u64> Scalar for Size<MIN, MAX> {
    const REQUEST: Request = Request::Any;

    fn expected() -> String {
        units::SIZE.to_owned()
    }

    fn read(text: &str) -> Result<Self, String> {
        let bytes = units::parse_size(text).ok_or_else(Self::expected)?;
        match usize::try_from(bytes) {
            Ok(size) if (MIN..=MAX).contains(&bytes) => Ok(Self(size)),
            _ => Err(format!("a size from {} to {}", format_size(MIN), format_size(MAX))),
        }
    }
}

/// A whole number, within limits.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Whole<const MIN: u32, const MAX: u32>(pub u32);

impl<const MIN: u32, const MAX: u32> Scalar for Whole<MIN, MAX> {
    const REQUEST: Request = Request::Number;

    fn expected() -> String {
        format!("a whole number from {MIN} to {MAX}")
    }

    fn read(text: &str) -> Result<Self, String> {
        let whole = text.parse().ok().filter(|whole| (MIN..=MAX).contains(whole));
        whole.map(Self).ok_or_else(Self::expected)
    }
}

/// A number, from `MIN` thousandths to `MAX`.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Decimal<const MIN: u32, const MAX: u32>(pub f64);

impl<const MIN: u32, const MAX: u32> Scalar for Decimal<MIN, MAX> {
    const REQUEST: Request = Request::Number;

    fn expected() -> String {
        format!("a number from {} to {MAX}", f64::from(MIN) / 1000.0)
    }

    fn read(text: &str) -> Result<Self, String> {
        let limits = f64::from(MIN) / 1000.0..=f64::from(MAX);
        let number = text.parse().ok().filter(|number| limits.contains(number));
        number.map(Self).ok_or_else(Self::expected)
    }
}

impl<'de, const MIN: u32, const MAX: u32> Deserialize<'de> for Decimal<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_scalar(deserializer)
    }
}

impl<const MIN: u32, const MAX: u32> JsonSchema for Decimal<MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("decimal_{MIN}_{MAX}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "number", "minimum": f64::from(MIN) / 1000.0, "maximum": MAX})
    }
}

impl<'de, const MIN: u64, const MAX: u64> Deserialize<'de> for Period<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_scalar(deserializer)
    }
}

impl<'de, const MIN: u64, const MAX: u64> Deserialize<'de> for Size<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_scalar(deserializer)
    }
}

impl<'de, const MIN: u32, const MAX: u32> Deserialize<'de> for Whole<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_scalar(deserializer)
    }
}

impl<const MIN: u64, const MAX: u64> Serialize for Period<MIN, MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format_duration(self.0))
    }
}

impl<const MIN: u64, const MAX: u64> Serialize for Size<MIN, MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format_size(self.0 as u64))
    }
}

impl<const MIN: u64, const MAX: u64> JsonSchema for Period<MIN, MAX> {
    fn schema_name() -> Cow<'static, str> {
        "duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": format!("{}.", units::DURATION),
            "type": "string",
            "pattern": r"^\s*([0-9]+(\.[0-9]+)?(w|d|h|m|s|ms))+\s*$",
        })
    }
}

impl<const MIN: u64, const MAX: u64> JsonSchema for Size<MIN, MAX> {
    fn schema_name() -> Cow<'static, str> {
        "size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": format!("{}, or a number of bytes.", units::SIZE),
            "anyOf": [
                {"type": "integer", "minimum": 0},
                {"type": "string", "pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*([KkMmGgTt]([Ii])?)?[Bb]?\s*$"},
            ],
        })
    }
}

impl<const MIN: u32, const MAX: u32> JsonSchema for Whole<MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("whole_{MIN}_{MAX}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "integer", "minimum": MIN, "maximum": MAX})
    }
}
