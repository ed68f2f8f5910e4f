//! The operations of both products.

use strum::{EnumString, IntoStaticStr, VariantArray};

/// The API version of `ververica`.
const VERVERICA: &str = "2022-07-18";

/// The API version of `foasconsole`.
const FOASCONSOLE: &str = "2021-10-28";

/// An operation of the API. Parsed from the name in `x-acs-action`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, EnumString, VariantArray)]
pub enum Operation {
    /// The deployments of a namespace: paged, with every filter.
    ListDeployments,
    /// The deployments with a label, in one reply.
    GetDeploymentsByLabel,
    /// The jobs of a deployment, paged.
    ListJobs,
    /// The queues of a namespace.
    ListDeploymentTargets,
    /// The session clusters of a namespace.
    ListSessionClusters,
    /// The engine versions that a workspace knows.
    ListEngineVersionMetadata,
    /// The namespaces of all workspaces.
    ListEditableNamespace,
    /// The workspaces.
    DescribeInstances,
    /// The namespaces of a workspace.
    DescribeNamespaces,
}

impl Operation {
    /// The name in `x-acs-action`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The RAM action that it needs.
    pub(crate) fn ram_action(self) -> String {
        let name = match self {
            Self::DescribeInstances => "DescribeVvpInstances",
            Self::DescribeNamespaces => "DescribeVvpNamespaces",
            _ => self.as_str(),
        };
        format!("stream:{name}")
    }

    /// The version of its product, in `x-acs-version`.
    pub(crate) fn version(self) -> &'static str {
        if self.is_of_console() { FOASCONSOLE } else { VERVERICA }
    }

    /// Whether it belongs to `foasconsole`, whose keys are in Pascal case.
    pub(crate) fn is_of_console(self) -> bool {
        matches!(self, Self::DescribeInstances | Self::DescribeNamespaces)
    }
}
