//! One target's time: polls when they are due, and the end of data that became too old.

use std::{future::pending, pin::pin, time::Duration};

use tokio::time::Instant;
use tokio::time::sleep_until;
use tracing::warn;

use super::Schedule;
use crate::snapshot::{Board, TargetId};

/// What a target's time depends on.
#[derive(Debug)]
pub(super) struct Rhythm<'a> {
    pub(super) id: &'a TargetId,
    pub(super) board: &'a Board,
    pub(super) schedule: Schedule,
    pub(super) stale_after: Duration,
}

impl Rhythm<'_> {
    /// Polls at `first` and whenever the schedule says, for ever; polls never overlap.
    pub(super) async fn keep<T, F: Future<Output = T>>(&self, first: Instant, poll: impl Fn() -> F) {
        let mut due = first;
        loop {
            self.board.scheduled(self.id, due);
            self.while_waiting(sleep_until(due)).await;
            self.while_waiting(poll()).await;
            due = self.schedule.next_after(Instant::now());
        }
    }

    /// Withdraws the data served now once it is too old.
    async fn expire(&self) {
        let Some(since) = self.board.data_since(self.id) else { return pending().await };
        sleep_until(since + self.stale_after).await;
        if self.board.expire(self.id, since).await {
            warn!(target = %self.id, "the last good poll is too old: series withdrawn");
        }
    }

    /// Awaits `event`, withdrawing the data when it becomes too old meanwhile.
    async fn while_waiting<T>(&self, event: impl Future<Output = T>) -> T {
        let mut event = pin!(event);
        loop {
            // The event goes on while the data is withdrawn: a poll that reports just now may hold what the
            // withdrawal waits for.
            tokio::select! {
                biased;
                value = &mut event => return value,
                () = self.expire() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        cell::{Cell, RefCell},
        rc::Rc,
    };

    use tokio::time::{sleep, timeout};

    use super::*;
    use crate::{
        clock::Clock,
        model::ErrorClass,
        model::{Deployment, LabelKeys},
        snapshot::{Freshness, PollTimes, TargetStatus},
    };

    const INTERVAL: Duration = Duration::from_secs(60);
    const STALE_AFTER: Duration = Duration::from_secs(300);

    const TARGET_IS_DOWN: &str = "aliyun_flink_target_up{collector=\"deployments\",region=\"\",workspace=\"w\",\
                                  namespace=\"n\",selection=\"\"} 0";

    struct Stage {
        id: TargetId,
        board: Board,
        start: Instant,
        polls: RefCell<Vec<u64>>,
    }

    impl Stage {
        async fn new() -> Self {
            let id = TargetId { workspace: "w".into(), namespace: "n".into(), selection: String::new() };
            let clock = Clock::paused(Duration::from_secs(1_000_000));
            let board = Board::new(clock);
            board
                .configure(Vec::new(), &[(id.clone(), Duration::from_secs(60))].into(), LabelKeys::default())
                .await;
            Self { id, board, start: Instant::now(), polls: RefCell::default() }
        }

        fn times() -> PollTimes {
            PollTimes { took: Duration::ZERO, next: Instant::now() + INTERVAL }
        }

        async fn succeed(&self) {
            let deployment = Deployment { id: "d".into(), ..Deployment::default() };
            self.board.succeeded(&self.id, vec![deployment], Vec::new(), 1, Self::times()).await;
        }

        fn fail(&self) {
            self.board.failed(&self.id, ErrorClass::Throttled, "slow down".into(), Self::times());
        }

        fn status(&self) -> TargetStatus {
            TargetStatus::clone(&self.board.snapshot().targets()[0].1)
        }

        fn text(&self) -> String {
            let pieces = self.board.snapshot().text();
            pieces.iter().map(|piece| std::str::from_utf8(piece).unwrap()).collect()
        }

        /// Keeps the rhythm for `span`, each poll being `poll`.
        async fn keep<F: Future<Output = ()>>(&self, span: Duration, poll: impl Fn(usize) -> F) {
            let schedule = Schedule::new(self.start, INTERVAL, 0, 1, 10.0);
            let rhythm = Rhythm { id: &self.id, board: &self.board, schedule, stale_after: STALE_AFTER };
            let kept = rhythm.keep(schedule.first(), || {
                self.polls.borrow_mut().push(self.start.elapsed().as_secs());
                poll(self.polls.borrow().len())
            });
            assert!(timeout(span, kept).await.is_err());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn polls_are_an_interval_apart_however_long_they_take() {
        let stage = Stage::new().await;
        stage.keep(Duration::from_secs(400), |_| sleep(Duration::from_secs(25))).await;
        assert_eq!(*stage.polls.borrow(), [0, 60, 120, 180, 240, 300, 360]);
    }

    #[tokio::test(start_paused = true)]
    async fn polls_longer_than_the_interval_do_not_overlap() {
        let stage = Stage::new().await;
        let running = Rc::new(Cell::new(0));
        stage
            .keep(Duration::from_secs(400), |_| {
                let running = running.clone();
                async move {
                    running.set(running.get() + 1);
                    assert_eq!(running.get(), 1);
                    sleep(Duration::from_secs(90)).await;
                    running.set(running.get() - 1);
                }
            })
            .await;
        assert_eq!(*stage.polls.borrow(), [0, 120, 240, 360]);
    }

    #[tokio::test(start_paused = true)]
    async fn failed_polls_leave_the_data_until_it_is_too_old_to_the_second() {
        let stage = Stage::new().await;
        let poll = async |number: usize| if number == 1 { stage.succeed().await } else { stage.fail() };
        stage.keep(Duration::from_secs(1), poll).await;
        assert_eq!(stage.status().freshness(), Freshness::Fresh);
        // Time goes on, and only failures with it.
        let fail = async |_| stage.fail();
        stage.keep(Duration::from_millis(298_900), fail).await;
        assert_eq!(stage.start.elapsed(), Duration::from_millis(299_900));
        assert_eq!(stage.status().freshness(), Freshness::Stale);
        assert!(stage.text().contains("aliyun_flink_deployment_info{"));
        assert!(stage.text().contains(TARGET_IS_DOWN), "{}", stage.text());
        stage.keep(Duration::from_millis(200), fail).await;
        assert_eq!(stage.status().freshness(), Freshness::Expired);
        assert!(!stage.text().contains("aliyun_flink_deployment_"), "{}", stage.text());
        assert!(!stage.text().contains("aliyun_flink_target_objects"));
        assert!(stage.text().contains(TARGET_IS_DOWN), "{}", stage.text());
    }

    #[tokio::test(start_paused = true)]
    async fn data_expires_while_a_poll_hangs() {
        let stage = Stage::new().await;
        stage.succeed().await;
        stage.keep(Duration::from_secs(301), |_| pending()).await;
        assert_eq!(stage.polls.borrow().len(), 1);
        assert_eq!(stage.status().deployments(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn data_expires_while_a_good_poll_reports() {
        let stage = Stage::new().await;
        // Each report comes just when the data of the one before becomes too old.
        let poll = async |_| {
            sleep(Duration::from_secs(300)).await;
            stage.succeed().await;
        };
        stage.succeed().await;
        stage.keep(Duration::from_secs(3000), poll).await;
        assert!(stage.polls.borrow().len() >= 8, "{:?}", stage.polls.borrow());
    }

    #[tokio::test(start_paused = true)]
    async fn a_good_poll_brings_withdrawn_data_back() {
        let stage = Stage::new().await;
        stage.succeed().await;
        stage.keep(Duration::from_secs(310), async |_| stage.fail()).await;
        assert_eq!(stage.status().freshness(), Freshness::Expired);
        stage.keep(Duration::from_secs(60), async |_| stage.succeed().await).await;
        assert_eq!(stage.status().freshness(), Freshness::Fresh);
        assert!(stage.text().contains("aliyun_flink_deployment_info{"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_target_that_never_succeeded_has_no_deployment_series() {
        let stage = Stage::new().await;
        assert_eq!(stage.status().freshness(), Freshness::Pending);
        assert!(!stage.board.is_complete());
        stage.keep(Duration::from_secs(590), async |_| stage.fail()).await;
        assert!(stage.board.is_complete());
        assert_eq!(stage.status().freshness(), Freshness::Expired);
        let text = stage.text();
        assert!(!text.contains("aliyun_flink_deployment_") && !text.contains("last_success"), "{text}");
        assert!(text.contains("outcome=\"throttled\"} 10\n"), "{text}");
    }
}
