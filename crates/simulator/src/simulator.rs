//! The simulated API: routes, what changes on request, and the count of requests.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::header::HOST;
use hyper::{Method, Request, Response, StatusCode};
use parking_lot::{Mutex, RwLock, RwLockReadGuard};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tracing::debug;

use crate::console;
use crate::deployment::View;
use crate::deployment_filters::DeploymentFilters;
use crate::fleet::Namespace;
use crate::gateway::{self, Gateway};
use crate::injected_faults::{FaultInjector, Faults};
use crate::listing_page::Listing;
use crate::operation::Operation;
use crate::query::{JobsQuery, LabelQuery, ListQuery};
use crate::query_parameters::Parameters;
use crate::region::Region;
use crate::reply::{Refusal, Reply, ReplyBody};
use crate::rng::{mix, uuid};
use crate::settings::Settings;
use crate::workspace::{Moment, Workspace};
use crate::{engine_versions, queues, session_clusters};
use clock::Clock;

/// The operation under which [`Simulator::requests_seen`] counts requests for none that exists.
pub const UNKNOWN_OPERATION: &str = "unknown";

/// The simulated API.
pub struct Simulator {
    seed: u64,
    latency: Duration,
    clock: Clock,
    /// Since the Unix epoch.
    started: Duration,
    region: RwLock<Region>,
    denied: Mutex<Vec<Operation>>,
    gateway: Gateway,
    faults: FaultInjector,
    received: AtomicU64,
    answered: Mutex<BTreeMap<(&'static str, u16), u64>>,
}

impl Simulator {
    /// A simulator whose time begins now.
    pub fn new(settings: Settings, clock: Clock) -> Self {
        let region = Region::new(&settings);
        let Settings { access_key, seed, latency, faults, denied, .. } = settings;
        Self {
            seed,
            latency,
            clock,
            started: clock.since_epoch(),
            region: RwLock::new(region),
            denied: Mutex::new(denied),
            gateway: Gateway::new(access_key, clock),
            faults: FaultInjector::new(faults, seed),
            received: AtomicU64::new(0),
            answered: Mutex::default(),
        }
    }

    /// The names of the namespaces of the first workspace, without the one that comes and goes.
    pub fn namespaces(&self) -> Vec<String> {
        self.region().first().map(|workspace| workspace.fleet.names()).unwrap_or_default()
    }

    /// The ids of the workspaces that listings return.
    pub fn workspaces(&self) -> Vec<String> {
        self.region().listed().map(|workspace| workspace.id.clone()).collect()
    }

    /// Creates a namespace with `deployments` deployments in a workspace.
    pub fn add_namespace(&self, workspace: &str, name: &str, deployments: usize) {
        self.change(workspace, |workspace| workspace.fleet.add(name, deployments));
    }

    /// Deletes a namespace.
    pub fn remove_namespace(&self, workspace: &str, name: &str) {
        self.change(workspace, |workspace| workspace.fleet.remove(name));
    }

    /// Makes listings lack a namespace that still answers, or return it again.
    pub fn set_namespace_listed(&self, workspace: &str, name: &str, listed: bool) {
        self.change(workspace, |workspace| workspace.fleet.set_listed(name, listed));
    }

    /// Makes listings lack a workspace that still answers, or return it again.
    pub fn set_workspace_listed(&self, workspace: &str, listed: bool) {
        self.change(workspace, |workspace| workspace.listed = listed);
    }

    /// Sets the status of a workspace. Only one with the status `RUNNING` answers.
    pub fn set_workspace_status(&self, workspace: &str, status: &str) {
        self.change(workspace, |workspace| workspace.set_status(status));
    }

    /// Makes the live job fail, for good, of the first `count` streaming deployments of a namespace that have one. Returns how
    /// many failed.
    pub fn fail_jobs(&self, workspace: &str, namespace: &str, count: usize) -> usize {
        let elapsed = self.now().elapsed;
        let mut failed = 0;
        self.change(workspace, |workspace| failed = workspace.fleet.fail(namespace, count, elapsed));
        failed
    }

    /// From now on the RAM actions of these operations are denied, and no others.
    pub fn set_denied(&self, denied: Vec<Operation>) {
        *self.denied.lock() = denied;
    }

    fn change(&self, workspace: &str, change: impl FnOnce(&mut Workspace)) {
        let mut region = self.region.write();
        if let Some(workspace) = region.workspace_mut(workspace) {
            change(workspace);
        }
    }

    fn now(&self) -> Moment {
        Moment {
            started: i64::try_from(self.started.as_secs()).unwrap_or(i64::MAX),
            elapsed: self.clock.since_epoch().saturating_sub(self.started).as_secs(),
        }
    }

