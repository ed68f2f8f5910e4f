//! The simulated API: settings, routes, and the count of requests.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hyper::header::HOST;
use hyper::{Method, Request, Response, StatusCode};
use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use serde_json::{Value, json};
use tracing::debug;

use crate::deployment::View;
use crate::faults::{FaultInjector, Faults};
use crate::fleet::{Fleet, Namespace};
use crate::gateway::{self, Gateway};
use crate::query::{LabelQuery, ListQuery};
use crate::reply::{Refusal, Reply, ReplyBody};
use crate::rng::{mix, uuid};
use crate::selection::Operation;
use clock::Clock;

/// The operation under which [`Simulator::requests_seen`] counts requests for none that exists.
pub const UNKNOWN_OPERATION: &str = "unknown";

/// What is simulated.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The access key whose signatures are verified. Without one any key is taken, and only the form of a
    /// request is checked.
    pub access_key: Option<(String, SecretString)>,
    /// The only workspace there is; without one any is taken.
    pub workspace: Option<String>,
    /// The number of namespaces.
    pub namespaces: usize,
    /// The deployments that each namespace always has. For every twelve there may be one more, which comes and
    /// goes; at the start there is none of those.
    pub deployments: usize,
    /// Gives the fleet.
    pub seed: u64,
    /// The wait before each reply.
    pub latency: Duration,
    /// What goes wrong, until [`Simulator::set_faults`] says otherwise.
    pub faults: Faults,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            access_key: None,
            workspace: None,
            namespaces: 3,
            deployments: 60,
            seed: 1,
            latency: Duration::ZERO,
            faults: Faults::default(),
        }
    }
}

/// The simulated API.
pub struct Simulator {
    workspace: Option<String>,
    seed: u64,
    latency: Duration,
    clock: Clock,
    /// Since the Unix epoch.
    started: Duration,
    fleet: Fleet,
    gateway: Gateway,
    faults: FaultInjector,
    received: AtomicU64,
    answered: Mutex<BTreeMap<(&'static str, u16), u64>>,
}

impl Simulator {
    /// A simulator whose time begins now.
    pub fn new(settings: Settings, clock: Clock) -> Self {
        let Settings { access_key, workspace, namespaces, deployments, seed, latency, faults } = settings;
        Self {
            workspace,
            seed,
            latency,
            clock,
            started: clock.since_epoch(),
            fleet: Fleet::new(seed, namespaces, deployments),
            gateway: Gateway::new(access_key, clock),
            faults: FaultInjector::new(faults, seed),
            received: AtomicU64::new(0),
            answered: Mutex::default(),
        }
    }

    /// The names of the namespaces.
    pub fn namespaces(&self) -> Vec<String> {
        self.fleet.names()
    }

    /// From now on these faults strike, and no others.
    pub fn set_faults(&self, faults: Faults) {
        self.faults.set(faults);
    }

    /// How many requests were answered, by operation and HTTP status. Each is counted once, as soon as its answer
    /// is known: one that is broken off amid the body counts under the status it was sent with, and one whose
    /// client went away before its answer counts too.
    pub fn requests_seen(&self) -> BTreeMap<(&'static str, u16), u64> {
        self.answered.lock().unwrap_or_else(PoisonError::into_inner).clone()
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
        let route = Route::of(request.uri().path());
        let (reply, fault) = match self.listing(route.as_ref(), request, request_id) {
            Ok(body) => self.faults.inject(Reply::json(StatusCode::OK, &body), request_id, host),
            Err(refusal) => (refusal.reply(request_id, host), None),
        };
        let operation = route.map_or(UNKNOWN_OPERATION, |route| route.operation.as_str());
        let status = reply.status.as_u16();
        *self
            .answered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry((operation, status))
            .or_default() += 1;
        debug!(operation, status, ?fault, request_id, "request answered");
        reply
    }

    fn listing<B>(
        &self,
        route: Option<&Route>,
        request: &Request<B>,
        request_id: &str,
    ) -> Result<Value, Refusal> {
        let route = route.ok_or_else(|| gateway::unknown_api(request.uri().path()))?;
        if request.method() != Method::GET {
            let message = "This method is not supported by the specified api.";
            return Err(Refusal::gateway(StatusCode::METHOD_NOT_ALLOWED, "UnsupportedHTTPMethod", message));
        }
        self.gateway.admit(route.operation, request)?;
        let workspace = self.workspace_of(request)?;
        let Some(namespace) = self.fleet.namespace(&route.namespace) else {
            return Err(Refusal::not_found(format!("namespace not found: {}", route.namespace)));
        };
        let view = View {
            workspace,
            namespace: &route.namespace,
            started: i64::try_from(self.started.as_secs()).unwrap_or(i64::MAX),
            elapsed: self.clock.since_epoch().saturating_sub(self.started).as_secs(),
            with_jobs: true,
            with_resources: true,
        };
        let query = request.uri().query().unwrap_or_default();
        match route.operation {
            Operation::ListDeployments => Ok(list(namespace, &ListQuery::read(query)?, view, request_id)),
            Operation::GetDeploymentsByLabel => {
                Ok(by_label(namespace, &LabelQuery::read(query)?, view, request_id))
            }
        }
    }

    fn workspace_of<'a, B>(&self, request: &'a Request<B>) -> Result<&'a str, Refusal> {
        let workspace = request.headers().get("workspace").and_then(|workspace| workspace.to_str().ok());
        let workspace = workspace.filter(|workspace| !workspace.is_empty());
        let workspace = workspace.ok_or_else(|| Refusal::parameter("workspace is missing"))?;
        if self.workspace.as_ref().is_none_or(|known| known == workspace) {
            Ok(workspace)
        } else {
            Err(Refusal::not_found(format!("workspace not found: {workspace}")))
        }
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

/// What a path names.
struct Route {
    operation: Operation,
    namespace: String,
}

impl Route {
    fn of(path: &str) -> Option<Self> {
        let (namespace, rest) = path.strip_prefix("/api/v2/namespaces/")?.split_once('/')?;
        let operation = match rest {
            "deployments" => Operation::ListDeployments,
            "deployments/getDeployments/byLabel" => Operation::GetDeploymentsByLabel,
            _ => return None,
        };
        Some(Self { operation, namespace: percent_decode_str(namespace).decode_utf8().ok()?.into_owned() })
    }
}

fn list(namespace: &Namespace, query: &ListQuery, view: View<'_>, request_id: &str) -> Value {
    let ListQuery { page_index, page_size, selection } = query;
    let skip = (page_index - 1).saturating_mul(*page_size);
    let listing = namespace.list(selection, view, skip, *page_size);
    json!({
        "requestId": request_id,
        "success": true,
        "httpCode": 200,
        "errorCode": "",
        "errorMessage": "",
        "pageIndex": page_index,
        "pageSize": page_size,
        "totalSize": listing.total,
        "data": listing.data,
    })
}

fn by_label(namespace: &Namespace, query: &LabelQuery, view: View<'_>, request_id: &str) -> Value {
    let LabelQuery { selection, ignore_job_summary, ignore_resource_setting } = query;
    let view = View { with_jobs: !ignore_job_summary, with_resources: !ignore_resource_setting, ..view };
    json!({
        "requestId": request_id,
        "success": true,
        "httpCode": 200,
        "errorCode": "",
        "errorMessage": "",
        "data": namespace.list(selection, view, 0, usize::MAX).data,
    })
}
