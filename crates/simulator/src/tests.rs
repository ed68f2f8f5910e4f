//! Requests as clients send them, and what the simulator answers.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clock::Clock;
use hyper::header::AUTHORIZATION;
use hyper::{Method, Request};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::*;

mod console;
mod jobs;

use acs3::{Signable, verify::canonical_received_query};

const KEY: &str = "fakeAccessKeyId0001";
const SECRET: &str = "fakeAccessKeySecret0001";
const NOW: Duration = Duration::from_secs(1_794_997_600);
const DATE: &str = "2026-11-18T10:26:40Z";
const LIST: &str = "/api/v2/namespaces/default-namespace/deployments";
const BY_LABEL: &str = "/api/v2/namespaces/default-namespace/deployments/getDeployments/byLabel";

fn settings() -> Settings {
    Settings { access_key: Some((KEY.into(), SECRET.into())), deployments: 24, ..Settings::default() }
}

fn simulator(settings: Settings) -> Simulator {
    Simulator::new(settings, Clock::paused(NOW))
}

/// A request as a client makes it, which a test may spoil.
#[derive(Clone)]
struct Client {
    method: Method,
    path: String,
    query: String,
    headers: Vec<(&'static str, String)>,
    signed: fn(&str) -> bool,
    secret: &'static str,
}

impl Client {
    fn new(path: &str, query: &str) -> Self {
        static NONCE: AtomicU64 = AtomicU64::new(0);
        let action = if path == BY_LABEL { "GetDeploymentsByLabel" } else { "ListDeployments" };
        Self {
            method: Method::GET,
            path: path.into(),
            query: query.into(),
            headers: vec![
                ("host", "127.0.0.1:10979".into()),
                ("accept", "application/json".into()),
                ("user-agent", "test".into()),
                ("workspace", "a14bd5d90a0000".into()),
                ("x-acs-action", action.into()),
                ("x-acs-version", "2022-07-18".into()),
                ("x-acs-date", DATE.into()),
                ("x-acs-signature-nonce", NONCE.fetch_add(1, Ordering::Relaxed).to_string()),
                ("x-acs-content-sha256", acs3::EMPTY_SHA256.into()),
            ],
            signed: |_| true,
            secret: SECRET,
        }
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self = self.without(name);
        self.headers.push((name, value.into()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(header, _)| *header != name);
        self
    }

    fn request(&self) -> Request<()> {
        let headers: Vec<_> = self.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let signed: Vec<_> = headers.iter().copied().filter(|(name, _)| (self.signed)(name)).collect();
        let authorization = acs3::authorization(
            Signable {
                method: self.method.as_str(),
                path: &self.path,
                query: &canonical_received_query(&self.query),
                headers: &signed,
                body_sha256: acs3::EMPTY_SHA256,
            },
            KEY,
            self.secret,
        );
        let target =
            if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) };
        let request = Request::builder().method(self.method.clone()).uri(target);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.header(AUTHORIZATION, authorization).body(()).unwrap()
    }

    fn send(&self, simulator: &Simulator) -> (u16, Value) {
        let reply = simulator.reply(&self.request(), "REQUEST-ID");
        (reply.status.as_u16(), serde_json::from_slice(&reply.body).unwrap_or_default())
    }
}

fn data(body: &Value) -> &Vec<Value> {
    assert_eq!(body["success"], true, "{body}");
    body["data"].as_array().unwrap()
}

#[tokio::test(start_paused = true)]
async fn pages_of_a_listing_hold_each_deployment_once() {
    let simulator = simulator(settings());
    let mut seen = BTreeSet::new();
    for page in 1..=4 {
        let (status, body) = Client::new(LIST, &format!("pageIndex={page}&pageSize=7")).send(&simulator);
        assert_eq!((status, &body["totalSize"]), (200, &json!(24)));
        assert_eq!((&body["pageIndex"], &body["pageSize"]), (&json!(page), &json!(7)));
        seen.extend(data(&body).iter().map(|deployment| deployment["deploymentId"].to_string()));
    }
    assert_eq!(seen.len(), 24);
    let (_, body) = Client::new(LIST, "").send(&simulator);
    assert_eq!(data(&body).len(), 10);
}

