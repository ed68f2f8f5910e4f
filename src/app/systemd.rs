//! Notifications to systemd: readiness, reloads, shutdown, status and watchdog.

use std::{convert::Infallible, future::pending, sync::Arc, time::Duration};

use tokio::time::{Instant, Interval, MissedTickBehavior, interval};
use tracing::error;

use crate::{
    model::PollOutcome,
    sd_notify::{Notifier, State},
    snapshot::Publisher,
    web::Reloaded,
};

/// Interval between updates of the status, unless the watchdog needs a shorter one.
const UPDATE_INTERVAL: Duration = Duration::from_secs(15);

/// Maximum time of a reload during which the watchdog is pinged. A reload may wait for credentials.
const RELOAD_TIMEOUT: Duration = Duration::from_secs(120);

/// Notifies systemd.
///
/// The task that supervises the poll loops pings the watchdog. No ping is sent if all threads of the runtime are
/// blocked, or if any poll neither finishes nor times out. systemd then restarts the process.
#[derive(Debug)]
pub(super) struct SystemdNotifier {
    notifier: Notifier,
    publisher: Arc<Publisher>,
    ticks: Interval,
    /// The status that systemd shows.
    status: String,
    reload_failed: bool,
    /// Whether systemd still waits for [`State::Ready`]. Without it, a start or a reload fails.
    ready_is_due: bool,
    /// Whether the pings are suspended because of stuck polls.
    is_stuck: bool,
}

