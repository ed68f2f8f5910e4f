//! The collector of queues.

mod families;
mod list_deployment_targets;

#[cfg(test)]
mod tests;

use std::time::Duration;

use super::{collector::Scope, list_collector::ListedObjects};
use crate::{
    exposition::ObjectGroup,
    model::{CollectorName, Queue},
    store::GroupObjects,
};

pub use list_deployment_targets::ListDeploymentTargets;

/// The queues of namespaces.
#[derive(Debug)]
pub struct Queues;

impl ListedObjects for Queues {
    type Families = Self;

    const NAME: CollectorName = "queues";
    const SCOPE: Scope = Scope::Namespace;
    const DEFAULT_INTERVAL: Duration = Duration::from_secs(300);
    const RAM_ACTIONS: &'static [&'static str] = &["stream:ListDeploymentTargets"];

    fn objects(group: &GroupObjects) -> ObjectGroup<'_, Self> {
        ObjectGroup::new(&[&group.id.workspace, &group.id.namespace], group.merged::<Queue>())
    }
}
