//! Which targets belong to which of several exporters that share the work.

use sha2::{Digest as _, Sha256};

/// One of several exporters that together poll each target once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: u32,
    total: u32,
}

impl Shard {
    /// The only one, to which everything belongs.
    pub const SINGLE: Self = Self { index: 0, total: 1 };

    /// The shard with this index of `total`; none if it is not one of them.
    pub fn try_new(index: u32, total: u32) -> Option<Self> {
        (index < total).then_some(Self { index, total })
    }

    /// Its index, from 0.
    pub fn index(self) -> u32 {
        self.index
    }

    /// The number of shards, at least 1.
    pub fn total(self) -> u32 {
        self.total
    }

    /// Whether it is the only one.
    pub fn is_single(self) -> bool {
        self.total == 1
    }

    /// Whether the targets of a workspace as a whole belong to it.
    pub fn owns_workspace(self, workspace: &str) -> bool {
        self.owns(&[workspace])
    }

    /// Whether the targets of a namespace belong to it.
    pub fn owns_namespace(self, workspace: &str, namespace: &str) -> bool {
        self.owns(&[workspace, "/", namespace])
    }

    fn owns(self, key: &[&str]) -> bool {
        let mut hash = Sha256::new();
        for part in key {
            hash.update(part);
        }
        let first = hash.finalize().into_iter().take(8);
        let key = first.fold(0, |key, byte| key << 8 | u64::from(byte));
        jump_consistent_hash(key, self.total) == self.index
    }
}

/// The bucket of `key`, from 0 to below `buckets`: jump consistent hash, by Lamping and Veach (2014,
/// <https://arxiv.org/abs/1406.2294>). With one bucket more, a key stays where it is or moves to the new bucket.
fn jump_consistent_hash(mut key: u64, buckets: u32) -> u32 {
    let (mut bucket, mut next) = (0, 0.0);
    while next < f64::from(buckets) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at least 0, less than the number of buckets"
        )]
        {
            bucket = next as u32;
        }
        key = key.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(1);
        let divisor = ((key >> 33) + 1) as f64;
        next = ((f64::from(bucket) + 1.0) * (f64::from(1_u32 << 31) / divisor)).floor();
    }
    bucket
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard_of(total: u32, owns: impl Fn(Shard) -> bool) -> u32 {
        let owners: Vec<_> =
            (0..total).filter(|&index| owns(Shard::try_new(index, total).unwrap())).collect();
        assert_eq!(owners.len(), 1);
        owners[0]
    }

    #[test]
    fn the_hash_gives_the_published_buckets() {
        // From the tests of Guava, which implements the same algorithm.
        let known = [(0, 1, 0), (42, 57, 43), (0xDEAD_10CC, 1, 0), (0xDEAD_10CC, 666, 361), (256, 1024, 520)];
        for (key, buckets, bucket) in known {
            assert_eq!(jump_consistent_hash(key, buckets), bucket, "{key} of {buckets}");
        }
    }

    /// Computed with Python's `hashlib` and the code printed in the paper. Another hash would move targets between shards.
    #[test]
    fn targets_stay_on_their_shard_from_version_to_version() {
        let totals = [1, 2, 3, 5, 16, 1000];
        let namespaces = [
            ("a14bd5d90a0123", "default-namespace", [0, 0, 0, 3, 3, 177]),
            ("edcef0000b4f", "team-b", [0, 0, 2, 3, 12, 744]),
            ("w", "n", [0, 1, 1, 1, 1, 480]),
        ];
        for (workspace, namespace, expected) in namespaces {
            let shards =
                totals.map(|total| shard_of(total, |shard| shard.owns_namespace(workspace, namespace)));
            assert_eq!(shards, expected, "{workspace}/{namespace}");
        }
        for (workspace, expected) in [("a14bd5d90a0123", [0, 0, 0, 0, 15, 926]), ("w", [0, 0, 0, 0, 8, 326])]
        {
            let shards = totals.map(|total| shard_of(total, |shard| shard.owns_workspace(workspace)));
            assert_eq!(shards, expected, "{workspace}");
        }
    }

    #[test]
    fn another_shard_takes_over_its_share_and_moves_nothing_else() {
        let names: Vec<String> = (0..3000).map(|number| format!("namespace-{number}")).collect();
        let shards = |total| -> Vec<u32> {
            names.iter().map(|name| shard_of(total, |shard| shard.owns_namespace("w", name))).collect()
        };
        let (four, five) = (shards(4), shards(5));
        let moved = four.iter().zip(&five).filter(|(before, after)| before != after);
        assert!(moved.clone().all(|(_, after)| *after == 4));
        assert!((480..720).contains(&moved.count()), "about a fifth");
    }

    #[test]
    fn during_a_rollout_to_more_shards_each_target_has_one_or_two() {
        for (before, restarted) in
            (1..6).flat_map(|before| (0..=before).map(move |restarted| (before, restarted)))
        {
            // The new one is there, and those with the highest indices have restarted.
            let total = |index| if index >= before - restarted { before + 1 } else { before };
            let shards: Vec<_> =
                (0..=before).map(|index| Shard::try_new(index, total(index)).unwrap()).collect();
            for number in 0..300 {
                let namespace = format!("namespace-{number}");
                let owners = shards.iter().filter(|shard| shard.owns_namespace("w", &namespace)).count();
                assert!((1..=2).contains(&owners), "{owners} of {shards:?} poll {namespace}");
            }
        }
    }

    #[test]
    fn an_index_is_less_than_the_total() {
        assert_eq!(Shard::try_new(0, 1), Some(Shard::SINGLE));
        assert_eq!((Shard::try_new(1, 1), Shard::try_new(0, 0)), (None, None));
    }
}
