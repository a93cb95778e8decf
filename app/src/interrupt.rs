//! Ctrl-C: the first stops the work and reports what is finished, the second ends the program.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
/// What shells say for a program ended by Ctrl-C.
const ENDED_BY_CTRL_C: i32 = 130;

/// Starts listening. Called once, before long work.
pub(crate) fn listen() -> anyhow::Result<()> {
    ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            std::process::exit(ENDED_BY_CTRL_C);
        }
    })
    .context("failed to listen for Ctrl-C")
}

/// Whether Ctrl-C was pressed.
pub(crate) fn is_requested() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}
