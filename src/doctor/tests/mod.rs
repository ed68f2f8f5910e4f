//! The report of `doctor` for each fault.

mod credentials;
mod discovery;
mod targets;

use std::{net::Ipv4Addr, sync::Arc};

use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::*;
use crate::{
    config::{Environment, Flags},
    simulator::{self, Simulator},
};

const SECRET: &str = "the-access-key-secret";

/// A simulated API, stopped when it is dropped.
struct Cloud {
    simulator: Arc<Simulator>,
    url: String,
    _running: DropGuard,
}

impl Cloud {
    async fn start() -> Self {
        let settings = simulator::Settings {
            access_key: Some(("the-access-key-id".into(), SECRET.into())),
            workspace: Some("w".into()),
            deployments: 24,
            ..simulator::Settings::default()
        };
        let simulator = Arc::new(Simulator::new(settings, Clock::System));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shutdown = CancellationToken::new();
        tokio::spawn(simulator.clone().serve(listener, shutdown.clone()));
        Self { simulator, url, _running: shutdown.drop_guard() }
    }

    fn config(&self, id: &str, secret: &str, workspace: &str) -> Config {
        config(&format!(
            "api: {{max_retries: 0, page_size: 10}}\n\
             credentials: {{type: access_key, access_key_id: {id}, access_key_secret: {secret}}}\n\
             workspaces: [{{id: {workspace}, endpoint: '{}', namespaces: [default-namespace, \
             {{name: default-namespace, poll: {{interval: 30s}}, select: {{name: none}}}}]}}]\n",
            self.url
        ))
    }

    async fn run(&self) -> Report {
        report(&self.config("the-access-key-id", SECRET, "w")).await
    }
}

fn config(text: &str) -> Config {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("c.yml");
    std::fs::write(&path, text).unwrap();
    config::load(Some(&path), &Environment::default(), &Flags::default()).unwrap()
}

async fn report(config: &Config) -> Report {
    let report = run(config, &Environment::default(), &Arc::default(), Clock::System).await.unwrap();
    assert!(!report.to_json().contains("the-access-key"), "{}", report.to_json());
    assert!(!report.to_table().contains("the-access-key"), "{}", report.to_table());
    report
}

fn check<'r>(report: &'r Report, name: &str) -> &'r Check {
    report.targets()[0].checks.iter().find(|check| check.name == name).unwrap()
}