#[tokio::test(start_paused = true)]
async fn jobs_change_as_time_passes() {
    let simulator = simulator(Settings { access_key: None, ..settings() });
    let client = || Client::new(LIST, "pageSize=100");
    let failed = |body: &Value| {
        data(body).iter().filter_map(|deployment| deployment["jobSummary"]["failed"].as_u64()).sum::<u64>()
    };
    let (_, before) = client().send(&simulator);
    tokio::time::advance(Duration::from_secs(300)).await;
    let (_, after) = client().send(&simulator);
    assert!(failed(&after) > failed(&before));
}

#[tokio::test(start_paused = true)]
async fn get_deployments_by_label_has_one_page_and_omits_ignored_parts() {
    let simulator = simulator(settings());
    let query = "labelKey=env&labelValue=prod,dev";
    let (_, body) = Client::new(BY_LABEL, query).send(&simulator);
    assert!(body.get("totalSize").is_none() && data(&body).len() > 10);
    assert!(
        data(&body)
            .iter()
            .all(|deployment| ["prod", "dev"].contains(&deployment["labels"]["env"].as_str().unwrap()))
    );
    let (_, body) =
        Client::new(BY_LABEL, &format!("{query}&ignoreJobSummary=True&ignoreResourceSetting=true"))
            .send(&simulator);
    for deployment in data(&body) {
        assert!(
            deployment.get("jobSummary").is_none() && deployment.get("streamingResourceSetting").is_none()
        );
    }
    let (status, body) = Client::new(BY_LABEL, "labelKey=env").send(&simulator);
    assert_eq!((status, &body["Code"]), (400, &json!("MissinglabelValue")));
}

#[tokio::test(start_paused = true)]
async fn both_official_signatures_are_accepted_and_one_without_the_date_is_rejected() {
    let simulator = simulator(settings());
    let query = "labelKey=a+b%2A&labelValueArray=%E7%8E%AF;x";
    let as_python = Client::new(LIST, query).with("x-acs-credentials-provider", "static_ak");
    assert_eq!(as_python.send(&simulator).1["success"], true);
    let as_go =
        Client { signed: |name| name == "host" || name.starts_with("x-acs-"), ..Client::new(LIST, query) };
    assert_eq!(as_go.send(&simulator).1["success"], true);
    let undated = Client { signed: |name| name != "x-acs-date", ..Client::new(LIST, query) };
    assert_eq!(undated.send(&simulator).1["Code"], "IncompleteSignature");
}

#[tokio::test(start_paused = true)]
async fn a_wrong_signature_is_refused_with_the_servers_string_to_sign() {
    let simulator = simulator(settings());
    let (status, body) = Client { secret: "wrong", ..Client::new(LIST, "pageSize=1") }.send(&simulator);
    assert_eq!((status, &body["Code"]), (400, &json!("SignatureDoesNotMatch")));
    let message = body["Message"].as_str().unwrap();
    assert!(message.contains("ACS3-HMAC-SHA256\n") && message.contains("\npageSize=1\n"), "{message}");
    assert!(!message.contains(SECRET));
}

#[tokio::test(start_paused = true)]
async fn the_gateway_returns_the_error_code_of_each_mistake() {
    let simulator = simulator(settings());
    let client = || Client::new(LIST, "");
    for (client, status, code) in [
        (client().with("x-acs-date", "2026-11-18T10:11:39Z"), 400, "InvalidTimeStamp.Expired"),
        (client().with("x-acs-date", "2026-11-18T10:41:41Z"), 400, "InvalidTimeStamp.Expired"),
        (client().with("x-acs-date", "2026-11-18 10:26:40Z"), 400, "InvalidTimeStamp.Format"),
        (client().with("x-acs-action", "GetDeploymentsByLabel"), 404, "InvalidApi.NotFound"),
        (client().with("x-acs-version", "2021-10-28"), 400, "InvalidVersion"),
        (client().without("x-acs-signature-nonce"), 400, "MissingParameter"),
        (client().with("x-acs-content-sha256", "e3b0"), 400, "IncompleteSignature"),
        (Client { path: "/api/v2/namespaces".into(), ..client() }, 404, "InvalidApi.NotFound"),
        (Client { method: Method::POST, ..client() }, 405, "UnsupportedHTTPMethod"),
    ] {
        let (seen, body) = client.send(&simulator);
        assert_eq!((seen, &body["Code"]), (status, &json!(code)));
        assert!(body["HostId"].is_string() && body["RequestId"].is_string() && body["Recommend"].is_string());
    }
    let edge = client().with("x-acs-date", "2026-11-18T10:41:40Z").send(&simulator);
    assert_eq!(edge.0, 200);
}

