//! `DescribeInstances`, which returns the workspaces of a region.
//! Reference (November 2026): <https://next.api.alibabacloud.com/api/foasconsole/2021-10-28/DescribeInstances>
//!
//! A response may contain an access key (`OssInfo`). Only the fields below are read.

use lenient_json::{Array, Cursor, FromJson, Lenient, Scalar, SyntaxError, lenient_object};

use super::resource_spec::{ELASTIC, GUARANTEED_OR_TOTAL, HA, WireSpec, bytes, compute_units};
use crate::{
    api::{DecodeError, Decoded, Decoder, Operation, Pagination, Product},
    model::{PoolComputeUnits, SharedStr, UsedResources, WorkspaceInstance},
};

/// The operation.
#[derive(Debug, Clone)]
pub struct DescribeInstances {
    /// The region.
    pub region: String,
}

lenient_object! {
    struct WireInstance<'a> {
        resource_id: Scalar<'a> = "ResourceId",
        cluster_id: Scalar<'a> = "AskClusterId",
        instance_id: Scalar<'a> = "InstanceId",
        name: Scalar<'a> = "InstanceName",
        region: Scalar<'a> = "Region",
        account_id: Scalar<'a> = "Uid",
        charge_type: Scalar<'a> = "ChargeType",
        architecture: Scalar<'a> = "ArchitectureType",
        resource_group_id: Scalar<'a> = "ResourceGroupId",
        monitor_type: Scalar<'a> = "MonitorType",
        status: Scalar<'a> = "ClusterStatus",
        order_state: Scalar<'a> = "OrderState",
        tags: Lenient<Array<Lenient<WireTag<'a>>>> = "Tags",
        created: Scalar<'a> = "ResourceCreateTime",
        expires: Scalar<'a> = "ResourceExpiredTime",
        guaranteed: Lenient<WireSpec<'a>> = "ResourceSpec",
        elastic: Lenient<WireSpec<'a>> = "ElasticResourceSpec",
        ha: Lenient<WireSpec<'a>> = "HaResourceSpec",
        used: WireUsed<'a> = "ClusterUsedResources",
    }
}

lenient_object! {
    struct WireTag<'a> { key: Scalar<'a> = "Key", value: Scalar<'a> = "Value" }
}

lenient_object! {
    struct WireUsedResources<'a> {
        compute_units: Scalar<'a> = "UsedResource",
        cpu: Scalar<'a> = "UsedCpu",
        memory: Scalar<'a> = "UsedMemory",
        guaranteed: Scalar<'a> = "GuaranteedUsedResource",
        elastic: Scalar<'a> = "ElasticUsedResource",
        ha: Scalar<'a> = "HaUsedResource",
    }
}

/// Used resources: an object, or an array of objects whose values are added (older versions of the API; seen in
/// November 2026).
#[derive(Debug, Default)]
struct WireUsed<'a>(Lenient<Array<Lenient<WireUsedResources<'a>>>>);

impl<'a> FromJson<'a> for WireUsed<'a> {
    fn read(&mut self, cursor: &mut Cursor<'a>) -> Result<(), SyntaxError> {
        self.0 = match cursor.peek()? {
            b'{' => Lenient::Valid(Array(vec![Lenient::from_json(cursor)?])),
            _ => Lenient::from_json(cursor)?,
        };
        Ok(())
    }
}

impl Operation for DescribeInstances {
    type Item = WorkspaceInstance;

    const ACTION: &'static str = "DescribeInstances";
    const PRODUCT: Product = Product::FoasConsole;
    const PAGINATION: Pagination = Pagination::TotalPages;
    const DATA: &'static str = "Instances";
    const ITEMS: &'static str = "workspaces";

    fn path(&self) -> String {
        "/".to_owned()
    }

    fn parameters(&self) -> Vec<(&'static str, String)> {
        vec![("Region", self.region.clone())]
    }

    fn namespace(&self) -> &'static str {
        ""
    }

    fn key(instance: &WorkspaceInstance) -> &str {
        &instance.workspace
    }

    fn decode(
        &self,
        decoder: Decoder,
        cursor: &mut Cursor<'_>,
    ) -> Result<Lenient<Decoded<WorkspaceInstance>>, DecodeError> {
        decoder.array(cursor, |values, cursor| {
            let Lenient::Valid(wire) = Lenient::<WireInstance<'_>>::from_json(cursor)? else {
                values.unidentified("Instances");
                return Ok(None);
            };
            Ok(instance(values, wire))
        })
    }
}

