//! What document owners did, as readings and as a tier of a report.

use super::{Counts, Documents};
use crate::report::{OperationReport, TierReport};
use crate::system::baseline::{Reading, fifo};
use crate::time::{SimDuration, SimTime};

/// Readings at one instant.
#[derive(Clone, Debug, Default)]
pub struct DocumentsReading {
    /// By core of the owners.
    pub cores: Vec<Reading>,
    /// Counts since the start.
    pub counts: Counts,
    /// Edits that were overwritten.
    pub overwritten: u64,
}

impl DocumentsReading {
    /// The readings now.
    #[must_use]
    pub fn of(documents: Option<&Documents>, now: SimTime) -> Self {
        documents.map_or_else(Self::default, |documents| Self {
            cores: documents
                .nodes
                .cores
                .iter()
                .map(|core| fifo(core, now))
                .collect(),
            counts: documents.counts,
            overwritten: documents.overwritten(),
        })
    }
}

/// What the owners did, beside how busy they were.
pub fn counted(
    mut nodes: TierReport,
    documents: &Documents,
    (before, after): (&Counts, &Counts),
) -> TierReport {
    let ms = |span: SimDuration| span.as_nanos() / 1_000_000;
    let mean_loss = match after.crash_losses - before.crash_losses {
        0 => 0,
        lost => ms((after.crash_loss - before.crash_loss) / lost),
    };
    let p95 = documents.saved.quantile_ms(0.95).unwrap_or_default();
    let cpu = |class: usize| ms(after.cpu[class] - before.cpu[class]);
    let named = [
        ("documents", documents.edited()),
        ("documents_followed", documents.followed()),
        ("editors", documents.editors()),
        ("edits", after.edits - before.edits),
        ("transforms", after.steps - before.steps),
        ("frames", after.frames - before.frames),
        ("resent", after.resent - before.resent),
        ("caught_up", after.caught_up - before.caught_up),
        ("reloaded", after.reloaded - before.reloaded),
        ("refused", after.refused - before.refused),
        (
            "waited_for_lock",
            after.waited_for_lock - before.waited_for_lock,
        ),
        ("cpu_ordering_ms", cpu(0)),
        ("cpu_merging_ms", cpu(1)),
        ("cpu_copies_ms", cpu(2)),
        ("saved_p95_ms", libm::round(p95) as u64),
        ("restored", after.restored - before.restored),
        ("lost_in_crash", after.lost_in_crash - before.lost_in_crash),
        ("crash_loss_mean_ms", mean_loss),
        ("crash_loss_max_ms", ms(documents.crash_loss_max)),
        (
            "versions_checked",
            after.versions_checked - before.versions_checked,
        ),
        (
            "versions_wrong",
            after.versions_wrong - before.versions_wrong,
        ),
    ];
    let named = named.map(|(name, count)| (name.to_owned(), count));
    nodes.counters.extend(named);
    nodes
}

/// What became of edits.
pub fn judged(
    report: &mut OperationReport,
    documents: &Documents,
    (before, after): (&DocumentsReading, &DocumentsReading),
    seconds: f64,
) {
    let per_s = |count: u64| count as f64 / seconds.max(1e-9);
    let overwritten = after.overwritten.saturating_sub(before.overwritten);
    let gone = after.counts.lost - before.counts.lost;
    report.conflicting = Some(after.counts.conflicting - before.counts.conflicting);
    report.diverged = Some(documents.diverged.len() as u64);
    report.lost_edits = Some(gone + overwritten);
    report.transforms_per_s = Some(per_s(after.counts.steps - before.counts.steps));
    report.frames_per_s = Some(per_s(after.counts.frames - before.counts.frames));
}
