//! The JSON schema of the configuration file, for editors, Helm and CI: derived from the types that are read.
//!
//! It is stricter than the exporter in one way: ids and other texts that look like numbers must be quoted, since readers
//! of YAML change some of them.

use config_reader::{Period, format_duration};
use serde_json::{Value, json};

use super::collectors::{JOBS_REQUESTS_PER_SECOND, optional};
use super::discovery_entries::DISCOVERY_INTERVAL;
use super::{Config, raw};
use crate::model::{DeploymentsOperation, JobsMode};
use crate::poll;

/// The JSON schema (draft 7) of the configuration file.
pub fn schema() -> Value {
    let mut schema = config_reader::schema_of::<raw::Config>();
    for (definition, values) in defaults() {
        for (key, value) in values.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
            if let Some(property) = schema.pointer_mut(&format!("/definitions/{definition}/properties/{key}"))
            {
                property["default"] = value.clone();
            }
        }
    }
    for collector in optional() {
        let pointer = format!("/definitions/collectors/properties/{}/description", collector.name());
        if let Some(Value::String(description)) = schema.pointer_mut(&pointer) {
            let (actions, interval) =
                (collector.ram_actions(), format_duration(collector.default_interval()));
            let plural = if actions.len() > 1 { "s" } else { "" };
            let actions = actions.join(" and ");
            *description =
                format!("{description} RAM action{plural}: {actions}. Default of the interval: {interval}.");
        }
    }
    schema
}

/// The defaults of the definitions, as they are written.
fn defaults() -> Vec<(&'static str, Value)> {
    let config = json!(raw::Config::from(&Config::default()));
    let api = json!({"api": DeploymentsOperation::default()});
    vec![
        ("poll", json!(raw::Poll::from(poll::Settings::default()))),
        ("api", config["api"].clone()),
        ("metrics", config["metrics"].clone()),
        ("shard", config["shard"].clone()),
        ("discovery-entry", json!({"interval": Period::<0>(DISCOVERY_INTERVAL)})),
        ("namespace", api.clone()),
        ("namespace-filter", api),
        (
            "jobs-collector",
            json!({"mode": JobsMode::default(), "requests_per_second": JOBS_REQUESTS_PER_SECOND}),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collectors;

    fn every_schema(value: &Value, check: &mut impl FnMut(&Value)) {
        check(value);
        match value {
            Value::Object(map) => map.values().for_each(|value| every_schema(value, check)),
            Value::Array(items) => items.iter().for_each(|value| every_schema(value, check)),
            _ => {}
        }
    }

    #[test]
    fn every_key_has_a_schema_and_every_reference_leads_somewhere() {
        let schema = schema();
        let mut references = 0;
        every_schema(&schema, &mut |value| {
            if let Some(properties) = value.get("properties").and_then(Value::as_object) {
                for (key, value) in properties {
                    assert!(value.is_object(), "{key} has no schema");
                }
                assert_eq!(value["additionalProperties"], false, "{properties:?}");
            }
            if let Some(target) = value.get("$ref").and_then(Value::as_str) {
                let name = target.strip_prefix("#/definitions/").unwrap();
                assert!(schema["definitions"].get(name).is_some(), "{target}");
                references += 1;
            }
            let text = value.to_string();
            assert!(!text.contains(r#""type":"null""#) && !text.contains(r#","null"]"#), "{text}");
        });
        assert!(references > 30, "{references}");
        assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    }

    #[test]
    fn each_type_of_credentials_has_its_keys() {
        let schema = schema();
        let types = schema["definitions"]["credentials"]["oneOf"].as_array().unwrap();
        assert_eq!(types.len(), 7);
        let key = &types[1];
        assert_eq!(key["properties"]["type"]["const"], "access_key");
        assert!(key["properties"]["access_key_secret_file"].is_object());
        assert_eq!(key["required"], json!(["type"]));
        assert_eq!(key["allOf"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn defaults_and_collectors_come_from_where_they_are_used() {
        let schema = schema();
        let definitions = &schema["definitions"];
        assert_eq!(definitions["poll"]["properties"]["interval"]["default"], "1m");
        assert_eq!(definitions["api"]["properties"]["max_listing_size"]["default"], "1GiB");
        assert_eq!(definitions["metrics"]["properties"]["first_value_hold"]["default"], "2m");
        assert_eq!(definitions["discovery-entry"]["properties"]["interval"]["default"], "5m");
        assert_eq!(definitions["namespace"]["properties"]["api"]["default"], "list");
        let described = definitions["collectors"]["properties"].as_object().unwrap();
        assert_eq!(described.len(), collectors::all().len() - 1);
        for collector in optional() {
            let description = described[collector.name()]["description"].as_str().unwrap();
            for action in collector.ram_actions() {
                assert!(description.contains(action), "{description}");
            }
        }
        let versions = described["engine_versions"]["description"].as_str().unwrap();
        assert!(versions.ends_with("Default of the interval: 1h."), "{versions}");
    }
}
