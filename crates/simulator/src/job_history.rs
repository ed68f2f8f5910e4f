//! The jobs behind the counts of a [`JobLifecycle`], each with its times.

use rand::seq::SliceRandom as _;

use crate::job_lifecycle::{ALWAYS, Activity, JobLifecycle, Jobs, Outcome};
use crate::rng::seeded;

/// How many ended jobs are kept of those that ran since the start; older ones are deleted, though the counts include them.
/// A simulator that runs for weeks thereby lists no more jobs than a deployment whose owner deletes old ones.
const RETAINED: u64 = 200;

/// One job. Times are ages in seconds, negative before the simulator's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Job {
    /// Its number among the jobs of the deployment, the oldest first.
    pub(crate) serial: u64,
    pub(crate) started: i64,
    pub(crate) state: JobState,
}

/// What a job does, or how and when it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JobState {
    Live(Activity),
    Ended(Outcome, i64),
}

impl Job {
    /// The age at which it ended; none while it is live.
    pub(crate) fn ended(&self) -> Option<i64> {
        match self.state {
            JobState::Live(_) => None,
            JobState::Ended(_, at) => Some(at),
        }
    }

    pub(crate) fn has_failed(&self) -> bool {
        matches!(self.state, JobState::Ended(Outcome::Failed, _))
    }
}

impl JobLifecycle {
    /// The jobs at `age` seconds of a deployment created at age `born`, the oldest first; `seed` orders the history.
    pub(crate) fn history_at(&self, age: u64, born: i64, seed: u64) -> Vec<Job> {
        let mut jobs = self.before_first_cycle(born, seed);
        let before = jobs.len() as u64;
        let (rounds, current) = self.position(self.broken.map_or(age, |broken| broken.min(age)));
        let ending: Vec<usize> = self.outcomes().map(|(index, _)| index).collect();
        let per_round = ending.len() as u64;
        let ended = rounds * per_round + ending.iter().filter(|&&index| index < current).count() as u64;
        for number in ended.saturating_sub(RETAINED)..ended {
            let index = ending[usize::try_from(number % per_round).unwrap_or_default()];
            if let Some(outcome) = self.phases[index].outcome {
                let (started, phase) = self.begin(number / per_round, index);
                let end = phase.saturating_add_unsigned(self.phases[index].seconds);
                jobs.push(Job { serial: before + number, started, state: JobState::Ended(outcome, end) });
            }
        }
        if self.phases[current].activity != Activity::Idle {
            let (started, _) = self.begin(rounds, current);
            let state = match self.broken {
                Some(broken) if age >= broken => JobState::Ended(Outcome::Failed, broken.cast_signed()),
                _ => JobState::Live(self.phases[current].activity),
            };
            jobs.push(Job { serial: before + ended, started, state });
        }
        jobs
    }

    fn outcomes(&self) -> impl Iterator<Item = (usize, Outcome)> {
        self.phases.iter().enumerate().filter_map(|(index, phase)| Some((index, phase.outcome?)))
    }

    /// The ages at which the job of a phase starts, and the phase itself.
    fn begin(&self, round: u64, index: usize) -> (i64, i64) {
        let seconds =
            |phases: &[crate::job_lifecycle::Phase]| phases.iter().map(|phase| phase.seconds).sum::<u64>();
        let time = round * seconds(&self.phases) + seconds(&self.phases[..index]);
        let phase = time.cast_signed() - self.offset.cast_signed();
        let earlier = self.phases[..index].iter().rev().chain(self.phases[index + 1..].iter().rev());
        let same_job = earlier.take_while(|phase| {
            phase.activity != Activity::Idle && phase.outcome.is_none() && phase.seconds < ALWAYS
        });
        (phase - same_job.map(|phase| phase.seconds.cast_signed()).sum::<i64>(), phase)
    }

