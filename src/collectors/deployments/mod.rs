//! The collector of deployments: the operations that list them, their decoder and their metric families.

mod collector;
mod decoder;
pub mod families;
mod get_deployments_by_label;
mod list_deployments;
mod resource_plan;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use tokio::time::Instant;

use crate::{
    api::{self, ApiError, Listing},
    model::{
        Deployment, DeploymentsOperation, FieldSelection, JobState, JobStatus, LabelKeys, LastJobStatuses,
        Selection,
    },
};

pub use collector::{DeploymentsCollector, DeploymentsTarget};

use get_deployments_by_label::GetDeploymentsByLabel;
use list_deployments::ListDeployments;

/// A query for deployments of a namespace.
#[derive(Debug, Clone, PartialEq)]
pub struct DeploymentsQuery {
    /// The namespace.
    pub namespace: String,
    /// The filters.
    pub selection: Selection,
    /// The operation that lists them.
    pub operation: DeploymentsOperation,
    /// The decoded fields.
    pub fields: Arc<FieldSelection>,
}

impl DeploymentsQuery {
    /// Lists the deployments.
    ///
    /// # Errors
    ///
    /// As [`api::Client::list`].
    pub async fn list(
        &self,
        client: &api::Client,
        deadline: Instant,
    ) -> Result<Listing<Deployment>, ApiError> {
        let (namespace, fields) = (self.namespace.clone(), self.fields.clone());
        match self.operation {
            DeploymentsOperation::ListDeployments => {
                let selection = self.selection.clone();
                client.list(ListDeployments { namespace, selection, fields }, deadline).await
            }
            DeploymentsOperation::GetDeploymentsByLabel => {
                let label = self.selection.label.clone();
                client.list(GetDeploymentsByLabel { namespace, label, fields }, deadline).await
            }
        }
    }

    /// Lists the deployments by the status of their last job, for each status in which jobs end.
    ///
    /// # Errors
    ///
    /// As [`api::Client::list`].
    pub async fn last_job_statuses(
        &self,
        client: &api::Client,
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

/// Reads `body` as a listing and as an error; for fuzzers.
pub(crate) fn fuzz_reply(body: &[u8]) {
    let fields = FieldSelection { labels: LabelKeys::All, ..FieldSelection::default() };
    let operation = ListDeployments {
        namespace: String::new(),
        selection: Selection::default(),
        fields: Arc::new(fields),
    };
    drop(api::Page::decode(&operation, 100, body).map_err(|error| error.to_string()));
    api::fuzz_error(body);
}
