//! Compression in segments: each text is compressed once, by itself, and segments are joined in any order.
//!
//! Raw deflate that ends in a sync flush ends on a byte boundary and refers to nothing before its own start. So
//! consecutive segments are one deflate stream, and with a header and the combined checksum one gzip member. Several
//! members would be valid too, but curl shows only the first. Of zstd, whole frames are joined: every decoder reads all
//! of them.

use std::io::{self, Write as _};

use bytes::Bytes;
use crc32fast::Hasher;
use flate2::{Compress, Compression, FlushCompress, Status};

/// How a body is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// As it is.
    Identity,
    /// One gzip member.
    Gzip,
    /// Zstandard frames.
    Zstd,
}

impl Encoding {
    /// Every encoding.
    pub const ALL: [Self; 3] = [Self::Identity, Self::Gzip, Self::Zstd];

    pub(super) fn codec(self) -> Option<Codec> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some(Codec::Gzip),
            Self::Zstd => Some(Codec::Zstd),
        }
    }
}

/// How a body is compressed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Codec {
    Gzip,
    Zstd,
}

/// Higher levels take twice the time and save a few percent of this repetitive text.
const GZIP_LEVEL: u32 = 3;

/// zstd's fastest regular level, which still compresses this text better than gzip's best.
const ZSTD_LEVEL: i32 = 1;

/// A gzip member's first bytes: deflate, no name, no time, unknown system.
const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// Expected ratio: sizes the first buffer.
const EXPECTED_RATIO: usize = 8;

/// The least free space that the compressor is given.
const MIN_SPACE: usize = 4 * 1024;

/// A compressed text, and what joining it with others requires.
#[derive(Debug, Clone, Default)]
pub(super) struct Segment {
    pub(super) bytes: Bytes,
    pub(super) checksum: GzipChecksum,
}

/// gzip's checksum and length.
#[derive(Debug, Clone, Default)]
pub(super) struct GzipChecksum {
    crc: Hasher,
    len: u64,
}

impl GzipChecksum {
    fn of<'t>(texts: impl Iterator<Item = &'t [u8]>) -> Self {
        let mut checksum = Self::default();
        for text in texts {
            checksum.crc.update(text);
            checksum.len += text.len() as u64;
        }
        checksum
    }

    /// The checksum of this text followed by `next`.
    pub(super) fn append(&mut self, next: &Self) {
        self.crc.combine(&next.crc);
        self.len += next.len;
    }

    /// A gzip member's last bytes.
    fn trailer(&self) -> [u8; 8] {
        // The format wants the length modulo 2^32.
        let mut trailer = [0; 8];
        trailer[..4].copy_from_slice(&self.crc.clone().finalize().to_le_bytes());
        trailer[4..].copy_from_slice(&self.len.to_le_bytes()[..4]);
        trailer
    }
}

/// The bytes before the first segment.
pub(super) fn start(encoding: Encoding) -> Option<Bytes> {
    (encoding == Encoding::Gzip).then_some(Bytes::from_static(&GZIP_HEADER))
}

/// Compresses `text` as a segment that others follow.
pub(super) fn segment<'t>(codec: Codec, text: impl Iterator<Item = &'t [u8]> + Clone) -> io::Result<Segment> {
    let checksum = GzipChecksum::of(text.clone());
    let bytes = match codec {
        Codec::Gzip => deflate(text, checksum.len, FlushCompress::Sync)?,
        Codec::Zstd => frame(text)?,
    };
    Ok(Segment { bytes: Bytes::from(bytes.into_boxed_slice()), checksum })
}

/// Compresses `text` as the last segment; `before` is the checksum of all others.
pub(super) fn last_part(encoding: Encoding, text: Vec<u8>, before: &GzipChecksum) -> io::Result<Bytes> {
    let bytes = match encoding {
        Encoding::Identity => text,
        Encoding::Gzip => {
            let mut checksum = before.clone();
            checksum.append(&GzipChecksum::of([text.as_slice()].into_iter()));
            let mut bytes = deflate([text.as_slice()].into_iter(), text.len() as u64, FlushCompress::Finish)?;
            bytes.extend_from_slice(&checksum.trailer());
            bytes
        }
        Encoding::Zstd => frame([text.as_slice()].into_iter())?,
    };
    Ok(bytes.into())
}

fn deflate<'t>(texts: impl Iterator<Item = &'t [u8]>, len: u64, end: FlushCompress) -> io::Result<Vec<u8>> {
    let mut deflater = Compress::new(Compression::new(GZIP_LEVEL), false);
    let mut out = Vec::with_capacity(usize::try_from(len).unwrap_or(0) / EXPECTED_RATIO + MIN_SPACE);
    for text in texts {
        drive(&mut deflater, text, &mut out, FlushCompress::None)?;
    }
    drive(&mut deflater, &[], &mut out, end)?;
    Ok(out)
}

/// Feeds `text` to the deflater until all of it is consumed and, for a flush, written.
fn drive(
    deflater: &mut Compress,
    mut text: &[u8],
    out: &mut Vec<u8>,
    flush: FlushCompress,
) -> io::Result<()> {
    loop {
        out.reserve(MIN_SPACE);
        let before = deflater.total_in();
        let status = deflater.compress_vec(text, out, flush).map_err(io::Error::other)?;
        let taken = usize::try_from(deflater.total_in() - before).unwrap_or(text.len());
        text = text.get(taken..).unwrap_or_default();
        // Free space that is left means that no output is pending.
        let done = text.is_empty() && out.len() < out.capacity();
        if done || status == Status::StreamEnd {
            return Ok(());
        }
    }
}

fn frame<'t>(texts: impl Iterator<Item = &'t [u8]>) -> io::Result<Vec<u8>> {
    let mut encoder = zstd::Encoder::new(Vec::new(), ZSTD_LEVEL)?;
    for text in texts {
        encoder.write_all(text)?;
    }
    encoder.finish()
}
