//! Settings of an example, from all sources.

use std::{collections::BTreeMap, path::Path};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::*;

#[derive(Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Mode {
    #[default]
    Fast,
    Slow,
}

#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Server {
    name: Option<String>,
    timeout: Option<Period<1>>,
    workers: Option<Whole<1, 8>>,
    rate: Option<Decimal<500, 10>>,
    size: Option<Size<1, 1024>>,
    is_public: Option<bool>,
    mode: Option<Mode>,
    tags: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Example {
    servers: Option<Vec<Option<Short<String, Server>>>>,
    server: Option<Server>,
    secrets: Option<Server>,
}

const VARIABLES: Variables = Variables {
    prefix: "X_",
    lists: &[List { keys: &["servers"], example: "[a]", has_words: true }],
    is_table: |keys, _| keys.len() == 1,
};

fn load(text: &str, variables: &[(&str, &str)]) -> Result<Example, String> {
    let document = parse(Path::new("c.yml"), text).unwrap();
    let (layers, mistakes) = Environment::from_pairs(variables.iter().copied()).layers(VARIABLES);
    let settings = Settings::merge(Some(document), layers, "secrets", mistakes);
    let root = settings.root();
    let example = Example::deserialize(root.clone()).map_err(|error| root.note(error));
    let mistakes = settings.into_diagnostics();
    if mistakes.is_empty() { Ok(example.unwrap()) } else { Err(ConfigError::new(mistakes).to_string()) }
}

#[test]
fn every_mistake_is_noted_with_its_place_and_the_rest_is_read() {
    let text = "\
server:
  name: 0x1f
  timeout: 0s
  workers: 9
  rate: 0.1
  size: 2KiB
  is_public: 'true'
  mode: fats
  tags: {a: [], b: 1.5, c: d}
  colour: red
servers: [a, 5, true, [], null, {name: {}, timeout: 5}]
secrets: {name: 1.5, tags: {a: [hunter2]}, hunter2: hunter2}
";
    let expected = "\
18 mistakes in the configuration:
c.yml:2: server.name: found 0x1f, which readers of YAML and TOML take for a number and change, expected a text: put it in quotes
c.yml:3: server.timeout: found \"0s\", expected a duration from 1ms to 365d
c.yml:4: server.workers: found the number 9, expected a whole number from 1 to 8
c.yml:5: server.rate: found the number 0.1, expected a number from 0.5 to 10
c.yml:6: server.size: found \"2KiB\", expected a size from 1B to 1KiB
c.yml:7: server.is_public: found \"true\", expected true or false: leave out the quotes
c.yml:8: server.mode: found \"fats\", expected one of fast, slow (did you mean fast?)
c.yml:9: server.tags.a: found a list, expected a text
c.yml:9: server.tags.b: found the number 1.5, expected a text: put it in quotes
c.yml:10: server.colour: unknown key; known here: name, timeout, workers, rate, size, is_public, mode, tags
c.yml:11: servers[2]: found the boolean true, expected a text: put it in quotes
c.yml:11: servers[3]: found a list, expected a text
c.yml:11: servers[4]: found nothing, expected a value
c.yml:11: servers[5].name: found a table, expected a text
c.yml:11: servers[5].timeout: found the number 5, expected a duration such as 500ms, 30s, 5m or 1h30m: add the unit
c.yml:12: secrets.hunter2: unknown key; known here: name, timeout, workers, rate, size, is_public, mode, tags
c.yml:12: secrets.name: found a number, expected a text: put it in quotes
c.yml:12: secrets.tags.a: found a list, expected a text";
    assert_eq!(load(text, &[]).unwrap_err(), expected);
}

#[test]
fn text_from_a_variable_is_converted_to_the_expected_type() {
    let variables = [
        ("X_SERVER__NAME", "0x1f"),
        ("X_SERVER__WORKERS", " 3 "),
        ("X_SERVER__RATE", "0.5"),
        ("X_SERVER__IS_PUBLIC", "true"),
        ("X_SERVER__MODE", "slow"),
        ("X_SERVER__TIMEOUT", "1m30s"),
        ("X_SERVERS", "a, b"),
    ];
    let example = load("server: {workers: 1, size: 7}\nservers: [c]\n", &variables).unwrap();
    let server = example.server.unwrap();
    assert_eq!((server.name.as_deref(), server.workers.unwrap().0), (Some("0x1f"), 3));
    assert_eq!((server.is_public, server.mode, server.size.unwrap().0), (Some(true), Some(Mode::Slow), 7));
    assert_eq!(example.servers.unwrap().len(), 2);
}

#[test]
fn written_settings_can_be_read_again() {
    let text = "server: {name: '1_000', timeout: 90s, mode: slow, tags: {a: '0x1f', b: 'true'}}\nservers: [a, {name: b}]\n";
    let written = to_yaml(&load(text, &[]).unwrap()).unwrap();
    assert_eq!(to_yaml(&load(&written, &[]).unwrap()).unwrap(), written);
    assert!(written.contains("'1_000'") && !written.contains("null"), "{written}");
}

#[test]
fn the_schema_allows_neither_null_nor_empty_texts() {
    let schema = schema_of::<Example>();
    let properties = &schema["definitions"]["Server"]["properties"];
    assert_eq!(properties["name"]["type"], "string");
    assert_eq!(properties["name"]["minLength"], 1);
    assert_eq!(properties["workers"]["maximum"], 8);
    assert!(!schema.to_string().contains("null"), "{schema}");
}
