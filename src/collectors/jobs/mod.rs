//! The collector of jobs: operation, decoder and metric families.

mod families;
mod list_jobs;
mod target_query;

use std::time::Duration;

use super::{collector::Scope, list_collector::ListedObjects};
use crate::{
    exposition::ObjectGroup,
    model::{CollectorName, DeploymentJobs, JOBS},
    store::GroupObjects,
};

pub use list_jobs::ListJobs;
pub(crate) use list_jobs::fuzz_reply;
pub use target_query::JobsTargetQuery;

/// The jobs of deployments.
#[derive(Debug)]
pub struct Jobs;

impl ListedObjects for Jobs {
    type Families = Self;

    const NAME: CollectorName = JOBS;
    const SCOPE: Scope = Scope::Namespace;
    const DEFAULT_INTERVAL: Duration = Duration::from_secs(300);
    const RAM_ACTIONS: &'static [&'static str] = &["stream:ListJobs"];

    fn objects(group: &GroupObjects) -> ObjectGroup<'_, Self> {
        let labels = [group.id.workspace.as_str(), &group.id.namespace];
        ObjectGroup::new(&labels, group.merged::<DeploymentJobs>())
    }
}
