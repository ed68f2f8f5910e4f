//! JSON bodies, rendered once for all responses that send the same data.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::OnceCell;

use super::{response_body::SharedBody, superseded_bodies::BodyKey};
use crate::{snapshot::Snapshot, store::TargetStatus};

/// A rendered JSON body.
#[derive(Debug)]
pub(super) struct JsonBody(Bytes);

impl SharedBody for JsonBody {
    fn pieces(&self) -> &[Bytes] {
        std::slice::from_ref(&self.0)
    }
}

/// The data that a body is rendered from. The same data is in the same place; a weak reference keeps the place taken.
#[derive(Debug, Clone)]
pub(super) enum JsonSource {
    Snapshot(Weak<Snapshot>),
    Target(Weak<TargetStatus>),
}

impl JsonSource {
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Snapshot(one), Self::Snapshot(other)) => one.ptr_eq(other),
            (Self::Target(one), Self::Target(other)) => one.ptr_eq(other),
            _ => false,
        }
    }
}

type Cell = OnceCell<Arc<JsonBody>>;

/// The bodies that responses are sending now. Nothing is kept for later.
#[derive(Debug, Default)]
pub(super) struct JsonCache {
    entries: Mutex<HashMap<BodyKey, (JsonSource, Weak<Cell>)>>,
}

/// A body, and what keeps it in the cache.
#[derive(Debug)]
pub(super) struct CachedBody {
    _cell: Arc<Cell>,
}

impl JsonCache {
    /// The body of `key` for `source`, which `render` renders unless a response is sending it already.
    ///
    /// # Errors
    ///
    /// Those of `render`.
    pub(super) async fn get<E>(
        &self,
        key: BodyKey,
        source: JsonSource,
        render: impl Future<Output = Result<Vec<u8>, E>>,
    ) -> Result<(Arc<JsonBody>, CachedBody), E> {
        let cell = self.cell(key, source);
        let body = cell.get_or_try_init(|| async move { Ok(Arc::new(JsonBody(render.await?.into()))) });
        let body = body.await?.clone();
        Ok((body, CachedBody { _cell: cell }))
    }

    fn cell(&self, key: BodyKey, source: JsonSource) -> Arc<Cell> {
        let mut entries = self.entries.lock();
        let known = entries.get(&key).filter(|(known, _)| known.is_same(&source));
        if let Some(cell) = known.and_then(|(_, cell)| cell.upgrade()) {
            return cell;
        }
        entries.retain(|_, (_, cell)| cell.strong_count() > 0);
        let cell = Arc::new(Cell::new());
        entries.insert(key, (source, Arc::downgrade(&cell)));
        cell
    }
}
