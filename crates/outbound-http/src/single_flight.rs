//! Work that callers share while it runs.

use std::{collections::HashMap, pin::Pin};

use futures_util::{
    FutureExt as _,
    future::{Shared, WeakShared},
};
use parking_lot::Mutex;

type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Runs one piece of work for each key at a time.
#[derive(Debug)]
pub(crate) struct SingleFlight<T: Clone> {
    running: Mutex<HashMap<String, WeakShared<Work<T>>>>,
}

impl<T: Clone> Default for SingleFlight<T> {
    fn default() -> Self {
        Self { running: Mutex::default() }
    }
}

impl<T: Clone + Send + Sync + 'static> SingleFlight<T> {
    /// Joins the work that runs for `key`, or starts `work`. It is cancelled when all its callers are dropped.
    pub(crate) fn run<F>(&self, key: &str, work: impl FnOnce() -> F) -> Shared<Work<T>>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut running = self.running.lock();
        running.retain(|_, work| is_running(work));
        if let Some(shared) = running.get(key).and_then(WeakShared::upgrade) {
            return shared;
        }
        let shared = (Box::pin(work()) as Work<T>).shared();
        if let Some(weak) = shared.downgrade() {
            running.insert(key.to_owned(), weak);
        }
        shared
    }

    /// The number of keys with running work.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.running.lock().values().filter(|work| is_running(work)).count()
    }
}

/// Whether the work has callers, and no result yet: a result is not a cache.
fn is_running<T: Clone>(work: &WeakShared<Work<T>>) -> bool {
    work.upgrade().is_some_and(|shared| shared.peek().is_none())
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        time::Duration,
    };

    use tokio::time::{sleep, timeout};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn callers_share_work_that_ends_with_the_last_of_them() {
        let flight = SingleFlight::default();
        let (begun, ended) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let call = || {
            let (begun, ended) = (begun.clone(), ended.clone());
            flight.run("key", move || async move {
                begun.fetch_add(1, Ordering::SeqCst);
                sleep(Duration::from_secs(5)).await;
                ended.fetch_add(1, Ordering::SeqCst)
            })
        };
        let (first, second) = (call(), call());
        assert!(timeout(Duration::from_secs(1), first).await.is_err());
        assert_eq!(second.await, 0, "the second caller goes on with what the first began");
        assert_eq!((begun.load(Ordering::SeqCst), ended.load(Ordering::SeqCst)), (1, 1));
        assert!(timeout(Duration::from_secs(1), call()).await.is_err());
        sleep(Duration::from_secs(60)).await;
        assert_eq!((begun.load(Ordering::SeqCst), ended.load(Ordering::SeqCst)), (2, 1), "cancelled");
        assert_eq!(flight.len(), 0);
        assert_eq!(call().await, 1);
    }
}
