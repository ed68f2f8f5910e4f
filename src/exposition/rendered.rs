//! Rendered samples, kept by family.

use std::{
    io,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;

use super::compress::{self, Codec, Segment};

/// The mean size of the text of a shared segment, in bytes: see [`segments`](super::segments).
pub(super) const SHARED_SEGMENT_SIZE: usize = 64 * 1024;

/// Texts of this size or more have a segment of their own, which is compressed when they are rendered.
pub(super) const MIN_OWN_SEGMENT: usize = SHARED_SEGMENT_SIZE / 4;

/// The samples of one family, or its header: as text, and compressed once an encoding was requested.
#[derive(Debug)]
pub(super) struct FamilyText {
    /// Unique in the process.
    id: u64,
    pieces: Vec<Bytes>,
    len: usize,
    samples: usize,
    ends_segment: bool,
    gzip: OnceLock<Segment>,
    zstd: OnceLock<Segment>,
}

impl FamilyText {
    /// The text of `samples` samples of the group with the hash `group`.
    pub(super) fn new(pieces: Vec<Bytes>, samples: usize, group: u64) -> Self {
        static NEXT_ID: AtomicU64 = AtomicU64::new(0);
        let len = pieces.iter().map(Bytes::len).sum();
        Self {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            pieces,
            len,
            samples,
            ends_segment: (group % SHARED_SEGMENT_SIZE as u64) < len as u64,
            gzip: OnceLock::new(),
            zstd: OnceLock::new(),
        }
    }

    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// The text.
    pub(super) fn pieces(&self) -> &[Bytes] {
        &self.pieces
    }

    /// The length of the text in bytes.
    pub(super) fn len(&self) -> usize {
        self.len
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

    /// The compressed text, compressed now if it is not yet.
    pub(super) fn compressed(&self, codec: Codec) -> io::Result<&Segment> {
        let cell = match codec {
            Codec::Gzip => &self.gzip,
            Codec::Zstd => &self.zstd,
        };
        if let Some(segment) = cell.get() {
            return Ok(segment);
        }
        // Two callers at once both do the work, and one result is kept.
        let segment = compress::segment(codec, self.pieces.iter().map(Bytes::as_ref))?;
        Ok(cell.get_or_init(|| segment))
    }
}

/// The rendered samples of a group of objects.
///
/// The text format requires the samples of a family together, whichever group they belong to. So the families are kept
/// apart, and [`AssembledBody`](super::AssembledBody) joins those of all groups, family by family.
#[derive(Debug, Clone, Default)]
pub struct RenderedFamilies {
    families: Vec<Arc<FamilyText>>,
}

impl RenderedFamilies {
    /// The samples of each family of the group with the hash `group` and their number, in the order of their catalogue.
    pub(super) fn new(families: Vec<(Vec<Bytes>, usize)>, group: u64) -> Self {
        let text = |(pieces, samples)| Arc::new(FamilyText::new(pieces, samples, group));
        Self { families: families.into_iter().map(text).collect() }
    }

    /// The samples of the family at `index` of the catalogue, in pieces.
    pub(crate) fn family(&self, index: usize) -> &[Bytes] {
        self.families.get(index).map_or(&[], |family| &family.pieces)
    }

    /// The text of the family at `index`, unless it is empty.
    pub(super) fn family_text(&self, index: usize) -> Option<&FamilyText> {
        self.families.get(index).map(Arc::as_ref).filter(|family| !family.pieces.is_empty())
    }

    /// `self` with the families of `previous` whose text is the same, so that unchanged text is neither held twice nor
    /// compressed again.
    #[must_use]
    pub(super) fn reuse_unchanged(mut self, previous: &Self) -> Self {
        for (family, known) in self.families.iter_mut().zip(&previous.families) {
            let same = |(piece, known): (&Bytes, &Bytes)| {
                (piece.as_ptr() == known.as_ptr() && piece.len() == known.len()) || piece == known
            };
            if family.pieces.len() == known.pieces.len() && family.pieces.iter().zip(&known.pieces).all(same)
            {
                *family = known.clone();
            }
        }
        self
    }

    /// Whether `other` is made of the same texts in memory.
    #[cfg(test)]
    pub(crate) fn shares_all(&self, other: &Self) -> bool {
        self.families.len() == other.families.len()
            && self.families.iter().zip(&other.families).all(|(family, other)| Arc::ptr_eq(family, other))
    }
}
