//! Values that are written as one word or number: their syntax, their limits and their schemas.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

use super::units::{self, format_duration, format_size};
use crate::model::is_namespace_name;

/// The longest duration: beyond it, sums with the time of day could overflow.
pub(super) const YEAR: u64 = 365 * 86_400_000;

/// A duration, within limits in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Period<const MIN: u64, const MAX: u64 = YEAR>(pub(super) Duration);

/// A number of bytes, within limits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size<const MIN: u64, const MAX: u64>(pub(super) usize);

/// A whole number, within limits.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Whole<const MIN: u32, const MAX: u32>(pub(super) u32);

/// Requests per second.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Rate(pub(super) f64);

/// One request in a quarter of an hour: with less, no poll would ever end.
const LOWEST_RATE: f64 = 0.001;
const HIGHEST_RATE: f64 = 1_000_000.0;

/// Whether a collector is enabled, where its settings are possible too.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Switch(pub(super) bool);

/// A text that follows a rule.
#[derive(Debug, Clone)]
pub(super) struct Ruled<R>(pub(super) String, PhantomData<R>);

/// What a text must be.
pub(super) trait Rule {
    /// For messages.
    const EXPECTED: &'static str;
    /// A pattern that is true of every such text, for the schema.
    const PATTERN: &'static str;

    fn holds(text: &str) -> bool;
}

impl<R> From<String> for Ruled<R> {
    fn from(text: String) -> Self {
        Self(text, PhantomData)
    }
}