    fn region(&self) -> RwLockReadGuard<'_, Region> {
        self.region.read()
    }

    /// From now on these faults strike, and no others.
    pub fn set_faults(&self, faults: Faults) {
        self.faults.set(faults);
    }

    /// How many requests were answered, by operation and HTTP status. Each is counted once, as soon as its answer
    /// is known: one that is broken off amid the body counts under the status it was sent with, and one whose
    /// client went away before its answer counts too.
    pub fn requests_seen(&self) -> BTreeMap<(&'static str, u16), u64> {
        self.answered.lock().clone()
    }

    pub(crate) async fn answer<B>(&self, request: &Request<B>) -> Response<ReplyBody> {
        let request_id = self.next_request_id();
        let reply = self.reply(request, &request_id);
        if !self.latency.is_zero() {
            tokio::time::sleep(self.latency).await;
        }
        reply.into_response(&request_id)
    }

    pub(crate) fn reply<B>(&self, request: &Request<B>, request_id: &str) -> Reply {
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let route = Route::of(request);
        let operation = route.as_ref().map(|route| route.operation);
        let (reply, fault) = match self.body(route.as_ref(), request, request_id) {
            Ok((operation, body)) => {
                self.faults.inject(Reply::json(StatusCode::OK, &body), operation, request_id, host)
            }
            Err(refusal) => (refusal.reply_to(operation, request_id, host), None),
        };
        let operation = operation.map_or(UNKNOWN_OPERATION, Operation::as_str);
        let status = reply.status.as_u16();
        *self.answered.lock().entry((operation, status)).or_default() += 1;
        debug!(operation, status, ?fault, request_id, "request answered");
        reply
    }

    fn body<B>(
        &self,
        route: Option<&Route>,
        request: &Request<B>,
        request_id: &str,
    ) -> Result<(Operation, Value), Refusal> {
        let route = route.ok_or_else(|| gateway::unknown_api(request.uri().path()))?;
        if request.method() != Method::GET {
            let message = "This method is not supported by the specified api.";
            return Err(Refusal::gateway(StatusCode::METHOD_NOT_ALLOWED, "UnsupportedHTTPMethod", message));
        }
        let operation = route.operation;
        self.gateway.admit(operation, request)?;
        if self.denied.lock().contains(&operation) {
            return Err(Refusal::Denied { action: operation.ram_action() });
        }
        let region = self.region();
        let moment = self.now();
        let parameters = Parameters::read(request.uri().query().unwrap_or_default());
        let body = match operation {
            Operation::DescribeInstances => {
                console::describe_instances(&region, &parameters, moment, request_id)
            }
            Operation::DescribeNamespaces => {
                console::describe_namespaces(&region, &parameters, moment, request_id)
            }
            Operation::ListEditableNamespace => {
                console::list_editable_namespace(&region, &parameters, moment, request_id)
            }
            Operation::ListEngineVersionMetadata => {
                workspace_of(&region, request).map(|_| reply(request_id, &engine_versions::render()))
            }
            Operation::ListDeployments
            | Operation::GetDeploymentsByLabel
            | Operation::ListJobs
            | Operation::ListDeploymentTargets
            | Operation::ListSessionClusters => of_namespace(&region, route, request, moment, request_id),
        };
        Ok((operation, body?))
    }

    fn next_request_id(&self) -> String {
        let number = self.received.fetch_add(1, Ordering::Relaxed);
        let [high, low] = [2, 3].map(|half| u128::from(mix(&[self.seed, number, half])));
        uuid(high << 64 | low).to_uppercase()
    }
}

/// Says nothing of the access key and little of the fleet.
impl fmt::Debug for Simulator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Simulator").field("namespaces", &self.namespaces()).finish_non_exhaustive()
    }
}

/// What a request asks for.
struct Route {
    operation: Operation,
    /// Empty if the path names none.
    namespace: String,
}

impl Route {
    fn of<B>(request: &Request<B>) -> Option<Self> {
        let path = request.uri().path();
        let without_namespace = |operation| Some(Self { operation, namespace: String::new() });
        match path {
            // Every operation of the console has this path.
            "/" => {
                let action = request.headers().get("x-acs-action")?.to_str().ok()?;
                return without_namespace(
                    action.parse().ok().filter(|operation: &Operation| operation.is_of_console())?,
                );
            }
            "/api/v2/engine-version-meta.json" => {
                return without_namespace(Operation::ListEngineVersionMetadata);
            }
            "/gateway/v2/namespaces/editable" => return without_namespace(Operation::ListEditableNamespace),
            _ => {}
        }
        let (namespace, rest) = path.strip_prefix("/api/v2/namespaces/")?.split_once('/')?;
        let operation = match rest {
            "deployments" => Operation::ListDeployments,
            "deployments/getDeployments/byLabel" => Operation::GetDeploymentsByLabel,
            "jobs" => Operation::ListJobs,
            "deployment-targets" => Operation::ListDeploymentTargets,
            "sessionclusters" => Operation::ListSessionClusters,
            _ => return None,
        };
        Some(Self { operation, namespace: percent_decode_str(namespace).decode_utf8().ok()?.into_owned() })
    }
}

