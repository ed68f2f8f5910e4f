//! The JSON schema of the configuration file, for editors, Helm and CI.
//!
//! It is stricter than the decoder in one way: ids and other texts that look like numbers must be quoted, since YAML
//! changes some of them, such as `0123`.

use serde_json::{Map, Value, json};

use super::{
    access,
    collectors::{COLLECTORS, JOBS_KEYS, SETTINGS_KEYS},
    discovery::{ENTRY_KEYS, WORKSPACES_KEYS},
    namespaces::{ALL, NAMESPACES_KEYS},
    settings::{
        API_KEYS, LISTING_SIZES, LOWEST_RATE, MAX_SERIES, MAX_SHARDS, METRICS_KEYS, POLL_KEYS,
        RESPONSE_SIZES, SHARD_KEYS, STATE_KEYS,
    },
    target::{LABEL_KEYS, NAMESPACE_KEYS, OPERATIONS, SELECT_KEYS},
    units,
    workspace::WORKSPACE_KEYS,
};
use crate::{
    credentials::{Field, FieldKind, SOURCE_TYPES},
    model::{ExecutionMode, JOBS, JobStatus, JobsMode},
};

/// The JSON schema (draft 7) of the configuration file.
pub fn schema() -> Value {
    let mut schema =
        table("Configuration of aliyun-flink-exporter.", &super::SECTIONS, &[], |section| match section {
            "poll" => reference("poll"),
            "api" => api(),
            "credentials" => reference("credentials"),
            "discovery" => {
                list("Regions whose workspaces and namespaces are discovered.", &discovery_entry())
            }
            "workspaces" => list("Workspaces that are polled.", &workspace()),
            "collectors" => reference("collectors"),
            "metrics" => metrics(),
            "shard" => shard(),
            "state" => table("The state that survives a restart.", &STATE_KEYS, &[], |_| {
                text("Path of the state file.")
            }),
            _ => Value::Null,
        });
    schema["$schema"] = "http://json-schema.org/draft-07/schema#".into();
    schema["title"] = "aliyun-flink-exporter".into();
    schema["definitions"] = json!({
        "duration": {
            "description": format!("{}.", capitalized(units::DURATION)),
            "type": "string",
            "pattern": r"^\s*([0-9]+(\.[0-9]+)?(w|d|h|m|s|ms))+\s*$",
        },
        "size": {
            "description": format!("{}, or a number of bytes.", capitalized(units::SIZE)),
            "anyOf": [
                {"type": "integer", "minimum": 0},
                {"type": "string", "pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*([KkMmGgTt]([Ii])?)?[Bb]?\s*$"},
            ],
        },
        "patterns": {"type": "array", "items": {"type": "string", "minLength": 1}},
        "poll": poll(),
        "select": select(),
        "operation": {
            "description": "How deployments are listed. Default: list.",
            "enum": OPERATIONS.map(|(name, _)| name),
        },
        "collectors": collectors(),
        "credentials": credentials(),
    });
    schema
}