impl SystemdNotifier {
    pub(super) fn new(notifier: Notifier, publisher: Arc<Publisher>) -> Self {
        // Twice within the watchdog's time, so that a late ping is not fatal.
        let update =
            notifier.watchdog_timeout().map_or(UPDATE_INTERVAL, |limit| UPDATE_INTERVAL.min(limit / 2));
        let mut ticks = interval(update.max(Duration::from_millis(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            notifier,
            publisher,
            ticks,
            status: String::new(),
            reload_failed: false,
            ready_is_due: false,
            is_stuck: false,
        }
    }

    /// Reports that the exporter is ready: its listeners are bound and its configuration is valid. It does not wait
    /// for the first polls, because an unavailable API must not make the start fail.
    pub(super) async fn ready(&mut self) {
        self.ready_is_due = true;
        self.notify(&[]).await;
    }

    /// Reports that a reload has begun.
    pub(super) async fn reloading(&mut self) {
        self.ready_is_due = false;
        self.notifier.notify(&[State::Reloading]).await;
    }

    /// Reports the end of a reload.
    pub(super) async fn reloaded(&mut self, outcome: &Reloaded) {
        self.reload_failed = outcome.is_err();
        self.ready().await;
    }

    /// Reports that the exporter is about to exit.
    pub(super) async fn stopping(&self) {
        self.notifier.notify(&[State::Stopping, State::Status("stopping")]).await;
    }

    /// Waits until the next update is due; forever without systemd.
    pub(super) async fn tick(&mut self) {
        if self.notifier.is_enabled() {
            self.ticks.tick().await;
        } else {
            pending::<()>().await;
        }
    }

    /// Pings the watchdog, unless a poll is stuck, and updates the status.
    pub(super) async fn ping_watchdog(&mut self) {
        let stuck = self.publisher.store().stuck(Instant::now());
        match stuck.first() {
            Some(target) if !self.is_stuck => {
                let count = stuck.len();
                error!(%target, count, "polls neither finish nor time out; the watchdog is no longer notified");
            }
            _ => {}
        }
        self.is_stuck = !stuck.is_empty();
        let has_watchdog = self.notifier.watchdog_timeout().is_some();
        let ping = (has_watchdog && !self.is_stuck).then_some(State::Watchdog);
        self.notify(ping.as_slice()).await;
    }

    /// Keeps pinging during a reload, but not during one that never ends.
    pub(super) async fn ping_during_reload(&mut self) -> Infallible {
        let begun = Instant::now();
        loop {
            self.tick().await;
            if begun.elapsed() < RELOAD_TIMEOUT {
                self.ping_watchdog().await;
            }
        }
    }

    /// Sends `states`, together with [`State::Ready`] if that is due and the status if it has changed.
    async fn notify(&mut self, states: &[State<'_>]) {
        let summary = self.summary();
        let mut all = states.to_vec();
        if self.ready_is_due {
            all.push(State::Ready);
        }
        if summary != self.status {
            all.push(State::Status(&summary));
        }
        if all.is_empty() || self.notifier.notify(&all).await {
            self.ready_is_due = false;
            self.status = summary;
        }
    }

    /// The number of targets that are up, failing and not polled yet, and whether the last reload failed.
    fn summary(&self) -> String {
        let snapshot = self.publisher.snapshot();
        let mut failing = Vec::new();
        let (mut up, mut waiting) = (0, 0);
        for (id, status) in snapshot.targets() {
            match status.last_poll().map(|poll| poll.outcome) {
                None => waiting += 1,
                Some(PollOutcome::Success) => up += 1,
                Some(outcome) => failing.push((id, outcome.as_str())),
            }
        }
        let mut text = format!("targets: {up} up");
        if let Some((id, outcome)) = failing.first() {
            text = format!("{text}, {} failing, such as {id} ({outcome})", failing.len());
        }
        if waiting > 0 {
            text = format!("{text}, {waiting} not polled yet");
        }
        if self.reload_failed {
            text = format!("{text}; the configuration last read was refused");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use std::{
        os::{linux::net::SocketAddrExt as _, unix::net},
        sync::mpsc,
    };

    use tokio::{
        runtime::Builder,
        time::{sleep, timeout},
    };

    use super::*;
    use crate::{
        model::ErrorClass,
        snapshot::testing::{Fixture, target},
    };

    /// A notifier with a watchdog of a second, and the socket that it notifies.
    fn new_notifier(test: &str, publisher: &Arc<Publisher>) -> (SystemdNotifier, net::UnixDatagram) {
        // Unique to this process, because tests may run concurrently on one machine.
        let name: &'static str = format!("@exporter-test-{test}-{}", std::process::id()).leak();
        let address = net::SocketAddr::from_abstract_name(&name[1..]).unwrap();
        let socket = net::UnixDatagram::bind_addr(&address).unwrap();
        socket.set_nonblocking(true).unwrap();
        let variable = move |variable: &str| match variable {
            "NOTIFY_SOCKET" => Some(name),
            "WATCHDOG_USEC" => Some("1000000"),
            _ => None,
        };
        (SystemdNotifier::new(Notifier::new(variable, 1), publisher.clone()), socket)
    }

    fn received(socket: &net::UnixDatagram) -> Option<String> {
        let mut buffer = [0; 1024];
        let length = socket.recv(&mut buffer).ok()?;
        Some(String::from_utf8(buffer[..length].to_vec()).unwrap())
    }

    /// The next message, if it arrives in time.
    fn next_message(socket: &net::UnixDatagram) -> Option<String> {
        socket.set_nonblocking(false).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
        received(socket)
    }

    #[test]
    fn a_runtime_whose_threads_are_all_stuck_does_not_ping() {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (mut notifier, socket) = {
            let _within = runtime.enter();
            new_notifier("stuck-runtime", &runtime.block_on(Fixture::new(&[])).publisher)
        };
        let (release, held) = mpsc::channel::<()>();
        let handle = runtime.handle().clone();
        // In the main thread, as in the program.
        let _main = std::thread::spawn(move || {
            handle.block_on(async {
                loop {
                    notifier.tick().await;
                    notifier.ping_watchdog().await;
                }
            })
        });
        assert_eq!(next_message(&socket).as_deref(), Some("WATCHDOG=1\nSTATUS=targets: 0 up"));
        assert_eq!(
            next_message(&socket).as_deref(),
            Some("WATCHDOG=1"),
            "an unchanged status is not repeated"
        );
        let task = runtime.spawn(async move { held.recv() });
        // A message may have been in flight.
        let pings = std::iter::from_fn(|| next_message(&socket)).count();
        assert!(pings <= 1, "{pings}");
        drop(release);
        assert!(runtime.block_on(task).unwrap().is_err());
        assert_eq!(next_message(&socket).as_deref(), Some("WATCHDOG=1"));
        runtime.shutdown_background();
    }

    #[tokio::test(start_paused = true)]
    async fn a_reload_that_never_ends_stops_the_pings() {
        let (mut notifier, socket) = new_notifier("long-reload", &Fixture::new(&[]).await.publisher);
        let begun = Instant::now();
        let mut last = begun;
        let listening = async {
            loop {
                sleep(Duration::from_millis(100)).await;
                while received(&socket).is_some() {
                    last = Instant::now();
                }
            }
        };
        let both = async { tokio::join!(notifier.ping_during_reload(), listening) };
        assert!(timeout(2 * RELOAD_TIMEOUT, both).await.is_err());
        let pinged_for = last - begun;
        assert!(
            pinged_for + UPDATE_INTERVAL > RELOAD_TIMEOUT && pinged_for <= RELOAD_TIMEOUT,
            "{pinged_for:?}"
        );
    }

    #[tokio::test]
    async fn states_that_found_no_room_are_sent_with_the_next_ping() {
        let (mut notifier, socket) = new_notifier("full-queue", &Fixture::new(&[]).await.publisher);
        let sender = net::UnixDatagram::unbound().unwrap();
        sender.set_nonblocking(true).unwrap();
        while sender.send_to_addr(b"X=1", &socket.local_addr().unwrap()).is_ok() {}
        notifier.ready().await;
        while let Some(message) = received(&socket) {
            assert_eq!(message, "X=1");
        }
        notifier.ping_watchdog().await;
        assert_eq!(received(&socket).as_deref(), Some("WATCHDOG=1\nREADY=1\nSTATUS=targets: 0 up"));
        notifier.ping_watchdog().await;
        assert_eq!(received(&socket).as_deref(), Some("WATCHDOG=1"));
    }

    #[tokio::test]
    async fn the_status_names_failing_targets() {
        let id = |namespace| target(namespace, "");
        let fixture = Fixture::new(&[id("a"), id("b"), id("c")]).await;
        let (mut notifier, socket) = new_notifier("status", &fixture.publisher);
        notifier.ready().await;
        assert_eq!(received(&socket).as_deref(), Some("READY=1\nSTATUS=targets: 0 up, 3 not polled yet"));
        fixture.fail(&id("b"), ErrorClass::Permission, "");
        fixture.succeed(&id("a"), Vec::new()).await;
        notifier.reloaded(&Err("a mistake".into())).await;
        assert_eq!(
            received(&socket).as_deref(),
            Some(
                "READY=1\nSTATUS=targets: 1 up, 1 failing, such as w/b (permission), 1 not polled yet; the \
                 configuration last read was refused"
            )
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_poll_that_neither_finishes_nor_times_out_suspends_the_pings() {
        let id = target("a", "");
        let fixture = Fixture::new(std::slice::from_ref(&id)).await;
        let (mut notifier, socket) = new_notifier("stuck-poll", &fixture.publisher);
        let due = Instant::now() + Duration::from_secs(10);
        fixture.publisher.store().schedule(&id, Instant::now(), due);
        notifier.ping_watchdog().await;
        assert!(received(&socket).unwrap().starts_with("WATCHDOG=1\n"));
        sleep(Duration::from_secs(10)).await;
        notifier.ping_watchdog().await;
        assert_eq!(received(&socket), None);
        fixture.fail(&id, ErrorClass::Timeout, "");
        notifier.ping_watchdog().await;
        assert!(received(&socket).unwrap().starts_with("WATCHDOG=1\n"));
    }
}
