//! The query for the deployments of a namespace, by the operation that the configuration selects.

use std::sync::Arc;

use tokio::time::Instant;

use super::{get_deployments_by_label::GetDeploymentsByLabel, list_deployments::ListDeployments};
use crate::{
    api::{ApiError, Client, Listing},
    model::{Deployment, DeploymentsOperation, FieldSelection, Selection},
};

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
    /// As [`Client::list`].
    pub async fn list(&self, client: &Client, deadline: Instant) -> Result<Listing<Deployment>, ApiError> {
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
