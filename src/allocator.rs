//! Returns freed memory to the system.
//!
//! jemalloc keeps freed pages for reuse, and looks at their age only while threads allocate. Between two polls they hardly
//! do, so that what a poll freed would stay until the next one.

use std::{convert::Infallible, time::Duration};

use tokio::{
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};

/// How often freed memory is returned: several times between two polls.
const INTERVAL: Duration = Duration::from_secs(1);

/// Returns freed memory to the system, for ever.
pub async fn run_release() -> Infallible {
    let mut interval = interval(INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        // Off the async threads, since it takes milliseconds. Without jemalloc, there is nothing to do.
        let _ = spawn_blocking(release).await;
    }
}

/// Returns the number of arenas, of which each has returned its free pages.
#[cfg(target_os = "linux")]
fn release() -> usize {
    use tikv_jemalloc_ctl::{Access as _, AsName as _, Mib, arenas};

    let arenas = arenas::narenas::read().unwrap_or(0) as usize;
    let Ok(decay) = b"arena.0.dirty_decay_ms\0".name().mib::<[usize; 3]>() else { return 0 };
    let release = |&arena: &usize| {
        let mut decay: Mib<[usize; 3]> = decay;
        decay[1] = arena;
        // Pages that may not be kept at all are returned at once. An arena that no thread has used gives an error.
        let before = decay.update(0_isize)?;
        decay.write(before)
    };
    (0..arenas).filter(|arena| release(arena).is_ok()).count()
}

#[cfg(not(target_os = "linux"))]
fn release() -> usize {
    0
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn jemalloc_returns_free_pages() {
        assert!(release() > 0);
    }
}
