//! A queue for work that is done one at a time, shared fairly by client network.

use std::{collections::VecDeque, net::IpAddr, sync::Arc};

use parking_lot::Mutex;
use tokio::sync::oneshot;

/// Waiters of one network. A further one is refused.
const MAX_WAITING_PER_NETWORK: usize = 128;

/// Waiters in all. A further one takes the place of the last one of the longest queue.
const MAX_WAITING: usize = 512;

/// Hands out one slot at a time, to each network in turn.
#[derive(Debug, Clone, Default)]
pub(super) struct FairQueue {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    busy: bool,
    /// The networks with waiters; the first one is next.
    networks: VecDeque<(IpAddr, VecDeque<oneshot::Sender<Slot>>)>,
}

impl FairQueue {
    /// Waits for the slot. Returns nothing if too many are waiting.
    ///
    /// # Cancel safety
    ///
    /// A dropped waiter loses its place and nothing else.
    pub(super) async fn acquire(&self, network: IpAddr) -> Option<Slot> {
        let waiting = {
            let mut state = self.state.lock();
            if !state.busy {
                state.busy = true;
                return Some(Slot { queue: Some(self.clone()) });
            }
            state.enqueue(network)?
        };
        waiting.await.ok()
    }

    /// Gives the slot to the next waiter that still waits.
    fn pass_on(&self) {
        loop {
            let Some(next) = self.state.lock().next() else { return };
            match next.send(Slot { queue: Some(self.clone()) }) {
                Ok(()) => return,
                Err(mut refused) => refused.queue = None,
            }
        }
    }
}

impl State {
    fn enqueue(&mut self, network: IpAddr) -> Option<oneshot::Receiver<Slot>> {
        for (_, queue) in &mut self.networks {
            queue.retain(|waiter| !waiter.is_closed());
        }
        self.networks.retain(|(_, queue)| !queue.is_empty());
        let (sender, receiver) = oneshot::channel();
        match self.networks.iter_mut().find(|(known, _)| *known == network) {
            Some((_, queue)) if queue.len() >= MAX_WAITING_PER_NETWORK => return None,
            Some((_, queue)) => queue.push_back(sender),
            None => self.networks.push_back((network, VecDeque::from([sender]))),
        }
        if self.networks.iter().map(|(_, queue)| queue.len()).sum::<usize>() > MAX_WAITING
            && let Some((_, longest)) = self.networks.iter_mut().max_by_key(|(_, queue)| queue.len())
        {
            longest.pop_back();
        }
        Some(receiver)
    }

    /// Takes the first waiter of the next network; without one, the slot is free.
    fn next(&mut self) -> Option<oneshot::Sender<Slot>> {
        while let Some((network, mut queue)) = self.networks.pop_front() {
            let waiter = queue.pop_front();
            if !queue.is_empty() {
                self.networks.push_back((network, queue));
            }
            if waiter.is_some() {
                return waiter;
            }
        }
        self.busy = false;
        None
    }
}

/// The permission to work, passed on when dropped.
#[derive(Debug)]
pub(super) struct Slot {
    queue: Option<FairQueue>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(queue) = self.queue.take() {
            queue.pass_on();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt as _, StreamExt as _, stream::FuturesUnordered};

    use super::*;

    fn network(number: u8) -> IpAddr {
        [10, 0, 0, number].into()
    }

    #[tokio::test]
    async fn a_network_with_one_waiter_is_next_after_a_crowd_of_another() {
        let queue = FairQueue::default();
        let held = queue.acquire(network(1)).await.unwrap();
        let served = FuturesUnordered::new();
        for client in [1, 1, 1, 1, 1, 2] {
            let mut waiting =
                Box::pin(queue.acquire(network(client)).map(move |slot| (client, slot.is_some())));
            assert!(futures_util::poll!(&mut waiting).is_pending());
            served.push(waiting);
        }
        drop(held);
        let order: Vec<_> = served.collect().await;
        assert_eq!(order[..2], [(1, true), (2, true)]);
        assert_eq!(order.len(), 6);
    }

    #[tokio::test]
    async fn waiters_are_bounded_and_a_crowd_only_displaces_its_own() {
        let queue = FairQueue::default();
        let held = queue.acquire(network(0)).await.unwrap();
        let mut scraper = Box::pin(queue.acquire(network(9)));
        assert!(futures_util::poll!(&mut scraper).is_pending());
        let mut crowd = Vec::new();
        for client in (1..=5).cycle().take(5 * MAX_WAITING_PER_NETWORK) {
            let mut waiting = Box::pin(queue.acquire(network(client)));
            let _ = futures_util::poll!(&mut waiting);
            crowd.push(waiting);
        }
        let waiting: usize = queue.state.lock().networks.iter().map(|(_, queue)| queue.len()).sum();
        assert_eq!(waiting, MAX_WAITING);
        assert!(queue.acquire(network(1)).now_or_never().is_none_or(|slot| slot.is_none()));
        drop(held);
        assert!(scraper.await.is_some());
        drop(crowd);
        assert!(queue.acquire(network(1)).now_or_never().flatten().is_some(), "nothing is left behind");
    }
}
