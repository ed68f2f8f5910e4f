//! The queries for deployments, read as the service reads them.

use crate::parameters::{DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, Parameters};
use crate::reply::Refusal;
use crate::selection::{ExecutionMode, JobStatus, LabelSelector, Selection};

/// What `ListDeployments` is asked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ListQuery {
    pub(crate) page_index: usize,
    pub(crate) page_size: usize,
    pub(crate) selection: Selection,
}

/// What `GetDeploymentsByLabel` is asked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LabelQuery {
    pub(crate) selection: Selection,
    pub(crate) ignore_job_summary: bool,
    pub(crate) ignore_resource_setting: bool,
}

impl ListQuery {
    pub(crate) fn read(query: &str) -> Result<Self, Refusal> {
        let parameters = Parameters::read(query);
        let label = match (parameters.get("labelKey"), parameters.get("labelValueArray")) {
            (Some(key), Some(values)) => Some(label(key, values, ';')),
            (None, None) => None,
            _ => return Err(Refusal::parameter("labelKey and labelValueArray go together")),
        };
        Ok(Self {
            page_index: parameters.number("pageIndex", 1, usize::MAX)?,
            page_size: parameters.number("pageSize", DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)?,
            selection: Selection {
                name: parameters.owned("name"),
                execution_mode: parameters.one_of(
                    "executionMode",
                    &ExecutionMode::ALL,
                    ExecutionMode::as_str,
                )?,
                status: parameters.one_of("status", &JobStatus::ALL, JobStatus::as_str)?,
                creator: parameters.owned("creator"),
                modifier: parameters.owned("modifier"),
                label,
            },
        })
    }
}

impl LabelQuery {
    pub(crate) fn read(query: &str) -> Result<Self, Refusal> {
        let parameters = Parameters::read(query);
        let key = parameters.required("labelKey", "MissinglabelKey")?;
        let values = parameters.required("labelValue", "MissinglabelValue")?;
        let label = Some(label(key, values, ','));
        Ok(Self {
            selection: Selection { label, ..Selection::default() },
            ignore_job_summary: parameters.flag("ignoreJobSummary"),
            ignore_resource_setting: parameters.flag("ignoreResourceSetting"),
        })
    }
}

fn label(key: &str, values: &str, separator: char) -> LabelSelector {
    let values = values.split(separator).map(str::to_owned).collect();
    LabelSelector { key: key.to_owned(), values }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_out_of_range_is_refused() {
        for query in ["pageIndex=0", "pageSize=0", "pageSize=101", "pageSize=ten", "pageIndex=-1"] {
            assert!(ListQuery::read(query).is_err(), "{query}");
        }
        let query = ListQuery::read("pageIndex=&sortName=gmt_create").unwrap();
        assert_eq!((query.page_index, query.page_size), (1, 10));
    }

    #[test]
    fn every_filter_is_read_in_any_encoding() {
        let query = ListQuery::read(
            "name=a+b&executionMode=BATCH&status=TRANSITIONING&creator=1&modifier=2&labelKey=%E7%8E%AF&labelValueArray=x%3By,z",
        );
        assert_eq!(
            query.unwrap().selection,
            Selection {
                name: Some("a b".into()),
                execution_mode: Some(ExecutionMode::Batch),
                status: Some(JobStatus::Transitioning),
                creator: Some("1".into()),
                modifier: Some("2".into()),
                label: Some(LabelSelector { key: "环".into(), values: vec!["x".into(), "y,z".into()] }),
            }
        );
        for query in ["status=STARTING", "executionMode=STREAM", "labelKey=team", "labelValueArray=a"] {
            assert!(ListQuery::read(query).is_err(), "{query}");
        }
    }

    #[test]
    fn a_label_query_needs_a_key_and_values() {
        assert!(LabelQuery::read("labelKey=team").is_err());
        assert!(LabelQuery::read("labelValue=a").is_err());
        let query = LabelQuery::read("labelKey=team&labelValue=a,b&ignoreJobSummary=True").unwrap();
        assert_eq!(query.selection.label.unwrap().values, ["a", "b"]);
        assert!(query.ignore_job_summary && !query.ignore_resource_setting);
    }
}
