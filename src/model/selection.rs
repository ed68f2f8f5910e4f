//! Which deployments of a namespace a target covers, and by which operation they are listed.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

/// The API operation that lists a target's deployments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[schemars(rename = "operation")]
pub enum DeploymentsOperation {
    /// `ListDeployments`: paged, with every filter.
    #[default]
    #[serde(rename = "list")]
    ListDeployments,
    /// `GetDeploymentsByLabel`: one reply, one label.
    #[serde(rename = "by_label")]
    GetDeploymentsByLabel,
}

impl DeploymentsOperation {
    /// The name as the API, its RAM actions and the exporter's metrics spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ListDeployments => "ListDeployments",
            Self::GetDeploymentsByLabel => "GetDeploymentsByLabel",
        }
    }

    /// What separates the values of a label in the operation's query.
    pub fn label_value_separator(self) -> char {
        match self {
            Self::ListDeployments => ';',
            Self::GetDeploymentsByLabel => ',',
        }
    }
}

impl fmt::Display for DeploymentsOperation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The filter `executionMode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema, IntoStaticStr)]
#[serde(rename_all = "UPPERCASE")]
#[strum(serialize_all = "UPPERCASE")]
pub enum ExecutionMode {
    /// Unbounded jobs.
    Streaming,
    /// Bounded jobs.
    Batch,
}

impl ExecutionMode {
    /// Every mode.
    pub const ALL: [Self; 2] = [Self::Streaming, Self::Batch];

    /// The name as the API spells it.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The filter `status`: the state of a deployment's latest job, in the words of this filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema, IntoStaticStr)]
#[serde(rename_all = "UPPERCASE")]
#[strum(serialize_all = "UPPERCASE")]
pub enum JobStatus {
    /// The latest job was cancelled.
    Cancelled,
    /// The latest job failed.
    Failed,
    /// The latest job runs.
    Running,
    /// The latest job starts or is being cancelled.
    Transitioning,
    /// The latest job came to its end.
    Finished,
}

impl JobStatus {
    /// The name as the API spells it.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Deployments that carry the label `key` with any of `values`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a label, such as {key: team, values: [payments]}")]
#[schemars(rename = "label", extend("required" = ["key", "values"]))]
pub struct LabelSelector {
    /// The label's key.
    #[serde(default)]
    pub key: String,
    /// The values, any of which matches; never empty.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub values: Vec<String>,
}

/// The filters of a target; the default selects a whole namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "select")]
pub struct Selection {
    /// The deployment's name.
    pub name: Option<String>,
    /// The execution mode.
    pub execution_mode: Option<ExecutionMode>,
    /// The latest job's state.
    pub status: Option<JobStatus>,
    /// The creator's UID.
    pub creator: Option<String>,
    /// The last modifier's UID.
    pub modifier: Option<String>,
    /// A label.
    pub label: Option<LabelSelector>,
}

/// The `selection` label: empty for a whole namespace, else `key=value` in the configuration's order.
impl fmt::Display for Selection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = self.label.as_ref().map(|label| format!("{}={}", label.key, label.values.join("|")));
        let parts = [
            ("name", self.name.as_deref()),
            ("execution_mode", self.execution_mode.map(ExecutionMode::as_str)),
            ("status", self.status.map(JobStatus::as_str)),
            ("creator", self.creator.as_deref()),
            ("modifier", self.modifier.as_deref()),
            ("label", label.as_deref()),
        ];
        let mut separator = "";
        for (key, value) in parts.into_iter().filter_map(|(key, value)| Some((key, value?))) {
            write!(formatter, "{separator}{key}={value}")?;
            separator = ",";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_reads_in_the_configurations_order() {
        let selection = Selection {
            execution_mode: Some(ExecutionMode::Streaming),
            label: Some(LabelSelector {
                key: "team".into(),
                values: vec!["payments".into(), "search".into()],
            }),
            ..Selection::default()
        };
        assert_eq!(selection.to_string(), "execution_mode=STREAMING,label=team=payments|search");
        assert_eq!(Selection::default().to_string(), "");
    }
}