#[tokio::test(start_paused = true)]
async fn another_key_and_a_nonce_used_before_are_refused() {
    let other = simulator(Settings { access_key: Some(("other".into(), SECRET.into())), ..settings() });
    let (status, body) = Client::new(LIST, "").send(&other);
    assert_eq!((status, &body["Code"]), (404, &json!("InvalidAccessKeyId.NotFound")));
    for settings in [settings(), Settings { access_key: None, ..settings() }] {
        let simulator = simulator(settings);
        let client = Client::new(LIST, "");
        assert_eq!(client.send(&simulator).0, 200);
        assert_eq!(client.send(&simulator).1["Code"], "SignatureNonceUsed");
    }
}

#[tokio::test(start_paused = true)]
async fn the_service_returns_errors_with_http_200() {
    let simulator = simulator(Settings { workspace: Some("a14bd5d90a0000".into()), ..settings() });
    for (client, http_code, code) in [
        (Client::new(LIST, "").without("workspace"), 400, "990104"),
        (Client::new(LIST, "").with("workspace", "another"), 404, "990301"),
        (Client::new("/api/v2/namespaces/nowhere/deployments", ""), 404, "990301"),
        (Client::new(LIST, "pageSize=101"), 400, "990104"),
        (Client::new(LIST, "pageIndex=0"), 400, "990104"),
    ] {
        let (status, body) = client.send(&simulator);
        assert_eq!((status, &body["success"], &body["httpCode"]), (200, &json!(false), &json!(http_code)));
        assert_eq!((&body["errorCode"], body.get("data")), (&json!(code), None));
    }
}

/// A simulator behind a socket, asked byte by byte: an HTTP client would hide what its faults look like.
struct Loopback {
    simulator: Arc<Simulator>,
    address: std::net::SocketAddr,
    shutdown: CancellationToken,
    server: tokio::task::JoinHandle<()>,
}

impl Loopback {
    async fn start(settings: Settings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let simulator = Arc::new(simulator(settings));
        let shutdown = CancellationToken::new();
        let server = tokio::spawn(Arc::clone(&simulator).serve(listener, shutdown.clone()));
        Self { simulator, address, shutdown, server }
    }

    /// The head and the body of one exchange, read until the server closes the connection.
    async fn exchange(&self, client: Client) -> (String, Vec<u8>) {
        let request = client.with("connection", "close");
        let request = Client { signed: |name| name != "connection", ..request }.request();
        let mut head = format!("GET {} HTTP/1.1\r\n", request.uri());
        for (name, value) in request.headers() {
            write!(head, "{name}: {}\r\n", value.to_str().unwrap()).unwrap();
        }
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(format!("{head}\r\n").as_bytes()).await.unwrap();
        let mut reply = Vec::new();
        // A reset ends the reading too: what came before it counts.
        let _ = stream.read_to_end(&mut reply).await;
        let end = reply.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
        let body = reply.split_off(end + 4);
        (String::from_utf8(reply).unwrap().to_lowercase(), body)
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.server.await.unwrap();
    }
}

fn content_length(head: &str) -> usize {
    let line = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    line.parse().unwrap()
}

#[tokio::test]
async fn a_reset_cuts_the_body_short_of_its_announced_length() {
    let loopback = Loopback::start(settings()).await;
    let (head, whole) = loopback.exchange(Client::new(LIST, "pageSize=100")).await;
    assert!(head.starts_with("http/1.1 200") && head.contains("x-acs-request-id"), "{head}");
    assert_eq!(content_length(&head), whole.len());
    loopback.simulator.set_faults(Faults { reset: 1.0, ..Faults::default() });
    let (head, part) = loopback.exchange(Client::new(LIST, "pageSize=100")).await;
    assert!(!part.is_empty() && part.len() < content_length(&head), "{} of {head}", part.len());
    loopback.simulator.set_faults(Faults::default());
    loopback.exchange(Client::new(LIST, "")).await;
    assert_eq!(loopback.simulator.requests_seen(), BTreeMap::from([(("ListDeployments", 200), 3)]));
    loopback.stop().await;
}

