//! `DescribeNamespaces`, which returns the namespaces of a workspace.
//! Reference (November 2026): <https://next.api.alibabacloud.com/api/foasconsole/2021-10-28/DescribeNamespaces>

use lenient_json::{Cursor, FromJson as _, Lenient, Scalar, lenient_object};

use super::resource_spec::{ELASTIC, GUARANTEED, GUARANTEED_OR_TOTAL, WireSpec, bytes, compute_units};
use crate::{
    api::{DecodeError, Decoded, Decoder, Operation, Pagination, Product},
    model::{NamespaceInstance, UsedResources, is_namespace_name},
};

/// The operation.
#[derive(Debug, Clone)]
pub struct DescribeNamespaces {
    /// The region.
    pub region: String,
    /// The `InstanceId` of the workspace: the id of its order.
    pub instance_id: String,
}

lenient_object! {
    struct WireNamespace<'a> {
        name: Scalar<'a> = "Namespace",
        status: Scalar<'a> = "Status",
        quota: Lenient<WireSpec<'a>> = "ResourceSpec",
        guaranteed: Lenient<WireSpec<'a>> = "GuaranteedResourceSpec",
        elastic: Lenient<WireSpec<'a>> = "ElasticResourceSpec",
        used: Lenient<WireUsed<'a>> = "ResourceUsed",
    }
}

lenient_object! {
    struct WireUsed<'a> {
        compute_units: Scalar<'a> = "Cu",
        cpu: Scalar<'a> = "Cpu",
        memory: Scalar<'a> = "MemoryGB",
    }
}

impl Operation for DescribeNamespaces {
    type Item = NamespaceInstance;

    const ACTION: &'static str = "DescribeNamespaces";
    const PRODUCT: Product = Product::FoasConsole;
    const PAGINATION: Pagination = Pagination::TotalPages;
    const DATA: &'static str = "Namespaces";
    const ITEMS: &'static str = "namespaces";

    fn path(&self) -> String {
        "/".to_owned()
    }

    fn parameters(&self) -> Vec<(&'static str, String)> {
        vec![("InstanceId", self.instance_id.clone()), ("Region", self.region.clone())]
    }

    fn namespace(&self) -> &'static str {
        ""
    }

    fn key(namespace: &NamespaceInstance) -> &str {
        &namespace.name
    }

    fn decode(
        &self,
        decoder: Decoder,
        cursor: &mut Cursor<'_>,
    ) -> Result<Lenient<Decoded<NamespaceInstance>>, DecodeError> {
        decoder.array(cursor, |values, cursor| {
            let Lenient::Valid(wire) = Lenient::<WireNamespace<'_>>::from_json(cursor)? else {
                values.unidentified("Namespaces");
                return Ok(None);
            };
            Ok(namespace(values, wire))
        })
    }
}

fn namespace(values: &mut Decoder, wire: WireNamespace<'_>) -> Option<NamespaceInstance> {
    let name = values.begin_object("Namespace", wire.name)?;
    if !is_namespace_name(name) {
        values.unidentified("Namespace");
        return None;
    }
    Some(NamespaceInstance {
        status: values.text("Status", wire.status),
        quota: compute_units(values, &GUARANTEED_OR_TOTAL, wire.quota),
        guaranteed_quota: compute_units(values, &GUARANTEED, wire.guaranteed),
        elastic_quota: compute_units(values, &ELASTIC, wire.elastic),
        used: used(values, wire.used),
        name: values.end_object(),
    })
}

fn used(values: &mut Decoder, used: Lenient<WireUsed<'_>>) -> UsedResources {
    let Some(used) = values.valid("ResourceUsed", used.value()) else { return UsedResources::default() };
    UsedResources {
        compute_units: values.amount("ResourceUsed.Cu", used.compute_units),
        cpu_cores: values.amount("ResourceUsed.Cpu", used.cpu),
        memory_bytes: values.amount("ResourceUsed.MemoryGB", used.memory).map(bytes),
    }
}
