//! The rendered samples of one family in a block of objects, kept compressed.

use std::{
    hash::{BuildHasher as _, RandomState},
    io,
    sync::{
        LazyLock, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use twox_hash::XxHash3_128;

use super::compress::{Codec, Compressor, Segment};

/// The mean size of the text of a shared segment, in bytes: see [`shared_segments`](super::shared_segments).
pub(super) const SHARED_SEGMENT_SIZE: usize = 64 * 1024;

/// Texts of this size or more have a segment of their own. Shorter texts stay as they are, since compressed by itself each
/// would be hardly smaller.
const MIN_OWN_SEGMENT: usize = 2 * 1024;

/// Identifies a text without keeping it: a hash of 128 bits with a seed that nobody outside of the process knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fingerprint {
    hash: u128,
    len: usize,
}

impl Fingerprint {
    pub(super) fn of(text: &[u8]) -> Self {
        static SEED: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0));
        Self { hash: XxHash3_128::oneshot_with_seed(*SEED, text), len: text.len() }
    }
}

/// The samples of one family in a block of objects.
#[derive(Debug)]
pub(crate) struct TextBlock {
    /// Unique in the process.
    id: u64,
    fingerprint: Fingerprint,
    samples: usize,
    ends_segment: bool,
    text: StoredText,
    zstd: OnceLock<Segment>,
}

#[derive(Debug)]
enum StoredText {
    /// Shares a segment with other texts.
    Plain(Bytes),
    /// Has a segment of its own, of gzip.
    Deflated(Segment),
}

impl TextBlock {
    /// Keeps `text`, which has `samples` samples of the group with the hash `group`. `compressor` is set up by the first text
    /// that needs it.
    pub(super) fn new(
        text: &[u8],
        fingerprint: Fingerprint,
        samples: usize,
        group: u64,
        compressor: &mut Option<Compressor>,
    ) -> Self {
        static NEXT_ID: AtomicU64 = AtomicU64::new(0);
        let stored = match deflate(text, compressor) {
            Some(segment) => StoredText::Deflated(segment),
            None => StoredText::Plain(Bytes::copy_from_slice(text)),
        };
        Self {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            fingerprint,
            samples,
            ends_segment: (group % SHARED_SEGMENT_SIZE as u64) < text.len() as u64,
            text: stored,
            zstd: OnceLock::new(),
        }
    }

    pub(super) fn id(&self) -> u64 {
        self.id
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The length of the text in bytes.
    pub(crate) fn len(&self) -> usize {
        self.fingerprint.len
    }

    /// The number of samples.
    pub(super) fn samples(&self) -> usize {
        self.samples
    }

    /// Whether a segment that it shares with others ends after it. The larger the text, the more probable that is, so that
    /// segments have the same mean size whatever the size of the texts.
    pub(super) fn ends_segment(&self) -> bool {
        self.ends_segment
    }

    /// The text, if it shares a segment with others.
    pub(super) fn shared_text(&self) -> Option<&Bytes> {
        match &self.text {
            StoredText::Plain(text) => Some(text),
            StoredText::Deflated(_) => None,
        }
    }

    /// The segment of the text, compressed now if it is not yet; none if the text shares one with others.
    ///
    /// # Errors
    ///
    /// Those of the compressor, which are out of memory or a bug in it.
    pub(super) fn own_segment(&self, compressor: &mut Compressor) -> io::Result<Option<&Segment>> {
        let StoredText::Deflated(deflated) = &self.text else { return Ok(None) };
        if compressor.codec() == Codec::Gzip {
            return Ok(Some(deflated));
        }
        if let Some(segment) = self.zstd.get() {
            return Ok(Some(segment));
        }
        // Two callers at once both do the work, and one result is kept.
        let segment = compressor.segment(&deflated.inflate()?)?;
        Ok(Some(self.zstd.get_or_init(|| segment)))
    }
}

/// The segment of gzip of `text`; none if it is too short, or if there is too little memory: it is served all the same.
fn deflate(text: &[u8], compressor: &mut Option<Compressor>) -> Option<Segment> {
    if text.len() < MIN_OWN_SEGMENT {
        return None;
    }
    if compressor.is_none() {
        *compressor = Compressor::new(Codec::Gzip).ok();
    }
    compressor.as_mut()?.segment(text).ok()
}
