//! The most recent failure of a deployment's jobs.

use serde::{Deserialize, Serialize};

use super::{Job, JobState, failure_reason::failure_reason};

/// The most recent failure of a deployment's jobs, without its message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LastFailure {
    /// The value of the label `reason`.
    pub reason: Box<str>,
    /// When the job failed, in seconds since the Unix epoch.
    pub time: Option<f64>,
    /// The id of the job.
    pub job_id: Box<str>,
}

impl LastFailure {
    /// The failure of `job`, if it failed.
    pub fn of(job: &Job) -> Option<Self> {
        (job.state == Some(JobState::Failed)).then(|| {
            let failure = job.failure.as_ref();
            Self {
                reason: failure_reason(failure.map(|failure| &*failure.reason).unwrap_or_default()).into(),
                time: failure.and_then(|failure| failure.time).or(job.ended),
                job_id: job.id.clone(),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::JobFailure;

    #[test]
    fn a_failure_without_details_ended_when_its_job_did() {
        let job = Job { id: "j".into(), state: Some(JobState::Failed), ended: Some(5.0), ..Job::default() };
        let failure = LastFailure::of(&job).unwrap();
        assert_eq!((&*failure.reason, failure.time), ("", Some(5.0)));
        let known = JobFailure { time: Some(4.0), reason: "Code".into(), message: None };
        let failure = LastFailure::of(&Job { failure: Some(known), ..job.clone() }).unwrap();
        assert_eq!((&*failure.reason, failure.time), ("Code", Some(4.0)));
        assert_eq!(LastFailure::of(&Job { state: Some(JobState::Running), ..job }), None);
    }
}
