//! Chooses the source of an entry at its first attempt: `DescribeInstances` and `DescribeNamespaces`, or
//! `ListEditableNamespace` if those are denied and the filters need only ids.

use std::time::Duration;

use tracing::info;

use super::{
    Needs, WorkspaceSelection,
    discovery_loop::{DiscoveryLoop, FailedListing},
    entries::ListingScope,
    listing_source::ListingSource,
};

impl DiscoveryLoop {
    /// Lists with the first permitted source, and keeps this source.
    pub(super) async fn choose_source(&self, max_age: Duration) {
        let name = &self.settings.name;
        match self.list_workspaces(max_age).await {
            Err(FailedListing { denied: false }) => return,
            Err(FailedListing { denied: true }) => {}
            Ok(()) => {
                let results = self.list_namespaces(&ListingScope::All, max_age).await;
                if results.is_empty() || results.iter().any(Result::is_ok) {
                    self.discovery.decide(name, ListingSource::Console);
                    self.log_source(ListingSource::Console);
                    return;
                }
                if results.contains(&Err(FailedListing { denied: false })) {
                    let problem = "the namespaces of no workspace can be listed".to_owned();
                    self.discovery.fail(name, problem);
                    return;
                }
                self.discovery.namespaces_denied(name);
            }
        }
        if let Some(problem) = self.needs_more_than_ids() {
            self.discovery.fail(name, problem);
            return;
        }
        self.list_editable(max_age).await;
        match self.discovery.source(name) {
            Some(source) => self.log_source(source),
            None => self.discovery.fail(name, no_permission(self.discovery.problem(name).as_deref())),
        }
    }

    /// Why `ListEditableNamespace` is not enough for the filters of this entry.
    fn needs_more_than_ids(&self) -> Option<String> {
        let WorkspaceSelection::Matching(filter) = &self.settings.selection.workspaces else { return None };
        let needs = match filter.needs()? {
            Needs::Tags => "the filter by tags".to_owned(),
            Needs::Names { pattern } => format!("the pattern {pattern:?}, which may be of a name,"),
        };
        Some(format!(
            "{needs} needs the RAM actions stream:DescribeVvpInstances and stream:DescribeVvpNamespaces, which are \
             denied"
        ))
    }

    fn log_source(&self, source: ListingSource) {
        info!(discovery = self.settings.name, %source, "discovery source chosen");
    }
}

/// Appends the permissions that discovery needs to the problem of `ListEditableNamespace`.
fn no_permission(problem: Option<&str>) -> String {
    let problem = problem.unwrap_or_default();
    format!(
        "{problem}; allow the RAM actions stream:DescribeVvpInstances and stream:DescribeVvpNamespaces, or give the \
         user a role in the console's namespaces"
    )
}
