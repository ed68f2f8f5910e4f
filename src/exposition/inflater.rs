//! Plain text, inflated while it is sent.

use std::io;

use bytes::Bytes;
use flate2::{Decompress, FlushDecompress};

/// The size of a chunk of text, in bytes.
const CHUNK: usize = 32 * 1024;

/// Inflates the pieces of an [`MetricsBody`](super::MetricsBody), a chunk at a time.
#[derive(Debug)]
pub struct Inflater {
    state: Decompress,
    /// The piece that is read next, and where in it.
    piece: usize,
    offset: usize,
}

impl Inflater {
    /// The memory of one response, in bytes: the state, the chunk that is being made, and those that wait to be written.
    pub const MEMORY: usize = 64 * 1024 + 4 * CHUNK;

    /// Starts with the first piece.
    pub fn new() -> Self {
        Self { state: Decompress::new(false), piece: 0, offset: 0 }
    }

    /// The next chunk of the text of `pieces`; none after the last.
    ///
    /// # Errors
    ///
    /// If a piece is damaged, which is a bug.
    pub fn next_chunk(&mut self, pieces: &[Bytes]) -> io::Result<Option<Bytes>> {
        let mut chunk = Vec::with_capacity(CHUNK);
        while chunk.len() < CHUNK {
            let input = pieces.get(self.piece).map_or(&[][..], |piece| &piece[self.offset..]);
            let (consumed, written) = (self.state.total_in(), chunk.len());
            self.state.decompress_vec(input, &mut chunk, FlushDecompress::None).map_err(io::Error::other)?;
            let consumed = usize::try_from(self.state.total_in() - consumed).unwrap_or(input.len());
            self.offset += consumed;
            if consumed == input.len() && self.piece < pieces.len() {
                (self.piece, self.offset) = (self.piece + 1, 0);
            } else if consumed == 0 && chunk.len() == written {
                // Nothing can be read or written: the text has ended.
                break;
            }
        }
        Ok((!chunk.is_empty()).then(|| chunk.into()))
    }
}

impl Default for Inflater {
    fn default() -> Self {
        Self::new()
    }
}