#[tokio::test]
async fn a_truncated_body_is_well_framed_and_not_json() {
    let faults = Faults { truncate: 1.0, ..Faults::default() };
    let loopback = Loopback::start(Settings { faults, ..settings() }).await;
    let (head, body) = loopback.exchange(Client::new(LIST, "")).await;
    assert!(head.starts_with("http/1.1 200"));
    assert_eq!(content_length(&head), body.len());
    assert!(serde_json::from_slice::<Value>(&body).unwrap_err().is_eof());
    loopback.stop().await;
}

#[tokio::test]
async fn throttling_has_every_form_of_the_api() {
    let faults = Faults { throttle: 1.0, ..Faults::default() };
    let loopback = Loopback::start(Settings { faults, ..settings() }).await;
    let mut forms = BTreeSet::new();
    for _ in 0..40 {
        let (head, body) = loopback.exchange(Client::new(LIST, "")).await;
        assert_eq!(serde_json::from_slice::<Value>(&body).unwrap()["Code"], "Throttling.User");
        forms.insert((
            head[9..12].to_owned(),
            head.contains("x-acs-retry-after: 500\r\n"),
            head.contains("\r\nretry-after: 1\r\n"),
        ));
    }
    let expected = [("400", false, false), ("429", false, true), ("429", true, false)];
    assert_eq!(forms, expected.map(|(status, own, standard)| (status.to_owned(), own, standard)).into());
    loopback.stop().await;
}

#[tokio::test]
async fn server_errors_come_as_json_html_and_nothing() {
    let faults = Faults { server_error: 1.0, ..Faults::default() };
    let loopback = Loopback::start(Settings { faults, ..settings() }).await;
    let mut forms = BTreeSet::new();
    for _ in 0..40 {
        let (head, body) = loopback.exchange(Client::new(LIST, "")).await;
        assert_eq!(content_length(&head), body.len());
        forms.insert((head[9..12].to_owned(), body.first().copied()));
    }
    let expected = [("500", Some(b'{')), ("502", Some(b'<')), ("503", None), ("503", Some(b'{'))];
    assert_eq!(forms, expected.map(|(status, first)| (status.to_owned(), first)).into());
    loopback.stop().await;
}

#[tokio::test]
async fn an_unsuccessful_reply_is_http_200_without_data() {
    let faults = Faults { unsuccessful: 1.0, ..Faults::default() };
    let loopback = Loopback::start(Settings { faults, ..settings() }).await;
    let (head, body) = loopback.exchange(Client::new(LIST, "")).await;
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert!(head.starts_with("http/1.1 200"));
    assert_eq!((&body["success"], body.get("data")), (&json!(false), None));
    loopback.stop().await;
}

#[tokio::test(start_paused = true)]
async fn rates_between_the_ends_strike_about_that_often() {
    let faults = Faults { throttle: 0.2, truncate: 0.5, ..Faults::default() };
    let simulator = simulator(Settings { faults, deployments: 1, ..settings() });
    let struck = (0..400).filter(|_| Client::new(LIST, "").send(&simulator).0 != 200).count();
    assert!((50..120).contains(&struck), "{struck}");
}

#[tokio::test]
async fn the_latency_is_waited_for_and_a_stop_lets_the_request_finish() {
    let loopback = Loopback::start(Settings { latency: Duration::from_millis(200), ..settings() }).await;
    let asked = tokio::time::Instant::now();
    let (exchange, ()) = tokio::join!(loopback.exchange(Client::new(LIST, "")), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        loopback.shutdown.cancel();
    });
    assert!(exchange.0.starts_with("http/1.1 200"));
    assert!(asked.elapsed() >= Duration::from_millis(200));
    loopback.stop().await;
}

#[test]
fn debug_shows_no_secret() {
    assert!(!format!("{:?}", settings()).contains(SECRET));
    assert!(!format!("{:?}", Simulator::new(settings(), Clock::System)).contains(SECRET));
}
