//! The built program as a child process.

use std::{
    fs::Permissions,
    io::Write as _,
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex},
};

use reqwest::Method;
use tempfile::{NamedTempFile, TempDir};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    net::TcpStream,
    process::{Child, Command},
    task::JoinHandle,
    time::timeout,
};

use super::{Exposition, PATIENCE, StubApi, until};

const BINARY: &str = env!("CARGO_BIN_EXE_aliyun-flink-exporter");

/// A command that starts the program, with an empty environment.
pub(crate) struct Start {
    command: Command,
    config: Option<NamedTempFile>,
    home: Option<PathBuf>,
}

impl Start {
    /// The access key ID in the environment.
    pub(crate) const ID: &str = "LTAI-outside-id";
    /// The access key secret in the environment.
    pub(crate) const SECRET: &str = "outside-secret-0123456789abcdefgh";

    /// The program with these arguments and no access key.
    pub(crate) fn bare(arguments: &[&str]) -> Self {
        Self::of(Command::new(BINARY), arguments)
    }

    /// As [`Start::bare`], run by this command, such as a dynamic loader.
    pub(crate) fn run_by(launcher: &[&str], arguments: &[&str]) -> Self {
        let mut command = Command::new(launcher[0]);
        command.args(&launcher[1..]).arg(BINARY);
        Self::of(command, arguments)
    }

    fn of(mut command: Command, arguments: &[&str]) -> Self {
        command.args(arguments).env_clear().kill_on_drop(true);
        // The machine may have a metadata service.
        command.env("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self { command, config: None, home: None }
    }

    /// The program with these arguments and an access key.
    pub(crate) fn new(arguments: &[&str]) -> Self {
        Self::bare(arguments).with_key()
    }

    /// With an access key in the environment.
    pub(crate) fn with_key(self) -> Self {
        self.env("ALIBABA_CLOUD_ACCESS_KEY_ID", Self::ID).env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", Self::SECRET)
    }

    /// The daemon on a free port.
    pub(crate) fn daemon() -> Self {
        Self::new(&["run", "--web.listen-address", "127.0.0.1:0"])
    }

    /// The demo on a free port.
    pub(crate) fn demo() -> Self {
        Self::bare(&["demo", "--web.listen-address", "127.0.0.1:0"])
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// With this home directory instead of an empty one.
    pub(crate) fn home(mut self, path: &Path) -> Self {
        self.home = Some(path.to_owned());
        self
    }

    pub(crate) fn args(mut self, arguments: &[&str]) -> Self {
        self.command.args(arguments);
        self
    }

    /// Redirects standard output, which is then not in [`Finished::stdout`].
    pub(crate) fn stdout_to(mut self, file: std::fs::File) -> Self {
        self.command.stdout(file);
        self
    }

    /// Redirects standard error, which is then not in [`Finished::stderr`].
    pub(crate) fn stderr_to(mut self, file: std::fs::File) -> Self {
        self.command.stderr(file);
        self
    }

    /// With a configuration file of this text.
    pub(crate) fn config(mut self, yaml: &str) -> Self {
        let mut file = tempfile::Builder::new().suffix(".yml").tempfile().unwrap();
        file.write_all(yaml.as_bytes()).unwrap();
        // The program may run as another user.
        file.as_file().set_permissions(Permissions::from_mode(0o644)).unwrap();
        self.command.arg("--config.file").arg(file.path());
        self.config = Some(file);
        self
    }

    /// With `namespaces` (in YAML) of a workspace of `api`, polled every 200 ms; `rest` is more YAML.
    pub(crate) fn polling(self, api: &StubApi, namespaces: &str, rest: &str) -> Self {
        let endpoint = api.endpoint();
        self.env("ALIYUN_FLINK_EXPORTER_POLL__INTERVAL", "200ms")
            .env("ALIYUN_FLINK_EXPORTER_API__REQUESTS_PER_SECOND", "1000")
            .config(&format!(
                "workspaces: [{{id: edcef0000b4f, endpoint: '{endpoint}', namespaces: {namespaces}}}]\n{rest}"
            ))
    }

    /// Starts it.
    pub(crate) fn spawn(mut self) -> Program {
        let directory = TempDir::new().unwrap();
        std::fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
        let home = self.home.as_deref().unwrap_or(directory.path());
        let mut child =
            self.command.env("HOME", home).current_dir(directory.path()).spawn().expect("the program");
        let stdout = Captured::of(child.stdout.take());
        let stderr = Captured::of(child.stderr.take());
        Program { child, stdout, stderr, address: None, _directory: directory, config_file: self.config }
    }

    /// Starts it and waits until it listens.
    pub(crate) async fn listening(self) -> Program {
        let mut program = self.spawn();
        let address = until("the program's address", async || {
            if let Ok(Some(status)) = program.child.try_wait() {
                panic!("{status} before it listened: {}", program.stderr.text());
            }
            listening_address(&program.stderr.text())
        });
        program.address = Some(address.await);
        program
    }

    /// Starts it and waits until `address`, which it was given, accepts connections. Its log is not needed.
    pub(crate) async fn listening_at(self, address: SocketAddr) -> Program {
        let mut program = self.spawn();
        until("the program's port", async || {
            if let Ok(Some(status)) = program.child.try_wait() {
                panic!("{status} before it listened");
            }
            TcpStream::connect(address).await.ok()
        })
        .await;
        program.address = Some(address);
        program
    }

    /// Starts it and waits until every target has been polled.
    pub(crate) async fn ready(self) -> Program {
        let program = self.listening().await;
        until("readiness", async || (program.get("/-/ready").await.status == 200).then_some(())).await;
        program
    }

    /// Starts it and waits until it exits.
    pub(crate) async fn finish(self) -> Finished {
        self.spawn().finish().await
    }
}

fn listening_address(log: &str) -> Option<SocketAddr> {
    let (whole_lines, _) = log.rsplit_once('\n')?;
    let line =
        whole_lines.lines().find(|line| ["listening", "listens"].iter().any(|word| line.contains(word)))?;
    // `address=…` or `"address":"…"`.
    let (_, rest) = line.split_once("address=").or_else(|| line.split_once("\"address\":"))?;
    let rest = rest.trim_start_matches('"');
    rest.split(|c: char| c.is_whitespace() || "\",}".contains(c)).next()?.parse().ok()
}

/// The output of a child process so far.
struct Captured {
    bytes: Arc<Mutex<Vec<u8>>>,
    reading: JoinHandle<()>,
}

impl Captured {
    fn of(pipe: Option<impl AsyncRead + Unpin + Send + 'static>) -> Self {
        let bytes: Arc<Mutex<Vec<u8>>> = Arc::default();
        let written = bytes.clone();
        let reading = tokio::spawn(async move {
            let Some(mut pipe) = pipe else { return };
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(length @ 1..) = pipe.read(&mut buffer).await {
                written.lock().unwrap().extend_from_slice(&buffer[..length]);
            }
        });
        Self { bytes, reading }
    }

    fn text(&self) -> String {
        String::from_utf8(self.bytes.lock().unwrap().clone()).expect("output is UTF-8")
    }

    async fn whole(mut self) -> String {
        timeout(PATIENCE, &mut self.reading).await.expect("the end of the output").unwrap();
        self.text()
    }
}

/// A running program. It is killed when it is dropped.
pub(crate) struct Program {
    child: Child,
    stdout: Captured,
    stderr: Captured,
    address: Option<SocketAddr>,
    _directory: TempDir,
    config_file: Option<NamedTempFile>,
}

/// The output of a program that has exited.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    /// Asserts the exit code.
    pub(crate) fn with_code(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "{}\n{}", self.stdout, self.stderr);
        self
    }

