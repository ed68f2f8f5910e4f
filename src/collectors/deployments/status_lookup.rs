//! Looks up how the last jobs of deployments ended, with `ListDeployments` and its filter by status. A poll does so if the
//! job counts do not show it.

use std::sync::Arc;

use tokio::time::Instant;

use super::{deployments_query::DeploymentsQuery, list_deployments::ListDeployments};
use crate::{
    api::{ApiError, Client},
    model::{FieldSelection, JobState, JobStatus, LabelKeys, LastJobStatuses, Selection},
};

impl DeploymentsQuery {
    /// Lists the deployments by the status of their last job, for each status in which jobs end.
    ///
    /// # Errors
    ///
    /// As [`Client::list`].
    pub async fn last_job_statuses(
        &self,
        client: &Client,
        deadline: Instant,
    ) -> Result<LastJobStatuses, ApiError> {
        let identities = FieldSelection { jobs: false, resources: false, labels: LabelKeys::default() };
        let fields = Arc::new(identities);
        let list = async |state, status| {
            let selection = Selection { status: Some(status), ..self.selection.clone() };
            let operation =
                ListDeployments { namespace: self.namespace.clone(), selection, fields: fields.clone() };
            client.list(operation, deadline).await.map(|listing| (state, listing))
        };
        let (failed, cancelled, finished) = tokio::try_join!(
            list(JobState::Failed, JobStatus::Failed),
            list(JobState::Cancelled, JobStatus::Cancelled),
            list(JobState::Finished, JobStatus::Finished),
        )?;
        let mut statuses = LastJobStatuses::default();
        for (state, listing) in [failed, cancelled, finished] {
            listing.items.into_iter().for_each(|deployment| statuses.add(deployment.id, state));
        }
        Ok(statuses)
    }
}
