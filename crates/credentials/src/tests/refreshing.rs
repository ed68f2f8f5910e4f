//! The background refresh on paused time.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::*;
use crate::{
    provider::{CredentialsSource, Fetched, IssuedCredentials},
    refreshing::RefreshingProvider,
};

const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);

/// A source whose answers a test decides; each credential's id is the number of the fetch.
#[derive(Debug)]
struct Scripted {
    clock: Clock,
    fetches: AtomicU64,
    /// How long a credential lives; none for ever.
    lifetime: Mutex<Option<Duration>>,
    down: Mutex<bool>,
    is_fallback: bool,
    takes: Duration,
}

impl Scripted {
    fn new(lifetime: Option<Duration>) -> Arc<Self> {
        Arc::new(Self {
            clock: Clock::paused(Duration::from_secs(1_794_000_000)),
            fetches: AtomicU64::new(0),
            lifetime: Mutex::new(lifetime),
            down: Mutex::new(false),
            is_fallback: false,
            takes: Duration::from_secs(1),
        })
    }

    fn cache(self: &Arc<Self>) -> Arc<RefreshingProvider> {
        Arc::new(RefreshingProvider::new(self.clone(), self.clock))
    }

    fn fetches(&self) -> u64 {
        self.fetches.load(Ordering::Relaxed)
    }

    fn set_down(&self, down: bool) {
        *self.down.lock().unwrap() = down;
    }

    async fn give(&self) -> Result<IssuedCredentials, CredentialsError> {
        let number = self.fetches.fetch_add(1, Ordering::Relaxed) + 1;
        sleep(self.takes).await;
        if *self.down.lock().unwrap() {
            return Err(CredentialsError::failed("the service is down"));
        }
        let lifetime = *self.lifetime.lock().unwrap();
        // What lives for ever is the same each time.
        let id = if lifetime.is_some() { number.to_string() } else { "static".to_owned() };
        let credentials =
            Credentials { access_key_id: id, access_key_secret: "s".into(), security_token: None };
        Ok(IssuedCredentials {
            credentials: Arc::new(credentials),
            expires: lifetime.map(|lifetime| self.clock.since_epoch() + lifetime),
            origin: "a script".into(),
            is_fallback: self.is_fallback,
            recheck_interval: Duration::from_secs(10),
        })
    }
}

impl CredentialsSource for Scripted {
    fn fetch(&self) -> Fetched<'_> {
        Box::pin(self.give())
    }
}

async fn id(cache: &RefreshingProvider) -> Result<String, String> {
    let credentials = cache.credentials().await;
    credentials.map(|it| it.access_key_id.clone()).map_err(|error| error.to_string())
}

