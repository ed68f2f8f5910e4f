//! A simulated workspace: its order, its quotas, and its namespaces.

use serde_json::{Map, Value, json};

use crate::artifact::SECRET_MARK;
use crate::fleet::{Fleet, Namespace};
use crate::naming;
use crate::resource_usage::ResourceUsage;
use crate::rng::mix;

const DAY: i64 = 24 * 3600;

/// The account that owns every workspace.
const ACCOUNT: &str = "1278463638774560";

/// GiB of memory for each compute unit.
const GIB_PER_UNIT: u64 = 4;

/// How much more than all permanent jobs together a namespace may use, by its place.
const SPARE: [f64; 3] = [1.1, 1.4, 2.0];

/// A workspace.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// What the header `workspace` has.
    pub(crate) id: String,
    /// The id of its order.
    pub(crate) instance_id: String,
    pub(crate) name: String,
    index: usize,
    status: String,
    order_state: &'static str,
    /// Days until the subscription ends; none without a subscription.
    expires_in: Option<i64>,
    tags: Vec<(&'static str, &'static str)>,
    /// Whether listings return it.
    pub(crate) listed: bool,
    pub(crate) fleet: Fleet,
}

/// When something is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// The simulator's start, in seconds since the Unix epoch.
    pub(crate) started: i64,
    /// Seconds since then.
    pub(crate) elapsed: u64,
}

/// The compute units of a namespace.
#[derive(Debug, Clone, Copy, Default)]
struct Quota {
    guaranteed: u64,
    elastic: u64,
}

impl Workspace {
    /// The running workspace at `index`.
    pub(crate) fn running(seed: u64, index: usize, id: Option<String>, fleet: Fleet) -> Self {
        let workspace = Self::new(seed, index, id, "RUNNING", "NORMAL", fleet);
        // The first one's subscription ends soon; every third one has none.
        let expires_in = match index {
            0 => Some(5),
            _ if index % 3 == 2 => None,
            _ => Some(300),
        };
        let environment = if index.is_multiple_of(2) { "prod" } else { "staging" };
        let tags = vec![("env", environment), ("team", ["data-platform", "growth", "ads"][index % 3])];
        Self { expires_in, tags, ..workspace }
    }

    /// The workspace at `index`, whose subscription has ended, so that nothing runs in it.
    pub(crate) fn overdue(seed: u64, index: usize, fleet: Fleet) -> Self {
        let workspace = Self::new(seed, index, None, "DISABLE", "CEASE", fleet);
        Self { expires_in: Some(-2), tags: vec![("env", "staging")], ..workspace }
    }

    /// The workspace at `index`, which is being created.
    pub(crate) fn creating(seed: u64, index: usize) -> Self {
        Self::new(seed, index, None, "CREATING", "NOT_INIT", Fleet::new(seed, 0, 0))
    }

    fn new(
        seed: u64,
        index: usize,
        id: Option<String>,
        status: &str,
        order_state: &'static str,
        fleet: Fleet,
    ) -> Self {
        let number = mix(&[seed, index as u64, 7]);
        Self {
            id: id.unwrap_or_else(|| format!("{:014x}", number >> 8)),
            instance_id: format!("f-cn-{:012x}", number & 0xFFFF_FFFF_FFFF),
            name: naming::workspace(index),
            index,
            status: status.to_owned(),
            order_state,
            expires_in: None,
            tags: Vec::new(),
            listed: true,
            fleet,
        }
    }

    /// Whether deployments can be listed in it.
    pub(crate) fn is_running(&self) -> bool {
        self.status == "RUNNING"
    }

    pub(crate) fn set_status(&mut self, status: &str) {
        status.clone_into(&mut self.status);
    }

