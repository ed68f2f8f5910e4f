//! The owner of all polling tasks: one that dies is noticed, told of, and started again.

use std::{collections::HashMap, future::Future, time::Duration};

use tokio::{
    task::{Id, JoinSet},
    time::sleep,
};

/// The pause before a task that died is started again, so that one that dies at once doesn't spin.
const PAUSE: Duration = Duration::from_secs(1);

/// Runs the tasks that `start` makes for `0..count`, each again when it panicked, until all have returned.
///
/// `died` is told of each that panicked. Dropping the future ends the tasks.
pub async fn supervise<F>(count: usize, start: impl Fn(usize) -> F, died: impl Fn(usize))
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    let mut indices: HashMap<Id, usize> = HashMap::new();
    for index in 0..count {
        indices.insert(tasks.spawn(start(index)).id(), index);
    }
    while let Some(ended) = tasks.join_next_with_id().await {
        let error = match ended {
            Ok((id, ())) => {
                indices.remove(&id);
                continue;
            }
            Err(error) => error,
        };
        if let Some(index) = indices.remove(&error.id()) {
            died(index);
            let again = start(index);
            let task = tasks.spawn(async move {
                sleep(PAUSE).await;
                again.await;
            });
            indices.insert(task.id(), index);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_task_that_panics_is_started_again_and_the_others_run_on() {
        let starts: Arc<[AtomicUsize; 3]> = Arc::default();
        let deaths = AtomicUsize::new(0);
        let begin = Instant::now();
        let start = |index: usize| {
            let starts = starts.clone();
            async move {
                let number = starts[index].fetch_add(1, Ordering::Relaxed);
                assert!(index != 1 || number == 3, "the death of a task, as the test wants it");
                sleep(Duration::from_secs(10)).await;
            }
        };
        supervise(3, start, |index| {
            assert_eq!(index, 1);
            deaths.fetch_add(1, Ordering::Relaxed);
        })
        .await;
        let starts = starts.each_ref().map(|starts| starts.load(Ordering::Relaxed));
        assert_eq!((starts, deaths.into_inner()), ([1, 4, 1], 3));
        assert_eq!(begin.elapsed().as_secs(), 13, "three pauses of a second, then ten seconds of work");
    }
}
