//! Targets, and how deployments are listed.

use serde::Serialize;

use crate::config::Target;
use crate::config::target::OPERATIONS;
use crate::config::units::format_duration;
use crate::model::{DeploymentsOperation, ExecutionMode, JobStatus, LabelSelector, Selection};
use crate::poll;

#[derive(Serialize)]
pub(super) struct Namespace<'a> {
    name: &'a str,
    poll: Poll,
    #[serde(skip_serializing_if = "Option::is_none")]
    select: Option<Select<'a>>,
    api: &'static str,
}

impl<'a> From<&'a Target> for Namespace<'a> {
    fn from(target: &'a Target) -> Self {
        Self {
            name: &target.namespace,
            poll: Poll::from(target.poll),
            select: Select::of(&target.selection),
            api: api_name(target.operation),
        }
    }
}

pub(super) fn api_name(operation: DeploymentsOperation) -> &'static str {
    let name = OPERATIONS.iter().find(|(_, known)| *known == operation);
    name.map_or_else(|| operation.as_str(), |(name, _)| name)
}

#[derive(Serialize)]
pub(super) struct Poll {
    interval: String,
    timeout: String,
    stale_after: String,
}

impl From<poll::Settings> for Poll {
    fn from(settings: poll::Settings) -> Self {
        Self {
            interval: format_duration(settings.interval),
            timeout: format_duration(settings.timeout),
            stale_after: format_duration(settings.stale_after),
        }
    }
}

#[derive(Serialize)]
pub(super) struct Select<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    execution_mode: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    creator: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    modifier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<Label<'a>>,
}

impl<'a> Select<'a> {
    /// None if everything is selected.
    pub(super) fn of(selection: &'a Selection) -> Option<Self> {
        (*selection != Selection::default()).then(|| Self::from(selection))
    }
}

impl<'a> From<&'a Selection> for Select<'a> {
    fn from(selection: &'a Selection) -> Self {
        Self {
            name: selection.name.as_deref(),
            execution_mode: selection.execution_mode.map(ExecutionMode::as_str),
            status: selection.status.map(JobStatus::as_str),
            creator: selection.creator.as_deref(),
            modifier: selection.modifier.as_deref(),
            label: selection.label.as_ref().map(Label::from),
        }
    }
}

#[derive(Serialize)]
struct Label<'a> {
    key: &'a str,
    values: &'a [String],
}

impl<'a> From<&'a LabelSelector> for Label<'a> {
    fn from(label: &'a LabelSelector) -> Self {
        Self { key: &label.key, values: &label.values }
    }
}
