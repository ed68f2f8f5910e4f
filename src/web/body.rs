//! A response body of pieces that are shared, not copied.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use super::conn::ResponseGuard;
use crate::exposition::AssembledBody;

/// What is published already, if anything, and after it a piece of the response's own.
#[derive(Debug, Default)]
pub(super) struct Body {
    shared: Option<Arc<AssembledBody>>,
    next: usize,
    last: Bytes,
    remaining: u64,
    responding: Option<ResponseGuard>,
}

impl Body {
    /// What was published, and `last`.
    pub(super) fn joined(shared: Arc<AssembledBody>, last: Bytes) -> Self {
        let remaining = shared.len() + last.len() as u64;
        Self { shared: Some(shared), last, remaining, ..Self::default() }
    }

    /// Keeps `responding` until the body is sent or given up.
    pub(super) fn hold(&mut self, responding: ResponseGuard) {
        self.responding = Some(responding);
    }

    /// The bytes that are still to be sent.
    pub(super) fn len(&self) -> u64 {
        self.remaining
    }

    fn next(&mut self) -> Option<Bytes> {
        let shared = self.shared.as_ref().and_then(|shared| shared.pieces().get(self.next));
        if let Some(piece) = shared {
            self.next += 1;
            return Some(piece.clone());
        }
        let last = std::mem::take(&mut self.last);
        (!last.is_empty()).then_some(last)
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(last: T) -> Self {
        let last = last.into();
        Self { remaining: last.len() as u64, last, ..Self::default() }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = self.next();
        self.remaining -= piece.as_ref().map_or(0, |piece| piece.len() as u64);
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.remaining == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining)
    }
}
