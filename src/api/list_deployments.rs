//! `ListDeployments`: a page at a time.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::call::{Call, Shared};
use crate::model::{ExecutionMode, JobStatus, Operation, Selection};

/// The call for the page `page_index`, from 1 on.
pub(super) fn call(
    namespace: &str,
    selection: &Selection,
    page_index: u64,
    page_size: u64,
    shared: Arc<Shared>,
) -> Call {
    let page_index = page_index.to_string();
    let page_size = page_size.to_string();
    let separator = Operation::ListDeployments.label_value_separator().to_string();
    let label_values = selection.label.as_ref().map(|label| label.values.join(&separator));
    let parameters = [
        ("creator", selection.creator.as_deref()),
        ("executionMode", selection.execution_mode.map(ExecutionMode::as_str)),
        ("labelKey", selection.label.as_ref().map(|label| label.key.as_str())),
        ("labelValueArray", label_values.as_deref()),
        ("modifier", selection.modifier.as_deref()),
        ("name", selection.name.as_deref()),
        ("pageIndex", Some(page_index.as_str())),
        ("pageSize", Some(page_size.as_str())),
        ("status", selection.status.map(JobStatus::as_str)),
    ];
    let parameters: Vec<_> = parameters.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
    Call {
        operation: Operation::ListDeployments,
        path: format!("/api/v2/namespaces/{}/deployments", acs3::encode(namespace)),
        query: acs3::canonical_query(&parameters),
        abandoned: CancellationToken::new(),
        shared,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::LabelSelector;

    #[test]
    fn every_filter_is_sent_and_encoded() {
        let selection = Selection {
            name: Some("vvp_ds_0522".into()),
            execution_mode: Some(ExecutionMode::Streaming),
            status: Some(JobStatus::Running),
            creator: Some("183899668000000".into()),
            modifier: Some("183899668000001".into()),
            label: Some(LabelSelector {
                key: "环境 key".into(),
                values: vec!["value 1".into(), "value+2,*~".into()],
            }),
        };
        let call = call("default-namespace", &selection, 1, 100, Arc::new(Shared::new(1)));
        assert_eq!(call.path, "/api/v2/namespaces/default-namespace/deployments");
        // What the official SDK sends, but for its `+` in place of `%20`.
        assert_eq!(
            call.query,
            "creator=183899668000000&executionMode=STREAMING&labelKey=%E7%8E%AF%E5%A2%83%20key\
             &labelValueArray=value%201%3Bvalue%2B2%2C%2A~&modifier=183899668000001&name=vvp_ds_0522\
             &pageIndex=1&pageSize=100&status=RUNNING"
        );
    }

    #[test]
    fn a_whole_namespace_needs_no_filter() {
        let call = call("team-b", &Selection::default(), 3, 50, Arc::new(Shared::new(1)));
        assert_eq!(call.query, "pageIndex=3&pageSize=50");
    }
}
