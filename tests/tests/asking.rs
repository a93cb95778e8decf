//! The database asked under stress: retries and what brakes them, overload, hedges, slow leaves, and the faults that start it.
//!
//! Published figures stand beside the measured ones in what the tests print.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use sim_core::report::RunReport;
use system_tests::lab::{preset, run, scenario};

/// A preset that a fault overloads for ten seconds, with edits.
fn metastable(edits: &[(&str, &str)]) -> RunReport {
    run(&scenario(preset("metastable"), edits))
}
