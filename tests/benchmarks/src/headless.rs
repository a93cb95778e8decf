//! The headless binary as a CI job meets it: its size, what it takes to start, and CPU time of whole commands.
//!
//! CPU time is that of the child process, user and system, threads included: a busy machine hardly disturbs it. The time on the
//! clock is not looked at.
#![allow(
    unsafe_code,
    reason = "one system call without a safe form in the standard library"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A binary of `cargo build --release -p plimsoll --no-default-features`.
#[derive(Debug)]
pub struct Headless {
    path: PathBuf,
}

/// A command and what it took.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Seconds of CPU.
    pub cpu_s: f64,
    /// What it printed.
    pub stdout: String,
}

impl Headless {
    /// The binary at a path.
    pub fn new(path: &str) -> Self {
        Self { path: path.into() }
    }

    /// Bytes of the file.
    pub fn size(&self) -> u64 {
        let of = |path: &Path| std::fs::metadata(path).map(|data| data.len());
        of(&self.path).expect("--plimsoll names a file")
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Finished {
        let before = children_cpu_s();
        let output = Command::new(&self.path)
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .expect("--plimsoll names a program");
        assert!(output.status.success(), "{arguments:?} failed: {output:?}");
        Finished {
            cpu_s: children_cpu_s() - before,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        }
    }

    /// Milliseconds of CPU to start and say the version: the median of `times` starts.
    pub fn start_ms(&self, times: usize) -> f64 {
        let one = |_| self.run(&["--version"]).cpu_s * 1e3;
        super::median((0..times).map(one).collect())
    }
}

impl Finished {
    /// A number of the JSON report, by the last name in it.
    pub fn number(&self, name: &str) -> Option<f64> {
        let behind = self.stdout.split_once(&format!("\"{name}\": "))?.1;
        let text = behind.split([',', '\n', '}']).next()?;
        text.trim().parse().ok()
    }
}

/// CPU time of all children that have ended, in seconds.
fn children_cpu_s() -> f64 {
    // SAFETY: all fields are integers, for which zero is a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `usage` is valid for writing, and the call keeps no reference to it.
    let result = unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut usage) };
    assert_eq!(result, 0, "no account of the children's CPU time");
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}
