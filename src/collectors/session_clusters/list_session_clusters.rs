//! `ListSessionClusters`, which returns all session clusters of a namespace in one response.
//! Reference (November 2026): <https://next.api.alibabacloud.com/api/ververica/2022-07-18/ListSessionClusters>

use lenient_json::{Cursor, FromJson, Lenient, Scalar, SyntaxError, lenient_object};

use crate::{
    api::{DecodeError, Decoded, Decoder, Operation, Pagination},
    collectors::basic_resource_setting::{self, SESSION_CLUSTER_BASIC, WireBasic, WireFlinkConf},
    model::{Object as _, SessionCluster},
};

/// The operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListSessionClusters {
    /// The namespace.
    pub namespace: String,
}

lenient_object! {
    struct WireCluster<'a> {
        name: Scalar<'a> = "name",
        engine_version: Scalar<'a> = "engineVersion",
        queue: Scalar<'a> = "deploymentTargetName",
        creator: Scalar<'a> = "creator",
        created: Scalar<'a> = "createdAt",
        flink_conf: Lenient<WireFlinkConf<'a>> = "flinkConf",
        resources: Lenient<WireBasic<'a>> = "basicResourceSetting",
        status: Lenient<WireStatus<'a>> = "status",
    }
}

lenient_object! {
    struct WireStatus<'a> {
        status: Scalar<'a> = "currentSessionClusterStatus",
        running: Lenient<WireRunning<'a>> = "running",
    }
}

lenient_object! {
    struct WireRunning<'a> {
        started: Scalar<'a> = "startedAt",
        deployments: Length = "referenceDeploymentIds",
    }
}

/// The length of an array.
#[derive(Debug, Default)]
struct Length(Lenient<u64>);

impl<'a> FromJson<'a> for Length {
    fn read(&mut self, cursor: &mut Cursor<'a>) -> Result<(), SyntaxError> {
        if cursor.peek()? != b'[' {
            self.0 = Lenient::mismatch(cursor)?;
            return Ok(());
        }
        let mut length = 0;
        cursor.array(|cursor| {
            length += 1;
            cursor.skip().map(drop)
        })?;
        self.0 = Lenient::Valid(length);
        Ok(())
    }
}

impl Operation for ListSessionClusters {
    type Item = SessionCluster;

    const ACTION: &'static str = "ListSessionClusters";
    const PAGINATION: Pagination = Pagination::None;
    const ITEMS: &'static str = "session clusters";

    fn path(&self) -> String {
        format!("/api/v2/namespaces/{}/sessionclusters", acs3::encode(&self.namespace))
    }

    fn parameters(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn namespace(&self) -> &str {
        &self.namespace
    }

    fn key(cluster: &SessionCluster) -> &str {
        cluster.key()
    }

    fn decode(
        &self,
        decoder: Decoder,
        cursor: &mut Cursor<'_>,
    ) -> Result<Lenient<Decoded<SessionCluster>>, DecodeError> {
        decoder.array(cursor, |values, cursor| {
            let Lenient::Valid(wire) = Lenient::<WireCluster<'_>>::from_json(cursor)? else {
                values.unidentified("data");
                return Ok(None);
            };
            Ok(cluster(values, wire))
        })
    }
}

fn cluster(values: &mut Decoder, wire: WireCluster<'_>) -> Option<SessionCluster> {
    values.begin_object("name", wire.name)?;
    let status = values.valid("status", wire.status.value()).unwrap_or_default();
    let running = values.valid("status.running", status.running.value());
    let is_running = running.is_some();
    let running = running.unwrap_or_default();
    let deployments = values.valid("status.running.referenceDeploymentIds", running.deployments.0.value());
    Some(SessionCluster {
        engine_version: values.text("engineVersion", wire.engine_version),
        queue: values.text("deploymentTargetName", wire.queue),
        creator: values.text("creator", wire.creator),
        status: values.text("status.currentSessionClusterStatus", status.status),
        // A running cluster without deployments has no list (seen in November 2026).
        deployments: deployments.or_else(|| is_running.then_some(0)),
        resources: basic_resource_setting::basic(values, &SESSION_CLUSTER_BASIC, wire.resources),
        taskmanager_slots: basic_resource_setting::taskmanager_slots(values, wire.flink_conf),
        created: values.timestamp("createdAt", wire.created),
        started: values.timestamp("status.running.startedAt", running.started),
        name: values.end_object(),
    })
}
