//! What redb's header shows before redb reads it. The layout is in redb's design document:
//! <https://github.com/cberner/redb/blob/master/docs/design.md>.

use std::{fs::File, io, ops::Range, os::unix::fs::FileExt as _};

use redb::StorageBackend;

const MAGIC: &[u8] = b"redb\x1A\x0A\xA9\x0D\x0A";
const HEADER_SIZE: usize = 320;

/// Which slot is in use, and whether the file was not closed.
const GOD_BYTE: usize = MAGIC.len();
const PRIMARY: u8 = 1;
const RECOVERY_REQUIRED: u8 = 2;

const SLOTS: [usize; 2] = [64, 192];
/// Bytes of a slot that are zero.
const PADDING: Range<usize> = 3..8;
const TRANSACTION_ID: usize = 104;

/// The version of redb's format that this crate writes.
const FORMAT_VERSION: u8 = 3;
/// A version above this is taken for damage.
const MAX_PLAUSIBLE_VERSION: u8 = 31;

/// How a file begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Header {
    /// The file has no bytes, or its creation was interrupted.
    Empty,
    /// redb is to read it.
    Plausible,
    /// A newer version of redb wrote it.
    NewerVersion,
    /// It is not redb's, or names an old transaction as the last one.
    Damaged,
}

impl Header {
    pub(crate) fn read(file: &File) -> io::Result<Self> {
        let len = file.metadata()?.len();
        if len < HEADER_SIZE as u64 {
            return Ok(if len == 0 { Self::Empty } else { Self::Damaged });
        }
        let mut bytes = [0; HEADER_SIZE];
        file.read_exact_at(&mut bytes, 0)?;
        // redb writes the magic number after everything else of a new file.
        if bytes[..MAGIC.len()].iter().all(|&byte| byte == 0) {
            return Ok(if is_zero_from(file, HEADER_SIZE as u64, len)? {
                Self::Empty
            } else {
                Self::Damaged
            });
        }
        Ok(Self::of(&bytes))
    }

    fn of(bytes: &[u8; HEADER_SIZE]) -> Self {
        let versions = SLOTS.map(|slot| bytes[slot]);
        let is_newer = versions[0] == versions[1] && versions[0] > FORMAT_VERSION;
        // Not if the slots are overwritten.
        let is_slot = SLOTS.iter().all(|slot| bytes[*slot..][PADDING].iter().all(|&byte| byte == 0));
        if !bytes.starts_with(MAGIC) {
            Self::Damaged
        } else if is_newer && is_slot && versions[0] <= MAX_PLAUSIBLE_VERSION {
            Self::NewerVersion
        } else if is_outdated(bytes) {
            Self::Damaged
        } else {
            Self::Plausible
        }
    }
}

/// Has redb verify the slot in use, as it does only if the file was not closed.
pub(crate) fn require_recovery(storage: &impl StorageBackend) -> io::Result<()> {
    let mut byte = [0];
    storage.read(GOD_BYTE as u64, &mut byte)?;
    storage.write(GOD_BYTE as u64, &[byte[0] | RECOVERY_REQUIRED])
}

/// Whether a file that was closed names the last transaction but one as the last. In a file that was not closed, the
/// last one may be incomplete.
fn is_outdated(bytes: &[u8; HEADER_SIZE]) -> bool {
    let id = |slot: usize| {
        let start = slot + TRANSACTION_ID;
        bytes[start..].first_chunk().map(|id| u64::from_le_bytes(*id))
    };
    let [first, second] = SLOTS.map(id);
    let [primary, other] = if bytes[GOD_BYTE] & PRIMARY == 0 { [first, second] } else { [second, first] };
    bytes[GOD_BYTE] & RECOVERY_REQUIRED == 0 && primary < other
}

fn is_zero_from(file: &File, start: u64, len: u64) -> io::Result<bool> {
    let mut block = vec![0; 64 << 10];
    let mut offset = start;
    while offset < len {
        let size = block.len().min(usize::try_from(len - offset).unwrap_or(usize::MAX));
        file.read_exact_at(&mut block[..size], offset)?;
        if block[..size].iter().any(|&byte| byte != 0) {
            return Ok(false);
        }
        offset += size as u64;
    }
    Ok(true)
}
