//! What became of each fault.

use sim_core::report::{FaultReport, RunReport};

use crate::grid::{Cell, Grid};
use crate::numbers::{count, seconds};

/// Detection, failover, recovery and losses by fault; `None` without any.
pub(crate) fn faults(report: &RunReport) -> Option<Grid> {
    let mut grid = Grid::new(
        "Faults: how long it took from their beginning, and what was lost until all was as before",
        1,
        &[
            "fault",
            "began",
            "ended",
            "detected after",
            "served elsewhere after",
            "as before after",
            "failed, timed out",
            "deliveries lost",
            "reconnects (usual)",
        ],
    );
    for fault in &report.faults {
        grid.row(row(fault));
    }
    grid.filled()
}

fn row(fault: &FaultReport) -> Vec<Cell> {
    let took = |took: Option<f64>, why: &str| {
        let text = took.map_or_else(|| "-".to_owned(), seconds);
        Cell::new(text).note(why.to_owned())
    };
    let number = |number: u64| count(number as f64);
    let lost = &fault.lost;
    let name = Cell::new(format!("{}: {}", fault.number, fault.fault));
    let others: Vec<String> = fault.shares_with.iter().map(u32::to_string).collect();
    let ended = fault.ended_s.map_or_else(
        || Cell::new("-").note("not over at the end of the run"),
        |at| Cell::new(seconds(at)),
    );
    vec![
        match others.as_slice() {
            [] => name,
            others => name.note(format!("overlaps {}: losses are shared", others.join(", "))),
        },
        Cell::new(seconds(fault.began_s)),
        ended,
        took(fault.time_to_detect_s, &fault.detection),
        took(fault.time_to_fail_over_s, &fault.failover),
        match fault.time_to_recover_s {
            Some(after) => Cell::new(seconds(after)),
            None => Cell::new("-").note(format!("more than {}", seconds(fault.watched_s))),
        },
        Cell::new(format!(
            "{}, {}",
            number(lost.failed),
            number(lost.timed_out)
        )),
        Cell::new(number(lost.deliveries)),
        Cell::new(format!(
            "{} ({})",
            number(lost.reconnects),
            number(lost.reconnects_usual)
        )),
    ]
}
