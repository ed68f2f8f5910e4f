//! Whole bodies, assembled from rendered families.

use std::io;

use bytes::Bytes;

use super::{
    Catalogue, Format, RenderedFamilies, SectionHeaders,
    compress::{self, Encoding, GzipChecksum},
    rendered::FamilyText,
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
    /// Joins the groups of each section, family by family. Compresses what is not compressed yet.
    ///
    /// # Errors
    ///
    /// Those of the compressor, which are out of memory or a bug in it.
    pub fn new(format: Format, encoding: Encoding, sections: &[SectionText<'_>]) -> io::Result<Self> {
        let mut body = Self { encoding, pieces: Vec::new(), len: 0, checksum: GzipChecksum::default() };
        body.pieces.extend(compress::start(encoding));
        sections.iter().try_for_each(|section| body.add(format, section))?;
        body.len = body.pieces.iter().map(|piece| piece.len() as u64).sum();
        Ok(body)
    }

    fn add(&mut self, format: Format, section: &SectionText<'_>) -> io::Result<()> {
        for (index, header) in section.headers.iter(format).enumerate() {
            let mut samples = section.groups.iter().filter_map(|group| group.family_text(index)).peekable();
            if samples.peek().is_some() {
                self.push(header)?;
            }
            samples.try_for_each(|family| self.push(family))?;
        }
        Ok(())
    }

    fn push(&mut self, family: &FamilyText) -> io::Result<()> {
        match family.compressed(self.encoding)? {
            None => self.pieces.extend(family.text.iter().cloned()),
            Some(segment) => {
                self.pieces.push(segment.bytes.clone());
                self.checksum.append(&segment.checksum);
            }
        }
        Ok(())
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
