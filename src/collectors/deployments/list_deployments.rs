//! `ListDeployments`, which is paginated and has all filters.
//! Reference (November 2026): <https://next.api.alibabacloud.com/api/ververica/2022-07-18/ListDeployments>

use std::sync::Arc;

use lenient_json::{Cursor, Lenient};

use super::decoder;
use crate::{
    api::{DecodeError, Decoded, Decoder, Operation, Pagination},
    model::{Deployment, DeploymentsOperation, ExecutionMode, FieldSelection, JobStatus, Selection},
};

/// The operation.
#[derive(Debug)]
pub(super) struct ListDeployments {
    pub(super) namespace: String,
    pub(super) selection: Selection,
    pub(super) fields: Arc<FieldSelection>,
}

impl Operation for ListDeployments {
    type Item = Deployment;

    const ACTION: &'static str = DeploymentsOperation::ListDeployments.as_str();
    const PAGINATION: Pagination = Pagination::TotalSize;
    const ITEMS: &'static str = "deployments";

    fn path(&self) -> String {
        format!("/api/v2/namespaces/{}/deployments", acs3::encode(&self.namespace))
    }

    fn parameters(&self) -> Vec<(&'static str, String)> {
        let Selection { name, execution_mode, status, creator, modifier, label } = &self.selection;
        let separator = DeploymentsOperation::ListDeployments.label_value_separator().to_string();
        let parameters = [
            ("creator", creator.clone()),
            ("executionMode", execution_mode.map(ExecutionMode::as_str).map(str::to_owned)),
            ("labelKey", label.as_ref().map(|label| label.key.clone())),
            ("labelValueArray", label.as_ref().map(|label| label.values.join(&separator))),
            ("modifier", modifier.clone()),
            ("name", name.clone()),
            ("status", status.map(JobStatus::as_str).map(str::to_owned)),
        ];
        parameters.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
    }

    fn namespace(&self) -> &str {
        &self.namespace
    }

    fn key(deployment: &Deployment) -> &str {
        &deployment.id
    }

    fn decode(
        &self,
        decoder: Decoder,
        cursor: &mut Cursor<'_>,
    ) -> Result<Lenient<Decoded<Deployment>>, DecodeError> {
        decoder::decode(decoder, &self.fields, cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::LabelSelector;

    fn operation(namespace: &str, selection: Selection) -> ListDeployments {
        ListDeployments { namespace: namespace.into(), selection, fields: Arc::default() }
    }

    fn query(operation: &ListDeployments) -> String {
        let parameters = operation.parameters();
        let parameters: Vec<_> = parameters.iter().map(|(key, value)| (*key, value.as_str())).collect();
        acs3::canonical_query(&parameters)
    }

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
        let operation = operation("default-namespace", selection);
        assert_eq!(operation.path(), "/api/v2/namespaces/default-namespace/deployments");
        // The official SDK sends the same, except `+` instead of `%20`.
        assert_eq!(
            query(&operation),
            "creator=183899668000000&executionMode=STREAMING&labelKey=%E7%8E%AF%E5%A2%83%20key\
             &labelValueArray=value%201%3Bvalue%2B2%2C%2A~&modifier=183899668000001&name=vvp_ds_0522\
             &status=RUNNING"
        );
    }

    #[test]
    fn a_whole_namespace_needs_no_filter() {
        assert_eq!(query(&operation("team-b", Selection::default())), "");
    }
}
