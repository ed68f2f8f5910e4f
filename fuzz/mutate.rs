//! Inputs made from a corpus: the same for the same seed, and with no compiler but the stable one.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// What often trips a reader up.
const TOKENS: [&str; 28] = [
    "null",
    "true",
    "{}",
    "[]",
    "\"\"",
    "-1",
    "0",
    "1e999",
    "9007199254740993",
    "18446744073709551616",
    "NaN",
    "\\",
    "\\\"",
    "\\ud800",
    "\u{0}",
    "\u{feff}",
    "\u{202e}",
    "[[[[[[[[",
    "{\"a\":",
    ",",
    ":",
    "~",
    "&a [*a,*a]",
    "1 gb",
    "- ",
    "\n  ",
    "<<: ",
    "data",
];

/// No input grows beyond this: what is slow for being large is another matter.
const LARGEST: usize = 64 * 1024;

/// Makes inputs without an end.
pub(crate) struct Mutator {
    random: ChaCha8Rng,
    corpus: Vec<Vec<u8>>,
}

impl Mutator {
    /// Starts from `corpus`, which must not be empty.
    pub(crate) fn new(seed: u64, corpus: Vec<Vec<u8>>) -> Self {
        Self { random: ChaCha8Rng::seed_from_u64(seed), corpus }
    }

    /// One more input.
    pub(crate) fn next(&mut self) -> Vec<u8> {
        let mut input = self.pick();
        for _ in 0..self.random.random_range(1..=8) {
            self.mutate(&mut input);
        }
        input.truncate(LARGEST);
        input
    }

    fn pick(&mut self) -> Vec<u8> {
        let index = self.random.random_range(0..self.corpus.len());
        self.corpus[index].clone()
    }

    fn mutate(&mut self, input: &mut Vec<u8>) {
        let at = self.random.random_range(0..=input.len());
        let end = (at + self.random.random_range(0..64)).min(input.len());
        match self.random.random_range(0..7) {
            0 => input.truncate(at),
            1 => drop(input.drain(at..end)),
            2 => {
                let piece = input[at..end].to_vec();
                input.splice(at..at, piece);
            }
            3 => {
                let other = self.pick();
                let from = self.random.random_range(0..=other.len());
                input.splice(at..end, other[from..].iter().copied());
            }
            4 => {
                let token = TOKENS[self.random.random_range(0..TOKENS.len())];
                input.splice(at..end, token.bytes());
            }
            5 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << self.random.random_range(0..8);
                }
            }
            _ => input.insert(at, self.random.random()),
        }
    }
}

/// The corpus of the reader `name`.
pub(crate) fn corpus(name: &str) -> Vec<Vec<u8>> {
    let directory = format!("{}/fuzz/corpus/{name}", env!("CARGO_MANIFEST_DIR"));
    let mut paths: Vec<_> = std::fs::read_dir(&directory)
        .unwrap_or_else(|error| panic!("{directory}: {error}"))
        .map(|entry| entry.expect("a directory's entry").path())
        .collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("a corpus file")).collect()
}
