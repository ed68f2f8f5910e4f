//! Totals of the live jobs of a deployment: start, used resources and health score.

use crate::model::{self, Job, LiveJobTotals};

/// The totals of the live jobs; none without live jobs.
pub(super) fn live_totals(jobs: &[Job]) -> Option<LiveJobTotals> {
    let mut live = jobs.iter().filter(|job| job.is_live()).peekable();
    live.peek()?;
    let mut totals = LiveJobTotals::default();
    for job in live {
        totals.started = maximum(totals.started, job.started);
        totals.health_score = minimum(totals.health_score, job.health_score);
        if !job.in_session_cluster {
            totals.cpu_cores = sum(totals.cpu_cores, job.cpu_cores);
            totals.memory_bytes = sum(totals.memory_bytes, job.memory_bytes);
            totals.compute_units = sum(totals.compute_units, compute_units(job));
        }
    }
    Some(totals)
}

fn compute_units(job: &Job) -> Option<f64> {
    Some(model::compute_units(job.cpu_cores?, job.memory_bytes?))
}

fn sum(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    reduce(one, other, |one, other| one + other)
}

fn maximum(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    reduce(one, other, f64::max)
}

fn minimum(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    reduce(one, other, f64::min)
}

fn reduce(one: Option<f64>, other: Option<f64>, with: impl Fn(f64, f64) -> f64) -> Option<f64> {
    [one, other].into_iter().flatten().reduce(with)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::JobState;

    const GIB: f64 = 1_073_741_824.0;

    #[test]
    fn totals_leave_out_ended_jobs_and_the_resources_of_session_clusters() {
        let uses = |id: &str, started, cores, gib: f64| Job {
            cpu_cores: Some(cores),
            memory_bytes: Some(gib * GIB),
            health_score: Some(50.0 + started),
            id: id.into(),
            state: Some(JobState::Running),
            started: Some(started),
            ..Job::default()
        };
        let jobs = [
            uses("a", 1.0, 2.0, 4.0),
            uses("b", 3.0, 1.0, 12.0),
            Job { in_session_cluster: true, ..uses("c", 2.0, 100.0, 100.0) },
            Job { state: Some(JobState::Finished), ..uses("d", 9.0, 100.0, 100.0) },
            Job { id: "e".into(), state: Some(JobState::Starting), ..Job::default() },
        ];
        let totals = live_totals(&jobs).unwrap();
        assert_eq!((totals.started, totals.health_score), (Some(3.0), Some(51.0)));
        assert_eq!((totals.cpu_cores, totals.memory_bytes), (Some(3.0), Some(16.0 * GIB)));
        assert_eq!(totals.compute_units, Some(5.0));
        assert_eq!(live_totals(&jobs[2..3]).unwrap().cpu_cores, None);
        assert_eq!(live_totals(&jobs[3..4]), None);
    }
}
