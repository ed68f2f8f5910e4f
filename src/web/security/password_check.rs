//! Checks passwords against bcrypt hashes, one at a time, and remembers the results.

use std::{collections::VecDeque, fmt, net::IpAddr, time::Duration};

use hmac::{Hmac, KeyInit as _, Mac as _};
use parking_lot::Mutex;
use sha2::Sha256;
use tokio::time::timeout;

use super::fair_queue::FairQueue;

/// The salt and digest of a hash that no password is meant for: the exporter-toolkit's.
const DUMMY_HASH: &str = "QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi";

/// How long a check waits for its turn.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(10);

/// Results that are remembered. Right passwords are kept apart, so that guesses do not displace them.
const CACHE_CAPACITY: usize = 100;

/// The hashes to compare a password with. Their work is the same for every user, and for a user that does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Challenge {
    /// The user's hash, if the user exists.
    hash: Option<String>,
    /// Compared as well if the password is not the right one.
    padding: Vec<String>,
}

impl Challenge {
    /// For a user's `hash` of `cost`, or no user, among hashes of at most `max_cost`.
    ///
    /// A check of cost n takes 2^n rounds, and 2^n + 2^n + 2^(n+1) + … + 2^(m-1) = 2^m: with dummy hashes of the
    /// costs in between, a wrong password takes as long as the most expensive hash.
    pub(super) fn new(user: Option<(&str, u32)>, max_cost: u32) -> Self {
        let dummy = |cost: u32| format!("$2y${cost:02}${DUMMY_HASH}");
        match user {
            None => Self { hash: None, padding: vec![dummy(max_cost)] },
            Some((hash, cost)) => {
                Self { hash: Some(hash.to_owned()), padding: (cost..max_cost).map(dummy).collect() }
            }
        }
    }

    /// Compares `password`. Takes from milliseconds to seconds, by the cost.
    fn verify(&self, password: &[u8]) -> bool {
        let matches = |hash: &String| bcrypt::verify(password, hash).unwrap_or(false);
        if self.hash.as_ref().is_some_and(matches) {
            return true;
        }
        self.padding.iter().for_each(|hash| {
            let _ = matches(hash);
        });
        false
    }
}

/// A user's name, hash and password, as far as they have to be remembered.
type Digest = [u8; 32];

/// Checks passwords. It outlives reloads: a result holds as long as the user's hash is the same.
pub(in crate::web) struct PasswordCheck {
    /// The key of [`Digest`]s, without which they reveal nothing about a password.
    key: [u8; 32],
    cache: Mutex<Cache>,
    queue: FairQueue,
}

#[derive(Default)]
struct Cache {
    right: VecDeque<Digest>,
    wrong: VecDeque<Digest>,
}

impl Default for PasswordCheck {
    fn default() -> Self {
        Self { key: rand::random(), cache: Mutex::default(), queue: FairQueue::default() }
    }
}

impl fmt::Debug for PasswordCheck {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PasswordCheck").finish_non_exhaustive()
    }
}

impl PasswordCheck {
    /// Whether `password` is right; nothing if too many passwords are being checked.
    ///
    /// Networks take turns, so that a client that guesses passwords does not lock others out.
    pub(super) async fn verify(
        &self,
        network: IpAddr,
        user: &str,
        password: Vec<u8>,
        challenge: Challenge,
    ) -> Option<bool> {
        let digest = self.digest(user, &password, &challenge);
        if let Some(known) = self.cache.lock().get(&digest) {
            return Some(known);
        }
        let slot = timeout(QUEUE_TIMEOUT, self.queue.acquire(network)).await.ok().flatten()?;
        // The same password may have been checked during the wait.
        if let Some(known) = self.cache.lock().get(&digest) {
            return Some(known);
        }
        let check = tokio::task::spawn_blocking(move || {
            // Held until the work is done, even if the client has left.
            let _slot = slot;
            challenge.verify(&password)
        });
        let right = check.await.ok()?;
        self.cache.lock().add(digest, right);
        Some(right)
    }

    fn digest(&self, user: &str, password: &[u8], challenge: &Challenge) -> Digest {
        // An HMAC takes a key of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else { return Digest::default() };
        for part in [user.as_bytes(), challenge.hash.as_deref().unwrap_or_default().as_bytes(), password] {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    #[cfg(test)]
    pub(super) fn remembered(&self) -> (usize, usize) {
        let cache = self.cache.lock();
        (cache.right.len(), cache.wrong.len())
    }
}

impl Cache {
    fn get(&self, digest: &Digest) -> Option<bool> {
        if self.right.contains(digest) { Some(true) } else { self.wrong.contains(digest).then_some(false) }
    }

    fn add(&mut self, digest: Digest, right: bool) {
        let known = if right { &mut self.right } else { &mut self.wrong };
        known.push_front(digest);
        known.truncate(CACHE_CAPACITY);
    }
}

#[cfg(test)]
mod tests {
    use std::str::FromStr as _;

    use super::*;

    /// The rounds of comparing a wrong password.
    fn rounds(challenge: &Challenge) -> u64 {
        let cost = |hash: &String| 1_u64 << bcrypt::HashParts::from_str(hash).unwrap().get_cost();
        challenge.hash.iter().chain(&challenge.padding).map(cost).sum()
    }

    #[test]
    fn a_wrong_password_takes_the_same_work_for_every_user_and_for_none() {
        for max_cost in [4, 10, 16] {
            let nobody = Challenge::new(None, max_cost);
            assert_eq!(rounds(&nobody), 1 << max_cost);
            for cost in 4..=max_cost {
                let hash = format!("$2b${cost:02}${DUMMY_HASH}");
                let user = Challenge::new(Some((&hash, cost)), max_cost);
                assert_eq!(rounds(&user), 1 << max_cost, "{cost} of {max_cost}");
            }
        }
    }

    #[test]
    fn the_dummy_hash_matches_no_user() {
        assert!(!Challenge::new(None, 4).verify(b"any"));
        let hash = bcrypt::hash("secret", 4).unwrap();
        assert!(Challenge::new(Some((&hash, 4)), 5).verify(b"secret"));
        assert!(!Challenge::new(Some((&hash, 4)), 5).verify(b"Secret"));
    }
}