/// The workspace in a request's header.
fn workspace_of<'r, B>(
    region: &'r Region,
    request: &'r Request<B>,
) -> Result<(&'r str, &'r Workspace), Refusal> {
    let id = request.headers().get("workspace").and_then(|workspace| workspace.to_str().ok());
    let id = id.filter(|id| !id.is_empty()).ok_or_else(|| Refusal::parameter("workspace is missing"))?;
    let workspace =
        region.workspace(id).ok_or_else(|| Refusal::not_found(format!("workspace not found: {id}")))?;
    Ok((id, workspace))
}

/// The reply of an operation on a namespace.
fn of_namespace<B>(
    region: &Region,
    route: &Route,
    request: &Request<B>,
    moment: Moment,
    request_id: &str,
) -> Result<Value, Refusal> {
    let (id, workspace) = workspace_of(region, request)?;
    let Some(namespace) = workspace.fleet.namespace(&route.namespace, moment.elapsed) else {
        return Err(Refusal::not_found(format!("namespace not found: {}", route.namespace)));
    };
    let view = View {
        workspace: id,
        namespace: &route.namespace,
        started: moment.started,
        elapsed: moment.elapsed,
        with_jobs: true,
        with_resources: true,
    };
    let query = request.uri().query().unwrap_or_default();
    let deployments = || namespace.list(&DeploymentFilters::default(), view, 0, usize::MAX).data;
    Ok(match route.operation {
        Operation::GetDeploymentsByLabel => by_label(namespace, &LabelQuery::read(query)?, view, request_id),
        Operation::ListJobs => jobs(namespace, &JobsQuery::read(query)?, view, request_id)?,
        Operation::ListDeploymentTargets => {
            let query = ListQuery::read(query)?;
            let queues = queues::render(&deployments());
            let skip = (query.page_index - 1).saturating_mul(query.page_size);
            let page = queues.iter().skip(skip).take(query.page_size).cloned().collect();
            page_of(
                query.page_index,
                query.page_size,
                Listing { total: queues.len(), data: page },
                request_id,
            )
        }
        Operation::ListSessionClusters => {
            reply(request_id, &json!(session_clusters::render(&deployments(), moment.started)))
        }
        _ => list(namespace, &ListQuery::read(query)?, view, request_id),
    })
}

/// A reply in the form of `ververica`, without pages.
fn reply(request_id: &str, data: &Value) -> Value {
    json!({
        "requestId": request_id,
        "success": true,
        "httpCode": 200,
        "errorCode": "",
        "errorMessage": "",
        "data": data,
    })
}

fn list(namespace: &Namespace, query: &ListQuery, view: View<'_>, request_id: &str) -> Value {
    let ListQuery { page_index, page_size, selection } = query;
    let skip = (page_index - 1).saturating_mul(*page_size);
    page_of(*page_index, *page_size, namespace.list(selection, view, skip, *page_size), request_id)
}

fn jobs(
    namespace: &Namespace,
    query: &JobsQuery,
    view: View<'_>,
    request_id: &str,
) -> Result<Value, Refusal> {
    let JobsQuery { page_index, page_size, deployment_id, newest_first } = query;
    let skip = (page_index - 1).saturating_mul(*page_size);
    let listing = namespace.with_deployment(deployment_id, view.elapsed, |deployment| {
        deployment.list_jobs(view, *newest_first, skip, *page_size)
    });
    let listing =
        listing.ok_or_else(|| Refusal::not_found(format!("deployment not found: {deployment_id}")))?;
    Ok(page_of(*page_index, *page_size, listing, request_id))
}

/// A page in the form of `ververica`.
fn page_of(page_index: usize, page_size: usize, listing: Listing, request_id: &str) -> Value {
    let mut page = reply(request_id, &Value::Array(listing.data));
    page["pageIndex"] = json!(page_index);
    page["pageSize"] = json!(page_size);
    page["totalSize"] = json!(listing.total);
    page
}

fn by_label(namespace: &Namespace, query: &LabelQuery, view: View<'_>, request_id: &str) -> Value {
    let LabelQuery { selection, ignore_job_summary, ignore_resource_setting } = query;
    let view = View { with_jobs: !ignore_job_summary, with_resources: !ignore_resource_setting, ..view };
    reply(request_id, &json!(namespace.list(selection, view, 0, usize::MAX).data))
}
