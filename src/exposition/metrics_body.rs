//! Whole bodies, assembled from rendered families.

use std::io;

use bytes::Bytes;

use super::{
    Encoding, Format, Inflater, JoinedFamilies, PublishedSeries, SegmentCache,
    compress::{self, GzipChecksum, Segment},
    shared_segments::SegmentBuilder,
};

/// A body except for its last piece, which differs with each scrape.
#[derive(Debug)]
pub struct MetricsBody {
    encoding: Encoding,
    pieces: Vec<Bytes>,
    len: u64,
    checksum: GzipChecksum,
    series: PublishedSeries,
}

impl MetricsBody {
    /// Joins the families of each section. Compresses what is not compressed yet; `cache` has the segments
    /// of the body before.
    ///
    /// # Errors
    ///
    /// Those of the compressor, which are out of memory or a bug in it.
    pub fn new(
        format: Format,
        encoding: Encoding,
        sections: &[JoinedFamilies<'_>],
        cache: &SegmentCache,
    ) -> io::Result<Self> {
        let (checksum, series) = (GzipChecksum::default(), JoinedFamilies::series(sections));
        let mut body = Self { encoding, pieces: Vec::new(), len: 0, checksum, series };
        body.pieces.extend(compress::start(encoding));
        let mut segments = SegmentBuilder::new(encoding.codec(), cache)?;
        for (header, blocks) in sections.iter().flat_map(|section| section.families(format)) {
            body.push(header.segment(encoding.codec())?);
            segments.of(&blocks, |segment| body.push(segment))?;
        }
        segments.finish();
        body.len = match encoding {
            Encoding::Identity => body.checksum.len(),
            Encoding::Gzip | Encoding::Zstd => body.pieces.iter().map(|piece| piece.len() as u64).sum(),
        };
        Ok(body)
    }

    fn push(&mut self, segment: &Segment) {
        self.pieces.push(segment.bytes.clone());
        self.checksum.append(&segment.checksum);
    }

    /// The pieces as they are in memory, in their order: see [`MetricsBody::is_inflated`].
    pub fn pieces(&self) -> &[Bytes] {
        &self.pieces
    }

    /// Whether the pieces are sent through an [`Inflater`], since plain text is deflated in memory.
    pub fn is_inflated(&self) -> bool {
        self.encoding == Encoding::Identity
    }

    /// All bytes to be sent, at once.
    ///
    /// # Errors
    ///
    /// If a piece is damaged, which is a bug.
    pub fn to_vec(&self) -> io::Result<Vec<u8>> {
        if !self.is_inflated() {
            return Ok(self.pieces.concat());
        }
        let (mut inflater, mut bytes) = (Inflater::new(), Vec::new());
        while let Some(chunk) = inflater.next_chunk(&self.pieces)? {
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// The number of bytes to be sent.
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
