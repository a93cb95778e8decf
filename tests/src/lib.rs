//! What the tests that cross crates share: the [`Plimsoll`] builder and the [`repository`] root.

mod command;
pub mod lab;

use std::path::PathBuf;

pub use command::{Finished, Plimsoll, Scratch};

/// The repository's root.
#[must_use]
pub fn repository() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent()
        .map(PathBuf::from)
        .expect("tests/ stands in the repository")
}
