//! Renders response bodies within the limits of memory that all responses share.

use std::{future::ready, io, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{sync::Semaphore, time::timeout};

use super::{
    connection::ConnectionState,
    json_cache::{JsonCache, JsonSource},
    response_body::{ResponseBody, SharedBody},
    response_memory::{Reservation, ResponseMemory},
    superseded_bodies::{BodyKey, SharedBodies},
};
use crate::exposition::Inflater;

/// Bodies rendered at the same time. Rendering uses a thread of the blocking pool, which others need too.
const MAX_RENDERING: usize = 4;

/// How long a response waits for its turn to be rendered.
const RENDER_TIMEOUT: Duration = Duration::from_secs(10);

/// What all responses share.
#[derive(Debug)]
pub(super) struct Responses {
    memory: Arc<ResponseMemory>,
    shared: Arc<SharedBodies>,
    json: JsonCache,
    rendering: Arc<Semaphore>,
}

impl Default for Responses {
    fn default() -> Self {
        Self {
            memory: Arc::default(),
            shared: Arc::default(),
            json: JsonCache::default(),
            rendering: Arc::new(Semaphore::new(MAX_RENDERING)),
        }
    }
}

/// Why a body could not be rendered.
#[derive(Debug)]
pub(super) enum NoBody {
    /// Other responses hold too much memory, or too many are being rendered.
    Overloaded,
    /// Rendering failed.
    Failed(String),
}

/// Renders the body of the response to one request.
#[derive(Debug, Clone, Copy)]
pub(super) struct BodyRenderer<'c> {
    pub(super) connection: &'c Arc<ConnectionState>,
    pub(super) responses: &'c Responses,
}

impl BodyRenderer<'_> {
    /// A page rendered for this response only, outside the async threads and within the memory for such bodies.
    pub(super) async fn own_page(
        self,
        render: impl Fn() -> String + Send + Sync + 'static,
    ) -> Result<ResponseBody, NoBody> {
        let render = Arc::new(render);
        let page = || {
            let render = render.clone();
            self.off_thread(move || Ok(render()))
        };
        let (html, reservation) = self.reserve(page, String::len).await?;
        let mut body = ResponseBody::from(html);
        body.hold(reservation);
        Ok(body)
    }

    /// `shared`, followed by a piece rendered for this response only.
    pub(super) async fn shared_body(
        self,
        key: BodyKey,
        shared: Arc<dyn SharedBody>,
        render_last: impl Fn() -> io::Result<Bytes>,
    ) -> Result<ResponseBody, NoBody> {
        let reader = self.responses.shared.read(key, &shared, self.connection);
        let inflater = if shared.is_inflated() { Inflater::MEMORY } else { 0 };
        let render_last = || ready(render_last().map_err(|error| NoBody::Failed(error.to_string())));
        let (last, reservation) = self.reserve(render_last, |last: &Bytes| last.len() + inflater).await?;
        let mut body = ResponseBody::joined(shared, last);
        body.hold((reader, reservation));
        Ok(body)
    }

    /// A JSON body that is rendered once for all responses to the same data.
    pub(super) async fn json_body(
        self,
        key: BodyKey,
        source: JsonSource,
        serialize: impl FnOnce() -> serde_json::Result<Vec<u8>> + Send + 'static,
    ) -> Result<ResponseBody, NoBody> {
        let rendering = self.off_thread(|| serialize().map_err(|error| NoBody::Failed(error.to_string())));
        let (body, cached) = self.responses.json.get(key.clone(), source, rendering).await?;
        let shared: Arc<dyn SharedBody> = body;
        let reader = self.responses.shared.read(key, &shared, self.connection);
        let mut body = ResponseBody::joined(shared, Bytes::new());
        body.hold((reader, cached));
        Ok(body)
    }

    /// Renders a piece and reserves its memory. If there is too little, the piece is dropped, and rendered again when
    /// memory is available: what waits holds none.
    async fn reserve<T, F: Future<Output = Result<T, NoBody>>>(
        self,
        render: impl Fn() -> F,
        len: impl Fn(&T) -> usize,
    ) -> Result<(T, Reservation), NoBody> {
        let memory = &self.responses.memory;
        let piece = render().await?;
        if let Some(reservation) = memory.try_reserve(len(&piece), self.connection) {
            return Ok((piece, reservation));
        }
        let bytes = len(&piece);
        drop(piece);
        let reservation = memory.reserve(bytes, self.connection).await.ok_or(NoBody::Overloaded)?;
        let piece = render().await?;
        if reservation.resize(len(&piece)) { Ok((piece, reservation)) } else { Err(NoBody::Overloaded) }
    }

    async fn off_thread<T: Send + 'static>(
        self,
        render: impl FnOnce() -> Result<T, NoBody> + Send + 'static,
    ) -> Result<T, NoBody> {
        let turn = timeout(RENDER_TIMEOUT, self.responses.rendering.clone().acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(NoBody::Overloaded) };
        let rendering = tokio::task::spawn_blocking(move || {
            // Held until the work is done, even if the client has left.
            let _turn = turn;
            render()
        });
        rendering.await.map_err(|error| NoBody::Failed(error.to_string()))?
    }
}
