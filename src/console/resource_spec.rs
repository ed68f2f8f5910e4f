//! Decoding of resources, in the common format of both operations.

use lenient_json::{Lenient, Scalar, lenient_object};

use crate::api::Decoder;

/// The paths under which invalid quotas are counted.
pub(super) struct SpecFields {
    part: &'static str,
    cpu: &'static str,
}

pub(super) const GUARANTEED_OR_TOTAL: SpecFields =
    SpecFields { part: "ResourceSpec", cpu: "ResourceSpec.Cpu" };
pub(super) const GUARANTEED: SpecFields =
    SpecFields { part: "GuaranteedResourceSpec", cpu: "GuaranteedResourceSpec.Cpu" };
pub(super) const ELASTIC: SpecFields =
    SpecFields { part: "ElasticResourceSpec", cpu: "ElasticResourceSpec.Cpu" };
pub(super) const HA: SpecFields = SpecFields { part: "HaResourceSpec", cpu: "HaResourceSpec.Cpu" };

lenient_object! {
    pub(super) struct WireSpec<'a> { cpu: Scalar<'a> = "Cpu" }
}

/// The compute units of a quota: its number of cores, because a quota has 4 GiB per core.
pub(super) fn compute_units(
    values: &mut Decoder,
    fields: &SpecFields,
    spec: Lenient<WireSpec<'_>>,
) -> Option<f64> {
    let spec = values.valid(fields.part, spec.value())?;
    values.amount(fields.cpu, spec.cpu)
}

/// Converts GiB to bytes.
pub(super) fn bytes(gibibytes: f64) -> f64 {
    (gibibytes * f64::from(1 << 30)).round()
}