/// A table with these keys and no others; `value` has the schema of each.
fn table(description: &str, keys: &[&str], required: &[&str], value: impl Fn(&str) -> Value) -> Value {
    let properties: Map<_, _> = keys.iter().map(|key| ((*key).to_owned(), value(key))).collect();
    let mut schema = json!({
        "description": description,
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn reference(definition: &str) -> Value {
    json!({"$ref": format!("#/definitions/{definition}")})
}

/// The definition with a description of its own.
fn described(description: &str, definition: &str) -> Value {
    json!({"description": description, "allOf": [reference(definition)]})
}

fn duration(description: &str) -> Value {
    described(description, "duration")
}

fn size(description: &str, sizes: &std::ops::RangeInclusive<u64>) -> Value {
    let (least, most) = (units::format_size(*sizes.start()), units::format_size(*sizes.end()));
    described(&format!("{description} {least} to {most}."), "size")
}

fn integer(description: &str, least: u32, most: u32) -> Value {
    json!({"description": description, "type": "integer", "minimum": least, "maximum": most})
}

fn rate(description: &str) -> Value {
    json!({"description": description, "type": "number", "minimum": LOWEST_RATE, "maximum": 1_000_000})
}

fn boolean(description: &str) -> Value {
    json!({"description": description, "type": "boolean"})
}

fn text(description: &str) -> Value {
    json!({"description": description, "type": "string", "minLength": 1})
}

fn list(description: &str, items: &Value) -> Value {
    json!({"description": description, "type": "array", "items": items})
}

fn choice<'v>(description: &str, values: impl IntoIterator<Item = &'v str>) -> Value {
    json!({"description": description, "enum": values.into_iter().collect::<Vec<_>>()})
}

fn poll() -> Value {
    table("When targets are polled.", &POLL_KEYS, &[], |key| match key {
        "interval" => duration("How often each target is polled; 100ms or more. Default: 60s."),
        "timeout" => duration("Limit for one poll of one target, retries included. Default: 50s."),
        "stale_after" => duration(
            "Age at which a target's series are withdrawn, but at least three intervals. Default: 5m.",
        ),
        _ => Value::Null,
    })
}

fn api() -> Value {
    table("How the API is called.", &API_KEYS, &[], |key| match key {
        "page_size" => integer("Deployments on one page. Default: 100.", 1, 100),
        "max_concurrent_requests" => integer("Concurrent requests of one workspace. Default: 4.", 1, 1000),
        "requests_per_second" => rate("Requests started per second in one workspace. Default: 10."),
        "account_requests_per_second" => rate(
            "The same for all workspaces with the same region and credentials together. Default: the greater of 50 and \
             requests_per_second.",
        ),
        "console_requests_per_second" => {
            rate("Requests to the console's API per second, for each region and credentials. Default: 2.")
        }
        "request_timeout" => {
            duration("Limit for one request, from connecting to the last byte. Default: 10s.")
        }
        "max_retries" => integer("How often one request is retried. Default: 4.", 0, 100),
        "max_response_size" => size("Largest page that is read. Default: 64MiB.", &RESPONSE_SIZES),
        "max_listing_size" => {
            size("Largest listing: the bytes of all its pages together. Default: 1GiB.", &LISTING_SIZES)
        }
        _ => Value::Null,
    })
}

fn metrics() -> Value {
    let keys = |of: &str| {
        let all = format!("Keys of the {of} to export; [\"*\"] for all. Default: none.");
        list(&all, &json!({"type": "string", "minLength": 1}))
    };
    table("What is exported.", &METRICS_KEYS, &[], |key| match key {
        "jobs" => boolean("Job counts by state. Default: true."),
        "resources" => boolean("Resource settings, and what is computed from them. Default: true."),
        "deployment_labels" => keys("deployment labels"),
        "workspace_tags" => keys("workspace tags"),
        "max_series" => {
            integer("Maximum number of series in a scrape; 0 is unlimited. Default: 0.", 0, MAX_SERIES)
        }
        "first_value_hold" => duration(
            "How long the first value of a counter is served at least; at least twice the longest scrape interval. \
             Default: 2m.",
        ),
        _ => Value::Null,
    })
}

fn shard() -> Value {
    table("Several exporters that share the targets.", &SHARD_KEYS, &[], |key| match key {
        "index" => integer("Which of them this is. Default: 0.", 0, MAX_SHARDS - 1),
        "total" => integer("How many there are. Default: 1.", 1, MAX_SHARDS),
        _ => Value::Null,
    })
}

fn collectors() -> Value {
    let names = COLLECTORS.map(|collector| collector.name);
    let settings = |name: &str| {
        let keys: &[&str] = if name == JOBS { &JOBS_KEYS } else { &SETTINGS_KEYS };
        let settings = table("Settings of the collector.", keys, &[], |key| match key {
            "interval" => duration("How often it polls; 100ms or more."),
            "mode" => choice(
                "failures: deployments whose jobs fail. active: also those with live jobs. Default: failures.",
                JobsMode::ALL.iter().map(|mode| mode.as_str()),
            ),
            "requests_per_second" => rate("Requests started per second in a workspace. Default: 2."),
            _ => Value::Null,
        });
        json!({"anyOf": [{"type": "boolean"}, settings]})
    };
    table("What is polled besides deployments: true, false, or settings.", &names, &[], settings)
}

/// The keys that a workspace and a discovery entry share.
fn location(key: &str) -> Value {
    match key {
        "region" => json!({
            "description": "The region, such as cn-hangzhou.",
            "type": "string",
            "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$",
        }),
        "endpoint" => text("Endpoint of the API. Default: https://ververica.<region>.aliyuncs.com."),
        "console_endpoint" => text("Endpoint of the console's API. Default: by the region."),
        "allow_plain_http" => boolean("Permits http:// to other machines. Default: false."),
        "credentials" => reference("credentials"),
        "collectors" => reference("collectors"),
        _ => Value::Null,
    }
}

fn discovery_entry() -> Value {
    table("A region.", &ENTRY_KEYS, &["region"], |key| match key {
        "name" => text("Value of the label `discovery`; unique. Default: the region."),
        "interval" => duration("How often workspaces and namespaces are listed; 100ms or more. Default: 5m."),
        "workspaces" => table("Which workspaces.", &WORKSPACES_KEYS, &[], |key| match key {
            "tags" => json!({
                "description": "Tags that a workspace must have, all with these values.",
                "type": "object",
                "additionalProperties": {"type": "string"},
            }),
            key => filter(key),
        }),
        "namespaces" => discovered_namespaces(),
        key => location(key),
    })
}

fn workspace() -> Value {
    table("A workspace.", &WORKSPACE_KEYS, &["id", "namespaces"], |key| match key {
        "id" => text("The workspace's id, such as a14bd5d90a0123."),
        "namespaces" => {
            let listed = json!({"type": "array", "minItems": 1, "items": namespace()});
            json!({
                "description": "Namespaces: a list, `all`, or filters.",
                "anyOf": [listed, discovered_namespaces()],
            })
        }
        key => location(key),
    })
}

fn filter(key: &str) -> Value {
    match key {
        "include" => described("Patterns, one of which must match. Default: [\"*\"].", "patterns"),
        "exclude" => described("Patterns, none of which may match. Default: [].", "patterns"),
        _ => Value::Null,
    }
}

fn discovered_namespaces() -> Value {
    let filters = table("Which namespaces.", &NAMESPACES_KEYS, &[], |key| match key {
        "poll" => reference("poll"),
        "select" => reference("select"),
        "api" => reference("operation"),
        key => filter(key),
    });
    json!({"anyOf": [{"const": ALL}, filters]})
}

fn namespace() -> Value {
    let name = json!({
        "description": "Name of the namespace.",
        "type": "string",
        "pattern": "^[A-Za-z0-9._-]+$",
    });
    let target = table("A target.", &NAMESPACE_KEYS, &["name"], |key| match key {
        "name" => name.clone(),
        "poll" => reference("poll"),
        "select" => reference("select"),
        "api" => reference("operation"),
        _ => Value::Null,
    });
    json!({"anyOf": [name, target]})
}

fn select() -> Value {
    table("Filters of deployments, all of which must match.", &SELECT_KEYS, &[], |key| match key {
        "name" => text("Name of the deployment."),
        "execution_mode" => choice("Execution mode.", ExecutionMode::ALL.iter().map(|mode| mode.as_str())),
        "status" => choice("Status of the last job.", JobStatus::ALL.iter().map(|status| status.as_str())),
        "creator" => text("UID of the user who created the deployment."),
        "modifier" => text("UID of the user who last modified the deployment."),
        "label" => table("A label with any of the values.", &LABEL_KEYS, &LABEL_KEYS, |key| match key {
            "key" => text("Key of the label."),
            "values" => json!({
                "description": "Values of the label.",
                "type": "array",
                "minItems": 1,
                "items": {"type": "string", "minLength": 1},
            }),
            _ => Value::Null,
        }),
        _ => Value::Null,
    })
}

/// One schema for each type of source.
fn credentials() -> Value {
    let types = SOURCE_TYPES.iter().map(|(name, fields)| {
        let keys = access::keys(fields);
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let mut required = vec!["type"];
        let alone = |field: &&Field| field.required && field.kind != FieldKind::SecretOrFile;
        required.extend(fields.iter().filter(alone).map(|field| field.name));
        let mut schema = table("Credentials.", &keys, &required, |key| {
            let field = fields.iter().find(|field| field.name == key);
            match field {
                _ if key == "type" => json!({"const": name}),
                Some(field) => source_field(field),
                None => text("Path of a file that contains the value."),
            }
        });
        let or_files = fields.iter().filter(|field| field.required && field.kind == FieldKind::SecretOrFile);
        let one_of = |field: &Field| {
            let file = access::file_key(field);
            json!({"oneOf": [{"required": [field.name]}, {"required": [file]}]})
        };
        let either: Vec<_> = or_files.map(one_of).collect();
        if !either.is_empty() {
            schema["allOf"] = either.into();
        }
        schema
    });
    json!({"description": "Where the access key comes from.", "anyOf": types.collect::<Vec<_>>()})
}

fn source_field(field: &Field) -> Value {
    let description = format!("{}.", capitalized(field.expected));
    match field.kind {
        FieldKind::Boolean => boolean(&description),
        FieldKind::SessionDuration => duration(&description),
        FieldKind::Source => described(&description, "credentials"),
        _ => text(&description),
    }
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
        });
        assert!(references > 30, "{references}");
    }

    #[test]
    fn each_type_of_credentials_has_its_keys() {
        let schema = credentials();
        let types = schema["anyOf"].as_array().unwrap();
        assert_eq!(types.len(), SOURCE_TYPES.len());
        let key = &types[1];
        assert_eq!(key["properties"]["type"]["const"], "access_key");
        assert!(key["properties"]["access_key_secret_file"].is_object());
        assert_eq!(key["required"], json!(["type"]));
        assert_eq!(key["allOf"].as_array().unwrap().len(), 2);
    }
}
