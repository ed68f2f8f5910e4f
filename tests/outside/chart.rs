//! What the Helm chart contains copies of: the schema of the configuration, rules and dashboards.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::Value;

use crate::support::Start;

const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/helm/aliyun-flink-exporter");
const DEPLOY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy");
const REGENERATE: &str = "regenerate it with: bash tests/real/kubernetes.sh write";

/// The definitions in `schema` whose names start with `prefix`, without the prefix.
fn definitions(schema: &Value, prefix: &str) -> BTreeMap<String, Value> {
    let definitions = schema["definitions"].as_object().unwrap();
    let named = definitions
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix(prefix)?.to_owned(), value.clone())));
    named.collect()
}

#[tokio::test]
async fn the_schema_of_config_in_the_chart_is_the_one_that_the_program_prints() {
    let printed = Start::bare(&["config-schema"]).finish().await.with_code(0).stdout;
    let printed: Value = serde_json::from_str(&printed).unwrap();
    // The chart's definitions of the configuration have a prefix of their own.
    let values = fs::read_to_string(format!("{CHART}/values.schema.json")).unwrap();
    let values: Value =
        serde_json::from_str(&values.replace("\"#/definitions/config-", "\"#/definitions/")).unwrap();
    assert!(printed["properties"].as_object().is_some_and(|properties| properties.len() > 5), "{printed}");
    for key in ["type", "description", "properties", "additionalProperties"] {
        assert_eq!(
            values["properties"]["config"][key], printed[key],
            "`{key}` of `config` in values.schema.json is stale: {REGENERATE}"
        );
    }
    assert_eq!(
        definitions(&values, "config-"),
        definitions(&printed, ""),
        "the definitions of `config` in values.schema.json are stale: {REGENERATE}"
    );
}

/// The names and texts of the files in a directory with this extension.
fn files(directory: &Path, extension: &str) -> BTreeMap<String, String> {
    let paths = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let files = paths.filter(|path| path.extension().is_some_and(|found| found == extension));
    files
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect()
}

#[test]
fn the_rules_and_dashboards_in_the_chart_are_those_in_deploy() {
    for (copies, sources, extension) in
        [("files", "prometheus", "yml"), ("files/dashboards", "grafana/dashboards", "json")]
    {
        let copies = files(&Path::new(CHART).join(copies), extension);
        let sources = files(&Path::new(DEPLOY).join(sources), extension);
        assert!(copies.len() >= 2, "{copies:?}");
        for (name, copy) in &copies {
            assert!(sources.get(name) == Some(copy), "the chart's copy of {name} is stale: {REGENERATE}");
        }
        if extension == "json" {
            assert_eq!(copies.len(), sources.len(), "each dashboard is in the chart: {REGENERATE}");
        }
    }
}
