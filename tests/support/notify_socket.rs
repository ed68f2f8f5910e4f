//! systemd's end of the notify socket.

use std::{os::unix::net::UnixDatagram, path::PathBuf};

use tempfile::TempDir;
use tokio::{net, time::timeout};

use super::{PATIENCE, Start};

/// A socket that receives notifications, as systemd's does.
pub(crate) struct NotifySocket {
    /// Not blocking.
    socket: UnixDatagram,
    asynchronous: net::UnixDatagram,
    directory: TempDir,
}

impl NotifySocket {
    pub(crate) fn bind() -> Self {
        let directory = TempDir::new().unwrap();
        let socket = UnixDatagram::bind(Self::path(&directory)).unwrap();
        socket.set_nonblocking(true).unwrap();
        let asynchronous = net::UnixDatagram::from_std(socket.try_clone().unwrap()).unwrap();
        Self { socket, asynchronous, directory }
    }

    fn path(directory: &TempDir) -> PathBuf {
        directory.path().join("notify")
    }

    /// Sets `NOTIFY_SOCKET` for the program.
    pub(crate) fn notified_by(&self, start: Start) -> Start {
        start.env("NOTIFY_SOCKET", Self::path(&self.directory).to_str().unwrap())
    }

    /// The next message.
    pub(crate) async fn message(&self) -> String {
        let mut buffer = [0; 4096];
        let received = timeout(PATIENCE, self.asynchronous.recv(&mut buffer)).await.expect("a message");
        String::from_utf8(buffer[..received.unwrap()].to_vec()).unwrap()
    }

    /// The messages up to the first one with this line.
    pub(crate) async fn until(&self, line: &str) -> Vec<String> {
        let mut messages = Vec::new();
        loop {
            messages.push(self.message().await);
            if Self::has(messages.last().unwrap(), line) {
                return messages;
            }
        }
    }

    /// The messages that are in the queue.
    pub(crate) fn queued(&self) -> Vec<String> {
        let mut buffer = [0; 4096];
        let mut messages = Vec::new();
        while let Ok(length) = self.socket.recv(&mut buffer) {
            messages.push(String::from_utf8(buffer[..length].to_vec()).unwrap());
        }
        messages
    }

    pub(crate) fn has(message: &str, line: &str) -> bool {
        message.lines().any(|found| found == line)
    }
}
