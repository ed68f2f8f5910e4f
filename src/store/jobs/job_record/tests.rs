use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::model::{FailureMessage, JobFailure, JobState};

fn job(id: &str, state: JobState) -> Job {
    Job { id: id.into(), state: Some(state), ..Job::default() }
}

fn running(id: &str, restarts: u64, started: f64) -> Job {
    Job { restarts: Some(restarts), started: Some(started), ..job(id, JobState::Running) }
}

fn failed(id: &str, time: f64, reason: &str) -> Job {
    let message = FailureMessage::new(&format!("message of {id}"));
    let failure = JobFailure { time: Some(time), reason: reason.into(), message };
    Job { failure: Some(failure), ..job(id, JobState::Failed) }
}

/// Folds complete answers, for a deployment that was first seen at 100.
fn observed(answers: &[&[Job]]) -> u64 {
    let mut record = JobRecord::default();
    for jobs in answers {
        record.update_restarts(JobList { jobs, complete: true }, Some(100.0));
    }
    record.restarts.unwrap().observed
}

fn last_reason(record: &JobRecord) -> (&str, Option<f64>) {
    let failure = record.last_failure.as_ref().unwrap();
    (&failure.reason, failure.time)
}

#[test]
fn the_most_recent_failure_wins_in_any_order() {
    let mut record = JobRecord::default();
    let jobs = [failed("a", 5.0, "Old"), failed("b", 9.0, "New"), failed("c", 7.0, "Between")];
    let message = record.update_last_failure(&jobs);
    assert_eq!(message, MessageChange::Replace(FailureMessage::new("message of b")));
    assert_eq!(last_reason(&record), ("New", Some(9.0)));
    assert_eq!(record.update_last_failure(&[]), MessageChange::Keep);
    assert_eq!(record.update_last_failure(&[failed("c", 7.0, "Between")]), MessageChange::Keep);
    assert_eq!(last_reason(&record), ("New", Some(9.0)), "it was deleted, and stays the last one");
    let ended = Job { ended: Some(11.0), ..job("d", JobState::Failed) };
    assert_eq!(record.update_last_failure(&[ended]), MessageChange::Replace(None));
    assert_eq!(last_reason(&record), ("", Some(11.0)));
}

#[test]
fn an_answer_after_a_restart_brings_the_message_back() {
    let mut record = JobRecord::default();
    record.update_last_failure(&[failed("a", 5.0, "Code")]);
    let mut restored: JobRecord = postcard::from_bytes(&postcard::to_stdvec(&record).unwrap()).unwrap();
    assert_eq!(restored, record);
    let message = restored.update_last_failure(&[failed("a", 5.0, "Code")]);
    assert_eq!(message, MessageChange::Replace(FailureMessage::new("message of a")));
}

#[test]
fn a_record_contains_no_message() {
    let mut record = JobRecord::default();
    record.update_last_failure(&[failed("a", 5.0, "Code")]);
    let bytes = postcard::to_stdvec(&record).unwrap();
    let has = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
    assert!(has(b"Code") && !has(b"message"));
}

#[test]
fn the_first_answer_is_history_except_for_jobs_that_started_later() {
    assert_eq!(observed(&[&[running("a", 7, 50.0)]]), 0);
    assert_eq!(observed(&[&[running("a", 7, 150.0)]]), 7);
    assert_eq!(observed(&[&[Job { started: None, ..running("a", 7, 0.0) }]]), 0);
    assert_eq!(observed(&[&[running("a", 7, 50.0)], &[running("a", 9, 50.0)]]), 2);
}

#[test]
fn restarts_of_a_job_that_follows_count_from_zero() {
    let answers: [&[Job]; 4] = [
        &[running("a", 7, 50.0)],
        &[failed("a", 110.0, ""), running("b", 2, 111.0)],
        &[running("b", 3, 111.0)],
        &[running("b", 3, 111.0), running("c", 1, 60.0)],
    ];
    assert_eq!(observed(&answers), 4);
}

#[test]
fn a_count_that_is_missing_or_falls_counts_nothing() {
    let answers: [&[Job]; 5] = [
        &[job("a", JobState::Starting)],
        &[running("a", 2, 50.0)],
        &[job("a", JobState::Starting)],
        &[running("a", 3, 50.0)],
        &[running("a", 1, 50.0)],
    ];
    assert_eq!(observed(&answers), 3, "a job that starts has not restarted");
    let unreadable = job("a", JobState::Running);
    assert_eq!(observed(&[&[unreadable], &[running("a", 5, 50.0)], &[running("a", 6, 50.0)]]), 1);
}

#[test]
fn a_job_that_an_incomplete_answer_lacks_is_not_new_when_it_returns() {
    let mut record = JobRecord::default();
    let all = [running("a", 3, 150.0), running("b", 4, 50.0)];
    record.update_restarts(JobList { jobs: &all, complete: true }, Some(100.0));
    record.update_restarts(JobList { jobs: &all[..1], complete: false }, Some(100.0));
    record.update_restarts(JobList { jobs: &all, complete: true }, Some(100.0));
    assert_eq!(record.restarts.unwrap().observed, 3);
}

