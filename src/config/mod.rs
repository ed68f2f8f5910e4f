//! The configuration: read from a file, the environment and the command line, checked as a whole.
//!
//! figment merges the layers, the later over the earlier: tables key by key, lists and plain values as a whole. A
//! decoder of our own then reads the types that the program uses, and reports every mistake with its key and its
//! source. What leaves this module is valid.
//!
//! In the environment, `ALIYUN_FLINK_EXPORTER_POLL__INTERVAL` sets `poll.interval`; case doesn't matter after the
//! prefix. A value is always text, read as the type expected there. A list or table in one variable is written
//! `[{id: a1, namespaces: [n1, n2]}]`, a list of words also `team,stage`. An empty variable is an empty value, which
//! lists and tables may be and nothing else. Variables that Kubernetes makes for Services are ignored.

use std::path::Path;
use std::sync::Arc;

use figment::Figment;
use outbound_http::{InvalidProxy, Proxies, certificate_warnings};

use crate::model::JOBS;
use crate::poll;

mod access;
mod collectors;
mod decode;
mod defaults;
mod discovered;
mod discovery;
mod environment;
mod error;
mod file;
mod flags;
mod inline;
mod layer;
mod locate;
mod location;
mod namespaces;
mod print;
mod resolved;
mod schema;
mod settings;
mod target;
mod units;
mod warnings;
mod workspace;

#[cfg(test)]
mod tests;

pub use collectors::{Collectors, EnabledCollector, JobsSettings};
pub use environment::Environment;
pub use error::{ConfigError, Mistake};
pub use flags::Flags;
pub use resolved::{Config, DiscoveredNamespaces, DiscoveryEntry, Namespaces, Target, Workspace};
pub use schema::schema;
pub use units::parse_duration;

use collectors::CollectorSettings;
use decode::Decoder;
use defaults::Defaults;
use layer::Layer;

const SECTIONS: [&str; 9] =
    ["poll", "api", "credentials", "discovery", "workspaces", "collectors", "metrics", "shard", "state"];

impl Config {
    /// What is valid but hardly meant, one sentence each.
    pub fn warnings(&self) -> Vec<String> {
        warnings::of(self)
    }

    /// The configuration as YAML, as it was resolved, with `<redacted>` for each part of an access key.
    pub fn to_yaml_redacted(&self) -> String {
        print::yaml(self)
    }
}

/// Reads the configuration from all its sources. Without a file, the environment and the flags stand alone.
pub fn load(file: Option<&Path>, environment: &Environment, flags: &Flags) -> Result<Config, ConfigError> {
    resolve(file.map(file::layer).transpose()?, file, environment, flags)
}

/// Reads the configuration that a file named `file` would give if it held `text`, and nothing else were set.
pub fn load_text(file: &Path, text: String) -> Result<Config, ConfigError> {
    let layer = file::layer_of_text(file, text)?;
    resolve(Some(layer), Some(file), &Environment::default(), &Flags::default())
}

fn resolve(
    file_layer: Option<Layer>,
    file: Option<&Path>,
    environment: &Environment,
    flags: &Flags,
) -> Result<Config, ConfigError> {
    let (variables, mut mistakes) = environment.layers();
    let proxies = Proxies::from_env(|name| environment.get(name)).unwrap_or_else(|invalid| {
        mistakes.extend(invalid.into_iter().map(|InvalidProxy { variable, reason }| {
            let message =
                format!("{reason}, expected the URL of a proxy such as http://proxy.example.com:3128");
            Mistake::new(message).at(variable)
        }));
        Proxies::default()
    });
    let layers = file_layer.into_iter().chain(variables).chain(flags.layer());
    let figment = layers.fold(Figment::new(), Figment::merge);
    let decoder = Decoder::new(figment, mistakes);
    let environment_warnings = certificate_warnings(|name| environment.get(name));
    let config = Config { proxies, environment_warnings, ..decode(&decoder, file) };
    let mistakes = decoder.into_mistakes();
    if mistakes.is_empty() { Ok(config) } else { Err(ConfigError::new(mistakes)) }
}

/// The configuration as far as it can be read; of use only if no mistake was noted.
fn decode(decoder: &Decoder, file: Option<&Path>) -> Config {
    let root = decoder.root(&SECTIONS);
    let poll = settings::poll(root.get("poll"), poll::Settings::default());
    let api = settings::api(root.get("api"));
    let credentials = root.get("credentials").and_then(|section| access::source(&section));
    let defaults = Defaults {
        poll,
        credentials: Arc::new(credentials.unwrap_or_default()),
        collectors: CollectorSettings::decode(root.get("collectors")),
    };
    let workspaces = root.get("workspaces").map(|section| workspace::workspaces(&section, &defaults));
    let settings::Metrics { fields, workspace_tags, max_series, first_value_hold } =
        settings::metrics(root.get("metrics"));
    let shard = settings::shard(root.get("shard"));
    let state_path = settings::state(root.get("state"));
    let workspaces = workspaces.unwrap_or_default();
    let discovery = root.get("discovery").map(|section| discovery::entries(&section, &defaults, &workspaces));
    let discovery = discovery.unwrap_or_default();
    let noted = ["workspaces", "discovery"].iter().any(|key| decoder.noted_below(key));
    let mut collectors = workspaces
        .iter()
        .map(|workspace| &workspace.collectors)
        .chain(discovery.iter().map(|entry| &entry.collectors));
    if !fields.jobs && collectors.any(|collectors| collectors.get(JOBS).is_some()) {
        let message = "needs the counts of jobs, which `metrics.jobs: false` leaves out; set `metrics.jobs: true`, or \
                       disable this collector";
        decoder.note(Mistake::new(message).about("collectors.jobs"));
    }
    if workspaces.is_empty() && discovery.is_empty() && !noted {
        decoder.note(no_workspaces(file));
    }
    Config {
        discovery,
        workspaces,
        poll,
        api,
        metrics: fields,
        workspace_tags,
        max_series,
        first_value_hold,
        shard,
        state_path,
        proxies: Proxies::default(),
        environment_warnings: Vec::new(),
    }
}

fn no_workspaces(file: Option<&Path>) -> Mistake {
    let prefix = environment::PREFIX;
    let mistake = Mistake::new(format!(
        "there is none: give --region to discover every workspace of a region, or with --workspace one of \
                  them, or name a file that lists some with --config.file, or set {prefix}WORKSPACES"
    ));
    let mistake = mistake.about("workspaces");
    match file {
        Some(file) => mistake.at(file.display().to_string()),
        None => mistake,
    }
}
