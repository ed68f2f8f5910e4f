//! The collector of deployments: the operations that list them, their decoder and their metric families.

mod collector;
mod decoder;
pub mod families;
mod fields;
mod get_deployments_by_label;
mod list_deployments;
mod resource_plan;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use tokio::time::Instant;

use crate::{
    api::{self, ApiError, Listing},
    model::{Deployment, DeploymentsOperation, FieldSelection, Selection},
};

pub use collector::{DeploymentsCollector, DeploymentsTarget, NAME};

use get_deployments_by_label::GetDeploymentsByLabel;
use list_deployments::ListDeployments;

/// Which deployments of a namespace to list, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct DeploymentsQuery {
    /// The namespace.
    pub namespace: String,
    /// The filters.
    pub selection: Selection,
    /// The operation that lists them.
    pub operation: DeploymentsOperation,
    /// What is read of each deployment.
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
}

/// Reads `body` as a listing and as an error; for fuzzers.
pub(crate) fn fuzz_reply(body: &[u8]) {
    let fields = FieldSelection { labels: crate::model::LabelKeys::All, ..FieldSelection::default() };
    let operation = ListDeployments {
        namespace: String::new(),
        selection: Selection::default(),
        fields: Arc::new(fields),
    };
    drop(api::Page::decode(&operation, 100, body).map_err(|error| error.to_string()));
    api::fuzz_error(body);
}
