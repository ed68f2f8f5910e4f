//! Links to pages, and the parameters they carry.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{
    model::{GroupId, TargetId},
    web::route_prefix::Paths,
};

/// Characters that need no escaping in a path segment or a query value.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The link to a target's page.
pub(super) fn target_link(paths: &Paths, id: &TargetId) -> String {
    let encode = |text| utf8_percent_encode(text, UNRESERVED);
    let mut path = paths.link(&format!("/targets/{}/{}", encode(&id.workspace), encode(&id.namespace)));
    if !id.selection.is_empty() {
        let _ = write!(path, "?selection={}", encode(&id.selection));
    }
    path
}

/// The link to a deployment's page.
pub(super) fn deployment_link(paths: &Paths, group: &GroupId, id: &str) -> String {
    let [workspace, namespace, id] =
        [&group.workspace, &group.namespace, id].map(|text| utf8_percent_encode(text, UNRESERVED));
    paths.link(&format!("/targets/{workspace}/{namespace}/deployments/{id}"))
}

/// The parameters of a target's page.
#[derive(Debug, Clone, Default)]
pub(in crate::web) struct PageQuery {
    /// The search text.
    pub(in crate::web) search: String,
    /// The column to sort by.
    pub(in crate::web) sort: String,
    /// Whether to sort in descending order.
    pub(in crate::web) descending: bool,
    /// The page number, from 0.
    pub(in crate::web) page: usize,
}

/// The link to a target's page with the parameters of `query`.
pub(super) fn page_link(paths: &Paths, id: &TargetId, query: &PageQuery) -> String {
    let mut link = target_link(paths, id);
    let mut separator = if id.selection.is_empty() { '?' } else { '&' };
    let mut add = |name: &str, value: &str| {
        let _ = write!(link, "{separator}{name}={}", utf8_percent_encode(value, UNRESERVED));
        separator = '&';
    };
    if !query.search.is_empty() {
        add("q", &query.search);
    }
    if !query.sort.is_empty() {
        add("sort", &query.sort);
    }
    if query.descending {
        add("desc", "1");
    }
    if query.page > 0 {
        add("page", &query.page.to_string());
    }
    link
}
