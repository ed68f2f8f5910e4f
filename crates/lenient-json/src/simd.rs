//! Classification of 64 bytes at a time.
//!
//! Scanning string by string creates a dependency chain. Classifying blocks finds all quotes and backslashes
//! independently.

use wide::u8x16;

/// Bytes classified together.
pub(super) const BLOCK: usize = 64;

pub(super) type Block = [u8; BLOCK];

/// The block at `at`, padded with spaces beyond the end of the text.
#[inline]
pub(super) fn block(text: &[u8], at: usize) -> Block {
    let rest = text.get(at..).unwrap_or_default();
    rest.first_chunk().copied().unwrap_or_else(|| {
        let mut block = [b' '; BLOCK];
        block[..rest.len()].copy_from_slice(rest);
        block
    })
}

/// A bit for each byte of the block that equals `byte`; the first byte is the lowest bit.
#[inline]
pub(super) fn equal(block: &Block, byte: u8) -> u64 {
    mask(block, |lanes| lanes.simd_eq(u8x16::splat(byte)))
}

/// A bit for each byte of the block that is a control character.
#[inline]
pub(super) fn controls(block: &Block) -> u64 {
    let are_controls = |lanes: u8x16| lanes.simd_lt(u8x16::splat(b' '));
    let (lanes, _) = block.as_chunks();
    let any = lanes.iter().fold(u8x16::splat(0), |any, lanes| any | are_controls(u8x16::new(*lanes)));
    // Most blocks have none.
    if any.any() { mask(block, are_controls) } else { 0 }
}

#[inline]
fn mask(block: &Block, are: impl Fn(u8x16) -> u8x16) -> u64 {
    let (lanes, _) = block.as_chunks();
    let masks = lanes.iter().map(|lanes| u64::from(are(u8x16::new(*lanes)).to_bitmask()));
    masks.rev().fold(0, |all, mask| all << 16 | mask)
}

/// The positions of the bits that are set in `mask`, the lowest first.
#[inline]
pub(super) fn set_bits(mut mask: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = (mask != 0).then_some(mask.trailing_zeros() as usize)?;
        mask &= mask - 1;
        Some(place)
    })
}
