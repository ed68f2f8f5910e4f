//! Notifications to the service manager, by the datagram protocol of `sd_notify(3)`.
//!
//! The environment variable `NOTIFY_SOCKET` names the socket. Without it, nothing is sent. A notification waits at most
//! `SEND_TIMEOUT` for room in the socket's queue, and a lost one has no other effect.
//!
//! The crate `sd-notify` 0.5 does not replace this module: it sends on a blocking socket, which waits without limit for
//! a service manager that does not read; it takes the name of an abstract socket (`@name`) for a path; it does not keep
//! control characters out of a status; and it accepts a watchdog of 0 µs and an unreadable `WATCHDOG_PID`.

use std::{
    fmt, io,
    os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixDatagram},
    },
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};
use tokio::time::timeout;
use tracing::warn;

/// How long a notification may wait for room in the socket's queue.
const SEND_TIMEOUT: Duration = Duration::from_secs(1);

/// Connection to systemd's notify socket, if `NOTIFY_SOCKET` is set.
#[derive(Debug, Default)]
pub struct Notifier {
    socket: Option<SocketAddr>,
    watchdog_timeout: Option<Duration>,
}

/// A state that a notification contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State<'a> {
    /// The process serves, after its start or after a reload.
    Ready,
    /// The configuration is being reloaded, until the next [`State::Ready`].
    Reloading,
    /// The process is about to exit.
    Stopping,
    /// Keep-alive ping of the watchdog.
    Watchdog,
    /// The text that `systemctl status` shows.
    Status(&'a str),
}

/// As a line of a message.
impl fmt::Display for State<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready => formatter.write_str("READY=1"),
            // The time shows systemd whether this is the reload that it requested.
            Self::Reloading => {
                let now = clock_gettime(ClockId::Monotonic);
                let microseconds = i128::from(now.tv_sec) * 1_000_000 + i128::from(now.tv_nsec) / 1000;
                write!(formatter, "RELOADING=1\nMONOTONIC_USEC={microseconds}")
            }
            Self::Stopping => formatter.write_str("STOPPING=1"),
            Self::Watchdog => formatter.write_str("WATCHDOG=1"),
            // A line break would start another state.
            Self::Status(text) => write!(formatter, "STATUS={}", text.replace(char::is_control, " ")),
        }
    }
}

impl Notifier {
    /// Reads the variables of the environment that are meant for the process `pid`.
    pub fn new<'v>(variable: impl Fn(&str) -> Option<&'v str>, pid: u32) -> Self {
        let Some(name) = variable("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else {
            return Self::default();
        };
        let socket = match name.strip_prefix('@') {
            Some(name) => SocketAddr::from_abstract_name(name),
            None => SocketAddr::from_pathname(name),
        };
        match socket {
            Ok(socket) => Self { socket: Some(socket), watchdog_timeout: watchdog_timeout(variable, pid) },
            Err(error) => {
                warn!(%error, "systemd is not notified: NOTIFY_SOCKET is not the address of a socket");
                Self::default()
            }
        }
    }

    /// Whether there is a socket to notify.
    pub fn is_enabled(&self) -> bool {
        self.socket.is_some()
    }

    /// How long systemd waits for the next [`State::Watchdog`] before it kills the process; `None` without a watchdog.
    pub fn watchdog_timeout(&self) -> Option<Duration> {
        self.watchdog_timeout
    }

    /// Sends `states` in one datagram. Returns whether it needs no retry: false if the socket's queue stayed full.
    pub async fn notify(&self, states: &[State<'_>]) -> bool {
        let Some(socket) = &self.socket else { return true };
        let lines: Vec<String> = states.iter().map(ToString::to_string).collect();
        let sent = match timeout(SEND_TIMEOUT, send(socket, lines.join("\n").as_bytes())).await {
            Ok(sent) => sent,
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        };
        let Err(error) = sent else { return true };
        warn!(%error, state = lines.join(" "), "systemd was not notified");
        error.kind() != io::ErrorKind::TimedOut
    }
}

