//! How a deployment's jobs come and go: a pure function of its age.
//!
//! A life is a cycle of phases, repeated for ever. That is enough for jobs that crash and come back, runs on a
//! schedule, and everything that stands still (a cycle of one phase).

use rand::RngExt as _;
use serde::Serialize;

use crate::deployment_filters::JobStatus;
use crate::rng::{Rng, pick};

/// Longer than any simulation.
pub(crate) const ALWAYS: u64 = u64::MAX >> 8;

/// What the latest job does during a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Activity {
    Starting,
    Running,
    Cancelling,
    /// There is no job now.
    Idle,
}

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Cancelled,
    Finished,
    Failed,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Phase {
    pub(crate) activity: Activity,
    pub(crate) seconds: u64,
    /// How the job ends with this phase, if it does.
    pub(crate) outcome: Option<Outcome>,
}

/// `jobSummary`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Jobs {
    pub(crate) starting: u64,
    pub(crate) running: u64,
    pub(crate) cancelling: u64,
    pub(crate) cancelled: u64,
    pub(crate) finished: u64,
    pub(crate) failed: u64,
}

impl Jobs {
    /// The number of jobs that have resources.
    pub(crate) fn live(&self) -> u64 {
        self.starting + self.running + self.cancelling
    }

    fn end(&mut self, outcome: Option<Outcome>, times: u64) {
        match outcome {
            Some(Outcome::Cancelled) => self.cancelled += times,
            Some(Outcome::Finished) => self.finished += times,
            Some(Outcome::Failed) => self.failed += times,
            None => {}
        }
    }
}

/// A deployment's jobs over time.
#[derive(Debug)]
pub(crate) struct JobLifecycle {
    pub(crate) phases: Vec<Phase>,
    /// Where in the cycle it is at age zero.
    pub(crate) offset: u64,
    /// The jobs that ended before the first cycle.
    pub(crate) history: Jobs,
    /// How the last of them ended; matters only where the cycle itself ends no job.
    pub(crate) before: Option<Outcome>,
    /// The age at which the live job failed for good, if it did.
    pub(crate) broken: Option<u64>,
}

impl JobLifecycle {
    /// The life of the streaming deployment at `index`. The kinds go by the index and not by the rng, so that
    /// a small fleet has every one of them.
    pub(crate) fn streaming(index: usize, rng: &mut Rng) -> Self {
        match index % 30 {
            3 | 11 | 26 => Self::crash_loop(rng),
            7 => Self::stuck_starting(rng),
            13 => Self::slow_to_cancel(rng),
            8 | 18 | 28 => Self::redeployed(rng),
            1 | 20 => Self::at_rest(rng, Outcome::Cancelled),
            16 => Self::at_rest(rng, Outcome::Failed),
            23 => Self::cycle(vec![phase(Activity::Idle, ALWAYS)], 0, Jobs::default()),
            _ => Self::steady(rng),
        }
    }

    /// The life of the batch deployment at `index`.
    pub(crate) fn batch(index: usize, rng: &mut Rng) -> Self {
        if index % 30 == 29 { Self::at_rest(rng, Outcome::Finished) } else { Self::scheduled(rng) }
    }

    /// The life of a deployment that is made while the simulator runs, and doesn't stay.
    pub(crate) fn transient(rng: &mut Rng) -> Self {
        let starting = phase(Activity::Starting, rng.random_range(5..25));
        Self::cycle(vec![starting, phase(Activity::Running, ALWAYS)], 0, Jobs::default())
    }

    /// Makes a job that runs without end start `seconds` before age zero.
    pub(crate) fn backdate(&mut self, seconds: u64) {
        if self.phases[0].activity == Activity::Running && self.phases[0].seconds == ALWAYS {
            self.offset = seconds;
        }
    }

    /// Adds `jobs` finished jobs to the history.
    pub(crate) fn add_finished(&mut self, jobs: u64) {
        self.history.finished += jobs;
    }

    /// Makes the live job fail at `age`, after which no job starts. Returns whether there was one.
    pub(crate) fn fail(&mut self, age: u64) -> bool {
        let fails = self.broken.is_none() && self.jobs(age).live() > 0;
        if fails {
            self.broken = Some(age);
        }
        fails
    }

    /// The jobs at `age` seconds.
    pub(crate) fn jobs(&self, age: u64) -> Jobs {
        match self.broken {
            Some(broken) if age >= broken => {
                let before = self.unbroken_jobs(broken);
                let failed = before.failed + before.live();
                Jobs { starting: 0, running: 0, cancelling: 0, failed, ..before }
            }
            _ => self.unbroken_jobs(age),
        }
    }

    fn unbroken_jobs(&self, age: u64) -> Jobs {
        let (rounds, current) = self.position(age);
        let mut jobs = self.history;
        for (index, phase) in self.phases.iter().enumerate() {
            jobs.end(phase.outcome, rounds + u64::from(index < current));
        }
        match self.phases[current].activity {
            Activity::Starting => jobs.starting += 1,
            Activity::Running => jobs.running += 1,
            Activity::Cancelling => jobs.cancelling += 1,
            Activity::Idle => {}
        }
        jobs
    }

    /// The state of the latest job at `age` seconds; none if there never was a job.
    pub(crate) fn status(&self, age: u64) -> Option<JobStatus> {
        if self.broken.is_some_and(|broken| age >= broken) {
            return Some(JobStatus::Failed);
        }
        let (_, current) = self.position(age);
        match self.phases[current].activity {
            Activity::Starting | Activity::Cancelling => Some(JobStatus::Transitioning),
            Activity::Running => Some(JobStatus::Running),
            Activity::Idle => self.last_outcome(current).map(|outcome| match outcome {
                Outcome::Cancelled => JobStatus::Cancelled,
                Outcome::Finished => JobStatus::Finished,
                Outcome::Failed => JobStatus::Failed,
            }),
        }
    }

