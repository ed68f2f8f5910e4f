//! One listing that feeds several consumers.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use parking_lot::Mutex as SyncMutex;
use tokio::{sync::Mutex, time::Instant};
use tracing::info;

use crate::{
    api::{ApiError, Client, InvalidValues, Listing, Operation},
    telemetry::Telemetry,
};

/// The result of a shared listing.
#[derive(Debug)]
pub struct SharedResult<T> {
    /// When the listing started. Two results of the same listing have the same time.
    pub started: Instant,
    /// The listing, or why it failed.
    pub result: Result<Arc<Listing<T>>, ApiError>,
}

impl<T> Clone for SharedResult<T> {
    fn clone(&self) -> Self {
        Self { started: self.started, result: self.result.clone() }
    }
}

/// A listing that several consumers share: each of them asks at its own interval, and is given the last result if that
/// is recent enough.
#[derive(Debug)]
pub struct SharedListing<O: Operation> {
    client: Arc<Client>,
    operation: O,
    telemetry: Telemetry,
    /// Held while the listing is read, so that the others wait for its result.
    last: Mutex<Option<SharedResult<O::Item>>>,
    /// The fields that had invalid values in the last listing.
    invalid: SyncMutex<BTreeSet<&'static str>>,
}

impl<O: Operation + Clone> SharedListing<O> {
    /// The listing of `operation`, which nobody has asked for yet.
    pub fn new(client: Arc<Client>, operation: O, telemetry: Telemetry) -> Self {
        Self { client, operation, telemetry, last: Mutex::default(), invalid: SyncMutex::default() }
    }

    /// The last result if it is younger than `max_age`, the interval of the caller; otherwise a new one. A failure is
    /// a result too. `timeout` limits a new listing, without the wait for the request rate.
    ///
    /// # Cancel safety
    ///
    /// If a caller that lists is cancelled, the next one that waits lists instead.
    pub async fn get(&self, max_age: Duration, timeout: Duration) -> SharedResult<O::Item> {
        let asked = Instant::now();
        let mut last = self.last.lock().await;
        // A consumer that asks once in an interval must not find its own last result, because it asks a bit earlier.
        if let Some(last) = last.as_ref().filter(|last| last.started + max_age * 9 / 10 > asked) {
            return last.clone();
        }
        let started = Instant::now();
        let listed = self.client.list(self.operation.clone(), started + timeout).await;
        if let Ok(listing) = &listed {
            self.report_invalid_values(&listing.invalid);
        }
        let result = SharedResult { started, result: listed.map(Arc::new) };
        *last = Some(result.clone());
        result
    }

    /// Counts every invalid value, and logs each field once until all its values are valid again.
    fn report_invalid_values(&self, invalid: &InvalidValues) {
        let mut known = self.invalid.lock();
        for (operation, field, values) in invalid.iter() {
            self.telemetry.invalid_values(operation, field, values.count);
            if !known.contains(field) {
                info!(
                    operation,
                    field,
                    count = values.count,
                    object_id = %values.object_id,
                    "invalid values are skipped (logged once for each field)"
                );
            }
        }
        *known = invalid.iter().map(|(_, field, _)| field).collect();
    }
}
