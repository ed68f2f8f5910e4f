//! Runs the fuzzers for as long as they are given, each on inputs of another seed, and keeps what makes one panic.
//!
//! `cargo bench --bench fuzz -- --seconds 60`

#![expect(clippy::print_stdout, reason = "a program that reports to a person")]
#![allow(clippy::expect_used, clippy::panic, reason = "a bench may end where it can't go on")]

#[path = "../fuzz/mutate.rs"]
mod mutate;

use std::{process::ExitCode, time::Duration};

use aliyun_flink_exporter::fuzzing::READERS;
use mutate::{Mutator, corpus};
use tokio::time::Instant;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--seconds");
    let seconds = arguments.nth(1).and_then(|text| text.parse().ok()).unwrap_or(60);
    let seed = u64::from(std::process::id());
    let mut panics = 0;
    for (name, read) in READERS {
        let mut mutator = Mutator::new(seed, corpus(name));
        let begun = Instant::now();
        let (mut inputs, mut slowest) = (0_u64, Duration::ZERO);
        while begun.elapsed() < Duration::from_secs(seconds) {
            let input = mutator.next();
            let start = Instant::now();
            if std::panic::catch_unwind(|| read(&input)).is_err() {
                panics += 1;
                let file = std::env::temp_dir().join(format!("fuzz-{name}-{panics}"));
                std::fs::write(&file, &input).expect("a file for the input");
                println!("{name} panicked: {}", file.display());
            }
            slowest = slowest.max(start.elapsed());
            inputs += 1;
        }
        println!("{name}: {inputs} inputs in {seconds} s, the slowest took {slowest:?}");
    }
    println!("{panics} panics");
    ExitCode::from(u8::from(panics > 0))
}
