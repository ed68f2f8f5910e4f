//! Whole bodies, assembled from rendered families.

use std::io;

use bytes::Bytes;

use super::{
    Format, PublishedSeries, SectionText, SegmentCache,
    compress::{self, Encoding, GzipChecksum, Segment},
    rendered::FamilyText,
    segments::SegmentBuilder,
};

/// A body except for its last piece, which differs with each scrape.
#[derive(Debug)]
pub struct AssembledBody {
    encoding: Encoding,
    pieces: Vec<Bytes>,
    len: u64,
    checksum: GzipChecksum,
    series: PublishedSeries,
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
        let (checksum, series) = (GzipChecksum::default(), SectionText::series(sections));
        let mut body = Self { encoding, pieces: Vec::new(), len: 0, checksum, series };
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

    /// The series in the body, and those that were left out.
    pub fn series(&self) -> &PublishedSeries {
        &self.series
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
