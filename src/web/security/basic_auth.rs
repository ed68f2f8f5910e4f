//! Basic authentication.

use std::{collections::BTreeMap, fmt, net::IpAddr, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hyper::header::HeaderValue;

use super::password_check::{Challenge, PasswordCheck};

/// Whether a request may be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) enum Verdict {
    Allowed,
    Denied,
    /// Too many passwords are being checked.
    Busy,
}

/// A user of the web configuration file.
pub(super) struct User {
    pub(super) name: String,
    /// A valid bcrypt hash.
    pub(super) hash: String,
    /// The cost of the hash.
    pub(super) cost: u32,
}

/// The users with access.
#[derive(Default)]
pub(in crate::web) struct Users {
    /// The hash and its cost, by name.
    hashes: BTreeMap<String, (String, u32)>,
    max_cost: u32,
    passwords: Arc<PasswordCheck>,
}

impl fmt::Debug for Users {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Users").finish_non_exhaustive()
    }
}

impl Users {
    pub(super) fn new(users: Vec<User>, passwords: Arc<PasswordCheck>) -> Self {
        let max_cost = users.iter().map(|user| user.cost).max().unwrap_or_default();
        let hashes = users.into_iter().map(|user| (user.name, (user.hash, user.cost))).collect();
        Self { hashes, max_cost, passwords }
    }

    /// Whether the header `Authorization` has the right password of a user. Without users, everybody is allowed.
    pub(in crate::web) async fn verdict(
        &self,
        authorization: Option<&HeaderValue>,
        network: IpAddr,
    ) -> Verdict {
        if self.hashes.is_empty() {
            return Verdict::Allowed;
        }
        let Some((name, password)) = authorization.and_then(credentials) else { return Verdict::Denied };
        let user = self.hashes.get(&name).map(|(hash, cost)| (hash.as_str(), *cost));
        let challenge = Challenge::new(user, self.max_cost);
        match self.passwords.verify(network, &name, password, challenge).await {
            Some(true) => Verdict::Allowed,
            Some(false) => Verdict::Denied,
            None => Verdict::Busy,
        }
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
    use futures_util::future::join_all;

    use super::*;

    const SCRAPER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const CROWD: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));

    fn user(name: &str, password: &str) -> User {
        User { name: name.to_owned(), hash: bcrypt::hash(password, 4).unwrap(), cost: 4 }
    }

    fn users() -> Users {
        Users::new(vec![user("alice", "secret")], Arc::default())
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
            assert_eq!(users.verdict(header.as_ref(), SCRAPER).await, expected, "{header:?}");
        }
        assert_eq!(Users::default().verdict(None, SCRAPER).await, Verdict::Allowed);
    }

    #[tokio::test]
    async fn cached_guesses_are_bounded_and_do_not_evict_correct_passwords() {
        let users = users();
        assert_eq!(users.verdict(Some(&basic("alice", "secret")), SCRAPER).await, Verdict::Allowed);
        let guesses: Vec<_> = (0..200).map(|number| basic("alice", &number.to_string())).collect();
        let verdicts = guesses.iter().map(|guess| users.verdict(Some(guess), CROWD));
        let verdicts = join_all(verdicts).await;
        assert!(verdicts.contains(&Verdict::Busy) && !verdicts.contains(&Verdict::Allowed));
        let (right, wrong) = users.passwords.remembered();
        assert!(right == 1 && wrong <= 100, "{right} {wrong}");
    }

    #[tokio::test]
    async fn a_crowd_that_guesses_does_not_lock_out_another_network() {
        let users = users();
        let guesses: Vec<_> = (0..200).map(|number| basic("alice", &number.to_string())).collect();
        let crowd = join_all(guesses.iter().map(|guess| users.verdict(Some(guess), CROWD)));
        let right = basic("alice", "secret");
        let scraper = async {
            tokio::task::yield_now().await;
            let verdict = users.verdict(Some(&right), SCRAPER).await;
            (verdict, users.passwords.remembered().1)
        };
        let (_, (verdict, checked_before)) = tokio::join!(crowd, scraper);
        assert_eq!(verdict, Verdict::Allowed);
        assert!(checked_before < 10, "{checked_before} guesses were checked first");
    }

    #[tokio::test]
    async fn a_reload_keeps_the_results_of_unchanged_hashes() {
        let passwords = Arc::new(PasswordCheck::default());
        let (alice, bob) = (user("alice", "secret"), user("bob", "secret"));
        let same = User { name: alice.name.clone(), hash: alice.hash.clone(), cost: 4 };
        let before = Users::new(vec![alice, bob], passwords.clone());
        for name in ["alice", "bob"] {
            assert_eq!(before.verdict(Some(&basic(name, "secret")), SCRAPER).await, Verdict::Allowed);
        }
        let after = Users::new(vec![same, user("bob", "another")], passwords.clone());
        assert_eq!(after.verdict(Some(&basic("alice", "secret")), SCRAPER).await, Verdict::Allowed);
        assert_eq!(passwords.remembered(), (2, 0), "alice's password was not checked again");
        assert_eq!(after.verdict(Some(&basic("bob", "secret")), SCRAPER).await, Verdict::Denied);
        assert_eq!(passwords.remembered(), (2, 1));
    }

    #[test]
    fn nothing_of_a_user_is_printed() {
        assert_eq!(format!("{:?}", users()), "Users { .. }");
    }
}