/// Declares a rule and the type of the texts that follow it.
macro_rules! ruled {
    ($(#[$doc:meta])* $name:ident, $rule:ident, $expected:expr, $pattern:expr, $holds:expr) => {
        $(#[$doc])*
        pub(super) type $name = Ruled<$rule>;

        #[derive(Debug, Clone)]
        pub(super) enum $rule {}

        impl Rule for $rule {
            const EXPECTED: &'static str = $expected;
            const PATTERN: &'static str = $pattern;

            fn holds(text: &str) -> bool {
                let holds: fn(&str) -> bool = $holds;
                holds(text)
            }
        }
    };
}

ruled!(
    /// The id of a workspace. It is sent in a header.
    WorkspaceId,
    WorkspaceIdRule,
    "the workspace's id, such as a14bd5d90a0123, of visible ASCII characters without blanks",
    "^[!-~]+$",
    |text| text.bytes().all(|byte| byte.is_ascii_graphic())
);
ruled!(
    /// A region.
    Region,
    RegionRule,
    "one region such as cn-hangzhou: lower-case letters, digits and hyphens",
    "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$",
    |text| {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        text.chars().all(allowed) && !text.starts_with('-') && !text.ends_with('-') && text.len() <= 50
    }
);
ruled!(
    /// The name of a namespace.
    NamespaceName,
    NamespaceNameRule,
    "the name of a namespace: letters, digits, `-`, `_` and `.`",
    "^[A-Za-z0-9._-]+$",
    is_namespace_name
);
ruled!(
    /// The word for every namespace, where a table of filters is possible too.
    AllOrFilters,
    AllOrFiltersRule,
    "`all`, or filters",
    "^all$",
    |text| text == ALL
);
ruled!(
    /// The same, where a list is possible too.
    AllOrList,
    AllOrListRule,
    "a list of namespaces, or `all`",
    "^all$",
    |text| text == ALL
);

/// The word for every namespace.
pub(super) const ALL: &str = "all";

/// A value that has been found.
enum Found<'t> {
    Boolean(bool),
    Text(&'t str),
    Whole(u64),
    Number(f64),
}

/// Reads a value, or says what is expected.
trait Scalar: Sized {
    fn expected() -> String;

    fn read(found: Found<'_>) -> Result<Self, String>;
}

struct ScalarVisitor<T>(PhantomData<T>);

impl<T: Scalar> ScalarVisitor<T> {
    fn read<E: de::Error>(found: Found<'_>) -> Result<T, E> {
        T::read(found).map_err(|expected| E::custom(format_args!("expected {expected}")))
    }
}

impl<T: Scalar> Visitor<'_> for ScalarVisitor<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&T::expected())
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<T, E> {
        Self::read(Found::Boolean(value))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        Self::read(Found::Text(text))
    }

    fn visit_u64<E: de::Error>(self, whole: u64) -> Result<T, E> {
        Self::read(Found::Whole(whole))
    }

    fn visit_i64<E: de::Error>(self, whole: i64) -> Result<T, E> {
        Self::read(Found::Number(whole as f64))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<T, E> {
        Self::read(Found::Number(number))
    }
}

impl<const MIN: u64, const MAX: u64> Scalar for Period<MIN, MAX> {
    fn expected() -> String {
        units::DURATION.to_owned()
    }

    fn read(found: Found<'_>) -> Result<Self, String> {
        let limits = [MIN, MAX].map(Duration::from_millis);
        let (duration, is_bare) = match found {
            Found::Text(text) => (units::parse_duration(text), text.trim().parse::<f64>().is_ok()),
            Found::Whole(_) | Found::Number(_) => (None, true),
            Found::Boolean(_) => (None, false),
        };
        match duration {
            Some(duration) if (limits[0]..=limits[1]).contains(&duration) => Ok(Self(duration)),
            Some(_) => Err(format!(
                "a duration from {} to {}",
                format_duration(limits[0]),
                format_duration(limits[1])
            )),
            None => Err(format!("{}{}", units::DURATION, if is_bare { ": add the unit" } else { "" })),
        }
    }
}

impl<const MIN: u64, const MAX: u64> Scalar for Size<MIN, MAX> {
    fn expected() -> String {
        units::SIZE.to_owned()
    }

    fn read(found: Found<'_>) -> Result<Self, String> {
        let bytes = match found {
            Found::Text(text) => units::parse_size(text),
            Found::Whole(whole) => Some(whole),
            Found::Number(_) | Found::Boolean(_) => None,
        };
        let bytes = bytes.ok_or_else(Self::expected)?;
        match usize::try_from(bytes) {
            Ok(size) if (MIN..=MAX).contains(&bytes) => Ok(Self(size)),
            _ => Err(format!("a size from {} to {}", format_size(MIN), format_size(MAX))),
        }
    }
}

impl<const MIN: u32, const MAX: u32> Scalar for Whole<MIN, MAX> {
    fn expected() -> String {
        format!("a whole number from {MIN} to {MAX}")
    }

    fn read(found: Found<'_>) -> Result<Self, String> {
        let Found::Whole(whole) = found else { return Err(Self::expected()) };
        let whole = u32::try_from(whole).ok().filter(|whole| (MIN..=MAX).contains(whole));
        whole.map(Self).ok_or_else(Self::expected)
    }
}

impl Scalar for Rate {
    fn expected() -> String {
        format!("a number from {LOWEST_RATE} to {HIGHEST_RATE}")
    }

    fn read(found: Found<'_>) -> Result<Self, String> {
        let rate = match found {
            Found::Whole(whole) => whole as f64,
            Found::Number(number) => number,
            Found::Text(_) | Found::Boolean(_) => return Err(Self::expected()),
        };
        if (LOWEST_RATE..=HIGHEST_RATE).contains(&rate) { Ok(Self(rate)) } else { Err(Self::expected()) }
    }
}

impl Scalar for Switch {
    fn expected() -> String {
        "true, false or settings such as {interval: 5m}".to_owned()
    }

    fn read(found: Found<'_>) -> Result<Self, String> {
        if let Found::Boolean(value) = found { Ok(Self(value)) } else { Err(Self::expected()) }
    }
}

impl<R: Rule> Scalar for Ruled<R> {
    fn expected() -> String {
        R::EXPECTED.to_owned()
    }

    fn read(found: Found<'_>) -> Result<Self, String> {
        match found {
            Found::Text(text) if R::holds(text) => Ok(text.to_owned().into()),
            _ => Err(Self::expected()),
        }
    }
}

/// Implements the traits of serde and schemars.
macro_rules! scalar {
    ($type:ty, [$($parameter:tt)*], $request:ident, $name:literal, $schema:expr) => {
        impl<'de, $($parameter)*> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.$request(ScalarVisitor::<Self>(PhantomData))
            }
        }

        impl<$($parameter)*> JsonSchema for $type {
            /// Those with a pattern are defined once.
            fn inline_schema() -> bool {
                $name.is_empty()
            }

            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    };
}

scalar!(Period<MIN, MAX>, [const MIN: u64, const MAX: u64], deserialize_any, "duration", json_schema!({
    "description": format!("{}.", units::DURATION),
    "type": "string",
    "pattern": r"^\s*([0-9]+(\.[0-9]+)?(w|d|h|m|s|ms))+\s*$",
}));
scalar!(Size<MIN, MAX>, [const MIN: u64, const MAX: u64], deserialize_any, "size", json_schema!({
    "description": format!("{}, or a number of bytes.", units::SIZE),
    "anyOf": [
        {"type": "integer", "minimum": 0},
        {"type": "string", "pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*([KkMmGgTt]([Ii])?)?[Bb]?\s*$"},
    ],
}));
scalar!(
    Whole<MIN, MAX>,
    [const MIN: u32, const MAX: u32],
    deserialize_u64,
    "",
    json_schema!({"type": "integer", "minimum": MIN, "maximum": MAX})
);
scalar!(
    Rate,
    [],
    deserialize_f64,
    "",
    json_schema!({"type": "number", "minimum": LOWEST_RATE, "maximum": HIGHEST_RATE})
);
scalar!(Switch, [], deserialize_bool, "", json_schema!({"type": "boolean"}));
scalar!(Ruled<R>, [R: Rule], deserialize_string, "", json_schema!({"type": "string", "pattern": R::PATTERN}));

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

impl<R> Serialize for Ruled<R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}
