//! The target that a path and its query name.

use std::collections::HashMap;

use hyper::Uri;
use percent_encoding::percent_decode_str;

use crate::{
    collectors,
    model::{GroupId, TargetId},
};

/// The parameters of a query. If a name occurs more than once, the last value wins.
pub(super) fn parameters(uri: &Uri) -> HashMap<String, String> {
    let query = uri.query().unwrap_or_default().as_bytes();
    url::form_urlencoded::parse(query).into_owned().collect()
}

/// The target of deployments that `WORKSPACE/NAMESPACE` and the parameter `selection` name.
pub(super) fn target(path: &str, parameters: &HashMap<String, String>) -> Option<TargetId> {
    let (workspace, namespace) = path.split_once('/')?;
    if namespace.contains('/') {
        return None;
    }
    let decode = |text| Some(percent_decode_str(text).decode_utf8().ok()?.into_owned());
    let selection = parameters.get("selection").cloned().unwrap_or_default();
    let (workspace, namespace) = (decode(workspace)?, decode(namespace)?);
    Some(TargetId { workspace, namespace, collector: collectors::DEPLOYMENTS, selection })
}

/// The namespace and the deployment that `WORKSPACE/NAMESPACE/deployments/ID` names.
pub(super) fn deployment(path: &str) -> Option<(GroupId, String)> {
    let (namespace, id) = path.split_once("/deployments/")?;
    let id = percent_decode_str(id).decode_utf8().ok()?.into_owned();
    Some((target(namespace, &HashMap::new())?.group(), id))
}
