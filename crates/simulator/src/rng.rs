//! Seeded random numbers: everything the simulator generates is reproducible.

use rand::{RngExt as _, SeedableRng as _};
pub(crate) use rand_chacha::ChaCha8Rng as Rng;

/// A generator seeded with `parts`. The same parts give the same numbers.
pub(crate) fn seeded(parts: &[u64]) -> Rng {
    Rng::seed_from_u64(mix(parts))
}

/// A stable hash (`SplitMix64`, folded): the standard library's hashers may change between releases.
pub(crate) fn mix(parts: &[u64]) -> u64 {
    parts.iter().fold(0, |state: u64, part| {
        let mut mixed = (state ^ part).wrapping_add(0x9E37_79B9_7F4A_7C15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    })
}

/// One of `items`, which must not be empty.
pub(crate) fn pick<T: Copy>(rng: &mut Rng, items: &[T]) -> T {
    items[rng.random_range(0..items.len())]
}

/// True once in `times`.
pub(crate) fn once_in(rng: &mut Rng, times: u32) -> bool {
    rng.random_ratio(1, times)
}

/// `id` in the form of a UUID, in lower case.
pub(crate) fn uuid(id: u128) -> String {
    let hex = format!("{id:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