    pub(crate) fn charge_type(&self) -> &'static str {
        if self.expires_in.is_some() { "PRE" } else { "POST" }
    }

    /// Whether it may use more than the subscription guarantees.
    pub(crate) fn is_elastic(&self) -> bool {
        self.index.is_multiple_of(2)
    }

    pub(crate) fn has_tag(&self, key: &str, value: &str) -> bool {
        self.tags.contains(&(key, value))
    }

    fn quota(&self, namespace: &Namespace) -> Quota {
        let capacity = namespace.capacity().compute_units.max(1.0);
        let total = (capacity * SPARE[namespace.index() % SPARE.len()]).ceil();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive and small")]
        let total = total as u64;
        let elastic = if self.is_elastic() { total / 5 } else { 0 };
        Quota { guaranteed: total - elastic, elastic }
    }

    /// An element of `Instances`.
    pub(crate) fn render(&self, region: &str, moment: Moment) -> Value {
        let mut quota = Quota::default();
        let mut used = ResourceUsage::default();
        for namespace in self.fleet.listed(moment.elapsed) {
            let part = self.quota(namespace);
            quota = Quota {
                guaranteed: quota.guaranteed + part.guaranteed,
                elastic: quota.elastic + part.elastic,
            };
            used += self.used(namespace, moment);
        }
        // Not everything that was purchased is allocated.
        quota.guaranteed += 10;
        let mut members = self.identity(region);
        members.extend(self.resources(quota, used));
        let created = moment.started - (400 + 30 * self.index.cast_signed() as i64) * DAY;
        members.insert("ResourceCreateTime".into(), json!(created * 1000));
        let expires = self.expires_in.map(|days| moment.started + days * DAY);
        let expires = match (expires, self.index % 2) {
            (None, _) => Value::Null,
            (Some(expires), 0) => json!(expires * 1000),
            (Some(expires), _) => json!((expires * 1000).to_string()),
        };
        members.insert("ResourceExpiredTime".into(), expires);
        Value::Object(members)
    }

    fn identity(&self, region: &str) -> Map<String, Value> {
        let tags: Vec<_> = self.tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
        let is_created = self.status == "CREATING";
        let identity = json!({
            "InstanceId": self.instance_id,
            "InstanceName": self.name,
            "ResourceId": if is_created { "" } else { &self.id },
            "AskClusterId": self.id,
            "Region": region,
            "ZoneId": format!("{region}-h"),
            "Uid": ACCOUNT,
            "ChargeType": self.charge_type(),
            "ArchitectureType": "X86",
            "ClusterStatus": self.status,
            "ClusterState": {"Status": self.status, "ClusterId": self.id},
            "OrderState": self.order_state,
            "Elastic": self.is_elastic(),
            "Ha": false,
            "MonitorType": if self.index.is_multiple_of(2) { "ARMS" } else { "TAIHAO" },
            "ResourceGroupId": "rg-acfm2example0",
            "Storage": {"OrderState": "NORMAL"},
            // Replies of the real service may contain a key: nobody may keep or show it.
            "OssInfo": {"AccessId": SECRET_MARK, "AccessKey": SECRET_MARK},
            "Tags": tags,
        });
        match identity {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }

    fn resources(&self, quota: Quota, used: ResourceUsage) -> [(String, Value); 5] {
        let guaranteed = used.compute_units.min(quota.guaranteed as f64);
        let mut parts = json!({
            "UsedCpu": used.cpu_cores,
            "UsedMemory": used.memory_gib,
            "UsedResource": used.compute_units,
            "Ha": false,
        });
        if self.is_elastic() {
            parts["GuaranteedUsedResource"] = json!(guaranteed);
            parts["ElasticUsedResource"] = json!(used.compute_units - guaranteed);
        }
        let elastic = if self.is_elastic() { spec(quota.elastic) } else { Value::Null };
        [
            ("ResourceSpec".into(), spec(quota.guaranteed)),
            ("ElasticResourceSpec".into(), elastic),
            ("HaResourceSpec".into(), Value::Null),
            ("ClusterUsedResources".into(), parts),
            ("ClusterUsedStorage".into(), json!({"UsedStorage": 12.5})),
        ]
    }

    /// An element of `Namespaces`.
    pub(crate) fn render_namespace(&self, namespace: &Namespace, moment: Moment) -> Value {
        let quota = self.quota(namespace);
        let used = self.used(namespace, moment);
        let created = (moment.started - 300 * DAY) * 1000;
        let cpu = if namespace.index() % 2 == 1 {
            json!(used.cpu_cores.to_string())
        } else {
            json!(used.cpu_cores)
        };
        let mut rendered = json!({
            "Namespace": namespace.name(),
            "Status": namespace.status(moment.elapsed),
            "GmtCreate": created,
            "GmtModified": created,
            "Ha": false,
            "ResourceSpec": spec(quota.guaranteed + quota.elastic),
            "ResourceUsed": {"Cpu": cpu, "MemoryGB": used.memory_gib, "Cu": used.compute_units},
            "Tags": [],
        });
        if self.is_elastic() {
            rendered["GuaranteedResourceSpec"] = spec(quota.guaranteed);
            rendered["ElasticResourceSpec"] = spec(quota.elastic);
        }
        rendered
    }

    /// Nothing runs in a workspace that does not run.
    fn used(&self, namespace: &Namespace, moment: Moment) -> ResourceUsage {
        if self.is_running() { namespace.used(moment.elapsed) } else { ResourceUsage::default() }
    }
}

fn spec(compute_units: u64) -> Value {
    json!({"Cpu": compute_units, "MemoryGB": compute_units * GIB_PER_UNIT})
}
