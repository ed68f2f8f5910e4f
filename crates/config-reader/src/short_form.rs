//! A setting with a short form: `true` or settings, a name or a table.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

/// Names a form that is short unless it is a table.
pub(crate) const SCALAR: &str = "short unless table";
/// Names a form that is short if it is a list.
pub(crate) const LIST: &str = "short if list";

/// Which of two forms a setting has.
#[derive(Debug, Clone)]
pub enum Short<S, L, const IS_LIST: bool = false> {
    /// The short one: a list if `IS_LIST`, else anything but a table.
    Short(S),
    /// The other one.
    Long(L),
}

impl<'de, S: Deserialize<'de>, L: Deserialize<'de>, const IS_LIST: bool> Deserialize<'de>
    for Short<S, L, IS_LIST>
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = if IS_LIST { LIST } else { SCALAR };
        deserializer.deserialize_tuple_struct(name, 1, Form(PhantomData))
    }
}

struct Form<T>(PhantomData<T>);

impl<'de, S: Deserialize<'de>, L: Deserialize<'de>, const IS_LIST: bool> Visitor<'de>
    for Form<Short<S, L, IS_LIST>>
{
    type Value = Short<S, L, IS_LIST>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_some<D: Deserializer<'de>>(self, short: D) -> Result<Self::Value, D::Error> {
        S::deserialize(short).map(Short::Short)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, long: D) -> Result<Self::Value, D::Error> {
        L::deserialize(long).map(Short::Long)
    }
}

impl<S: Serialize, L: Serialize, const IS_LIST: bool> Serialize for Short<S, L, IS_LIST> {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        match self {
            Self::Short(short) => short.serialize(serializer),
            Self::Long(long) => long.serialize(serializer),
        }
    }
}

impl<S: JsonSchema, L: JsonSchema, const IS_LIST: bool> JsonSchema for Short<S, L, IS_LIST> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("{}_or_{}", S::schema_name(), L::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut short = generator.subschema_for::<S>();
        if IS_LIST {
            short.insert("minItems".to_owned(), 1.into());
        }
        json_schema!({"anyOf": [short, generator.subschema_for::<L>()]})
    }
}
