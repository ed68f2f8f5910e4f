//! The collector of deployments: the operations that list them, their decoder and their metric families.

mod collector;
mod decoder;
mod deployments_query;
pub mod families;
mod get_deployments_by_label;
mod list_deployments;
mod resource_plan;
mod status_lookup;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::{
    api,
    model::{FieldSelection, LabelKeys, Selection},
};

pub use collector::{DeploymentsCollector, DeploymentsTargetQuery};
pub use deployments_query::DeploymentsQuery;

use list_deployments::ListDeployments;

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
