//! The word to systemd: that the exporter serves, is alive, and how its targets are.

use std::{convert::Infallible, future::pending, sync::Arc, time::Duration};

use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use crate::{
    model::PollOutcome,
    snapshot::Publisher,
    systemd::{State, Systemd},
    web::Reloaded,
};

/// How often the targets' state is looked at, at the least, and told if it is news.
const RHYTHM: Duration = Duration::from_secs(15);

/// How long a reload may hold up the supervision of the polls: credentials may be waited for.
const RELOAD_LIMIT: Duration = Duration::from_secs(120);

/// Beats as long as the loop that has it goes on, which is the one that supervises the polls. The runtime's threads
/// move its time on: where all of them are stuck, no beat comes due. Then systemd's watchdog ends the process and
/// starts it again.
#[derive(Debug)]
pub(super) struct Heart {
    systemd: Systemd,
    publisher: Arc<Publisher>,
    beats: Interval,
    told: String,
    refused: bool,
    /// Whether systemd still waits for the word that the exporter serves: without it, a start and a reload fail.
    ready_is_due: bool,
}

impl Heart {
    pub(super) fn new(systemd: Systemd, publisher: Arc<Publisher>) -> Self {
        // Twice within the watchdog's time, so that one that comes late kills nobody.
        let rhythm = systemd.watchdog().map_or(RHYTHM, |limit| RHYTHM.min(limit / 2));
        let mut beats = interval(rhythm.max(Duration::from_millis(1)));
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { systemd, publisher, beats, told: String::new(), refused: false, ready_is_due: false }
    }

    /// Says that the exporter serves. So it does once its listeners are bound and its configuration holds; the
    /// first polls take as long as the API does, and an API that is down must not make the start fail.
    pub(super) async fn ready(&mut self) {
        self.ready_is_due = true;
        self.tell(&[]).await;
    }

    /// Says that the configuration is being read anew.
    pub(super) async fn reloading(&mut self) {
        self.ready_is_due = false;
        self.systemd.tell(&[State::Reloading]).await;
    }

    /// Says that the configuration was read anew, or refused.
    pub(super) async fn reloaded(&mut self, outcome: &Reloaded) {
        self.refused = outcome.is_err();
        self.ready().await;
    }

    /// Says that the exporter is about to end.
    pub(super) async fn stopping(&self) {
        self.systemd.tell(&[State::Stopping, State::Status("stopping")]).await;
    }

    /// The next beat's time; never, where nobody listens.
    pub(super) async fn due(&mut self) {
        if self.systemd.listens() {
            self.beats.tick().await;
        } else {
            pending::<()>().await;
        }
    }

    /// Beats.
    pub(super) async fn beat(&mut self) {
        let alive = self.systemd.watchdog().map(|_| State::Alive);
        self.tell(alive.as_slice()).await;
    }

    /// Goes on beating while a reload is under way, but not for one that never ends.
    pub(super) async fn beat_during_reload(&mut self) -> Infallible {
        let begun = Instant::now();
        loop {
            self.due().await;
            if begun.elapsed() < RELOAD_LIMIT {
                self.beat().await;
            }
        }
    }

    /// Tells of `states`, that the exporter serves if that is due, and how the targets are if that is news.
    async fn tell(&mut self, states: &[State<'_>]) {
        let summary = self.summary();
        let mut all = states.to_vec();
        if self.ready_is_due {
            all.push(State::Ready);
        }
        if summary != self.told {
            all.push(State::Status(&summary));
        }
        if all.is_empty() || self.systemd.tell(&all).await {
            self.ready_is_due = false;
            self.told = summary;
        }
    }

    /// How many targets are up, failing, and waiting; and whether the configuration is the one last read.
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
        let mut summary = format!("targets: {up} up");
        if let Some((id, outcome)) = failing.first() {
            summary = format!("{summary}, {} failing, such as {id} ({outcome})", failing.len());
        }
        if waiting > 0 {
            summary = format!("{summary}, {waiting} not polled yet");
        }
        if self.refused {
            summary = format!("{summary}; the configuration last read was refused");
        }
        summary
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
        snapshot::fixture::{Fixture, target},
    };

