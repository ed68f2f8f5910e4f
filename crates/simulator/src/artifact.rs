//! What a deployment runs: SQL, a JAR, a Python program or a CDC YAML file.
//!
//! Real ones hold secrets in places where nobody looks for them. So do these: every made-up secret starts with
//! [`SECRET_MARK`], so that a test can prove that none leaks.

use rand::RngExt as _;
use serde_json::{Value, json};

use crate::rng::{Rng, once_in, pick};

/// How every secret in the simulated fleet begins.
pub const SECRET_MARK: &str = "SIMULATED-SECRET-";

fn secret(rng: &mut Rng) -> String {
    format!("{SECRET_MARK}{:016x}", rng.random::<u64>())
}

/// The `artifact` of a deployment called `name`.
pub(crate) fn render(rng: &mut Rng, name: &str) -> Value {
    match rng.random_range(0..10) {
        0..6 => json!({"kind": "SQLSCRIPT", "sqlArtifact": sql(rng, name)}),
        6..8 => json!({"kind": "JAR", "jarArtifact": jar(rng)}),
        8 => json!({"kind": "PYTHON", "pythonArtifact": python(rng)}),
        _ => json!({"kind": "CDCYAML", "cdcYamlArtifact": cdc(rng)}),
    }
}

/// The `localVariables`; most deployments have none.
pub(crate) fn local_variables(rng: &mut Rng) -> Value {
    if once_in(rng, 4) {
        json!([{"name": "kafka_password", "value": secret(rng)}, {"name": "region", "value": "cn-hangzhou"}])
    } else {
        json!([])
    }
}

fn sql(rng: &mut Rng, name: &str) -> Value {
    let host = format!("mysql-{:012x}.internal", rng.random_range(0_u64..1 << 48));
    let sink = pick(rng, &["hologres", "paimon", "kafka", "print"]);
    let script = format!(
        "-- {name}\n\
         CREATE TEMPORARY TABLE source (\n  id BIGINT,\n  amount DECIMAL(18, 2),\n  ts TIMESTAMP(3),\n  \
         WATERMARK FOR ts AS ts - INTERVAL '5' SECOND\n) WITH (\n  'connector' = 'mysql-cdc',\n  \
         'hostname' = '{host}',\n  'username' = 'flink',\n  'password' = '{}'\n);\n\
         CREATE TEMPORARY TABLE sink (id BIGINT, amount DECIMAL(18, 2)) WITH ('connector' = '{sink}');\n\
         INSERT INTO sink SELECT id, amount FROM source;",
        secret(rng)
    );
    json!({"sqlScript": script, "additionalDependencies": ["oss://artifacts/udf-1.4.2.jar"]})
}

fn jar(rng: &mut Rng) -> Value {
    json!({
        "jarUri": format!("oss://artifacts/streaming-jobs-2.{}.jar", rng.random_range(0..20)),
        "entryClass": "com.example.streaming.Main",
        "mainArgs": format!("--env prod --token {}", secret(rng)),
        "additionalDependencies": [],
    })
}

fn python(rng: &mut Rng) -> Value {
    json!({
        "pythonArtifactUri": "oss://artifacts/scoring.zip",
        "entryModule": "scoring.main",
        "mainArgs": format!("--model-key {}", secret(rng)),
        "additionalDependencies": ["oss://artifacts/model.bin"],
        "additionalPythonLibraries": ["oss://artifacts/numpy.whl"],
        "additionalPythonArchives": ["oss://artifacts/venv.zip"],
    })
}

fn cdc(rng: &mut Rng) -> Value {
    let yaml = format!(
        "source:\n  type: mysql\n  hostname: mysql.internal\n  username: flink\n  password: {}\n  \
         tables: shop.\\.*\nsink:\n  type: paimon\n",
        secret(rng)
    );
    json!({"cdcYaml": yaml, "additionalDependencies": []})
}
