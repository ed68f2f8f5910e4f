//! Texts that follow a rule.

use std::{borrow::Cow, marker::PhantomData};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::scalar::{Request, Scalar, deserialize_scalar};

/// What a text must be.
pub trait Rule {
    /// For messages.
    const EXPECTED: &'static str;
    /// A pattern that is true of every such text, for the schema.
    const PATTERN: &'static str;
    /// Whether a text follows the rule.
    const HOLDS: fn(&str) -> bool;
}

/// A text that follows a rule.
#[derive(Debug, Clone)]
pub struct Ruled<R>(pub String, PhantomData<R>);

impl<R> From<String> for Ruled<R> {
    fn from(text: String) -> Self {
        Self(text, PhantomData)
    }
}

impl<R: Rule> Scalar for Ruled<R> {
    const REQUEST: Request = Request::Text;

    fn expected() -> String {
        R::EXPECTED.to_owned()
    }

    fn read(text: &str) -> Result<Self, String> {
        if (R::HOLDS)(text) { Ok(text.to_owned().into()) } else { Err(Self::expected()) }
    }
}

impl<'de, R: Rule> Deserialize<'de> for Ruled<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_scalar(deserializer)
    }
}

impl<R> Serialize for Ruled<R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<R: Rule> JsonSchema for Ruled<R> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        R::PATTERN.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": R::PATTERN})
    }
}
