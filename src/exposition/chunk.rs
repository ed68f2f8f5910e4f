//! Rendered samples, kept by family, and the bodies that they are joined to.

use std::{
    io,
    sync::{Arc, LazyLock, OnceLock},
};

use bytes::Bytes;

use super::{
    Description, Format,
    compress::{self, Encoding, Segment, Sum},
    families, targets,
};

/// The samples of one family, or its header: as text, and compressed once somebody asked for that.
#[derive(Debug, Default)]
struct Part {
    text: Vec<Bytes>,
    gzip: OnceLock<Segment>,
    zstd: OnceLock<Segment>,
}

impl Part {
    fn new(text: Vec<Bytes>) -> Self {
        Self { text, ..Self::default() }
    }

    /// The part in `encoding`, compressed now if it is not yet.
    fn compressed(&self, encoding: Encoding) -> io::Result<Option<&Segment>> {
        let cell = match encoding {
            Encoding::Identity => return Ok(None),
            Encoding::Gzip => &self.gzip,
            Encoding::Zstd => &self.zstd,
        };
        if let Some(segment) = cell.get() {
            return Ok(Some(segment));
        }
        // Two that get here at once do the work twice, and one result is kept.
        let segment = compress::part(encoding, &self.text)?;
        Ok(Some(cell.get_or_init(|| segment)))
    }
}

/// The rendered samples of a namespace's deployments, or of all targets.
///
/// The text format wants a family's samples together, whichever namespace they are of: so a chunk keeps each
/// family apart, and whoever serves several chunks joins them family by family.
#[derive(Debug, Clone, Default)]
pub struct Chunk {
    parts: Vec<Arc<Part>>,
}

impl Chunk {
    /// A chunk of the samples of each family, in the order of their catalogue.
    pub(super) fn new(families: Vec<Vec<Bytes>>) -> Self {
        Self { parts: families.into_iter().map(|text| Arc::new(Part::new(text))).collect() }
    }

    /// The samples of the family at `index` of the catalogue, in pieces.
    pub(super) fn family(&self, index: usize) -> &[Bytes] {
        self.parts.get(index).map_or(&[], |part| &part.text)
    }

    /// This chunk with the parts of `before` where the text is the same, so that what did not change is neither
    /// held twice nor compressed again.
    #[must_use]
    pub fn sharing(mut self, before: &Self) -> Self {
        for (part, known) in self.parts.iter_mut().zip(&before.parts) {
            let same = |(piece, known): (&Bytes, &Bytes)| {
                (piece.as_ptr() == known.as_ptr() && piece.len() == known.len()) || piece == known
            };
            if part.text.len() == known.text.len() && part.text.iter().zip(&known.text).all(same) {
                *part = known.clone();
            }
        }
        self
    }

    /// How many series there are: each is a line.
    pub fn series(&self) -> usize {
        let lines = |piece: &Bytes| piece.split_inclusive(|byte| *byte == b'\n').count();
        self.parts.iter().flat_map(|part| &part.text).map(lines).sum()
    }

    /// Compresses what is not yet.
    pub fn compress(&self, encoding: Encoding) -> io::Result<()> {
        self.parts.iter().try_for_each(|part| part.compressed(encoding).map(drop))
    }

    /// Whether `other` is made of the very same parts.
    #[cfg(test)]
    pub(crate) fn shares_all(&self, other: &Self) -> bool {
        self.parts.len() == other.parts.len()
            && self.parts.iter().zip(&other.parts).all(|(part, other)| Arc::ptr_eq(part, other))
    }
}

/// A catalogue's headers, in each format.
type Headers = Vec<[Part; Format::ALL.len()]>;

fn headers(descriptions: impl Iterator<Item = Description>) -> Headers {
    let header = |description: Description| {
        Format::ALL.map(|format| Part::new(vec![Bytes::from(description.header(format))]))
    };
    descriptions.map(header).collect()
}

static DEPLOYMENT_HEADERS: LazyLock<Headers> = LazyLock::new(|| {
    headers(families::FAMILIES.iter().map(|family| family.description).chain([families::LABELS]))
});
static TARGET_HEADERS: LazyLock<Headers> =
    LazyLock::new(|| headers(targets::FAMILIES.iter().map(|family| family.description)));

/// A body but for its last part: what a scrape takes as it is.
#[derive(Debug)]
pub struct Joined {
    encoding: Encoding,
    pieces: Vec<Bytes>,
    len: u64,
    sum: Sum,
}

impl Joined {
    /// Joins the namespaces' chunks, family by family, then that of the targets.
    pub fn new(
        format: Format,
        encoding: Encoding,
        deployments: &[Arc<Chunk>],
        targets: &Chunk,
    ) -> io::Result<Self> {
        let mut joined = Self { encoding, pieces: Vec::new(), len: 0, sum: Sum::default() };
        joined.pieces.extend(compress::start(encoding));
        joined.add(format, &DEPLOYMENT_HEADERS, &deployments.iter().map(Arc::as_ref).collect::<Vec<_>>())?;
        joined.add(format, &TARGET_HEADERS, &[targets])?;
        joined.len = joined.pieces.iter().map(|piece| piece.len() as u64).sum();
        Ok(joined)
    }

    fn add(&mut self, format: Format, headers: &Headers, chunks: &[&Chunk]) -> io::Result<()> {
        for (index, header) in headers.iter().enumerate() {
            let samples = chunks.iter().filter_map(|chunk| chunk.parts.get(index));
            let mut samples = samples.filter(|part| !part.text.is_empty()).peekable();
            if samples.peek().is_some() {
                self.push(&header[format as usize])?;
            }
            for part in samples {
                self.push(part)?;
            }
        }
        Ok(())
    }

    fn push(&mut self, part: &Part) -> io::Result<()> {
        match part.compressed(self.encoding)? {
            None => self.pieces.extend(part.text.iter().cloned()),
            Some(segment) => {
                self.pieces.push(segment.bytes.clone());
                self.sum.append(&segment.sum);
            }
        }
        Ok(())
    }

    /// The pieces, in their order.
    pub fn pieces(&self) -> &[Bytes] {
        &self.pieces
    }

    /// The length of all pieces together.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// `text` as the piece that ends the body.
    pub fn last_piece(&self, text: Vec<u8>) -> io::Result<Bytes> {
        compress::last_part(self.encoding, text, &self.sum)
    }
}
