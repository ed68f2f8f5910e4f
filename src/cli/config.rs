//! Flags of the configuration.

use std::path::PathBuf;

use clap::Args;

use super::collectors::CollectorArgs;
use crate::config;

/// The configuration file, and the settings that flags override.
#[derive(Debug, Args)]
#[command(next_help_heading = "Configuration")]
pub struct ConfigArgs {
    /// The configuration file: YAML (.yml, .yaml) or TOML (.toml)
    #[arg(long = "config.file", value_name = "PATH")]
    pub file: Option<PathBuf>,
    /// The ID of a workspace; with --region, it replaces all workspaces and discovery entries of the file
    #[arg(long, value_name = "ID")]
    pub workspace: Option<String>,
    /// The region of --workspace, such as cn-hangzhou; without --workspace, discover all workspaces of the region
    /// (repeatable)
    #[arg(long = "region", value_name = "REGION")]
    pub regions: Vec<String>,
    /// A namespace of the workspace (repeatable); without this flag, discover all namespaces
    #[arg(long = "namespace", value_name = "NAME", num_args = 1..)]
    pub namespaces: Vec<String>,
    /// The index of this exporter among those that share the targets, from 0
    #[arg(long = "shard.index", value_name = "N")]
    pub shard_index: Option<u32>,
    /// The number of exporters that share the targets
    #[arg(long = "shard.total", value_name = "N")]
    pub shard_total: Option<u32>,
    /// The file for the state that survives restarts of `run`
    #[arg(long = "state.path", value_name = "FILE")]
    pub state_path: Option<String>,
    /// The collectors other than that of deployments.
    #[command(flatten)]
    pub collectors: CollectorArgs,
}

impl ConfigArgs {
    /// The settings set by flags.
    pub fn flags(&self) -> config::Flags {
        config::Flags {
            workspace: self.workspace.clone(),
            regions: self.regions.clone(),
            namespaces: self.namespaces.clone(),
            collectors: self.collectors.0.clone(),
            shard_index: self.shard_index,
            shard_total: self.shard_total,
            state_path: self.state_path.clone(),
        }
    }
}