    fn last_outcome(&self, current: usize) -> Option<Outcome> {
        let (after, before) = (&self.phases[current..], &self.phases[..current]);
        before.iter().rev().chain(after.iter().rev()).find_map(|phase| phase.outcome).or(self.before)
    }

    /// The full cycles until `age`, and the phase in which it is.
    pub(crate) fn position(&self, age: u64) -> (u64, usize) {
        let period: u64 = self.phases.iter().map(|phase| phase.seconds).sum();
        let time = age.saturating_add(self.offset);
        let mut within = time % period;
        for (index, phase) in self.phases.iter().enumerate() {
            if within < phase.seconds {
                return (time / period, index);
            }
            within -= phase.seconds;
        }
        (time / period, 0)
    }

    fn cycle(phases: Vec<Phase>, offset: u64, history: Jobs) -> Self {
        Self { phases, offset, history, before: None, broken: None }
    }

    /// A cycle at a random place, after a random history.
    fn cycle_somewhere(phases: Vec<Phase>, rng: &mut Rng) -> Self {
        let period: u64 = phases.iter().map(|phase| phase.seconds).sum();
        let offset = rng.random_range(0..period);
        Self::cycle(phases, offset, history(rng))
    }

    fn steady(rng: &mut Rng) -> Self {
        Self::cycle(vec![phase(Activity::Running, ALWAYS)], 0, history(rng))
    }

    fn at_rest(rng: &mut Rng, outcome: Outcome) -> Self {
        let mut history = history(rng);
        history.end(Some(outcome), 1);
        let phases = vec![phase(Activity::Idle, ALWAYS)];
        Self { phases, offset: 0, history, before: Some(outcome), broken: None }
    }

    fn crash_loop(rng: &mut Rng) -> Self {
        let running = ending(Activity::Running, rng.random_range(40..200), Outcome::Failed);
        let down = phase(Activity::Idle, rng.random_range(5..20));
        let starting = phase(Activity::Starting, rng.random_range(8..30));
        Self::cycle_somewhere(vec![running, down, starting], rng)
    }

    fn stuck_starting(rng: &mut Rng) -> Self {
        let starting = ending(Activity::Starting, rng.random_range(1200..2400), Outcome::Failed);
        Self::cycle_somewhere(vec![starting, phase(Activity::Idle, 10)], rng)
    }

    fn slow_to_cancel(rng: &mut Rng) -> Self {
        let cancelling = ending(Activity::Cancelling, rng.random_range(400..800), Outcome::Cancelled);
        let starting = phase(Activity::Starting, 30);
        let running = phase(Activity::Running, rng.random_range(60..180));
        Self::cycle_somewhere(vec![cancelling, starting, running], rng)
    }

    fn redeployed(rng: &mut Rng) -> Self {
        let running = phase(Activity::Running, rng.random_range(900..5400));
        let cancelling = ending(Activity::Cancelling, rng.random_range(5..20), Outcome::Cancelled);
        let starting = phase(Activity::Starting, rng.random_range(15..45));
        Self::cycle_somewhere(vec![running, cancelling, starting], rng)
    }

    /// Runs on a schedule, of which one in a few fails.
    fn scheduled(rng: &mut Rng) -> Self {
        let runs = rng.random_range(3..9);
        let failing = rng.random_range(0..runs);
        let pause = pick(rng, &[60, 120, 240]);
        let phases = (0..runs).flat_map(|run| {
            let outcome = if run == failing { Outcome::Failed } else { Outcome::Finished };
            [
                phase(Activity::Starting, rng.random_range(5..20)),
                ending(Activity::Running, rng.random_range(30..180), outcome),
                phase(Activity::Idle, pause),
            ]
        });
        let phases = phases.collect();
        Self::cycle_somewhere(phases, rng)
    }
}

fn phase(activity: Activity, seconds: u64) -> Phase {
    Phase { activity, seconds, outcome: None }
}

fn ending(activity: Activity, seconds: u64, outcome: Outcome) -> Phase {
    Phase { activity, seconds, outcome: Some(outcome) }
}

fn history(rng: &mut Rng) -> Jobs {
    Jobs {
        cancelled: rng.random_range(0..30),
        finished: rng.random_range(0..4),
        failed: pick(rng, &[0, 0, 0, 1, 2, 5]),
        ..Jobs::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::seeded;

    #[test]
    fn a_crashing_job_fails_again_and_again_and_starts_between() {
        let life = JobLifecycle::crash_loop(&mut seeded(&[1]));
        let jobs: Vec<_> = (0..600).map(|age| life.jobs(age)).collect();
        assert!(jobs[599].failed >= jobs[0].failed + 2);
        assert!(jobs.windows(2).all(|pair| pair[0].failed <= pair[1].failed));
        assert!(jobs.iter().any(|jobs| jobs.starting == 1));
        assert!((0..600).any(|age| life.status(age) == Some(JobStatus::Failed)));
    }

    #[test]
    fn a_deployment_that_was_never_started_has_no_latest_job() {
        let life = JobLifecycle::streaming(23, &mut seeded(&[1]));
        assert_eq!((life.jobs(7), life.status(7)), (Jobs::default(), None));
    }

    #[test]
    fn a_schedule_finishes_runs_and_fails_a_few() {
        let life = JobLifecycle::batch(4, &mut seeded(&[1]));
        let (first, last) = (life.jobs(0), life.jobs(12 * 3600));
        assert!(last.finished - first.finished > last.failed - first.failed);
        assert!(last.failed > first.failed);
    }
}
