//! The odd values that a few deployments carry: what a client must survive.

use serde_json::{Value, json};
use strum::VariantArray;

/// What is odd about a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, VariantArray)]
pub(crate) enum OddValue {
    UnreadableMemory,
    CpuAsText,
    NullParts,
    NoJobSummary,
    NameWithQuotes,
    NegativeParallelism,
    EmptyMode,
    NameInUnicode,
    UnreadablePlan,
    AutomaticMode,
    NameWithBackslash,
    UnreadableTimestamp,
}

impl OddValue {
    /// One deployment in forty is odd, each in its own way; all of these are streaming ones.
    pub(crate) fn of(namespace: usize, index: usize) -> Option<Self> {
        let turn = namespace * 5 + index / 40;
        (index % 40 == 17).then(|| Self::VARIANTS[turn % Self::VARIANTS.len()])
    }

    /// The odd form of `name`.
    pub(crate) fn name(self, name: &str) -> String {
        match self {
            Self::NameWithQuotes => format!("{name} \"v2\" {{new}}"),
            Self::NameInUnicode => format!("{name}-订单宽表-é😀"),
            Self::NameWithBackslash => format!("{name}\\n\\backup"),
            _ => name.to_owned(),
        }
    }

    /// Makes a deployment's JSON odd.
    pub(crate) fn apply(self, deployment: &mut Value) {
        const STREAMING: &str = "/streamingResourceSetting";
        const BASIC: &str = "/streamingResourceSetting/basicResourceSetting";
        let mut set = |path: &str, value: Value| {
            if let Some(place) = deployment.pointer_mut(path) {
                *place = value;
            }
        };
        match self {
            Self::UnreadableMemory => {
                set(&format!("{BASIC}/taskmanagerResourceSettingSpec/memory"), json!("lots"));
            }
            Self::CpuAsText => set(&format!("{BASIC}/taskmanagerResourceSettingSpec/cpu"), json!("2")),
            Self::NegativeParallelism => set(&format!("{BASIC}/parallelism"), json!(-4)),
            Self::EmptyMode => set(&format!("{STREAMING}/resourceSettingMode"), json!("")),
            Self::AutomaticMode => set(&format!("{STREAMING}/resourceSettingMode"), json!("AUTO")),
            Self::UnreadableTimestamp => set("/modifiedAt", json!("yesterday")),
            Self::UnreadablePlan => {
                let plan =
                    json!({"resourceSettingMode": "EXPERT", "expertResourceSetting": {"resourcePlan": "{"}});
                set(STREAMING, plan);
            }
            Self::NullParts => {
                for part in ["labels", "flinkConf", "logging", "localVariables", "modifierName"] {
                    set(&format!("/{part}"), Value::Null);
                }
                set(&format!("{BASIC}/jobmanagerResourceSettingSpec"), Value::Null);
            }
            Self::NoJobSummary => {
                if let Some(members) = deployment.as_object_mut() {
                    members.remove("jobSummary");
                }
            }
            Self::NameWithQuotes | Self::NameInUnicode | Self::NameWithBackslash => {}
        }
    }
}
