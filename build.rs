//! Passes the revision and the compiler to the program, for `--version` and `aliyun_flink_exporter_build_info`.

#![expect(clippy::disallowed_methods, reason = "a build script has no configuration")]

use std::{path::Path, process::Command};

fn main() {
    // A release built outside a checkout says its revision by this variable.
    println!("cargo:rerun-if-env-changed=BUILD_REVISION");
    // Cargo would run this again each time for a path that does not exist, as in a linked worktree.
    for path in [".git/HEAD", ".git/refs/heads"].into_iter().filter(|path| Path::new(path).exists()) {
        println!("cargo:rerun-if-changed={path}");
    }
    let given = std::env::var("BUILD_REVISION").ok();
    let revision = given.or_else(|| output("git", &["rev-parse", "--short=12", "HEAD"]));
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    println!("cargo:rustc-env=BUILD_REVISION={}", revision.unwrap_or_else(|| "unknown".into()));
    let version = output(&rustc, &["--version"]).unwrap_or_default();
    println!("cargo:rustc-env=BUILD_RUSTC={}", version.split(' ').nth(1).unwrap_or("unknown"));
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