    /// The jobs of the history, spread evenly over the time since the deployment was created.
    fn before_first_cycle(&self, born: i64, seed: u64) -> Vec<Job> {
        let Jobs { cancelled, finished, failed, .. } = self.history;
        let of = |outcome, jobs| std::iter::repeat_n(outcome, usize::try_from(jobs).unwrap_or_default());
        let mut outcomes: Vec<Outcome> = of(Outcome::Cancelled, cancelled)
            .chain(of(Outcome::Finished, finished))
            .chain(of(Outcome::Failed, failed))
            .collect();
        outcomes.shuffle(&mut seeded(&[seed, 2]));
        if let Some(place) = outcomes.iter().rposition(|outcome| Some(*outcome) == self.before) {
            let last = outcomes.len() - 1;
            outcomes.swap(place, last);
        }
        let first = self.outcomes().next().map_or(0, |(index, _)| index);
        let span = (self.begin(0, first).0 - born).max(0);
        let jobs = i64::try_from(outcomes.len()).unwrap_or(i64::MAX);
        let at = |index: i64| born + span * index / jobs;
        (0..)
            .zip(outcomes)
            .map(|(index, outcome)| {
                let (start, next) = (at(index), at(index + 1));
                let end = next - (next - start) / 4 - 1;
                Job { serial: index.cast_unsigned(), started: start, state: JobState::Ended(outcome, end) }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::seeded;

    const BORN: i64 = -86_400;

    fn lives() -> impl Iterator<Item = JobLifecycle> {
        (0..60).map(|index| {
            let mut rng = seeded(&[index as u64]);
            let mut life = if index % 5 == 4 {
                JobLifecycle::batch(index, &mut rng)
            } else {
                JobLifecycle::streaming(index, &mut rng)
            };
            life.backdate(5000 + index as u64);
            life
        })
    }

    fn counted(jobs: &[Job]) -> Jobs {
        let mut counts = Jobs::default();
        for job in jobs {
            match job.state {
                JobState::Live(Activity::Starting) => counts.starting += 1,
                JobState::Live(Activity::Running) => counts.running += 1,
                JobState::Live(Activity::Cancelling) => counts.cancelling += 1,
                JobState::Live(Activity::Idle) => panic!("no job is idle"),
                JobState::Ended(Outcome::Cancelled, _) => counts.cancelled += 1,
                JobState::Ended(Outcome::Finished, _) => counts.finished += 1,
                JobState::Ended(Outcome::Failed, _) => counts.failed += 1,
            }
        }
        counts
    }

    #[test]
    fn the_jobs_add_up_to_the_counts_at_every_moment() {
        for (index, mut life) in lives().enumerate() {
            let breaks = 2 * 3600;
            for age in (0..3 * 3600).step_by(7) {
                if index % 2 == 0 && age > breaks && life.broken.is_none() {
                    life.fail(age);
                }
                assert_eq!(counted(&life.history_at(age, BORN, 1)), life.jobs(age), "{index} at {age}");
            }
        }
    }

    #[test]
    fn jobs_follow_each_other_between_creation_and_now_and_keep_their_times() {
        for life in lives() {
            let mut earlier: Vec<Job> = Vec::new();
            for age in (0..3 * 3600).step_by(11) {
                let jobs = life.history_at(age, BORN, 1);
                let mut free = BORN;
                for job in &jobs {
                    assert!(job.started >= free, "{job:?} starts before {free}");
                    free = job.ended().unwrap_or(job.started);
                    assert!(free >= job.started && free <= age.cast_signed(), "{job:?} at {age}");
                }
                let ended = |jobs: &[Job]| jobs.iter().filter(|job| job.ended().is_some()).count();
                assert_eq!(jobs[..ended(&earlier)], earlier[..ended(&earlier)], "what ended does not change");
                earlier = jobs;
            }
        }
    }

    #[test]
    fn the_last_job_of_a_stopped_deployment_matches_its_status() {
        let life = JobLifecycle::streaming(16, &mut seeded(&[3]));
        assert!(life.history_at(0, BORN, 1).last().unwrap().has_failed());
    }

    #[test]
    fn a_crash_loop_of_a_month_lists_no_more_than_the_retained_jobs() {
        let life = JobLifecycle::streaming(3, &mut seeded(&[3]));
        let jobs = life.history_at(30 * 86_400, BORN, 1);
        let counts = life.jobs(30 * 86_400);
        assert!(counts.failed > 5000 && jobs.len() as u64 <= RETAINED + 40, "{}", jobs.len());
        let newest = jobs.iter().filter_map(Job::ended).max().unwrap();
        assert!(newest > 30 * 86_400 - 300);
    }
}
