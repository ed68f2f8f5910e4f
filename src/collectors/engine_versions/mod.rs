//! The collector of engine versions.

mod families;
mod list_engine_version_metadata;

#[cfg(test)]
mod tests;

use std::time::Duration;

use super::{collector::Scope, list_collector::ListedObjects};
use crate::{
    exposition::ObjectGroup,
    model::{CollectorName, EngineVersion},
    store::GroupObjects,
};

pub use list_engine_version_metadata::ListEngineVersionMetadata;

/// The engine versions of workspaces.
#[derive(Debug)]
pub struct EngineVersions;

impl ListedObjects for EngineVersions {
    type Families = Self;

    const NAME: CollectorName = "engine_versions";
    const SCOPE: Scope = Scope::Workspace;
    const DEFAULT_INTERVAL: Duration = Duration::from_secs(3600);
    const RAM_ACTIONS: &'static [&'static str] = &["stream:ListEngineVersionMetadata"];

    fn objects(group: &GroupObjects) -> ObjectGroup<'_, Self> {
        ObjectGroup::new(&[&group.id.workspace], group.merged::<EngineVersion>())
    }
}
