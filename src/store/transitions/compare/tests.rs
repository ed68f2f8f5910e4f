use DeploymentStatus::{Cancelled, Failed, Finished, None as NoJob, Running, Transitioning, Unknown};

use super::*;
use crate::model::{LastJobStatuses, Transitions};

/// Seconds since the Unix epoch at which the tests begin.
const START: u64 = 1_000_000;

/// Counts in the order of [`JobState::ALL`].
type Counts = [u64; 6];

const IDLE: Counts = [0; 6];
const ONE_RUNNING: Counts = [0, 1, 0, 0, 0, 0];

/// One deployment that is polled every minute.
struct History {
    start: Instant,
    seconds: u64,
    hold: Duration,
    previous_success: Option<Duration>,
    remembered: Option<DeploymentRecord>,
}

impl History {
    fn new() -> Self {
        let (start, hold) = (Instant::now(), Duration::from_secs(120));
        Self { start, seconds: 0, hold, previous_success: None, remembered: None }
    }

    /// Of a deployment that is created while the exporter polls its namespace.
    fn of_new() -> Self {
        Self { previous_success: Some(Duration::from_secs(START)), ..Self::new() }
    }

    fn poll_with<T>(&self, answer: &StatusLookup, with: impl FnOnce(&ComparedPoll<'_>) -> T) -> T {
        let ended_at = self.start + Duration::from_secs(self.seconds);
        with(&ComparedPoll {
            requested_at: ended_at,
            ended_at,
            ended: Duration::from_secs(START + self.seconds),
            previous_success: self.previous_success,
            first_value_hold: self.hold,
            answer,
        })
    }

    fn needs_status_lookup(&self, jobs: JobCounts) -> bool {
        let deployment = deployment(jobs);
        self.poll_with(&StatusLookup::NotNeeded, |poll| {
            poll.needs_status_lookup(self.remembered.as_ref(), &deployment)
        })
    }

    fn observe(&mut self, jobs: JobCounts, answer: &StatusLookup, begins: bool) {
        self.seconds += 60;
        let before = self.remembered.take();
        let after = self.poll_with(answer, |poll| poll.compare(before.as_ref(), &deployment(jobs), begins));
        self.previous_success = Some(Duration::from_secs(START + self.seconds));
        self.remembered = Some(after);
    }

    /// Polls, a minute later. The API is not to be asked.
    fn sees(&mut self, counts: Counts) -> (DeploymentStatus, Option<u64>) {
        self.seconds += 60;
        assert!(!self.needs_status_lookup(returned(counts)));
        self.seconds -= 60;
        self.observe(returned(counts), &StatusLookup::NotNeeded, self.remembered.is_none());
        self.status()
    }

    /// Polls, a minute later, and asks the API, which must be necessary.
    fn asks(&mut self, counts: Counts, answer: &StatusLookup) -> (DeploymentStatus, Option<u64>) {
        self.seconds += 60;
        assert!(self.needs_status_lookup(returned(counts)));
        self.seconds -= 60;
        self.observe(returned(counts), answer, self.remembered.is_none());
        self.status()
    }

    /// The status, and since which second it is known.
    fn status(&self) -> (DeploymentStatus, Option<u64>) {
        let observed = self.remembered.as_ref().unwrap().status.unwrap();
        (observed.status, observed.since.map(|since| since.as_secs() - START))
    }

    /// The counters as served: cancelled, finished, failed.
    fn served(&self) -> [Option<u64>; 3] {
        self.remembered.as_ref().unwrap().transitions().jobs_ended
    }
}

fn returned(counts: Counts) -> JobCounts {
    JobCounts::new(counts.map(Some))
}

/// A deployment that was created 10 seconds after the start.
fn deployment(jobs: JobCounts) -> Deployment {
    Deployment { id: "d".into(), jobs, created: Some(START as f64 + 10.0), ..Deployment::default() }
}

fn found(states: &[JobState]) -> StatusLookup {
    let mut statuses = LastJobStatuses::default();
    for &state in states {
        statuses.add("d".into(), state);
    }
    StatusLookup::Statuses(statuses)
}

fn failed(count: u64) -> Counts {
    [0, 0, 0, 0, 0, count]
}

#[test]
fn live_jobs_are_the_status_and_an_end_begins_the_next() {
    let mut history = History::new();
    assert_eq!(history.sees(ONE_RUNNING), (Running, None), "it may have run for long");
    assert_eq!(history.sees([1, 0, 0, 0, 0, 0]), (Transitioning, Some(120)));
    assert_eq!(history.sees([1, 1, 0, 0, 0, 0]), (Running, Some(180)));
    assert_eq!(history.sees([0, 0, 1, 0, 0, 0]), (Transitioning, Some(240)));
    assert_eq!(history.sees([0, 0, 0, 1, 0, 0]), (Cancelled, Some(300)));
    assert_eq!(history.sees([0, 0, 0, 1, 0, 0]), (Cancelled, Some(300)));
    assert_eq!(history.sees([0, 0, 0, 1, 1, 0]), (Finished, Some(420)));
    assert_eq!(history.sees([0, 0, 0, 0, 0, 0]), (Finished, Some(420)), "deleted jobs change nothing");
    assert_eq!(history.sees([0, 0, 0, 0, 0, 1]), (Failed, Some(540)));
}

#[test]
fn a_restart_between_two_polls_starts_a_new_status() {
    let mut history = History::new();
    history.sees([0, 1, 0, 0, 0, 3]);
    assert_eq!(history.sees([0, 1, 0, 0, 0, 4]), (Running, Some(120)));
    assert_eq!(history.sees([0, 1, 0, 0, 0, 4]), (Running, Some(120)));
    assert_eq!(history.served(), [Some(0), Some(0), Some(1)]);
}

#[test]
fn the_first_poll_takes_the_status_from_a_single_count_and_does_not_count_ended_jobs() {
    for (counts, status) in
        [(failed(7), Failed), ([0, 0, 0, 0, 2, 0], Finished), ([0, 0, 0, 1, 0, 0], Cancelled), (IDLE, NoJob)]
    {
        let mut history = History::new();
        assert_eq!(history.sees(counts), (status, None));
        for _ in 0..5 {
            history.sees(counts);
        }
        assert_eq!((history.status(), history.served()), ((status, None), [Some(0); 3]));
    }
}

#[test]
fn several_ended_counts_in_the_first_poll_are_looked_up_once() {
    let counts = [0, 0, 0, 2, 1, 4];
    let mut history = History::new();
    assert_eq!(history.asks(counts, &found(&[JobState::Cancelled])), (Cancelled, None));
    assert_eq!(history.sees(counts), (Cancelled, None));
    assert_eq!(history.sees([0, 0, 0, 3, 1, 4]), (Cancelled, Some(180)));
}

#[test]
fn the_first_value_is_held_until_a_poll_ends_after_the_hold() {
    let mut history = History::new();
    history.sees([0, 1, 0, 0, 0, 5]);
    history.sees([0, 1, 0, 0, 0, 6]);
    assert_eq!(history.served()[2], Some(0), "a minute after it began");
    assert_eq!(history.sees([0, 1, 0, 0, 0, 8]), (Running, Some(180)), "the status is not held");
    assert_eq!(history.served()[2], Some(3), "two minutes after");
    history.sees([0, 1, 0, 0, 0, 9]);
    assert_eq!(history.served()[2], Some(4), "without delay");
    // The series end, and begin again with the value that was last served.
    history.observe(returned([0, 1, 0, 0, 0, 12]), &StatusLookup::NotNeeded, true);
    assert_eq!(history.served()[2], Some(4));
    history.sees([0, 1, 0, 0, 0, 12]);
    history.sees([0, 1, 0, 0, 0, 12]);
    assert_eq!(history.served()[2], Some(7));
}

#[test]
fn without_a_hold_the_first_value_is_served_until_the_next_poll() {
    let mut history = History { hold: Duration::ZERO, ..History::of_new() };
    history.sees(failed(2));
    assert_eq!(history.served()[2], Some(0));
    history.sees(failed(2));
    assert_eq!(history.served()[2], Some(2));
}

#[test]
fn all_jobs_of_a_new_deployment_count_and_its_status_was_seen_to_begin() {
    let mut history = History::of_new();
    assert_eq!(history.sees(failed(3)), (Failed, Some(60)));
    history.sees(failed(3));
    history.sees(failed(3));
    assert_eq!(history.served(), [Some(0), Some(0), Some(3)]);

    for (counts, status) in [(IDLE, NoJob), (ONE_RUNNING, Running), ([1, 0, 0, 0, 0, 0], Transitioning)] {
        assert_eq!(History::of_new().sees(counts), (status, Some(60)));
    }
    let answer = found(&[JobState::Failed]);
    assert_eq!(History::of_new().asks([0, 0, 0, 1, 0, 2], &answer), (Failed, Some(60)));
}

#[test]
fn a_live_job_that_disappears_without_a_count_is_looked_up() {
    let counts = [0, 0, 0, 0, 0, 2];
    let with = |answer: &StatusLookup| {
        let mut history = History::new();
        history.sees([0, 1, 0, 0, 0, 2]);
        history.asks(counts, answer)
    };
    assert_eq!(with(&found(&[JobState::Failed])), (Failed, Some(120)));
    assert_eq!(with(&found(&[])), (Unknown, Some(120)), "in no answer");
    assert_eq!(with(&found(&[JobState::Failed, JobState::Finished])), (Unknown, Some(120)));
    assert_eq!(with(&StatusLookup::Failed), (Unknown, Some(120)));
    let mut history = History::new();
    history.sees(ONE_RUNNING);
    assert_eq!(history.asks(IDLE, &found(&[])), (NoJob, Some(120)), "its jobs were deleted");
    assert_eq!(history.sees(IDLE), (NoJob, Some(120)));
}

#[test]
fn two_counts_that_rise_together_are_looked_up_and_both_count() {
    let mut history = History::new();
    history.sees([0, 1, 0, 0, 0, 2]);
    assert_eq!(history.asks([0, 0, 0, 1, 0, 3], &found(&[JobState::Cancelled])), (Cancelled, Some(120)));
    history.sees([0, 0, 0, 1, 0, 3]);
    assert_eq!(history.served(), [Some(1), Some(0), Some(1)]);
}

#[test]
fn an_unknown_status_is_looked_up_at_the_next_poll_and_then_every_ten_minutes() {
    let counts = [0, 0, 0, 1, 1, 1];
    let mut history = History::new();
    history.asks(counts, &StatusLookup::Failed);
    assert_eq!(history.asks(counts, &StatusLookup::Failed), (Unknown, None));
    for _ in 0..9 {
        assert_eq!(history.sees(counts), (Unknown, None));
    }
    history.asks(counts, &StatusLookup::Failed);
    // Except if a count changes.
    let counts = [0, 0, 0, 2, 2, 1];
    assert_eq!(history.asks(counts, &StatusLookup::Failed), (Unknown, Some(780)));
    assert_eq!(
        history.asks(counts, &found(&[JobState::Finished])),
        (Finished, Some(780)),
        "when Unknown began"
    );
}

#[test]
fn a_status_that_becomes_known_began_with_unknown_unless_a_job_ended_or_started() {
    let unknown = || {
        let mut history = History::new();
        history.sees([0, 1, 0, 0, 0, 2]);
        assert_eq!(history.asks(failed(2), &StatusLookup::Failed), (Unknown, Some(120)));
        history
    };
    assert_eq!(unknown().asks(failed(2), &found(&[JobState::Failed])), (Failed, Some(120)));
    assert_eq!(unknown().sees(failed(3)), (Failed, Some(180)));
    assert_eq!(unknown().sees([0, 1, 0, 0, 0, 2]), (Running, Some(180)));
    let mut history = History::new();
    history.asks([0, 0, 0, 1, 0, 1], &StatusLookup::Failed);
    assert_eq!(history.asks([0, 0, 0, 1, 0, 1], &found(&[JobState::Failed])), (Failed, None));
}

#[test]
fn an_invalid_live_count_makes_the_status_unknown_without_a_lookup() {
    let unreadable = |state| returned([0, 0, 0, 0, 0, 2]).with_invalid(state);
    for state in JobState::LIVE {
        let mut history = History::new();
        history.sees([0, 1, 0, 0, 0, 2]);
        assert!(!history.needs_status_lookup(unreadable(state)));
        history.observe(unreadable(state), &StatusLookup::NotNeeded, false);
        assert_eq!(history.status(), (Unknown, Some(120)));
        // Whether a job was live is not known, so it may have disappeared.
        assert_eq!(history.asks(failed(2), &found(&[JobState::Failed])), (Failed, Some(120)));
    }
    // A running job is running, whatever the other counts are.
    let mut history = History::new();
    history.observe(returned(ONE_RUNNING).with_invalid(JobState::Starting), &StatusLookup::NotNeeded, true);
    assert_eq!(history.status(), (Running, None));
    history.observe(
        returned([1, 0, 0, 0, 0, 0]).with_invalid(JobState::Running),
        &StatusLookup::NotNeeded,
        false,
    );
    assert_eq!(history.status(), (Unknown, Some(120)));
}

#[test]
fn a_count_that_is_missing_is_compared_when_it_returns_and_history_when_it_first_comes() {
    let without_failed = |counts: Counts| returned(counts).with_invalid(JobState::Failed);
    let mut history = History::new();
    history.observe(without_failed(ONE_RUNNING), &StatusLookup::NotNeeded, true);
    assert_eq!(history.served(), [Some(0), Some(0), None]);
    history.sees([0, 1, 0, 0, 0, 7]);
    assert_eq!(history.status(), (Running, None));
    history.observe(without_failed(ONE_RUNNING), &StatusLookup::NotNeeded, false);
    history.sees([0, 1, 0, 0, 0, 9]);
    assert_eq!(history.served(), [Some(0), Some(0), Some(2)], "held for two minutes since it came");
}

#[test]
fn without_a_job_summary_nothing_is_known_and_later_values_are_kept() {
    let mut history = History::new();
    history.observe(JobCounts::default(), &StatusLookup::NotNeeded, true);
    assert_eq!(history.remembered.as_ref().unwrap().transitions(), Transitions::default());
    history.sees([0, 1, 0, 0, 0, 1]);
    for _ in 0..3 {
        history.observe(JobCounts::default(), &StatusLookup::NotNeeded, false);
    }
    assert_eq!(history.status(), (Running, None));
    history.sees(failed(2));
    assert_eq!((history.status(), history.served()[2]), ((Failed, Some(360)), Some(1)));
}

#[test]
fn data_that_was_requested_earlier_is_not_compared() {
    let mut history = History::new();
    history.sees([0, 1, 0, 0, 0, 1]);
    history.sees(failed(2));
    let before = history.remembered.clone().unwrap();
    let old = deployment(returned([0, 1, 0, 0, 0, 1]));
    let after = history.poll_with(&StatusLookup::NotNeeded, |poll| {
        let requested_at = poll.requested_at.checked_sub(Duration::from_secs(1)).unwrap();
        ComparedPoll { requested_at, ..*poll }.compare(Some(&before), &old, false)
    });
    assert_eq!((after.status, after.ended), (before.status, before.ended));
}

#[test]
fn after_a_long_time_ended_jobs_are_not_counted_and_the_status_is_kept_if_nothing_changed() {
    let outdated = || {
        let mut history = History::new();
        history.sees([0, 1, 0, 0, 0, 1]);
        history.sees(failed(2));
        history.sees(failed(2));
        assert_eq!((history.status(), history.served()[2]), ((Failed, Some(120)), Some(1)));
        let remembered = history.remembered.as_mut().unwrap();
        (remembered.outdated, remembered.requested_at) = (true, None);
        history
    };
    assert_eq!(outdated().sees(failed(2)), (Failed, Some(120)));
    assert_eq!(outdated().sees(failed(5)), (Failed, None), "as at first sight");
    let mut history = outdated();
    history.sees(failed(5));
    assert_eq!(history.served()[2], Some(1), "three failures are history");
    history.sees(failed(6));
    assert_eq!((history.status(), history.served()[2]), ((Failed, Some(300)), Some(2)));
    assert_eq!(outdated().sees([0, 1, 0, 0, 0, 2]), (Running, None));
}
