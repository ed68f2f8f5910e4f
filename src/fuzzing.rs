//! The readers of bytes from outside, as fuzzers call them. Each must return without a panic for any bytes.

use std::path::Path;

use lenient_json::{Entries, Lenient, Scalar};

use crate::{
    collectors::{deployments, jobs},
    config::{self, Environment, Flags},
    console, model, web,
};

/// The name of a reader, which is also that of its corpus, and the reader.
pub type Reader = (&'static str, fn(&[u8]));

/// Every reader.
pub const READERS: [Reader; 6] = [
    ("json", json),
    ("reply", reply),
    ("resource_plan", resource_plan),
    ("memory", memory),
    ("config", config_file),
    ("accept", accept),
];

/// JSON, as an object whose values are converted to every type.
pub fn json(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match lenient_json::parse::<Lenient<Entries<'_>>>(&text) {
        Ok(Lenient::Valid(Entries(entries))) => entries.into_iter().for_each(|(_, value)| convert(value)),
        Ok(_) => {}
        Err(error) => drop(error.describe(&text)),
    }
}

/// An invalid value is as good a result as a valid one.
fn convert(value: Scalar<'_>) {
    let _ =
        (value.text(), value.json_text(), value.number(), value.integer(), value.count(), value.boolean());
    let _ = value.unescaped_json(4, &mut Vec::new());
}

/// A reply of the API, as a listing and as an error.
pub fn reply(bytes: &[u8]) {
    deployments::fuzz_reply(bytes);
    jobs::fuzz_reply(bytes);
    console::fuzz_reply(bytes);
}

/// A resource plan in its field.
pub fn resource_plan(bytes: &[u8]) {
    let field = serde_json::Value::from(String::from_utf8_lossy(bytes));
    let deployment = serde_json::json!({
        "deploymentId": "d",
        "streamingResourceSetting": {"expertResourceSetting": {"resourcePlan": field}},
    });
    let reply = serde_json::json!({"success": true, "totalSize": 1, "data": [deployment]});
    deployments::fuzz_reply(reply.to_string().as_bytes());
}

/// A memory size.
pub fn memory(bytes: &[u8]) {
    // An error is as good a result as a size.
    let _ = model::parse_memory(&String::from_utf8_lossy(bytes));
}

/// `Accept` and `Accept-Encoding`.
pub fn accept(bytes: &[u8]) {
    web::fuzz_negotiation(bytes);
}

/// A configuration file, in YAML and in TOML, and a variable.
pub fn config_file(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let variables =
        [("ALIYUN_FLINK_EXPORTER_WORKSPACES", &*text), ("ALIYUN_FLINK_EXPORTER_POLL__INTERVAL", &text)];
    for variable in variables.map(|(name, value)| (name.to_owned(), value.to_owned())) {
        if let Err(error) = config::load(None, &Environment::from_pairs([variable]), &Flags::default()) {
            drop(error.to_string());
        }
    }
    for file in ["fuzz.yml", "fuzz.toml"] {
        match config::load_text(Path::new(file), &text) {
            Ok(config) => drop(config.to_yaml_redacted()),
            Err(error) => drop(error.to_string()),
        }
    }
}
