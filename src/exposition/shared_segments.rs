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
    compress::{Codec, Compressor, Segment},
    text_block::{SHARED_SEGMENT_SIZE, TextBlock},
};

/// The maximum size of the text of a shared segment.
const MAX_SHARED_SEGMENT: usize = 8 * SHARED_SEGMENT_SIZE;

/// The shared segments of the last body in each encoding.
#[derive(Debug, Default)]
pub struct SegmentCache {
    gzip: Mutex<Segments>,
    zstd: Mutex<Segments>,
}

/// Shared segments by the id of their first block.
type Segments = HashMap<u64, Arc<SharedSegment>>;

/// The segment of several texts.
#[derive(Debug)]
struct SharedSegment {
    blocks: Box<[u64]>,
    segment: Segment,
}

impl SharedSegment {
    fn is_of(&self, blocks: &[&TextBlock]) -> bool {
        self.blocks.iter().copied().eq(blocks.iter().map(|block| block.id()))
    }
}

/// Makes the segments of one body from those of the body before it.
pub(super) struct SegmentBuilder<'c> {
    compressor: Compressor,
    cache: &'c Mutex<Segments>,
    /// Those of the body before.
    known: Segments,
    used: Segments,
}

impl<'c> SegmentBuilder<'c> {
    /// # Errors
    ///
    /// If there is too little memory for the compressor.
    pub(super) fn new(codec: Codec, cache: &'c SegmentCache) -> io::Result<Self> {
        let cache = match codec {
            Codec::Gzip => &cache.gzip,
            Codec::Zstd => &cache.zstd,
        };
        let known = cache.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(Self { compressor: Compressor::new(codec)?, cache, known, used: Segments::new() })
    }

    /// Gives the segments of a family's `blocks` to `take`, in their order.
    ///
    /// # Errors
    ///
    /// Those of the compressor, which are out of memory or a bug in it.
    pub(super) fn of(&mut self, blocks: &[&TextBlock], mut take: impl FnMut(&Segment)) -> io::Result<()> {
        let mut rest = blocks;
        while let Some((first, after)) = rest.split_first() {
            if let Some(segment) = first.own_segment(&mut self.compressor)? {
                take(segment);
                rest = after;
                continue;
            }
            let (together, after) = rest.split_at(shared_prefix(rest));
            take(&self.shared(first, together)?.segment);
            rest = after;
        }
        Ok(())
    }

    /// The segment of `blocks`: the known one, if they are the same as before.
    fn shared(&mut self, first: &TextBlock, blocks: &[&TextBlock]) -> io::Result<Arc<SharedSegment>> {
        let known = self.known.get(&first.id()).filter(|known| known.is_of(blocks));
        let shared = match known {
            Some(known) => known.clone(),
            None => self.compress(blocks)?,
        };
        self.used.insert(first.id(), shared.clone());
        Ok(shared)
    }

    fn compress(&mut self, blocks: &[&TextBlock]) -> io::Result<Arc<SharedSegment>> {
        let texts: Vec<_> =
            blocks.iter().filter_map(|block| block.shared_text()).map(AsRef::as_ref).collect();
        let segment = self.compressor.segment(&texts.concat())?;
        Ok(Arc::new(SharedSegment { blocks: blocks.iter().map(|block| block.id()).collect(), segment }))
    }

    /// Keeps the segments of this body for the next.
    pub(super) fn finish(self) {
        *self.cache.lock().unwrap_or_else(PoisonError::into_inner) = self.used;
    }
}

/// The number of the first blocks, which have no segment of their own, that share one.
fn shared_prefix(blocks: &[&TextBlock]) -> usize {
    let mut size = 0;
    let is_last = |block: &&TextBlock| {
        size += block.len();
        block.ends_segment() || size >= MAX_SHARED_SEGMENT
    };
    let shared = blocks.iter().take_while(|block| block.shared_text().is_some()).count();
    blocks[..shared].iter().position(is_last).map_or(shared, |last| last + 1)
}
