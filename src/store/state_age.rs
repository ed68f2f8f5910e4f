//! The age of the restored state. If the exporter did not run for long, what happened meanwhile is history.

use std::time::Duration;

/// Age of the state above which jobs that ended in the meantime are not counted in `jobs_ended_total`.
const MAX_AGE: Duration = Duration::from_secs(3600);

/// Whether the state is too old to count what happened since. `age` is the time since the state was last saved.
pub(super) fn is_outdated(age: Duration) -> bool {
    age > MAX_AGE
}
