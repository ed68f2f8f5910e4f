//! Lookups of last job statuses: when the job counts do not show how the last job of a deployment ended, the poll
//! queries the API for it.

use std::time::Duration;

use tokio::time::Instant;

use crate::model::{Deployment, DeploymentStatus, LastJobStatuses};

/// Interval between lookups of an unknown status after the first two attempts.
const LOOKUP_INTERVAL: Duration = Duration::from_secs(600);

/// Number of lookups without [`LOOKUP_INTERVAL`] between them: in the poll that needs the status, and in the next
/// one.
const PROMPT_LOOKUPS: u8 = 2;

/// The API's answer to the query for last job statuses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum StatusLookup {
    /// It was not queried.
    #[default]
    NotNeeded,
    /// The request failed.
    Failed,
    /// It returned these statuses.
    Statuses(LastJobStatuses),
}

impl StatusLookup {
    /// The status of a deployment by the answer. None if the API was not queried.
    pub(super) fn status(&self, deployment: &Deployment) -> Option<DeploymentStatus> {
        let statuses = match self {
            Self::NotNeeded => return None,
            Self::Failed => return Some(DeploymentStatus::Unknown),
            Self::Statuses(statuses) => statuses,
        };
        let mut ended = statuses.of(&deployment.id);
        Some(match (ended.next(), ended.next()) {
            (Some(state), None) => DeploymentStatus::ended(state).unwrap_or(DeploymentStatus::Unknown),
            (None, _) if !deployment.jobs.has_any() => DeploymentStatus::None,
            _ => DeploymentStatus::Unknown,
        })
    }
}

/// Lookups of the status of a deployment since a count last changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct LookupAttempts {
    attempts: u8,
    last: Option<Instant>,
}

impl LookupAttempts {
    /// Whether the next lookup is due.
    pub(super) fn is_due(self, now: Instant) -> bool {
        let Some(last) = self.last else { return true };
        self.attempts < PROMPT_LOOKUPS || now.saturating_duration_since(last) >= LOOKUP_INTERVAL
    }

    /// Records a lookup.
    pub(super) fn add(&mut self, now: Instant) {
        self.attempts = self.attempts.saturating_add(1);
        self.last = Some(now);
    }
}
