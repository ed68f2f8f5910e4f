//! The JSON schema of settings.

use schemars::{
    JsonSchema, Schema,
    generate::SchemaSettings,
    transform::{Transform, transform_subschemas},
};
use serde_json::Value;

/// The JSON schema (draft 7) of settings in a file. It does not allow what the reader does not: null and empty texts, nor
/// numbers in the place of texts, which readers of YAML may change.
pub fn schema_of<T: JsonSchema>() -> Value {
    let mut settings = SchemaSettings::draft07();
    settings.transforms.insert(0, Box::new(Strict));
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// No key may be null, and no text empty.
#[derive(Clone)]
struct Strict;

impl Transform for Strict {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        let Some(schema) = schema.as_object_mut() else { return };
        if let Some(Value::Array(types)) = schema.get_mut("type") {
            types.retain(|each| each != "null");
            if let [only] = &types[..] {
                schema["type"] = only.clone();
            }
        }
        if let Some(Value::Array(values)) = schema.get_mut("enum") {
            values.retain(|value| !value.is_null());
        }
        if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
            choices.retain(|choice| choice.get("type").is_none_or(|each| each != "null"));
            if let [Value::Object(only)] = &choices[..] {
                let only = only.clone();
                schema.remove("anyOf");
                for (key, value) in only {
                    schema.entry(key).or_insert(value);
                }
            }
        }
        let is_free = ["pattern", "enum", "const", "format"].iter().all(|key| !schema.contains_key(*key));
        if is_free && schema.get("type").is_some_and(|each| each == "string") {
            schema.insert("minLength".to_owned(), 1.into());
        }
    }
}
