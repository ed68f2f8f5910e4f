//! Text, sixty-four bytes at a time.
//!
//! Who looks for the end of one string before looking for the next makes the processor wait each time. In blocks
//! everything is looked for at once, wherever it stands.

use wide::u8x16;

/// So many bytes are looked at together.
pub(super) const BLOCK: usize = 64;

pub(super) type Block = [u8; BLOCK];

/// The block that begins at `at`, filled up with spaces behind the text's end.
#[inline]
pub(super) fn block(text: &[u8], at: usize) -> Block {
    let rest = text.get(at..).unwrap_or_default();
    rest.first_chunk().copied().unwrap_or_else(|| {
        let mut block = [b' '; BLOCK];
        block[..rest.len()].copy_from_slice(rest);
        block
    })
}

/// Which bytes of a block are `byte`: the first is the lowest bit.
#[inline]
pub(super) fn equal(block: &Block, byte: u8) -> u64 {
    mask(block, |lanes| lanes.simd_eq(u8x16::splat(byte)))
}

/// Which bytes of a block are control characters.
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

/// The places of the bits that are set in `mask`, the lowest first.
#[inline]
pub(super) fn places(mut mask: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = (mask != 0).then_some(mask.trailing_zeros() as usize)?;
        mask &= mask - 1;
        Some(place)
    })
}