#[tokio::test(start_paused = true)]
async fn concurrent_callers_share_one_fetch() {
    let source = Scripted::new(Some(HOUR));
    let cache = source.cache();
    let asks = (0..100).map(|_| id(&cache));
    assert!(futures_util::future::join_all(asks).await.iter().all(|it| *it == Ok("1".to_owned())));
    assert_eq!(source.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_fetched_without_a_caller() {
    let source = Scripted::new(Some(HOUR));
    let cache = source.cache();
    sleep(HOUR).await;
    assert_eq!(source.fetches(), 0);
    id(&cache).await.unwrap();
    drop(cache);
    sleep(10 * HOUR).await;
    assert_eq!(source.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn credentials_are_refreshed_15_minutes_before_expiry_without_a_request() {
    let source = Scripted::new(Some(HOUR));
    let cache = source.cache();
    id(&cache).await.unwrap();
    sleep(44 * MINUTE).await;
    assert_eq!(source.fetches(), 1);
    // The jitter is a fifth of the margin at the most.
    sleep(4 * MINUTE + 5 * Duration::from_secs(1)).await;
    assert_eq!(source.fetches(), 2);
    let begun = Instant::now();
    assert_eq!(id(&cache).await, Ok("2".into()));
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_short_one_is_renewed_at_half_its_lifetime() {
    let source = Scripted::new(Some(10 * MINUTE));
    let cache = source.cache();
    id(&cache).await.unwrap();
    sleep(Duration::from_secs(299)).await;
    assert_eq!(source.fetches(), 1);
    sleep(MINUTE + Duration::from_secs(5)).await;
    assert_eq!(source.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_old_one_serves_until_it_expires_and_then_recovers_by_itself() {
    let source = Scripted::new(Some(HOUR));
    let cache = source.cache();
    id(&cache).await.unwrap();
    let expiry = cache.expiry().unwrap();
    source.set_down(true);
    while source.clock.since_epoch() + MINUTE < expiry {
        sleep(MINUTE / 2).await;
        let begun = Instant::now();
        assert_eq!((id(&cache).await, begun.elapsed()), (Ok("1".into()), Duration::ZERO));
    }
    // From 12 to 15 minutes of tries, backed off to at most one a half to one minute.
    let tries = source.fetches();
    assert!((14..=40).contains(&tries), "{tries}");
    sleep(2 * MINUTE).await;
    let begun = Instant::now();
    assert_eq!((id(&cache).await, begun.elapsed()), (Err("the service is down".into()), Duration::ZERO));
    assert_eq!(cache.expiry(), Some(expiry));
    source.set_down(false);
    sleep(MINUTE + Duration::from_secs(2)).await;
    assert!(id(&cache).await.is_ok());
    assert!(cache.expiry() > Some(expiry));
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_does_not_delay_the_next_fetch() {
    // While the last fetch failed, and while files are checked for changes.
    for lifetime in [Some(HOUR), None] {
        let source = Scripted::new(lifetime);
        source.set_down(lifetime.is_some());
        let cache = source.cache();
        let _ = id(&cache).await;
        source.clock.set_by(-8 * 3600);
        source.set_down(false);
        let before = source.fetches();
        sleep(MINUTE + Duration::from_secs(2)).await;
        assert!(source.fetches() > before, "{lifetime:?}");
        assert!(id(&cache).await.is_ok(), "{lifetime:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_set_forward_refreshes_credentials_that_expire_soon() {
    let source = Scripted::new(Some(6 * HOUR));
    let cache = source.cache();
    id(&cache).await.unwrap();
    source.clock.set_by(6 * 3600 - 60);
    sleep(MINUTE).await;
    assert_eq!((source.fetches(), id(&cache).await), (2, Ok("2".into())));
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_keeps_the_time_of_renewal() {
    let source = Scripted::new(Some(HOUR));
    let cache = source.cache();
    id(&cache).await.unwrap();
    // The credentials now last for an hour and a half by this clock.
    source.clock.set_by(-1800);
    sleep(74 * MINUTE).await;
    assert_eq!(source.fetches(), 1);
    sleep(5 * MINUTE).await;
    assert_eq!(source.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn credentials_with_an_expiry_far_in_the_future_are_renewed_twice_a_day() {
    let source = Scripted::new(Some(300 * 365 * 24 * HOUR));
    let cache = source.cache();
    id(&cache).await.unwrap();
    sleep(11 * HOUR).await;
    assert_eq!(source.fetches(), 1);
    sleep(2 * HOUR).await;
    assert_eq!(source.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_down_from_the_start_is_not_stormed() {
    let source = Scripted::new(Some(HOUR));
    source.set_down(true);
    let cache = source.cache();
    for _ in 0..6000 {
        assert!(id(&cache).await.is_err());
        sleep(Duration::from_millis(100)).await;
    }
    assert!((12..=40).contains(&source.fetches()), "{} in ten minutes", source.fetches());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_forces_one_fetch_for_all_who_were_refused() {
    let source = Scripted::new(Some(HOUR));
    let cache = source.cache();
    let first = cache.credentials().await.unwrap();
    let told = (0..50).map(|_| cache.renewed(&first));
    assert!(futures_util::future::join_all(told).await.into_iter().all(|renewed| renewed));
    assert_eq!((source.fetches(), id(&cache).await), (2, Ok("2".into())));
    // Who still holds the first is told of the second at once.
    assert!(cache.renewed(&first).await);
    // The second is refused too: that is not looked into more than once a minute.
    let second = cache.credentials().await.unwrap();
    for _ in 0..50 {
        assert!(!cache.renewed(&second).await);
    }
    assert_eq!(source.fetches(), 2);
    sleep(MINUTE).await;
    assert!(cache.renewed(&second).await);
    assert_eq!(source.fetches(), 3);
}

#[tokio::test(start_paused = true)]
async fn fetching_the_same_credentials_is_not_a_refresh() {
    let source = Scripted::new(None);
    let cache = source.cache();
    let refused = cache.credentials().await.unwrap();
    assert!(!cache.renewed(&refused).await);
    assert_eq!(cache.expiry(), None);
}

#[tokio::test(start_paused = true)]
async fn credentials_without_an_expiry_are_checked_again_later() {
    let source = Scripted::new(None);
    let cache = source.cache();
    id(&cache).await.unwrap();
    sleep(MINUTE).await;
    assert!((5..=7).contains(&source.fetches()), "{}", source.fetches());
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_never_ends_is_given_up() {
    let source = Arc::new(Scripted { takes: 10 * HOUR, ..Arc::into_inner(Scripted::new(None)).unwrap() });
    let cache = source.cache();
    assert!(id(&cache).await.is_err());
    sleep(2 * MINUTE).await;
    assert!(source.fetches() > 1);
}

#[tokio::test(start_paused = true)]
async fn a_stand_in_is_kept_no_longer_than_a_minute() {
    let scripted = Arc::into_inner(Scripted::new(Some(6 * HOUR))).unwrap();
    let source = Arc::new(Scripted { is_fallback: true, ..scripted });
    let cache = source.cache();
    id(&cache).await.unwrap();
    sleep(MINUTE + Duration::from_secs(5)).await;
    assert_eq!(source.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn who_finds_it_expired_makes_one_fetch_with_all_others() {
    // It ends before the shortest pause between two fetches does.
    let source = Scripted::new(Some(Duration::from_secs(3)));
    let cache = source.cache();
    id(&cache).await.unwrap();
    sleep(Duration::from_secs(4)).await;
    let asks = (0..100).map(|_| id(&cache));
    assert!(futures_util::future::join_all(asks).await.iter().all(|it| *it == Ok("2".to_owned())));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(source.fetches(), 2);
}
