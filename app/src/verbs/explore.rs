//! No verb: the explorer's window.

use crate::exit::{Exit, Failure};

const INSTEAD: &str = "try `plimsoll run team-chat`, or `plimsoll --help` for all verbs";

/// Opens the explorer.
pub(crate) fn explore() -> Result<Exit, Failure> {
    if cfg!(feature = "desktop") && !has_display() {
        return Err(Failure::Usage(format!("there is no display to open the explorer on; {INSTEAD}")));
    }
    open()
}

/// Whether windows can be opened; only Linux and its relatives run without a display.
fn has_display() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(any(target_os = "windows", target_os = "macos")) || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}

#[cfg(feature = "desktop")]
fn open() -> Result<Exit, Failure> {
    Err(Failure::Usage(format!("the explorer is not built yet; {INSTEAD}")))
}

#[cfg(not(feature = "desktop"))]
fn open() -> Result<Exit, Failure> {
    Err(Failure::Usage(format!("this program was built without the explorer; {INSTEAD}")))
}
