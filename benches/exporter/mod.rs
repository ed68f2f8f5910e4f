//! The exporter as a process of its own.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

/// A running exporter, which is killed when this is dropped.
pub(crate) struct Exporter {
    child: Child,
    /// Where it serves.
    pub(crate) url: String,
}

impl Exporter {
    /// Starts the exporter with a configuration file, and waits until it listens. Blocks the calling thread.
    pub(crate) fn start(config: &Path, flags: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_aliyun-flink-exporter"))
            .args(["--web.listen-address", "127.0.0.1:0"])
            .args(flags)
            .arg("--config.file")
            .arg(config)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the exporter starts");
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        let address = loop {
            let line = lines.next().expect("the exporter says where it listens").expect("text");
            if let Some((_, address)) = line.split_once("address=") {
                break address.split_whitespace().next().unwrap_or_default().to_owned();
            }
        };
        // The log is read to its end, so that the exporter never waits for its reader.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Self { child, url: format!("http://{address}") }
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
