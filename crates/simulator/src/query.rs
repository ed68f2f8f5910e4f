//! The queries for deployments and jobs, read as the service reads them.

use crate::deployment_filters::{DeploymentFilters, LabelSelector};
use crate::query_parameters::{DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, Parameters};
use crate::reply::Refusal;

/// What `ListDeployments` is asked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ListQuery {
    pub(crate) page_index: usize,
    pub(crate) page_size: usize,
    pub(crate) selection: DeploymentFilters,
}

/// What `GetDeploymentsByLabel` is asked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LabelQuery {
    pub(crate) selection: DeploymentFilters,
    pub(crate) ignore_job_summary: bool,
    pub(crate) ignore_resource_setting: bool,
}

/// What `ListJobs` is asked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct JobsQuery {
    pub(crate) page_index: usize,
    pub(crate) page_size: usize,
    pub(crate) deployment_id: String,
    pub(crate) newest_first: bool,
}

impl JobsQuery {
    pub(crate) fn read(query: &str) -> Result<Self, Refusal> {
        let parameters = Parameters::read(query);
        let deployment_id = parameters.owned("deploymentId");
        let order = parameters.get("sortOrder").unwrap_or_default();
        Ok(Self {
            page_index: parameters.number("pageIndex", 1, usize::MAX)?,
            page_size: parameters.number("pageSize", DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)?,
            deployment_id: deployment_id.ok_or_else(|| Refusal::parameter("deploymentId is missing"))?,
            newest_first: parameters.get("sortName").is_some() && order.eq_ignore_ascii_case("desc"),
        })
    }
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
            selection: DeploymentFilters {
                name: parameters.owned("name"),
                execution_mode: parameters.parse("executionMode")?,
                status: parameters.parse("status")?,
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
            selection: DeploymentFilters { label, ..DeploymentFilters::default() },
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
    use crate::deployment_filters::{ExecutionMode, JobStatus};

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
            DeploymentFilters {
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
    fn a_query_for_jobs_needs_a_deployment_and_knows_its_order() {
        for query in ["", "deploymentId=", "deploymentId=a&pageSize=101", "deploymentId=a&pageIndex=0"] {
            assert!(JobsQuery::read(query).is_err(), "{query}");
        }
        let query = JobsQuery::read("deploymentId=a&sortName=gmt_create&sortOrder=desc&pageIndex=2").unwrap();
        let deployment_id = "a".to_owned();
        assert_eq!(query, JobsQuery { page_index: 2, page_size: 10, deployment_id, newest_first: true });
        assert!(!JobsQuery::read("deploymentId=a&sortOrder=desc").unwrap().newest_first);
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
