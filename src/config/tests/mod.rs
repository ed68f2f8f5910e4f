//! Configurations as a whole: what loads, what is refused, and in which words.

use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::ExposeSecret;

use super::*;
use crate::credentials::{ProviderConfig, SecretSource};
use crate::model::{
    self, DeploymentsOperation, ExecutionMode, JobStatus, JobsMode, LabelKeys, LabelSelector, Selection,
    Shard,
};
use crate::{api, poll};

mod credentials;
mod discovery_entries;
mod examples;
mod flags;
mod limits;
mod numbers;
mod reports;
mod targets;
mod variables;

const WORKSPACE: &str = "workspaces: [{id: w1, region: cn-hangzhou, namespaces: [n1]}]\n";
const SECRET: &str = "hunter2";

fn environment(pairs: &[(&str, &str)]) -> Environment {
    Environment::from_pairs(
        pairs.iter().map(|(name, value)| (format!("ALIYUN_FLINK_EXPORTER_{name}"), *value)),
    )
}

fn flags(workspace: Option<&str>, region: Option<&str>, namespaces: &[&str]) -> Flags {
    Flags {
        workspace: workspace.map(str::to_owned),
        regions: region.map(str::to_owned).into_iter().collect(),
        namespaces: namespaces.iter().map(|&name| name.to_owned()).collect(),
        ..Flags::default()
    }
}

/// Loads a file of this name and text, and tells mistakes without the temporary directory.
fn load_file(name: &str, text: &str, environment: &Environment, flags: &Flags) -> Result<Config, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    std::fs::write(&path, text).unwrap();
    let prefix = format!("{}/", directory.path().display());
    load(Some(&path), environment, flags).map_err(|error| error.to_string().replace(&prefix, ""))
}

fn load_yaml(text: &str) -> Result<Config, String> {
    load_file("c.yml", text, &Environment::default(), &Flags::default())
}

fn load_with(text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
    load_file("c.yml", text, &environment(variables), &Flags::default())
}

/// A workspace's one target that is not a plain name.
fn load_target(target: &str) -> Result<Target, String> {
    let text = format!("workspaces: [{{id: w1, region: cn-hangzhou, namespaces: [{target}]}}]\n");
    load_yaml(&text).map(|config| config.workspaces[0].targets()[0].clone())
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(name)
}

fn load_example(name: &str) -> Config {
    load(Some(&example(name)), &Environment::default(), &Flags::default()).unwrap()
}

/// Everything but secrets, which have no equality.
fn same(a: &Config, b: &Config) -> bool {
    format!("{a:?}") == format!("{b:?}")
}
