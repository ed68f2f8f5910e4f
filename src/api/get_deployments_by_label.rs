//! `GetDeploymentsByLabel`: everything with a label, in one reply.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::call::{Call, Shared};
use crate::model::{Operation, Selection, Wanted};

/// The call; what is not `wanted` is not asked for.
pub(super) fn call(namespace: &str, selection: &Selection, wanted: &Wanted, shared: Arc<Shared>) -> Call {
    let separator = Operation::GetDeploymentsByLabel.label_value_separator().to_string();
    let values = selection.label.as_ref().map(|label| label.values.join(&separator)).unwrap_or_default();
    let key = selection.label.as_ref().map(|label| label.key.as_str()).unwrap_or_default();
    let mut parameters = vec![("labelKey", key), ("labelValue", values.as_str())];
    if !wanted.jobs {
        parameters.push(("ignoreJobSummary", "true"));
    }
    if !wanted.resources {
        parameters.push(("ignoreResourceSetting", "true"));
    }
    let namespace = acs3::encode(namespace);
    Call {
        operation: Operation::GetDeploymentsByLabel,
        path: format!("/api/v2/namespaces/{namespace}/deployments/getDeployments/byLabel"),
        query: acs3::canonical_query(&parameters),
        abandoned: CancellationToken::new(),
        shared,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{LabelKeys, LabelSelector};

    fn query(wanted: &Wanted) -> String {
        let label = LabelSelector { key: "team".into(), values: vec!["a".into(), "b;c".into()] };
        call(
            "ns",
            &Selection { label: Some(label), ..Selection::default() },
            wanted,
            Arc::new(Shared::new(1)),
        )
        .query
    }

    #[test]
    fn only_what_is_wanted_is_asked_for() {
        assert_eq!(query(&Wanted::default()), "labelKey=team&labelValue=a%2Cb%3Bc");
        let nothing = Wanted { jobs: false, resources: false, labels: LabelKeys::default() };
        assert_eq!(
            query(&nothing),
            "ignoreJobSummary=true&ignoreResourceSetting=true&labelKey=team&labelValue=a%2Cb%3Bc"
        );
    }
}
