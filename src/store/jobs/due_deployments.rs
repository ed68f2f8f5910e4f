//! Decides which deployment the collector of jobs queries next. Pure functions.

use tokio::time::Instant;

use crate::model::JobsMode;

/// A round: one pass over all deployments that are due.
#[derive(Debug, Clone, Copy)]
pub struct Round {
    /// Which deployments are queried.
    pub mode: JobsMode,
    /// When it started.
    pub started: Instant,
    /// Whether the round is on schedule. Other rounds query only urgent deployments.
    pub scheduled: bool,
}

/// Why a deployment is due, in order of urgency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// A job failed.
    Failure,
    /// It has live jobs and was never queried.
    Unknown,
    /// It has live jobs, and its answer is getting old.
    Refresh,
}

/// A deployment that may be due.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    /// When a failure was seen whose reason is unknown.
    pub(super) failed_since: Option<Instant>,
    /// Whether it has live jobs.
    pub(super) live: bool,
    /// When it was last queried.
    pub(super) asked: Option<Instant>,
    /// Start of the request that was last answered.
    pub(super) answered: Option<Instant>,
}

impl Round {
    /// Whether and why a deployment is due.
    pub(super) fn urgency(&self, of: &Candidate) -> Option<Urgency> {
        let asked_in_this_round = of.asked.is_some_and(|asked| asked >= self.started);
        // A failure that was seen after the start of a request may be missing from its answer.
        let failed_since = of.failed_since > of.asked;
        if of.failed_since.is_some() && (failed_since || !asked_in_this_round) {
            return Some(Urgency::Failure);
        }
        if self.mode == JobsMode::Failures || !of.live || asked_in_this_round {
            return None;
        }
        match (of.asked, of.answered) {
            (None, _) => Some(Urgency::Unknown),
            (Some(_), None) => self.scheduled.then_some(Urgency::Unknown),
            (Some(_), Some(_)) => self.scheduled.then_some(Urgency::Refresh),
        }
    }

    /// The order of queries: by urgency, then by waiting time.
    pub(super) fn order(&self, of: &Candidate) -> Option<(Urgency, Option<Instant>)> {
        let urgency = self.urgency(of)?;
        let since = if urgency == Urgency::Failure { of.failed_since } else { of.answered };
        Some((urgency, since))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{
        Urgency::{Refresh, Unknown},
        *,
    };

    const NEVER: Candidate = Candidate { failed_since: None, live: false, asked: None, answered: None };

    /// A moment that many seconds after some start.
    fn at(start: Instant, seconds: impl Into<Option<u64>>) -> Option<Instant> {
        Some(start + Duration::from_secs(seconds.into()?))
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_due_once_in_a_round_and_again_if_another_follows() {
        let zero = Instant::now();
        for mode in JobsMode::ALL {
            for scheduled in [true, false] {
                let round = Round { mode, scheduled, started: zero + Duration::from_secs(100) };
                let failed = |since, asked| Candidate { failed_since: since, asked, ..NEVER };
                let due = Some(Urgency::Failure);
                assert_eq!(round.urgency(&failed(at(zero, 90), None)), due);
                assert_eq!(round.urgency(&failed(at(zero, 90), at(zero, 95))), due, "the last round failed");
                assert_eq!(round.urgency(&failed(at(zero, 90), at(zero, 101))), None);
                assert_eq!(round.urgency(&failed(at(zero, 102), at(zero, 101))), due, "another failure");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn live_jobs_are_due_in_active_mode_alone() {
        let zero = Instant::now();
        let live = |asked, answered| Candidate { live: true, asked, answered, ..NEVER };
        let round = |mode, scheduled| Round { mode, scheduled, started: zero + Duration::from_secs(100) };
        let candidates = [
            live(None, None),
            live(at(zero, 50), None),
            live(at(zero, 50), at(zero, 50)),
            live(at(zero, 101), at(zero, 50)),
            NEVER,
        ];
        let urgencies = |round: Round| candidates.map(|candidate| round.urgency(&candidate));
        let all = [Some(Unknown), Some(Unknown), Some(Refresh), None, None];
        assert_eq!(urgencies(round(JobsMode::Active, true)), all);
        assert_eq!(urgencies(round(JobsMode::Active, false)), [Some(Unknown), None, None, None, None]);
        assert_eq!(urgencies(round(JobsMode::Failures, true)), [None; 5]);
    }

    #[tokio::test(start_paused = true)]
    async fn failures_come_first_then_the_oldest() {
        let zero = Instant::now();
        let round =
            Round { mode: JobsMode::Active, scheduled: true, started: zero + Duration::from_secs(100) };
        let live = Candidate { live: true, ..NEVER };
        let mut candidates = [
            ("old", Candidate { asked: at(zero, 10), answered: at(zero, 10), ..live }),
            ("failed late", Candidate { failed_since: at(zero, 99), ..NEVER }),
            ("new", live),
            ("newer", Candidate { asked: at(zero, 20), answered: at(zero, 20), ..live }),
            ("failed", Candidate { failed_since: at(zero, 98), ..live }),
        ];
        candidates.sort_by_key(|(_, candidate)| round.order(candidate));
        assert_eq!(candidates.map(|(name, _)| name), ["failed", "failed late", "new", "old", "newer"]);
    }
}