    /// A heart under a watchdog of a second, and what it tells.
    fn heart(test: &str, publisher: &Arc<Publisher>) -> (Heart, net::UnixDatagram) {
        // Of this process: on one machine the tests may run twice at once.
        let name: &'static str = format!("@exporter-test-{test}-{}", std::process::id()).leak();
        let address = net::SocketAddr::from_abstract_name(&name[1..]).unwrap();
        let socket = net::UnixDatagram::bind_addr(&address).unwrap();
        socket.set_nonblocking(true).unwrap();
        let variable = move |variable: &str| match variable {
            "NOTIFY_SOCKET" => Some(name),
            "WATCHDOG_USEC" => Some("1000000"),
            _ => None,
        };
        (Heart::new(Systemd::new(variable, 1), publisher.clone()), socket)
    }

    fn told(socket: &net::UnixDatagram) -> Option<String> {
        let mut buffer = [0; 1024];
        let length = socket.recv(&mut buffer).ok()?;
        Some(String::from_utf8(buffer[..length].to_vec()).unwrap())
    }

    /// The next beat, if it comes in time.
    fn beat(socket: &net::UnixDatagram) -> Option<String> {
        socket.set_nonblocking(false).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
        told(socket)
    }

    #[test]
    fn a_runtime_whose_threads_are_all_stuck_is_not_alive() {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (mut heart, socket) = {
            let _within = runtime.enter();
            heart("stuck-runtime", &runtime.block_on(Fixture::new(&[])).publisher)
        };
        let (release, held) = mpsc::channel::<()>();
        let handle = runtime.handle().clone();
        // Where the process has its main loop: beside the threads of the runtime.
        let _main = std::thread::spawn(move || {
            handle.block_on(async {
                loop {
                    heart.due().await;
                    heart.beat().await;
                }
            })
        });
        assert_eq!(beat(&socket).as_deref(), Some("WATCHDOG=1\nSTATUS=targets: 0 up"));
        assert_eq!(beat(&socket).as_deref(), Some("WATCHDOG=1"), "what was told already is not told again");
        let task = runtime.spawn(async move { held.recv() });
        // One may have been on its way.
        let beats = std::iter::from_fn(|| beat(&socket)).count();
        assert!(beats <= 1, "{beats}");
        drop(release);
        assert!(runtime.block_on(task).unwrap().is_err());
        assert_eq!(beat(&socket).as_deref(), Some("WATCHDOG=1"));
        runtime.shutdown_background();
    }

    #[tokio::test(start_paused = true)]
    async fn a_reload_that_never_ends_stops_the_heart() {
        let (mut heart, socket) = heart("long-reload", &Fixture::new(&[]).await.publisher);
        let begun = Instant::now();
        let mut last = begun;
        let listening = async {
            loop {
                sleep(Duration::from_millis(100)).await;
                while told(&socket).is_some() {
                    last = Instant::now();
                }
            }
        };
        let both = async { tokio::join!(heart.beat_during_reload(), listening) };
        assert!(timeout(2 * RELOAD_LIMIT, both).await.is_err());
        let beat_for = last - begun;
        assert!(beat_for + RHYTHM > RELOAD_LIMIT && beat_for <= RELOAD_LIMIT, "{beat_for:?}");
    }

    #[tokio::test]
    async fn what_there_was_no_room_for_is_told_with_the_next_beat() {
        let (mut heart, socket) = heart("full-queue", &Fixture::new(&[]).await.publisher);
        let sender = net::UnixDatagram::unbound().unwrap();
        sender.set_nonblocking(true).unwrap();
        while sender.send_to_addr(b"X=1", &socket.local_addr().unwrap()).is_ok() {}
        heart.ready().await;
        while let Some(message) = told(&socket) {
            assert_eq!(message, "X=1");
        }
        heart.beat().await;
        assert_eq!(told(&socket).as_deref(), Some("WATCHDOG=1\nREADY=1\nSTATUS=targets: 0 up"));
        heart.beat().await;
        assert_eq!(told(&socket).as_deref(), Some("WATCHDOG=1"));
    }

    #[tokio::test]
    async fn the_status_names_what_fails() {
        let id = |namespace| target(namespace, "");
        let fixture = Fixture::new(&[id("a"), id("b"), id("c")]).await;
        let (mut heart, socket) = heart("status", &fixture.publisher);
        heart.ready().await;
        assert_eq!(told(&socket).as_deref(), Some("READY=1\nSTATUS=targets: 0 up, 3 not polled yet"));
        fixture.fail(&id("b"), ErrorClass::Permission, "");
        fixture.succeed(&id("a"), Vec::new()).await;
        heart.reloaded(&Err("a mistake".into())).await;
        assert_eq!(
            told(&socket).as_deref(),
            Some(
                "READY=1\nSTATUS=targets: 1 up, 1 failing, such as w/b (permission), 1 not polled yet; the \
                 configuration last read was refused"
            )
        );
    }
}
