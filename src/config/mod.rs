//! The configuration: read from a file, the environment and the command line, checked as a whole.
//!
//! figment merges the layers, the later over the earlier: tables key by key, lists and plain values as a whole. serde
//! reads the types of `raw` from what is merged, and validation makes the types that the program uses from them. Both
//! note every error with its key and its source. A [`Config`] is always valid.
//!
//! In the environment, `ALIYUN_FLINK_EXPORTER_POLL__INTERVAL` sets `poll.interval`; case doesn't matter after the
//! prefix. A value is always text, read as the type expected there. A list or table in one variable is written
//! `[{id: a1, namespaces: [n1, n2]}]`, a list of words also `team,stage`. An empty variable is an empty value, which
//! lists and tables may be and nothing else. Variables that Kubernetes makes for Services are ignored.

use std::path::Path;
use std::sync::Arc;

use config_reader::{Document, List, Settings, Variables};
use outbound_http::{InvalidProxy, Proxies, certificate_warnings};
use serde::Deserialize as _;

use crate::poll;

mod collectors;
mod discovery_entries;
mod endpoints;
mod flags;
mod json_schema;
mod namespaces;
mod print;
mod raw;
mod resolved;
mod section_validation;
mod text_rules;
mod warnings;
mod workspaces;

#[cfg(test)]
mod tests;

pub use collectors::{Collectors, EnabledCollector, JobsSettings};
pub use config_reader::{ConfigError, Diagnostic, Environment, parse_duration};
pub use flags::Flags;
pub use json_schema::schema;
pub use resolved::{Config, DiscoveredNamespaces, DiscoveryEntry, Namespaces, Target, Workspace};

use workspaces::Base;

/// The key, at any level, below which values are secret.
const SECRETS: &str = "credentials";

const VARIABLES: Variables = Variables {
    prefix: "ALIYUN_FLINK_EXPORTER_",
    lists: &[
        List {
            keys: &["workspaces"],
            example: "'[{id: a14bd5d90a0123, region: cn-hangzhou, namespaces: [team-a, team-b]}]'",
            has_words: false,
        },
        List { keys: &["discovery"], example: "'[{region: cn-hangzhou}]'", has_words: false },
        List { keys: &["metrics", "deployment_labels"], example: "team,stage", has_words: true },
        List { keys: &["metrics", "workspace_tags"], example: "team,stage", has_words: true },
    ],
    is_table: |keys, text| match keys {
        ["poll" | "api" | "credentials" | "collectors" | "metrics" | "shard" | "state"]
        | ["credentials", .., "source"] => true,
        ["collectors", _] => text.trim_start().starts_with('{'),
        _ => false,
    },
};

impl Config {
    /// Valid settings that are probably not intended, one sentence each.
    pub fn warnings(&self) -> Vec<String> {
        warnings::of(self)
    }

    /// The configuration as YAML, as it was resolved, with `<redacted>` for each part of an access key.
    pub fn to_yaml_redacted(&self) -> String {
        let document = raw::Config::from(self);
        // Text, numbers, lists and tables alone: nothing that YAML can't say.
        config_reader::to_yaml(&document).unwrap_or_else(|error| format!("# {error}\n"))
    }
}

/// Reads the configuration from a file, the environment and flags.
///
/// # Errors
///
/// All errors in the configuration, or why the file cannot be read or parsed.
pub fn load(file: Option<&Path>, environment: &Environment, flags: &Flags) -> Result<Config, ConfigError> {
    resolve(file.map(config_reader::read).transpose()?, environment, flags)
}

/// Reads the configuration from `text` as the content of a file named `file`.
///
/// # Errors
///
/// All errors in the configuration, or why the text cannot be parsed.
pub fn load_text(file: &Path, text: &str) -> Result<Config, ConfigError> {
    resolve(Some(config_reader::parse(file, text)?), &Environment::default(), &Flags::default())
}

fn resolve(
    document: Option<Document>,
    environment: &Environment,
    flags: &Flags,
) -> Result<Config, ConfigError> {
    let (variables, mut diagnostics) = environment.layers(VARIABLES);
    let proxies = Proxies::from_env(|name| environment.get(name)).unwrap_or_else(|invalid| {
        diagnostics.extend(invalid.into_iter().map(|InvalidProxy { variable, reason }| {
            let message =
                format!("{reason}, expected the URL of a proxy such as http://proxy.example.com:3128");
            Diagnostic::new(message).at(variable)
        }));
        Proxies::default()
    });
    let layers = variables.into_iter().chain(flags.layer());
    let settings = Settings::merge(document, layers, SECRETS, diagnostics);
    let environment_warnings = certificate_warnings(|name| environment.get(name));
    let config = Config { proxies, environment_warnings, ..validate(&settings) };
    let diagnostics = settings.into_diagnostics();
    if diagnostics.is_empty() { Ok(config) } else { Err(ConfigError::new(diagnostics)) }
}

/// The configuration as far as it can be read; of use only if no error was noted.
fn validate(settings: &Settings) -> Config {
    let root = settings.root();
    let raw = raw::Config::deserialize(root.clone()).map_err(|error| root.note(error)).unwrap_or_default();
    let base = Base {
        poll: raw.poll.unwrap_or_default().resolve(poll::Settings::default()),
        credentials: Arc::new(raw.credentials.unwrap_or_default()),
        collectors: raw.collectors.unwrap_or_default(),
    };
    let workspaces =
        workspaces::workspaces(raw.workspaces.unwrap_or_default(), &root.get("workspaces"), &base);
    let discovery = raw.discovery.unwrap_or_default();
    let discovery = discovery_entries::entries(discovery, &root.get("discovery"), &base, &workspaces);
    let config = Config {
        poll: base.poll,
        api: raw.api.unwrap_or_default().resolve(),
        shard: section_validation::shard(&raw.shard.unwrap_or_default(), &root.get("shard")),
        state_path: section_validation::state(raw.state),
        workspaces,
        discovery,
        ..Config::default()
    };
    let config = section_validation::metrics(raw.metrics.unwrap_or_default(), &root.get("metrics"), config);
    let collectors = config.workspaces.iter().map(|workspace| &workspace.collectors);
    let collectors = collectors.chain(config.discovery.iter().map(|entry| &entry.collectors));
    if let Some(problem) = collectors::missing_job_counts(config.metrics.jobs, collectors) {
        settings.note(problem);
    }
    let is_noted = ["workspaces", "discovery"].iter().any(|key| root.get(key).is_noted());
    if config.workspaces.is_empty() && config.discovery.is_empty() && !is_noted {
        let message = format!(
            "there is none: give --region to discover every workspace of a region, or with --workspace one of \
             them, or name a file that lists some with --config.file, or set {}WORKSPACES",
            VARIABLES.prefix
        );
        settings.note_absent("workspaces", message);
    }
    config
}