/// None if the workspace has no id, as during its creation.
fn instance(values: &mut Decoder, wire: WireInstance<'_>) -> Option<WorkspaceInstance> {
    let id = match wire.resource_id.text() {
        Ok(None) => wire.cluster_id,
        _ => wire.resource_id,
    };
    let is_created = wire.status.text().is_ok_and(|status| status.as_deref() == Some("CREATING"));
    if is_created && matches!(id.text(), Ok(None)) {
        return None;
    }
    let id = values.begin_object("ResourceId", id)?;
    if !id.bytes().all(|byte| byte.is_ascii_graphic()) {
        values.unidentified("ResourceId");
        return None;
    }
    let (used, pool_used) = used(values, wire.used);
    Some(WorkspaceInstance {
        instance_id: values.text("InstanceId", wire.instance_id),
        name: values.text("InstanceName", wire.name),
        region: values.text("Region", wire.region),
        account_id: values.text("Uid", wire.account_id),
        charge_type: values.text("ChargeType", wire.charge_type),
        architecture: values.text("ArchitectureType", wire.architecture),
        resource_group_id: values.text("ResourceGroupId", wire.resource_group_id),
        monitor_type: values.text("MonitorType", wire.monitor_type),
        status: values.text("ClusterStatus", wire.status),
        order_status: values.text("OrderState", wire.order_state),
        tags: tags(values, wire.tags),
        created: values.timestamp("ResourceCreateTime", wire.created),
        expires: values.timestamp("ResourceExpiredTime", wire.expires),
        quota: PoolComputeUnits {
            guaranteed: compute_units(values, &GUARANTEED_OR_TOTAL, wire.guaranteed),
            elastic: compute_units(values, &ELASTIC, wire.elastic),
            ha: compute_units(values, &HA, wire.ha),
        },
        used,
        pool_used,
        workspace: values.end_object(),
    })
}

fn tags(values: &mut Decoder, tags: Lenient<Array<Lenient<WireTag<'_>>>>) -> Vec<(SharedStr, SharedStr)> {
    let Some(Array(wire)) = values.valid("Tags", tags.value()) else { return Vec::new() };
    let mut tags = Vec::new();
    for tag in wire {
        let Some(tag) = values.valid("Tags", tag.value()) else { continue };
        let key = values.text("Tags.Key", tag.key);
        if !key.is_empty() {
            tags.push((key, values.text("Tags.Value", tag.value)));
        }
    }
    tags.sort();
    tags.dedup_by(|later, earlier| later.0 == earlier.0);
    tags
}

fn used(values: &mut Decoder, used: WireUsed<'_>) -> (UsedResources, PoolComputeUnits) {
    let (mut total, mut pools) = (UsedResources::default(), PoolComputeUnits::default());
    let Some(Array(parts)) = values.valid("ClusterUsedResources", used.0.value()) else {
        return (total, pools);
    };
    for part in parts {
        let Some(part) = values.valid("ClusterUsedResources", part.value()) else { continue };
        let mut add = |sum: &mut Option<f64>, field, scalar| {
            if let Some(amount) = values.amount(field, scalar) {
                *sum = Some(sum.unwrap_or_default() + amount);
            }
        };
        add(&mut total.compute_units, "ClusterUsedResources.UsedResource", part.compute_units);
        add(&mut total.cpu_cores, "ClusterUsedResources.UsedCpu", part.cpu);
        add(&mut total.memory_bytes, "ClusterUsedResources.UsedMemory", part.memory);
        add(&mut pools.guaranteed, "ClusterUsedResources.GuaranteedUsedResource", part.guaranteed);
        add(&mut pools.elastic, "ClusterUsedResources.ElasticUsedResource", part.elastic);
        add(&mut pools.ha, "ClusterUsedResources.HaUsedResource", part.ha);
    }
    total.memory_bytes = total.memory_bytes.map(bytes);
    (total, pools)
}