    /// The metrics that it printed.
    pub(crate) fn metrics(&self) -> Exposition {
        Exposition::parse(&self.stdout).unwrap()
    }
}

/// An HTTP response of the program.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: String,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

impl Program {
    /// The address at which it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address.expect("a program that listens")
    }

    pub(crate) fn stdout(&self) -> String {
        self.stdout.text()
    }

    pub(crate) fn stderr(&self) -> String {
        self.stderr.text()
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).await
    }

    /// Sends a request over a new connection.
    pub(crate) async fn request(&self, method: Method, path: &str) -> Response {
        let client = reqwest::Client::builder().no_proxy().no_gzip().timeout(PATIENCE).build().unwrap();
        let url = format!("http://{}{path}", self.address());
        let response = client.request(method, url).send().await;
        let response = response.unwrap_or_else(|error| panic!("{path}: {error:?}\n{}", self.stderr()));
        Response {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.text().await.unwrap(),
        }
    }

    /// Scrapes it.
    pub(crate) async fn metrics(&self) -> Exposition {
        let response = self.get("/metrics").await;
        assert_eq!(response.status, 200);
        Exposition::parse(&response.body).unwrap()
    }

    /// Scrapes it until `wanted` accepts the metrics.
    pub(crate) async fn metrics_with(
        &self,
        what: &str,
        mut wanted: impl FnMut(&Exposition) -> bool,
    ) -> Exposition {
        until(what, async || {
            let metrics = self.metrics().await;
            wanted(&metrics).then_some(metrics)
        })
        .await
    }

    /// Scrapes a demo until it has metrics of jobs, for which readiness does not wait.
    pub(crate) async fn metrics_with_jobs(&self) -> Exposition {
        self.metrics().await;
        let served = ["health_score", "used_cpu_cores", "job_restarts_total", "last_failure_info"];
        let exists =
            |metrics: &Exposition, name| metrics.find(&format!("aliyun_flink_deployment_{name}")).exists();
        self.metrics_with("metrics of jobs", |metrics| served.iter().all(|name| exists(metrics, name))).await
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("a program that runs")
    }

    /// Sends a signal, such as `TERM`.
    pub(crate) async fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &pid]).status().await.unwrap();
        assert!(sent.success());
    }

    /// Replaces the text of the configuration file.
    pub(crate) fn rewrite_config(&self, yaml: &str) {
        std::fs::write(self.config_file.as_ref().expect("a file").path(), yaml).unwrap();
    }

    /// Waits until it exits.
    pub(crate) async fn finish(mut self) -> Finished {
        let status = timeout(PATIENCE, self.child.wait()).await.expect("the exit of the program").unwrap();
        Finished { status, stdout: self.stdout.whole().await, stderr: self.stderr.whole().await }
    }
}