/// The time after which systemd considers the process `pid` stuck.
fn watchdog_timeout<'v>(variable: impl Fn(&str) -> Option<&'v str>, pid: u32) -> Option<Duration> {
    // The variables may be meant for the parent process.
    if variable("WATCHDOG_PID").is_some_and(|meant| meant.parse() != Ok(pid)) {
        return None;
    }
    let text = variable("WATCHDOG_USEC")?;
    let limit = text.parse().ok().filter(|&microseconds| microseconds > 0).map(Duration::from_micros);
    if limit.is_none() {
        warn!(value = text, "no watchdog: WATCHDOG_USEC is not a number of microseconds");
    }
    limit
}

/// Uses a new socket for each message, so that it also reaches a systemd that was restarted.
async fn send(address: &SocketAddr, message: &[u8]) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(address)?;
    socket.set_nonblocking(true)?;
    tokio::net::UnixDatagram::from_std(socket)?.send(message).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(pairs: &[(&str, &'static str)]) -> Notifier {
        let find = |name: &str| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        Notifier::new(find, 7)
    }

    const SOCKET: (&str, &str) = ("NOTIFY_SOCKET", "/run/systemd/notify");

    #[test]
    fn without_a_socket_nothing_is_enabled() {
        for pairs in [&[][..], &[("NOTIFY_SOCKET", ""), ("WATCHDOG_USEC", "5")], &[("WATCHDOG_USEC", "5")]] {
            let notifier = from(pairs);
            assert!(!notifier.is_enabled() && notifier.watchdog_timeout().is_none(), "{pairs:?}");
        }
        let too_long = "/".repeat(200).leak();
        assert!(!from(&[("NOTIFY_SOCKET", too_long)]).is_enabled());
    }

    #[test]
    fn the_watchdog_is_for_the_process_that_it_names() {
        let after =
            |pairs: &[(&str, &'static str)]| from(&[&[SOCKET][..], pairs].concat()).watchdog_timeout();
        let five = Some(Duration::from_secs(5));
        assert_eq!(after(&[]), None);
        assert_eq!(after(&[("WATCHDOG_USEC", "5000000")]), five);
        assert_eq!(after(&[("WATCHDOG_USEC", "5000000"), ("WATCHDOG_PID", "7")]), five);
        for (usec, pid) in [("5000000", "8"), ("5000000", ""), ("0", "7"), ("soon", "7"), ("-1", "7")] {
            assert_eq!(after(&[("WATCHDOG_USEC", usec), ("WATCHDOG_PID", pid)]), None, "{usec} {pid}");
        }
    }

    #[test]
    fn a_status_is_always_one_line() {
        assert_eq!(State::Status("a\nSTOPPING=1\r\0é").to_string(), "STATUS=a STOPPING=1  é");
    }

    #[test]
    fn a_reload_notification_has_its_start_time() {
        let text = State::Reloading.to_string();
        let since = text.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap().parse::<u64>().unwrap();
        assert!(since > 0);
    }

    #[tokio::test]
    async fn a_queue_that_stays_full_holds_nothing_up() {
        let address =
            SocketAddr::from_abstract_name(format!("exporter-test-{}", std::process::id())).unwrap();
        let _never_read = UnixDatagram::bind_addr(&address).unwrap();
        let notifier = Notifier { socket: Some(address.clone()), watchdog_timeout: None };
        let filled = async { while timeout(SEND_TIMEOUT / 10, send(&address, b"X=1")).await.is_ok() {} };
        timeout(Duration::from_secs(30), filled).await.expect("the queue has an end");
        let begun = tokio::time::Instant::now();
        assert!(!notifier.notify(&[State::Watchdog]).await);
        assert!(begun.elapsed() >= SEND_TIMEOUT && begun.elapsed() < 10 * SEND_TIMEOUT);
    }
}
