//! What is valid but hardly meant.

use super::units::format_duration;
use super::{Config, Target, Workspace};
use crate::api;

pub(super) fn of(config: &Config) -> Vec<String> {
    let workspaces = config.workspaces.iter().flat_map(|workspace| of_workspace(workspace, &config.api));
    config.environment_warnings.iter().cloned().chain(workspaces).collect()
}

fn of_workspace(workspace: &Workspace, api: &api::Settings) -> Vec<String> {
    let targets = workspace.targets.iter().flat_map(|target| {
        let name = name(workspace, target);
        [ineffective_stale_after(&name, target), requests_cut_short(&name, target, api)]
    });
    targets.chain([exposed(workspace)]).flatten().collect()
}

fn name(workspace: &Workspace, target: &Target) -> String {
    let selection = target.selection.to_string();
    let selection = if selection.is_empty() { selection } else { format!(" ({selection})") };
    format!("workspace {}, namespace {}{selection}", workspace.id, target.namespace)
}

fn ineffective_stale_after(name: &str, target: &Target) -> Option<String> {
    let poll = &target.poll;
    (poll.stale_after <= poll.interval).then(|| {
        format!(
            "{name}: poll.stale_after ({}) is not longer than poll.interval ({}): series are withdrawn after three \
             intervals ({}) instead",
            format_duration(poll.stale_after),
            format_duration(poll.interval),
            format_duration(poll.expire_after())
        )
    })
}

fn requests_cut_short(name: &str, target: &Target, api: &api::Settings) -> Option<String> {
    let timeout = target.poll.timeout;
    (api.request_timeout > timeout).then(|| {
        format!(
            "{name}: api.request_timeout ({}) is longer than poll.timeout ({}), so that a slow request is never \
             tried again: make it shorter",
            format_duration(api.request_timeout),
            format_duration(timeout)
        )
    })
}

fn exposed(workspace: &Workspace) -> Option<String> {
    let endpoint = &workspace.endpoint;
    (endpoint.scheme() == "http" && !crate::endpoint::is_loopback(endpoint)).then(|| {
        format!(
            "workspace {}: requests and their security tokens go to {} unencrypted",
            workspace.id,
            endpoint.as_str().trim_end_matches('/')
        )
    })
}
