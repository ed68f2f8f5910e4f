//! A listing that several consumers share.

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
    /// Start of the listing. Two results of the same listing have the same time.
    pub started: Instant,
    /// The listing or its error.
    pub result: Result<Arc<Listing<T>>, ApiError>,
}

impl<T> Clone for SharedResult<T> {
    fn clone(&self) -> Self {
        Self { started: self.started, result: self.result.clone() }
    }
}

/// A listing that several consumers share. Each consumer calls at its own interval, and gets the last result if it is
/// recent enough.
#[derive(Debug)]
pub struct SharedListing<O: Operation> {
    client: Arc<Client>,
    operation: O,
    telemetry: Telemetry,
    /// Held during a listing, so that other consumers wait for its result.
    last: Mutex<Option<SharedResult<O::Item>>>,
    /// The fields with invalid values in the last listing.
    invalid: SyncMutex<BTreeSet<&'static str>>,
}

impl<O: Operation + Clone> SharedListing<O> {
    /// Creates a shared listing of `operation`.
    pub fn new(client: Arc<Client>, operation: O, telemetry: Telemetry) -> Self {
        Self { client, operation, telemetry, last: Mutex::default(), invalid: SyncMutex::default() }
    }

    /// Returns the last result if it is younger than `max_age`, the interval of the caller. Otherwise lists again. A
    /// failure is a result too. `timeout` limits a new listing, without the wait for the rate limit.
    ///
    /// # Cancel safety
    ///
    /// If the future of a caller that lists is dropped, the next waiting caller lists instead.
    pub async fn get(&self, max_age: Duration, timeout: Duration) -> SharedResult<O::Item> {
        let asked = Instant::now();
        let mut last = self.last.lock().await;
        // A consumer that calls slightly early must not get its own last result again.
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

    /// Counts all invalid values. Logs each field once, until all its values are valid again.
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
