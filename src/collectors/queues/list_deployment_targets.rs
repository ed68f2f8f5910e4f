//! `ListDeploymentTargets`, which returns the queues of a namespace.
//! Reference (November 2026): <https://next.api.alibabacloud.com/api/ververica/2022-07-18/ListDeploymentTargets>

use lenient_json::{Cursor, FromJson as _, Lenient, Scalar, lenient_object};

use crate::{
    api::{DecodeError, Decoded, Decoder, Operation, Pagination},
    model::{Object as _, ProcessSpec, Queue},
};

/// The operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListDeploymentTargets {
    /// The namespace.
    pub namespace: String,
}

lenient_object! {
    struct WireQueue<'a> { name: Scalar<'a> = "name", quota: Lenient<WireQuota<'a>> = "quota" }
}

lenient_object! {
    struct WireQuota<'a> {
        limit: Lenient<WireAmounts<'a>> = "limit",
        request: Lenient<WireAmounts<'a>> = "request",
        used: Lenient<WireAmounts<'a>> = "used",
    }
}

lenient_object! {
    struct WireAmounts<'a> { cpu: Scalar<'a> = "cpu", memory: Scalar<'a> = "memory" }
}

impl Operation for ListDeploymentTargets {
    type Item = Queue;

    const ACTION: &'static str = "ListDeploymentTargets";
    const PAGINATION: Pagination = Pagination::TotalSize;
    const ITEMS: &'static str = "queues";

    fn path(&self) -> String {
        format!("/api/v2/namespaces/{}/deployment-targets", acs3::encode(&self.namespace))
    }

    fn parameters(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn namespace(&self) -> &str {
        &self.namespace
    }

    fn key(queue: &Queue) -> &str {
        queue.key()
    }

    fn decode(
        &self,
        decoder: Decoder,
        cursor: &mut Cursor<'_>,
    ) -> Result<Lenient<Decoded<Queue>>, DecodeError> {
        decoder.array(cursor, |values, cursor| {
            let Lenient::Valid(wire) = Lenient::<WireQueue<'_>>::from_json(cursor)? else {
                values.unidentified("data");
                return Ok(None);
            };
            Ok(queue(values, wire))
        })
    }
}

fn queue(values: &mut Decoder, wire: WireQueue<'_>) -> Option<Queue> {
    values.begin_object("name", wire.name)?;
    let quota = values.valid("quota", wire.quota.value()).unwrap_or_default();
    Some(Queue {
        limit: amounts(values, ["quota.limit", "quota.limit.cpu", "quota.limit.memory"], quota.limit),
        request: amounts(
            values,
            ["quota.request", "quota.request.cpu", "quota.request.memory"],
            quota.request,
        ),
        used: amounts(values, ["quota.used", "quota.used.cpu", "quota.used.memory"], quota.used),
        name: values.end_object(),
    })
}

/// Invalid values are counted under `fields`.
fn amounts(values: &mut Decoder, fields: [&'static str; 3], wire: Lenient<WireAmounts<'_>>) -> ProcessSpec {
    let [part, cpu, memory] = fields;
    let Some(wire) = values.valid(part, wire.value()) else { return ProcessSpec::default() };
    ProcessSpec { cpu_cores: values.cores(cpu, wire.cpu), memory_bytes: values.memory(memory, wire.memory) }
}
