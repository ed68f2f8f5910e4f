//! Owns long-running tasks, and restarts tasks that panic.

use std::{collections::HashMap, future::pending, hash::Hash, sync::Arc, time::Duration};

use tokio::{
    task::{Id, JoinSet},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

/// Delay before a task that panicked is restarted, so that a task that panics immediately does not use all CPU time.
const RESTART_DELAY: Duration = Duration::from_secs(1);

/// A long-running task.
pub trait Supervised: Send + Sync + 'static {
    /// Runs until `shutdown` is cancelled.
    fn run(self: Arc<Self>, shutdown: CancellationToken) -> impl Future<Output = ()> + Send;

    /// Called after a panic, before the task is restarted.
    fn on_panic(&self);
}

/// A running task.
#[derive(Debug)]
struct RunningTask<W> {
    work: Arc<W>,
    shutdown: CancellationToken,
    task: Id,
}

/// Runs one task for each key.
#[derive(Debug)]
pub struct Supervisor<K, W> {
    tasks: JoinSet<()>,
    keys: HashMap<Id, K>,
    running: HashMap<K, RunningTask<W>>,
}

impl<K, W> Default for Supervisor<K, W> {
    fn default() -> Self {
        Self { tasks: JoinSet::new(), keys: HashMap::new(), running: HashMap::new() }
    }
}

impl<K: Clone + Eq + Hash, W: Supervised> Supervisor<K, W> {
    /// Starts `work` under `key`, replacing a running task.
    pub fn start(&mut self, key: K, work: Arc<W>) {
        self.stop(&key);
        let shutdown = CancellationToken::new();
        let task = self.tasks.spawn(work.clone().run(shutdown.clone()));
        self.keys.insert(task.id(), key.clone());
        self.running.insert(key, RunningTask { work, shutdown, task: task.id() });
    }

    /// Stops the task of `key` at its next await point, without waiting for its end.
    pub fn stop(&mut self, key: &K) {
        if let Some(running) = self.running.remove(key) {
            running.shutdown.cancel();
        }
    }

    /// Stops all tasks and waits for their end.
    pub async fn shutdown(&mut self) {
        for (_, running) in self.running.drain() {
            running.shutdown.cancel();
        }
        while self.tasks.join_next().await.is_some() {}
    }

    /// Restarts tasks that panic. Never returns.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped and created again.
    pub async fn run(&mut self) {
        loop {
            match self.tasks.join_next_with_id().await {
                None => pending().await,
                Some(Ok((id, ()))) => drop(self.keys.remove(&id)),
                Some(Err(error)) => self.start_again(error.id()),
            }
        }
    }

    fn start_again(&mut self, died: Id) {
        let Some(key) = self.keys.remove(&died) else { return };
        // Another task may have replaced it before the panic was noticed.
        let Some(running) = self.running.get_mut(&key).filter(|running| running.task == died) else { return };
        running.work.on_panic();
        let (work, shutdown) = (running.work.clone(), running.shutdown.clone());
        let task = self.tasks.spawn(async move {
            if shutdown.run_until_cancelled(sleep(RESTART_DELAY)).await.is_some() {
                work.run(shutdown).await;
            }
        });
        running.task = task.id();
        self.keys.insert(task.id(), key);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::time::timeout;

    use super::*;

    /// Panics in its first three starts if it is mortal.
    #[derive(Debug, Default)]
    struct Worker {
        mortal: bool,
        starts: AtomicUsize,
        deaths: AtomicUsize,
        stops: AtomicUsize,
    }

    impl Supervised for Worker {
        async fn run(self: Arc<Self>, shutdown: CancellationToken) {
            let starts = self.starts.fetch_add(1, Ordering::Relaxed);
            assert!(!self.mortal || starts == 3, "the death of a task, as the test wants it");
            shutdown.cancelled().await;
            self.stops.fetch_add(1, Ordering::Relaxed);
        }

        fn on_panic(&self) {
            self.deaths.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Worker {
        fn counts(&self) -> [usize; 3] {
            [&self.starts, &self.deaths, &self.stops].map(|count| count.load(Ordering::Relaxed))
        }
    }

    async fn run(supervisor: &mut Supervisor<&'static str, Worker>, seconds: u64) {
        assert!(timeout(Duration::from_secs(seconds), supervisor.run()).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_dies_is_restarted_and_others_continue() {
        let mortal = Arc::new(Worker { mortal: true, ..Worker::default() });
        let sound = Arc::new(Worker::default());
        let mut supervisor = Supervisor::default();
        supervisor.start("mortal", mortal.clone());
        supervisor.start("sound", sound.clone());
        run(&mut supervisor, 2).await;
        assert_eq!((mortal.counts(), sound.counts()), ([2, 2, 0], [1, 0, 0]), "a pause after each death");
        run(&mut supervisor, 10).await;
        assert_eq!((mortal.counts(), sound.counts()), ([4, 3, 0], [1, 0, 0]));
    }

    #[tokio::test(start_paused = true)]
    async fn work_is_stopped_alone_replaced_and_stopped_together() {
        let workers: [Arc<Worker>; 3] = Default::default();
        let mut supervisor = Supervisor::default();
        supervisor.start("a", workers[0].clone());
        supervisor.start("b", workers[1].clone());
        run(&mut supervisor, 1).await;
        supervisor.stop(&"a");
        supervisor.start("b", workers[2].clone());
        run(&mut supervisor, 1).await;
        assert_eq!(workers.each_ref().map(|worker| worker.counts()), [[1, 0, 1], [1, 0, 1], [1, 0, 0]]);
        supervisor.shutdown().await;
        assert_eq!(workers[2].counts(), [1, 0, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_died_and_was_replaced_is_not_started_twice() {
        let (mortal, sound) =
            (Arc::new(Worker { mortal: true, ..Worker::default() }), Arc::new(Worker::default()));
        let mut supervisor = Supervisor::default();
        supervisor.start("key", mortal.clone());
        sleep(Duration::from_millis(10)).await;
        supervisor.start("key", sound.clone());
        run(&mut supervisor, 10).await;
        assert_eq!((mortal.counts(), sound.counts()), ([1, 0, 0], [1, 0, 0]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_died_and_was_stopped_stays_stopped() {
        let mortal = Arc::new(Worker { mortal: true, ..Worker::default() });
        let mut supervisor = Supervisor::default();
        supervisor.start("mortal", mortal.clone());
        assert!(timeout(Duration::from_millis(500), supervisor.run()).await.is_err());
        supervisor.stop(&"mortal");
        run(&mut supervisor, 10).await;
        assert_eq!(mortal.counts(), [1, 1, 0]);
    }
}
