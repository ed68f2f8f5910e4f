//! Numbers of workspaces and namespaces by state: `polled`, `excluded`, `not_running` and `missing`.

/// Numbers of objects by state. Each object counts once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StateCounts {
    /// Polled.
    pub polled: usize,
    /// Not selected.
    pub excluded: usize,
    /// Selected, but in a state in which nothing runs.
    pub not_running: usize,
    /// Polled although the last listing lacked them.
    pub missing: usize,
}

impl StateCounts {
    /// The counts in the order of [`crate::telemetry::DISCOVERY_STATES`].
    pub fn by_state(self) -> [usize; 4] {
        [self.polled, self.excluded, self.not_running, self.missing]
    }

    /// Counts a selected object.
    pub(super) fn count(&mut self, not_running: bool, missing: bool) {
        let count = match (not_running, missing) {
            (true, _) => &mut self.not_running,
            (false, true) => &mut self.missing,
            (false, false) => &mut self.polled,
        };
        *count += 1;
    }
}
