//! A bounded run of the fuzzers over the kept corpus: no bytes from outside make a reader panic.

#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests fail as tests do")]

#[path = "../fuzz/mutate.rs"]
mod mutate;

use aliyun_flink_exporter::fuzzing::READERS;
use mutate::{Mutator, corpus};

/// Inputs for each reader, beside the corpus itself.
const INPUTS: usize = 8000;

#[test]
fn no_input_makes_a_parser_panic() {
    for (name, read) in READERS {
        let corpus = corpus(name);
        assert!(corpus.len() >= 3, "{name} has a corpus");
        for input in &corpus {
            read(input);
        }
        let mut mutator = Mutator::new(1, corpus);
        for _ in 0..INPUTS {
            let input = mutator.next();
            let outcome = std::panic::catch_unwind(|| read(&input));
            assert!(outcome.is_ok(), "{name} panicked on {:?}", String::from_utf8_lossy(&input));
        }
    }
}
