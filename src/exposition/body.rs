//! Whole bodies, assembled from rendered families.

use std::io;

use bytes::Bytes;

use super::{
    Catalogue, Format, RenderedFamilies, SectionHeaders, SegmentCache,
    compress::{self, Encoding, GzipChecksum, Segment},
    rendered::FamilyText,
    segments::SegmentBuilder,
};

/// All groups of one kind of object, as rendered.
#[derive(Debug)]
pub struct SectionText<'r> {
    headers: &'static SectionHeaders,
    groups: Vec<&'r RenderedFamilies>,
}

impl<'r> SectionText<'r> {
    /// `groups` must have been rendered from objects of `C`.
    pub fn of<C: Catalogue>(groups: impl IntoIterator<Item = &'r RenderedFamilies>) -> Self {
        Self { headers: C::headers(), groups: groups.into_iter().collect() }
    }

    /// The families that have samples: header and samples of each.
    fn families(&self, format: Format) -> impl Iterator<Item = (&FamilyText, Vec<&FamilyText>)> {
        self.headers.iter(format).enumerate().filter_map(|(index, header)| {
            let samples: Vec<_> = self.groups.iter().filter_map(|group| group.family_text(index)).collect();
            (!samples.is_empty()).then_some((header, samples))
        })
    }
}

/// A body except for its last piece, which differs with each scrape.
#[derive(Debug)]
pub struct AssembledBody {
    encoding: Encoding,
    pieces: Vec<Bytes>,
    len: u64,
    checksum: GzipChecksum,
}

impl AssembledBody {
    /// Joins the groups of each section, family by family. Compresses what is not compressed yet; `cache` has the segments
    /// of the body before.
    ///
    /// # Errors
    ///
    /// Those of the compressor, which are out of memory or a bug in it.
    pub fn new(
        format: Format,
        encoding: Encoding,
        sections: &[SectionText<'_>],
        cache: &SegmentCache,
    ) -> io::Result<Self> {
        let mut body = Self { encoding, pieces: Vec::new(), len: 0, checksum: GzipChecksum::default() };
        body.pieces.extend(compress::start(encoding));
        let mut segments = encoding.codec().map(|codec| SegmentBuilder::new(codec, cache));
        for (header, samples) in sections.iter().flat_map(|section| section.families(format)) {
            match &mut segments {
                None => {
                    let texts = std::iter::once(header).chain(samples);
                    body.pieces.extend(texts.flat_map(FamilyText::pieces).cloned());
                }
                Some(segments) => {
                    body.push(segments.own(header)?);
                    segments.shared(&samples, |segment| body.push(segment))?;
                }
            }
        }
        if let Some(segments) = segments {
            segments.finish();
        }
        body.len = body.pieces.iter().map(|piece| piece.len() as u64).sum();
        Ok(body)
    }

    fn push(&mut self, segment: &Segment) {
        self.pieces.push(segment.bytes.clone());
        self.checksum.append(&segment.checksum);
    }

    /// The pieces, in their order.
    pub fn pieces(&self) -> &[Bytes] {
        &self.pieces
    }

    /// The length of all pieces together, in bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// `text` as the piece that ends the body.
    ///
    /// # Errors
    ///
    /// Those of the compressor, which are out of memory or a bug in it.
    pub fn last_piece(&self, text: Vec<u8>) -> io::Result<Bytes> {
        compress::last_part(self.encoding, text, &self.checksum)
    }
}
