//! Basic authentication against bcrypt hashes.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use hyper::header::HeaderValue;
use sha2::Sha256;
use tokio::{sync::Semaphore, time::timeout};

/// What an unknown user's password is compared with, so that the time taken doesn't tell who exists; the
/// exporter-toolkit's.
const DUMMY_HASH: &str = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi";

/// Passwords that are checked or wait for it. One is checked at a time: a check takes a core for tens of
/// milliseconds, and who guesses passwords must not get more of it.
const MAX_WAITING: usize = 16;

/// How long a check waits for its turn.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(10);

/// Results that are remembered. Right ones are kept apart, so that guesses don't push them out.
const CACHE_CAPACITY: usize = 100;

/// Whether a request may be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) enum Verdict {
    Allowed,
    Denied,
    /// Too many passwords are being checked.
    Busy,
}

/// A user's name and password, as far as it has to be remembered.
type Digest = [u8; 32];

/// The users and what is known of their passwords.
pub(in crate::web) struct Users {
    hashes: Arc<BTreeMap<String, String>>,
    /// The key of [`Digest`]s: without it, what is remembered says nothing of a password.
    key: [u8; 32],
    known: Mutex<Known>,
    waiting: Semaphore,
    checking: Arc<Semaphore>,
}

#[derive(Default)]
struct Known {
    right: VecDeque<Digest>,
    wrong: VecDeque<Digest>,
}

impl Default for Users {
    fn default() -> Self {
        Self::new(BTreeMap::new())
    }
}

impl fmt::Debug for Users {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Users").finish_non_exhaustive()
    }
}

impl Users {
    /// Users with their valid bcrypt hashes.
    pub(super) fn new(hashes: BTreeMap<String, String>) -> Self {
        Self {
            hashes: Arc::new(hashes),
            key: rand::random(),
            known: Mutex::default(),
            waiting: Semaphore::new(MAX_WAITING),
            checking: Arc::new(Semaphore::new(1)),
        }
    }

    /// Whether the header `Authorization` names a user and the right password; everybody may if there is no user.
    pub(in crate::web) async fn verdict(&self, authorization: Option<&HeaderValue>) -> Verdict {
        if self.hashes.is_empty() {
            return Verdict::Allowed;
        }
        let Some((user, password)) = authorization.and_then(credentials) else { return Verdict::Denied };
        let digest = self.digest(&user, &password);
        if let Some(known) = self.known().get(&digest) {
            return known;
        }
        let Ok(_waiting) = self.waiting.try_acquire() else { return Verdict::Busy };
        let Ok(Ok(checking)) = timeout(QUEUE_TIMEOUT, self.checking.clone().acquire_owned()).await else {
            return Verdict::Busy;
        };
        // Another request may have had the same one checked meanwhile.
        if let Some(known) = self.known().get(&digest) {
            return known;
        }
        let hashes = self.hashes.clone();
        let check = tokio::task::spawn_blocking(move || {
            // Held until the work is done, even when nobody waits for it any more.
            let _checking = checking;
            let hash = hashes.get(&user);
            let matches = bcrypt::verify(&password, hash.map_or(DUMMY_HASH, String::as_str)).unwrap_or(false);
            matches && hash.is_some()
        });
        let Ok(right) = check.await else { return Verdict::Busy };
        self.known().add(digest, right);
        if right { Verdict::Allowed } else { Verdict::Denied }
    }

    fn digest(&self, user: &str, password: &[u8]) -> Digest {
        // An HMAC takes a key of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else { return Digest::default() };
        mac.update(&(user.len() as u64).to_le_bytes());
        mac.update(user.as_bytes());
        mac.update(password);
        mac.finalize().into_bytes().into()
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn get(&self, digest: &Digest) -> Option<Verdict> {
        if self.right.contains(digest) {
            Some(Verdict::Allowed)
        } else {
            self.wrong.contains(digest).then_some(Verdict::Denied)
        }
    }

    fn add(&mut self, digest: Digest, right: bool) {
        let known = if right { &mut self.right } else { &mut self.wrong };
        known.push_front(digest);
        known.truncate(CACHE_CAPACITY);
    }
}

/// The user and the password of `Basic …`.
fn credentials(authorization: &HeaderValue) -> Option<(String, Vec<u8>)> {
    let (scheme, encoded) = authorization.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = STANDARD.decode(encoded.trim()).ok()?;
    let colon = decoded.iter().position(|&byte| byte == b':')?;
    let user = String::from_utf8(decoded[..colon].to_vec()).ok()?;
    Some((user, decoded[colon + 1..].to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users() -> Users {
        Users::new(BTreeMap::from([("alice".to_owned(), bcrypt::hash("secret", 4).unwrap())]))
    }

    fn basic(user: &str, password: &str) -> HeaderValue {
        HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))).unwrap()
    }

    #[tokio::test]
    async fn only_the_right_password_of_a_user_is_taken() {
        let users = users();
        for (header, expected) in [
            (Some(basic("alice", "secret")), Verdict::Allowed),
            (Some(basic("alice", "secret")), Verdict::Allowed),
            (Some(basic("alice", "Secret")), Verdict::Denied),
            (Some(basic("alice", "")), Verdict::Denied),
            (Some(basic("bob", "secret")), Verdict::Denied),
            (Some(basic("alice:secret", "")), Verdict::Denied),
            (Some(HeaderValue::from_static("Basic !!")), Verdict::Denied),
            (Some(HeaderValue::from_static("Bearer x")), Verdict::Denied),
            (Some(HeaderValue::from_static("Basic")), Verdict::Denied),
            (None, Verdict::Denied),
        ] {
            assert_eq!(users.verdict(header.as_ref()).await, expected, "{header:?}");
        }
        assert_eq!(Users::default().verdict(None).await, Verdict::Allowed);
    }

    #[tokio::test]
    async fn guesses_do_not_push_out_what_is_right_and_are_bounded() {
        let users = users();
        assert_eq!(users.verdict(Some(&basic("alice", "secret"))).await, Verdict::Allowed);
        let guesses: Vec<_> = (0..200).map(|number| basic("alice", &number.to_string())).collect();
        let verdicts = guesses.iter().map(|guess| users.verdict(Some(guess)));
        let verdicts = futures_util::future::join_all(verdicts).await;
        assert!(verdicts.contains(&Verdict::Busy) && !verdicts.contains(&Verdict::Allowed));
        let known = users.known();
        assert!(known.right.len() == 1 && known.wrong.len() <= CACHE_CAPACITY);
    }

    #[test]
    fn nothing_of_a_user_is_printed() {
        assert_eq!(format!("{:?}", users()), "Users { .. }");
    }
}
