//! `GetDeploymentsByLabel`, which returns all deployments with a label in one response.
//! Reference (November 2026): <https://next.api.alibabacloud.com/api/ververica/2022-07-18/GetDeploymentsByLabel>

use std::sync::Arc;

use lenient_json::{Cursor, Lenient};

use super::decoder;
use crate::{
    api::{DecodeError, Decoded, Decoder, Operation, Pagination},
    model::{Deployment, DeploymentsOperation, FieldSelection, LabelSelector},
};

/// The operation.
#[derive(Debug)]
pub(super) struct GetDeploymentsByLabel {
    pub(super) namespace: String,
    pub(super) label: Option<LabelSelector>,
    pub(super) fields: Arc<FieldSelection>,
}

impl Operation for GetDeploymentsByLabel {
    type Item = Deployment;

    const ACTION: &'static str = DeploymentsOperation::GetDeploymentsByLabel.as_str();
    const PAGINATION: Pagination = Pagination::None;
    const ITEMS: &'static str = "deployments";

    fn path(&self) -> String {
        let namespace = acs3::encode(&self.namespace);
        format!("/api/v2/namespaces/{namespace}/deployments/getDeployments/byLabel")
    }

    fn parameters(&self) -> Vec<(&'static str, String)> {
        let separator = DeploymentsOperation::GetDeploymentsByLabel.label_value_separator().to_string();
        let (key, values) = match &self.label {
            Some(label) => (label.key.clone(), label.values.join(&separator)),
            None => Default::default(),
        };
        let mut parameters = vec![("labelKey", key), ("labelValue", values)];
        if !self.fields.jobs {
            parameters.push(("ignoreJobSummary", "true".to_owned()));
        }
        if !self.fields.resources {
            parameters.push(("ignoreResourceSetting", "true".to_owned()));
        }
        parameters
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
    use crate::model::LabelKeys;

    fn query(fields: FieldSelection) -> String {
        let label = LabelSelector { key: "team".into(), values: vec!["a".into(), "b;c".into()] };
        let operation =
            GetDeploymentsByLabel { namespace: "ns".into(), label: Some(label), fields: Arc::new(fields) };
        let parameters = operation.parameters();
        let parameters: Vec<_> = parameters.iter().map(|(key, value)| (*key, value.as_str())).collect();
        acs3::canonical_query(&parameters)
    }

    #[test]
    fn only_selected_fields_are_requested() {
        assert_eq!(query(FieldSelection::default()), "labelKey=team&labelValue=a%2Cb%3Bc");
        let nothing = FieldSelection { jobs: false, resources: false, labels: LabelKeys::default() };
        assert_eq!(
            query(nothing),
            "ignoreJobSummary=true&ignoreResourceSetting=true&labelKey=team&labelValue=a%2Cb%3Bc"
        );
    }
}
