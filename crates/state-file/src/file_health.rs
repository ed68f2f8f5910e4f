//! Whether the file follows the memory of its owner.

use std::{path::PathBuf, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tracing::{info, warn};

use crate::error::Problem;

#[derive(Debug)]
pub(crate) struct FileHealth {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    healthy: bool,
    problem: Option<Arc<str>>,
    last_save: Option<Duration>,
}

impl FileHealth {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, state: Mutex::default() }
    }

    pub(crate) fn healthy(&self) -> bool {
        self.state.lock().healthy
    }

    pub(crate) fn problem(&self) -> Option<Arc<str>> {
        self.state.lock().problem.clone()
    }

    pub(crate) fn last_save(&self) -> Option<Duration> {
        self.state.lock().last_save
    }

    /// The file can be used.
    pub(crate) fn set_healthy(&self) {
        let mut state = self.state.lock();
        if state.problem.take().is_some() && !state.healthy {
            info!(path = %self.path.display(), "state is saved again");
        }
        state.healthy = true;
    }

    pub(crate) fn set_last_save(&self, time: Duration) {
        self.state.lock().last_save = Some(time);
    }

    /// The file can't be used. Logs that if it is new, and returns the sentence that describes it.
    pub(crate) fn set_problem(&self, problem: &Problem) -> Arc<str> {
        let sentence: Arc<str> = problem.sentence(&self.path).into();
        let mut state = self.state.lock();
        state.healthy = false;
        if state.problem.as_ref() != Some(&sentence) {
            warn!(path = %self.path.display(), problem = %sentence, "state is not saved");
            state.problem = Some(sentence.clone());
        }
        sentence
    }
}
