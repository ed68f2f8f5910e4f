//! The operations that list workspaces and namespaces.

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::query_parameters::{DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, Parameters};
use crate::region::Region;
use crate::reply::Refusal;
use crate::workspace::{Moment, Workspace};

/// The reply of `DescribeInstances`.
pub(crate) fn describe_instances(
    region: &Region,
    parameters: &Parameters,
    moment: Moment,
    request_id: &str,
) -> Result<Value, Refusal> {
    let name = parameters.required("Region", "MissingRegion")?;
    let filters = Filters::read(parameters, moment)?;
    let page = Page::read(parameters, ["PageIndex", "PageSize"])?;
    let (selected, total) = page.of(region.listed().filter(|workspace| filters.select(workspace)));
    let instances: Vec<_> = selected.into_iter().map(|workspace| workspace.render(name, moment)).collect();
    Ok(page.reply("Instances", &instances, total, request_id))
}

/// The reply of `DescribeNamespaces`.
pub(crate) fn describe_namespaces(
    region: &Region,
    parameters: &Parameters,
    moment: Moment,
    request_id: &str,
) -> Result<Value, Refusal> {
    parameters.required("Region", "MissingRegion")?;
    let id = parameters.required("InstanceId", "MissingInstanceId")?;
    let workspace =
        region.instance(id).ok_or_else(|| Refusal::not_found(format!("instance not found: {id}")))?;
    let page = Page::read(parameters, ["PageIndex", "PageSize"])?;
    let name = parameters.get("Namespace");
    let found = workspace.fleet.listed(moment.elapsed);
    let (selected, total) =
        page.of(found.filter(|namespace| name.is_none_or(|name| namespace.name() == name)));
    let namespaces: Vec<_> =
        selected.into_iter().map(|namespace| workspace.render_namespace(namespace, moment)).collect();
    Ok(page.reply("Namespaces", &namespaces, total, request_id))
}

/// The reply of `ListEditableNamespace`, whose numbers are strings.
pub(crate) fn list_editable_namespace(
    region: &Region,
    parameters: &Parameters,
    moment: Moment,
    request_id: &str,
) -> Result<Value, Refusal> {
    parameters.required("regionId", "MissingRegionId")?;
    let page = Page::read(parameters, ["pageIndex", "pageSize"])?;
    let (workspace, namespace) = (parameters.get("workspaceId"), parameters.get("namespace"));
    let running = region.listed().filter(|listed| listed.is_running());
    let running = running.filter(|listed| workspace.is_none_or(|id| listed.id == id));
    let all = running.flat_map(|workspace| {
        workspace.fleet.listed(moment.elapsed).map(move |namespace| (workspace, namespace))
    });
    let (selected, total) =
        page.of(all.filter(|(_, listed)| namespace.is_none_or(|name| listed.name() == name)));
    let entry = |(workspace, namespace): (&Workspace, &crate::fleet::Namespace)| json!({"Namespace": namespace.name(), "Role": "VIEWER", "WorkspaceId": workspace.id});
    let entries: Vec<_> = selected.into_iter().map(entry).collect();
    Ok(json!({
        "requestId": request_id,
        "success": true,
        "httpCode": 200,
        "message": "",
        "reason": "",
        "data": {
            "pageIndex": page.index.to_string(),
            "pageSize": page.size.to_string(),
            "total": total.to_string(),
            "editableNamespaces": entries,
        },
    }))
}

/// What a query selects.
struct Filters<'q> {
    parameters: &'q Parameters,
    tags: Vec<(String, String)>,
    moment: Moment,
}

impl<'q> Filters<'q> {
    fn read(parameters: &'q Parameters, moment: Moment) -> Result<Self, Refusal> {
        let wrong = || Refusal::gateway(StatusCode::BAD_REQUEST, "InvalidTags", "Tags is not valid.");
        let tags = match parameters.get("Tags") {
            Some(text) => serde_json::from_str(text).map_err(|_| wrong())?,
            None => Vec::new(),
        };
        let text = |tag: &Value, key: &str| tag[key].as_str().map(str::to_owned);
        let tags = tags.iter().map(|tag| text(tag, "Key").zip(text(tag, "Value")));
        Ok(Self { parameters, tags: tags.collect::<Option<_>>().ok_or_else(wrong)?, moment })
    }

    fn select(&self, workspace: &Workspace) -> bool {
        let is = |key: &str, value: &str| self.parameters.get(key).is_none_or(|wanted| wanted == value);
        let elastic = if workspace.is_elastic() { "true" } else { "false" };
        let has_namespace =
            |name: &str| workspace.fleet.listed(self.moment.elapsed).any(|n| n.name() == name);
        is("InstanceId", &workspace.instance_id)
            && is("InstanceName", &workspace.name)
            && is("ChargeType", workspace.charge_type())
            && is("ArchitectureType", "X86")
            && self.parameters.get("Elastic").is_none_or(|wanted| wanted.eq_ignore_ascii_case(elastic))
            && self.parameters.get("NamespaceName").is_none_or(has_namespace)
            && self.tags.iter().all(|(key, value)| workspace.has_tag(key, value))
    }
}

/// Which part of a listing is asked for.
struct Page {
    index: usize,
    size: usize,
}

impl Page {
    fn read(parameters: &Parameters, [index, size]: [&str; 2]) -> Result<Self, Refusal> {
        Ok(Self {
            index: parameters.number(index, 1, usize::MAX)?,
            size: parameters.number(size, DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)?,
        })
    }

    /// The objects on the page, and the number of all.
    fn of<T>(&self, all: impl Iterator<Item = T>) -> (Vec<T>, usize) {
        let mut all: Vec<T> = all.collect();
        let total = all.len();
        let skip = (self.index - 1).saturating_mul(self.size).min(total);
        let mut page = all.split_off(skip);
        page.truncate(self.size);
        (page, total)
    }

    /// A reply in the form of `foasconsole`.
    fn reply(&self, key: &str, objects: &[Value], total: usize, request_id: &str) -> Value {
        json!({
            "RequestId": request_id,
            "Success": true,
            "PageIndex": self.index,
            "PageSize": self.size,
            "TotalCount": total,
            "TotalPage": total.div_ceil(self.size),
            key: objects,
        })
    }
}