#[test]
fn restarts_during_a_long_absence_are_not_counted() {
    let mut record = JobRecord::default();
    record.update_restarts(JobList { jobs: &[running("a", 3, 50.0)], complete: true }, Some(100.0));
    record.outdated = true;
    let jobs = [running("a", 9, 50.0), running("b", 4, 200.0), running("c", 2, 901.0)];
    record.update_restarts(JobList { jobs: &jobs, complete: true }, Some(900.0));
    assert_eq!((record.restarts.unwrap().observed, record.outdated), (2, false));
}

/// What happens to the jobs of a deployment between two answers.
#[derive(Debug, Clone)]
enum Event {
    /// The job with this number restarts.
    Restart(u8),
    /// A job starts.
    Start,
    /// It fails.
    Fail(u8),
    /// It is deleted.
    Delete(u8),
    /// The exporter asks.
    Answer,
    /// The exporter is restarted.
    Reload,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => any::<u8>().prop_map(Event::Restart),
        2 => Just(Event::Start),
        1 => any::<u8>().prop_map(Event::Fail),
        1 => any::<u8>().prop_map(Event::Delete),
        3 => Just(Event::Answer),
        1 => Just(Event::Reload),
    ]
}

/// The jobs as they are, and what a simple bookkeeper would say.
#[derive(Debug, Default)]
struct World {
    jobs: Vec<Job>,
    time: f64,
    started: u32,
    /// The restarts of the live jobs of the last answer.
    seen: BTreeMap<Box<str>, u64>,
    answered: bool,
    restarts: u64,
    last_failure: Option<f64>,
}

impl World {
    fn pick(&mut self, number: u8) -> Option<&mut Job> {
        let length = self.jobs.len();
        self.jobs.get_mut(usize::from(number).checked_rem(length)?)
    }

    fn happen(&mut self, event: &Event) {
        self.time += 1.0;
        let time = self.time;
        match event {
            Event::Restart(number) => {
                if let Some(job) = self.pick(*number).filter(|job| job.is_live()) {
                    *job.restarts.as_mut().unwrap() += 1;
                }
            }
            Event::Start => {
                self.started += 1;
                let id = self.started.to_string();
                // The deployment is first seen at 10.
                self.jobs.insert(0, running(&id, 0, time));
            }
            Event::Fail(number) => {
                if let Some(job) = self.pick(*number).filter(|job| job.is_live()) {
                    *job = failed(&job.id, time, "Code");
                }
            }
            Event::Delete(number) => {
                let id = self.pick(*number).map(|job| job.id.clone());
                self.jobs.retain(|job| Some(&job.id) != id.as_ref());
            }
            Event::Answer => self.answer(),
            Event::Reload => {}
        }
    }

    fn answer(&mut self) {
        let mut live = BTreeMap::new();
        for job in self.jobs.iter().filter(|job| job.is_live()) {
            let now = job.restarts.unwrap();
            let is_history = !self.answered && job.started.unwrap() <= 10.0;
            let before = self.seen.get(&job.id).copied().unwrap_or(if is_history { now } else { 0 });
            self.restarts += now - before;
            live.insert(job.id.clone(), now);
        }
        let failures = self.jobs.iter().filter_map(|job| job.failure.as_ref()?.time);
        self.last_failure = failures.chain(self.last_failure).reduce(f64::max);
        (self.seen, self.answered) = (live, true);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn restarts_count_once_and_the_last_failure_is_the_latest(events in vec(event(), 0..80)) {
        let (mut world, mut record) = (World::default(), JobRecord::default());
        let mut ids = BTreeSet::new();
        for event in &events {
            let (restarts, failure) = (record.restarts, record.last_failure.clone());
            world.happen(event);
            ids.extend(world.jobs.iter().map(|job| job.id.clone()));
            match event {
                Event::Answer => {
                    record.update_last_failure(&world.jobs);
                    record.update_restarts(JobList { jobs: &world.jobs, complete: true }, Some(10.0));
                }
                Event::Reload => {
                    record = postcard::from_bytes(&postcard::to_stdvec(&record).unwrap()).unwrap();
                }
                _ => {}
            }
            prop_assert_eq!(record.restarts.map_or(0, |counter| counter.observed), world.restarts);
            prop_assert_eq!(record.last_failure.as_ref().and_then(|failure| failure.time), world.last_failure);
            prop_assert!(record.restarts.map(|counter| counter.observed) >= restarts.map(|counter| counter.observed));
            prop_assert!(record.last_failure.as_ref().and_then(|of| of.time) >= failure.and_then(|of| of.time));
            prop_assert!(record.live.len() <= ids.len());
        }
    }
}
