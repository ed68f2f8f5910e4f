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

/// Returns freed memory to the system every few seconds, for ever.
pub async fn run_release() -> Infallible {
    let mut interval = interval(INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        // Off the async threads, since it takes milliseconds. Nothing depends on its result.
        let _ = spawn_blocking(release).await;
    }
}

#[cfg(target_os = "linux")]
fn release() {
    use tikv_jemalloc_ctl::{Access as _, AsName as _, Mib, arenas};

    let Ok(arenas) = arenas::narenas::read() else { return };
    let Ok(mut decay) = b"arena.0.dirty_decay_ms\0".name().mib::<[usize; 3]>() else { return };
    for arena in 0..arenas as usize {
        decay[1] = arena;
        // It fails for an arena that no thread has used. Pages that may not be kept at all are returned at once.
        if let Ok(before) = Mib::<[usize; 3]>::update(&decay, 0_isize) {
            let _ = decay.write(before);
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn release() {}
