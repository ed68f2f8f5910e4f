//! The metric family of engine versions.

use std::sync::LazyLock;

use super::EngineVersions;
use crate::{
    exposition::{
        Family, FamilyDescriptor, FamilyHeaders, IdentityWriter, MetricFamilies, MetricType, Origin, Unit,
    },
    model::EngineVersion,
};

impl MetricFamilies for EngineVersions {
    type Object<'a> = &'a EngineVersion;

    const TITLE: &'static str = "Engine version metrics";
    const IDENTITY_LABELS: &'static [&'static str] = &["workspace", "engine_version"];

    fn families() -> &'static [Family<Self>] {
        &FAMILIES
    }

    fn identity(version: &&EngineVersion, labels: &mut IdentityWriter<'_>) {
        labels.value(&version.version);
    }

    fn headers() -> &'static FamilyHeaders {
        static HEADERS: LazyLock<FamilyHeaders> = LazyLock::new(FamilyHeaders::of::<EngineVersions>);
        &HEADERS
    }
}

static FAMILIES: [Family<EngineVersions>; 1] = [Family {
    descriptor: FamilyDescriptor {
        name: "aliyun_flink_engine_version_info",
        metric_type: MetricType::Gauge,
        unit: Unit::One,
        help: "Support status of an engine version in the workspace; always 1. The status of a version without a \
         series is unknown.",
        labels: &["status"],
        origin: Origin::Api {
            operations: &["ListEngineVersionMetadata"],
            fields: &["engineVersionMetadata.engineVersion", "engineVersionMetadata.status"],
        },
    },
    write: |version, samples| samples.integer(&[("status", &*version.status)], Some(1)),
}];
