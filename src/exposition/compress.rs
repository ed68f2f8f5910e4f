//! Compression in segments: each text is compressed once, by itself, and segments are joined in any order.
//!
//! Raw deflate that ends in a sync flush ends on a byte boundary and refers to nothing before its own start. So
//! consecutive segments are one deflate stream, and with a header and the combined checksum one gzip member. Several
//! members would be valid too, but curl shows only the first. Of zstd, whole frames are joined: every decoder reads all
//! of them.

use std::io;

use bytes::Bytes;
use crc32fast::Hasher;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

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

    /// How the pieces of a body in this encoding are compressed in memory. Plain text is inflated while it is sent.
    pub(super) fn codec(self) -> Codec {
        match self {
            Self::Identity | Self::Gzip => Codec::Gzip,
            Self::Zstd => Codec::Zstd,
        }
    }
}

/// How a text is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    fn of(text: &[u8]) -> Self {
        let mut crc = Hasher::new();
        crc.update(text);
        Self { crc, len: text.len() as u64 }
    }

    /// The length of the text, in bytes.
    pub(super) fn len(&self) -> u64 {
        self.len
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

/// Compresses one text after another. Setting up a compressor takes longer than compressing a short text.
pub(super) enum Compressor {
    Gzip(Compress),
    Zstd(zstd::bulk::Compressor<'static>),
}

impl Compressor {
    /// # Errors
    ///
    /// If there is too little memory.
    pub(super) fn new(codec: Codec) -> io::Result<Self> {
        Ok(match codec {
            Codec::Gzip => Self::Gzip(deflater()),
            Codec::Zstd => Self::Zstd(zstd::bulk::Compressor::new(ZSTD_LEVEL)?),
        })
    }

    pub(super) fn codec(&self) -> Codec {
        match self {
            Self::Gzip(_) => Codec::Gzip,
            Self::Zstd(_) => Codec::Zstd,
        }
    }

    /// Compresses `text` as a segment that others follow.
    ///
    /// # Errors
    ///
    /// Those of the compressor, which are out of memory or a bug in it.
    pub(super) fn segment(&mut self, text: &[u8]) -> io::Result<Segment> {
        let checksum = GzipChecksum::of(text);
        let bytes = match self {
            Self::Gzip(deflater) => {
                deflater.reset();
                deflate(deflater, text, FlushCompress::Sync)?
            }
            Self::Zstd(compressor) => compressor.compress(text)?,
        };
        Ok(Segment { bytes: Bytes::from(bytes.into_boxed_slice()), checksum })
    }
}

impl Segment {
    /// The text of a segment of gzip.
    ///
    /// # Errors
    ///
    /// If the segment is damaged, which is a bug.
    pub(super) fn inflate(&self) -> io::Result<Vec<u8>> {
        let mut text = Vec::with_capacity(usize::try_from(self.checksum.len).unwrap_or(0));
        Decompress::new(false)
            .decompress_vec(&self.bytes, &mut text, FlushDecompress::None)
            .map_err(io::Error::other)?;
        if text.len() as u64 == self.checksum.len {
            Ok(text)
        } else {
            Err(io::Error::other("a compressed text is incomplete"))
        }
    }
}

/// Compresses `text` as the last segment; `before` is the checksum of all others.
pub(super) fn last_part(encoding: Encoding, text: Vec<u8>, before: &GzipChecksum) -> io::Result<Bytes> {
    let bytes = match encoding {
        Encoding::Identity => text,
        Encoding::Gzip => {
            let mut checksum = before.clone();
            checksum.append(&GzipChecksum::of(&text));
            let mut bytes = deflate(&mut deflater(), &text, FlushCompress::Finish)?;
            bytes.extend_from_slice(&checksum.trailer());
            bytes
        }
        Encoding::Zstd => zstd::bulk::compress(&text, ZSTD_LEVEL)?,
    };
    Ok(bytes.into())
}

fn deflater() -> Compress {
    Compress::new(Compression::new(GZIP_LEVEL), false)
}

/// Deflates `text` completely.
fn deflate(deflater: &mut Compress, mut text: &[u8], end: FlushCompress) -> io::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / EXPECTED_RATIO + MIN_SPACE);
    loop {
        out.reserve(MIN_SPACE);
        let before = deflater.total_in();
        let status = deflater.compress_vec(text, &mut out, end).map_err(io::Error::other)?;
        let taken = usize::try_from(deflater.total_in() - before).unwrap_or(text.len());
        text = text.get(taken..).unwrap_or_default();
        // Free space that is left means that no output is pending.
        let done = text.is_empty() && out.len() < out.capacity();
        if done || status == Status::StreamEnd {
            return Ok(out);
        }
    }
}
