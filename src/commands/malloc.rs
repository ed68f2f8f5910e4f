//! A setting of glibc's allocator that only the environment of a new process can make without `unsafe` code.
//!
//! Each poll replaces large texts. After the first of them is freed, glibc raises the size from which it maps blocks
//! and returns them to the system, and the process stays at twice the memory that it uses. A fixed threshold prevents
//! this. docs/performance.md compares it with other allocators; the static program, which is what is released, uses
//! mimalloc instead.

use std::{env, os::unix::process::CommandExt as _, path::Path, process::Command};

use crate::config::Environment;

/// glibc's own initial threshold in bytes. Once set explicitly, it is no longer raised.
const MMAP_THRESHOLD: (&str, &str) = ("MALLOC_MMAP_THRESHOLD_", "131072");

/// Marks the restarted process. glibc removes `MMAP_THRESHOLD` from the environment of a program with file
/// capabilities, which would then restart itself forever.
const RESTARTED: (&str, &str) = ("_ALIYUN_FLINK_EXPORTER_AGAIN", "1");

/// Replaces the process by one with a fixed threshold, unless the environment sets one.
///
/// Returns if there is nothing to do or if it fails, which costs nothing but memory.
pub fn restart_with_fixed_mmap_threshold() {
    let environment = Environment::from_process();
    let is_set = [MMAP_THRESHOLD, RESTARTED].iter().any(|(name, _)| environment.get(name).is_some());
    if !cfg!(target_env = "gnu") || is_set {
        return;
    }
    if let Ok(program) = env::current_exe()
        && !is_dynamic_loader(&program)
    {
        let mut arguments = env::args_os();
        let name = arguments.next().unwrap_or_else(|| program.clone().into());
        // Returns only if it fails.
        let _ = Command::new(program).arg0(name).args(arguments).envs([MMAP_THRESHOLD, RESTARTED]).exec();
    }
}

/// Whether the dynamic loader was started as a command: it does not find the program in the program's arguments.
fn is_dynamic_loader(program: &Path) -> bool {
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("ld") && name.contains(".so")
}
