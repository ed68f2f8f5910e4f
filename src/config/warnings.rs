//! Valid settings that are probably not intended.

use config_reader::format_duration;
use url::Url;

use super::{Config, DiscoveredNamespaces, DiscoveryEntry, Namespaces, Target, Workspace};
use crate::model::Selection;
use crate::{api, poll};

pub(super) fn of(config: &Config) -> Vec<String> {
    let entries = config.discovery.iter().flat_map(|entry| of_entry(entry, &config.api));
    let workspaces = config.workspaces.iter().flat_map(|workspace| of_workspace(workspace, &config.api));
    config.environment_warnings.iter().cloned().chain(entries).chain(workspaces).collect()
}

fn of_entry(entry: &DiscoveryEntry, api: &api::Settings) -> Vec<String> {
    let name = format!("discovery {}", entry.name);
    let namespaces = of_namespaces(&name, &entry.namespaces, api);
    let exposed = [&entry.endpoint, &entry.console_endpoint].map(|endpoint| exposed(&name, endpoint));
    namespaces.into_iter().chain(exposed.into_iter().flatten()).collect()
}

fn of_workspace(workspace: &Workspace, api: &api::Settings) -> Vec<String> {
    let name = format!("workspace {}", workspace.id);
    let mut warnings = match &workspace.namespaces {
        Namespaces::Listed(targets) => {
            targets.iter().flat_map(|target| of_target(&name, target, api)).collect()
        }
        Namespaces::Discovered(namespaces) => of_namespaces(&name, namespaces, api),
    };
    warnings.extend(exposed(&name, &workspace.endpoint));
    let console = workspace.console_endpoint.as_ref().filter(|_| workspace.uses_console());
    warnings.extend(console.and_then(|endpoint| exposed(&name, endpoint)));
    warnings
}

fn of_target(workspace: &str, target: &Target, api: &api::Settings) -> Vec<String> {
    let selection = target.selection.to_string();
    let selection = if selection.is_empty() { selection } else { format!(" ({selection})") };
    let name = format!("{workspace}, namespace {}{selection}", target.namespace);
    of_deployments(&name, &target.poll, &target.selection, api)
}

fn of_namespaces(name: &str, namespaces: &DiscoveredNamespaces, api: &api::Settings) -> Vec<String> {
    let name = format!("{name}, namespaces");
    of_deployments(&name, &namespaces.poll, &namespaces.selection, api)
}

fn of_deployments(
    name: &str,
    poll: &poll::Settings,
    selection: &Selection,
    api: &api::Settings,
) -> Vec<String> {
    let warnings = [
        ineffective_stale_after(name, poll),
        requests_cut_short(name, poll, api),
        meaningless_transitions(name, selection),
    ];
    warnings.into_iter().flatten().collect()
}

fn ineffective_stale_after(name: &str, poll: &poll::Settings) -> Option<String> {
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

fn requests_cut_short(name: &str, poll: &poll::Settings, api: &api::Settings) -> Option<String> {
    let timeout = poll.timeout;
    (api.request_timeout > timeout).then(|| {
        format!(
            "{name}: api.request_timeout ({}) is longer than poll.timeout ({}), so that a slow request is never \
             tried again: make it shorter",
            format_duration(api.request_timeout),
            format_duration(timeout)
        )
    })
}

fn meaningless_transitions(name: &str, selection: &Selection) -> Option<String> {
    selection.status.map(|_| {
        format!(
            "{name}: a deployment leaves the selection when its status changes, so select.status makes its status and \
             its counts of ended jobs meaningless: select by something else"
        )
    })
}

fn exposed(name: &str, endpoint: &Url) -> Option<String> {
    (endpoint.scheme() == "http" && !outbound_http::is_loopback(endpoint)).then(|| {
        format!(
            "{name}: requests and their security tokens go to {} unencrypted",
            endpoint.as_str().trim_end_matches('/')
        )
    })
}
