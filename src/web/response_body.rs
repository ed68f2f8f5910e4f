//! Response bodies made of shared pieces, without copies.

use std::{
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use crate::exposition::{Inflater, MetricsBody};

/// A body that any number of responses send.
pub(super) trait SharedBody: fmt::Debug + Send + Sync {
    /// The body as it is in memory, in pieces.
    fn pieces(&self) -> &[Bytes];

    /// The number of bytes to be sent.
    fn len(&self) -> u64 {
        self.pieces().iter().map(|piece| piece.len() as u64).sum()
    }

    /// Whether the pieces are sent through an [`Inflater`].
    fn is_inflated(&self) -> bool {
        false
    }
}

impl SharedBody for MetricsBody {
    fn pieces(&self) -> &[Bytes] {
        self.pieces()
    }

    fn len(&self) -> u64 {
        self.len()
    }

    fn is_inflated(&self) -> bool {
        self.is_inflated()
    }
}

/// Released when the client has taken the body, or the response has failed.
type Guard = Box<dyn fmt::Debug + Send + Sync>;

/// A shared body, if any, followed by a piece of this response only.
#[derive(Debug, Default)]
pub(super) struct ResponseBody {
    shared: Option<Arc<dyn SharedBody>>,
    inflater: Option<Inflater>,
    next: usize,
    last: Bytes,
    remaining: u64,
    guards: Vec<Guard>,
    /// The guards, once they are complete.
    held: Option<Arc<Vec<Guard>>>,
}

impl ResponseBody {
    /// `shared`, followed by `last`.
    pub(super) fn joined(shared: Arc<dyn SharedBody>, last: Bytes) -> Self {
        let remaining = shared.len() + last.len() as u64;
        let inflater = shared.is_inflated().then(Inflater::new);
        Self { shared: Some(shared), inflater, last, remaining, ..Self::default() }
    }

    /// Keeps `guard` as long as any piece of the body is in memory for this response. hyper takes pieces out of the
    /// body long before the client has taken them.
    pub(super) fn hold(&mut self, guard: impl fmt::Debug + Send + Sync + 'static) {
        self.guards.push(Box::new(guard));
    }

    /// The bytes that are still to be sent.
    pub(super) fn len(&self) -> u64 {
        self.remaining
    }

    fn next_shared(&mut self) -> io::Result<Option<Bytes>> {
        let Some(pieces) = self.shared.as_deref().map(SharedBody::pieces) else { return Ok(None) };
        if let Some(inflater) = &mut self.inflater {
            return inflater.next_chunk(pieces);
        }
        let mut rest = pieces.iter().enumerate().skip(self.next);
        let Some((index, piece)) = rest.find(|(_, piece)| !piece.is_empty()) else { return Ok(None) };
        self.next = index + 1;
        Ok(Some(piece.clone()))
    }

    fn next(&mut self) -> io::Result<Option<Bytes>> {
        let piece = self.next_shared()?.unwrap_or_else(|| std::mem::take(&mut self.last));
        if piece.is_empty() {
            return Ok(None);
        }
        let guards = &mut self.guards;
        let held = self.held.get_or_insert_with(|| Arc::new(std::mem::take(guards)));
        Ok(Some(Bytes::from_owner(GuardedPiece { piece, _guards: held.clone() })))
    }
}

/// A piece that keeps the guards of its response.
struct GuardedPiece {
    piece: Bytes,
    _guards: Arc<Vec<Guard>>,
}

impl AsRef<[u8]> for GuardedPiece {
    fn as_ref(&self) -> &[u8] {
        &self.piece
    }
}

impl<T: Into<Bytes>> From<T> for ResponseBody {
    fn from(last: T) -> Self {
        let last = last.into();
        Self { remaining: last.len() as u64, last, ..Self::default() }
    }
}

impl HttpBody for ResponseBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let piece = self.next();
        if let Ok(Some(piece)) = &piece {
            self.remaining = self.remaining.saturating_sub(piece.len() as u64);
        }
        Poll::Ready(piece.map(|piece| piece.map(Frame::data)).transpose())
    }

    fn is_end_stream(&self) -> bool {
        self.remaining == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use http_body_util::BodyExt as _;

    use super::*;

    #[derive(Debug)]
    struct Pieces([Bytes; 2]);

    impl SharedBody for Pieces {
        fn pieces(&self) -> &[Bytes] {
            &self.0
        }
    }

    #[test]
    fn guards_live_as_long_as_any_chunk_of_the_body() {
        let shared = Arc::new(Pieces(["a".into(), "b".into()]));
        let mut body = ResponseBody::joined(shared.clone(), "c".into());
        let guard = Arc::new(());
        body.hold(guard.clone());
        let mut next =
            || body.frame().now_or_never().flatten().map(|frame| frame.unwrap().into_data().unwrap());
        let pieces = [next(), next(), next(), next()];
        assert_eq!(pieces[2..], [Some("c".into()), None]);
        assert_eq!(pieces[0].as_ref().unwrap().as_ptr(), shared.0[0].as_ptr(), "nothing is copied");
        drop(body);
        assert_eq!(Arc::strong_count(&guard), 2);
        drop(pieces);
        assert_eq!(Arc::strong_count(&guard), 1);
    }
}
