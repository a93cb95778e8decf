//! What the stores of regions did, for the report.

use super::Stores;
use crate::report::{OperationReport, TierReport};
use crate::system::baseline::{Reading, fifo};
use crate::time::SimTime;

impl Stores {
    /// Readings of all stores.
    #[must_use]
    pub fn readings(&self, now: SimTime) -> Vec<Reading> {
        self.pools.iter().map(|pool| fifo(pool, now)).collect()
    }

    /// What they counted, beside how busy they were.
    pub fn counted(&self, report: &mut TierReport, names: &[String]) {
        report.instances = self.pools.len() as u32;
        let counts = &self.counts;
        let accepted: u64 = self
            .pools
            .iter()
            .map(crate::station::FastFifo::accepted)
            .sum();
        let mut named = vec![
            ("queries".to_owned(), accepted),
            ("writes_accepted".to_owned(), counts.accepted),
            ("writes_acknowledged".to_owned(), counts.acknowledged),
            ("exchanged".to_owned(), counts.exchanged),
        ];
        for (site, name) in names.iter().enumerate() {
            named.push((format!("writes_{name}"), counts.writes[site]));
            named.push((format!("refused_{name}"), counts.refused[site]));
        }
        if let Some(after) = self.converged {
            let ms = after.as_nanos() / 1_000_000;
            named.push(("converged_after_ms".to_owned(), ms));
        }
        report.counters.extend(named);
    }

    /// What became of commands.
    pub fn judged(&self, report: &mut OperationReport) {
        let mut settled = self.settled();
        report.diverged = Some(settled.divergence());
        settled.exchange();
        report.conflicting = Some(settled.conflicts(&self.acknowledged));
        let sum = (0..settled.split().regions()).map(|region| settled.sum(region));
        let kept = sum.max().unwrap_or_default();
        report.lost_updates = Some(self.counts.acknowledged.saturating_sub(kept));
    }
}
