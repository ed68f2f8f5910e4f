//! Compressed segments of small texts, compressed together and kept from one body to the next.
//!
//! With thousands of groups of few objects, compressing each group's text of a family by itself costs far more than the
//! text is worth: a compressor takes about 0.1 ms to set up. So consecutive small texts of a family are compressed as one
//! segment. Where a segment ends is decided by the groups in it, not by their number: a group that is added, removed or
//! changed affects only its own segment.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    compress::{self, Codec, Segment},
    rendered::{FamilyText, MIN_OWN_SEGMENT, SHARED_SEGMENT_SIZE},
};

/// The maximum size of the text of a shared segment.
const MAX_SHARED_SEGMENT: usize = 8 * SHARED_SEGMENT_SIZE;

/// The shared segments of the last body in each encoding.
#[derive(Debug, Default)]
pub struct SegmentCache {
    gzip: Mutex<Segments>,
    zstd: Mutex<Segments>,
}

/// Shared segments by the id of their first text.
type Segments = HashMap<u64, Arc<SharedSegment>>;

/// The segment of several texts.
#[derive(Debug)]
struct SharedSegment {
    texts: Box<[u64]>,
    segment: Segment,
}

impl SharedSegment {
    fn is_of(&self, texts: &[&FamilyText]) -> bool {
        self.texts.iter().copied().eq(texts.iter().map(|text| text.id()))
    }
}

/// Makes the segments of one body from those of the body before it.
#[derive(Debug)]
pub(super) struct SegmentBuilder<'c> {
    codec: Codec,
    cache: &'c Mutex<Segments>,
    /// Those of the body before.
    known: Segments,
    used: Segments,
}

impl<'c> SegmentBuilder<'c> {
    pub(super) fn new(codec: Codec, cache: &'c SegmentCache) -> Self {
        let cache = match codec {
            Codec::Gzip => &cache.gzip,
            Codec::Zstd => &cache.zstd,
        };
        let known = cache.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Self { codec, cache, known, used: Segments::new() }
    }

    /// The segment of one text, such as a header.
    pub(super) fn own<'t>(&self, text: &'t FamilyText) -> io::Result<&'t Segment> {
        text.compressed(self.codec)
    }

    /// Gives the segments of a family's `texts` to `take`, in their order.
    pub(super) fn shared(&mut self, texts: &[&FamilyText], mut take: impl FnMut(&Segment)) -> io::Result<()> {
        let mut rest = texts;
        while let Some((first, after)) = rest.split_first() {
            if first.len() >= MIN_OWN_SEGMENT {
                take(self.own(first)?);
                rest = after;
                continue;
            }
            let (together, after) = rest.split_at(shared_prefix(rest));
            take(&self.segment(first, together)?.segment);
            rest = after;
        }
        Ok(())
    }

    /// The segment of `texts`: the known one, if they are the same as before.
    fn segment(&mut self, first: &FamilyText, texts: &[&FamilyText]) -> io::Result<Arc<SharedSegment>> {
        let known = self.known.get(&first.id()).filter(|known| known.is_of(texts));
        let shared = match known {
            Some(known) => known.clone(),
            None => self.compress(texts)?,
        };
        self.used.insert(first.id(), shared.clone());
        Ok(shared)
    }

    fn compress(&self, texts: &[&FamilyText]) -> io::Result<Arc<SharedSegment>> {
        let pieces = texts.iter().flat_map(|text| text.pieces());
        let segment = compress::segment(self.codec, pieces.map(AsRef::as_ref))?;
        Ok(Arc::new(SharedSegment { texts: texts.iter().map(|text| text.id()).collect(), segment }))
    }

    /// Keeps the segments of this body for the next.
    pub(super) fn finish(self) {
        *self.cache.lock().unwrap_or_else(PoisonError::into_inner) = self.used;
    }
}

/// How many of the first texts, which are small, share a segment.
fn shared_prefix(texts: &[&FamilyText]) -> usize {
    let mut size = 0;
    let is_last = |text: &&FamilyText| {
        size += text.len();
        text.ends_segment() || size >= MAX_SHARED_SEGMENT
    };
    let small = texts.iter().take_while(|text| text.len() < MIN_OWN_SEGMENT).count();
    texts[..small].iter().position(is_last).map_or(small, |last| last + 1)
}
