//! Command-line tests as sentences: `Plimsoll::new().run("team-chat").seed(7).users("1M").code(0).stdout_contains("…")`.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A command line being put together.
#[derive(Debug)]
pub struct Plimsoll {
    command: Command,
}

impl Default for Plimsoll {
    fn default() -> Self {
        Self::new()
    }
}

impl Plimsoll {
    /// The command without arguments, in an empty environment but for what a program needs to start.
    #[must_use]
    pub fn new() -> Self {
        let mut command = Command::new(binary());
        command
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
            .stdin(Stdio::null());
        Self { command }
    }

    /// `run SCENARIO`
    #[must_use]
    pub fn run(self, scenario: &str) -> Self {
        self.args(&["run", scenario])
    }

    /// `ramp SCENARIO`
    #[must_use]
    pub fn ramp(self, scenario: &str) -> Self {
        self.args(&["ramp", scenario])
    }

    /// `validate SCENARIO`
    #[must_use]
    pub fn validate(self, scenario: &str) -> Self {
        self.args(&["validate", scenario])
    }

    /// `--users N`
    #[must_use]
    pub fn users(self, users: &str) -> Self {
        self.args(&["--users", users])
    }

    /// `--seed N`
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        self.args(&["--seed", &seed.to_string()])
    }

    /// `--duration TIME`
    #[must_use]
    pub fn duration(self, time: &str) -> Self {
        self.args(&["--duration", time])
    }

    /// `--set PATH=VALUE`
    #[must_use]
    pub fn set(self, assignment: &str) -> Self {
        self.args(&["--set", assignment])
    }

    /// `--format FORMAT`
    #[must_use]
    pub fn format(self, format: &str) -> Self {
        self.args(&["--format", format])
    }

    /// `--out FILE`
    #[must_use]
    pub fn out(self, file: &Path) -> Self {
        self.args(&["--out", &file.display().to_string()])
    }

    /// Any arguments.
    #[must_use]
    pub fn args(mut self, arguments: &[&str]) -> Self {
        self.command.args(arguments);
        self
    }

    /// Works in another folder.
    #[must_use]
    pub fn inside(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Runs the command and checks its exit code.
    ///
    /// # Panics
    ///
    /// When the code is another one; the message holds all that was printed.
    pub fn code(mut self, expected: i32) -> Finished {
        let line = format!("{:?}", self.command);
        let output = self
            .command
            .output()
            .expect("the command under test starts");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
        let finished = Finished {
            line,
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        };
        assert_eq!(
            output.status.code(),
            Some(expected),
            "exit code of {finished:#?}"
        );
        finished
    }

    /// Runs the command with a reader that closes standard output after one byte, and gives exit code and standard error.
    ///
    /// # Panics
    ///
    /// When the command does not start or does not end.
    pub fn into_closed_pipe(mut self) -> (Option<i32>, String) {
        let mut child = self
            .command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command under test starts");
        drop(child.stdout.take());
        let mut stderr = String::new();
        let mut pipe = child.stderr.take().expect("standard error is piped");
        pipe.read_to_string(&mut stderr)
            .expect("standard error is UTF-8");
        (child.wait().expect("the command ends").code(), stderr)
    }
}

/// What a command printed.
#[derive(Debug)]
pub struct Finished {
    line: String,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Finished {
    /// Standard output holds `part`.
    pub fn stdout_contains(self, part: &str) -> Self {
        assert!(
            self.stdout.contains(part),
            "{part:?} is missing in the output of {}:\n{}",
            self.line,
            self.stdout
        );
        self
    }

    /// Standard error holds `part`.
    pub fn stderr_contains(self, part: &str) -> Self {
        assert!(
            self.stderr.contains(part),
            "{part:?} is missing in the errors of {}:\n{}",
            self.line,
            self.stderr
        );
        self
    }

    /// Standard output is empty.
    pub fn stdout_is_empty(self) -> Self {
        assert!(
            self.stdout.is_empty(),
            "{} printed\n{}",
            self.line,
            self.stdout
        );
        self
    }

    /// Standard error is empty.
    pub fn stderr_is_empty(self) -> Self {
        assert!(
            self.stderr.is_empty(),
            "{} said\n{}",
            self.line,
            self.stderr
        );
        self
    }
}

/// A folder for one test, removed when dropped.
#[derive(Debug)]
pub struct Scratch {
    folder: PathBuf,
}

impl Scratch {
    /// An empty folder.
    ///
    /// # Panics
    ///
    /// When the machine gives none.
    #[must_use]
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder =
            std::env::temp_dir().join(format!("plimsoll-test-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder for this test");
        Self { folder }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A path in it.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes a file in it and gives its path.
    ///
    /// # Panics
    ///
    /// When it cannot be written.
    #[must_use]
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("a file for this test");
        path
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left in the temporary folder harms nobody.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The binary of this package, beside the folder of the running test.
fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("the running test has a path");
    let deps = test.parent().expect("the running test stands in a folder");
    let target = if deps.ends_with("deps") {
        deps.parent().unwrap_or(deps)
    } else {
        deps
    };
    target.join(format!(
        "plimsoll-under-test{}",
        std::env::consts::EXE_SUFFIX
    ))
}
