//! Rendered samples, kept by family.

use std::{
    io,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;

use super::compress::{self, Encoding, Segment};

/// The samples of one family, or its header: as text, and compressed once an encoding was requested.
#[derive(Debug, Default)]
pub(super) struct FamilyText {
    pub(super) text: Vec<Bytes>,
    gzip: OnceLock<Segment>,
    zstd: OnceLock<Segment>,
}

impl FamilyText {
    pub(super) fn new(text: Vec<Bytes>) -> Self {
        Self { text, ..Self::default() }
    }

    /// The text in `encoding`, compressed now if it is not yet; none for [`Encoding::Identity`].
    pub(super) fn compressed(&self, encoding: Encoding) -> io::Result<Option<&Segment>> {
        let cell = match encoding {
            Encoding::Identity => return Ok(None),
            Encoding::Gzip => &self.gzip,
            Encoding::Zstd => &self.zstd,
        };
        if let Some(segment) = cell.get() {
            return Ok(Some(segment));
        }
        // Two callers at once both do the work, and one result is kept.
        let segment = compress::part(encoding, &self.text)?;
        Ok(Some(cell.get_or_init(|| segment)))
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
    /// The samples of each family, in the order of their catalogue.
    pub(super) fn new(families: Vec<Vec<Bytes>>) -> Self {
        Self { families: families.into_iter().map(|text| Arc::new(FamilyText::new(text))).collect() }
    }

    /// The samples of the family at `index` of the catalogue, in pieces.
    pub(crate) fn family(&self, index: usize) -> &[Bytes] {
        self.families.get(index).map_or(&[], |family| &family.text)
    }

    /// The text of the family at `index`, unless it is empty.
    pub(super) fn family_text(&self, index: usize) -> Option<&FamilyText> {
        self.families.get(index).map(Arc::as_ref).filter(|family| !family.text.is_empty())
    }

    /// `self` with the families of `previous` whose text is the same, so that unchanged text is neither held twice nor
    /// compressed again.
    #[must_use]
    pub(super) fn reuse_unchanged(mut self, previous: &Self) -> Self {
        for (family, known) in self.families.iter_mut().zip(&previous.families) {
            let same = |(piece, known): (&Bytes, &Bytes)| {
                (piece.as_ptr() == known.as_ptr() && piece.len() == known.len()) || piece == known
            };
            if family.text.len() == known.text.len() && family.text.iter().zip(&known.text).all(same) {
                *family = known.clone();
            }
        }
        self
    }

    /// Compresses the families that are not compressed yet.
    ///
    /// # Errors
    ///
    /// Those of the compressor, which are out of memory or a bug in it.
    pub fn compress(&self, encoding: Encoding) -> io::Result<()> {
        self.families.iter().try_for_each(|family| family.compressed(encoding).map(drop))
    }

    /// Whether `other` is made of the same texts in memory.
    #[cfg(test)]
    pub(crate) fn shares_all(&self, other: &Self) -> bool {
        self.families.len() == other.families.len()
            && self.families.iter().zip(&other.families).all(|(family, other)| Arc::ptr_eq(family, other))
    }
}
