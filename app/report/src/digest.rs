//! One number for a whole result: what determinism tests compare and check in.
//!
//! XXH3-64 of the compact JSON of everything but `engine`, which holds times that differ from run to run.

use sim_core::report::{EngineReport, RampReport, RunReport};
use xxhash_rust::xxh3::xxh3_64;

/// Digest of a run's result part.
#[must_use]
pub fn digest(report: &RunReport) -> u64 {
    let result = RunReport {
        engine: EngineReport::default(),
        ..report.clone()
    };
    let text = serde_json::to_string(&result).expect("a report has string keys only");
    xxh3_64(text.as_bytes())
}

/// Digest of a ramp: of its runs' digests in order of load, and of what broke.
#[must_use]
pub fn digest_ramp(ramp: &RampReport) -> u64 {
    let mut bytes = Vec::with_capacity(ramp.points.len() * 8);
    for point in &ramp.points {
        bytes.extend_from_slice(&digest(point).to_le_bytes());
    }
    let breaks = serde_json::to_string(&ramp.breaks).expect("breaks have string keys only");
    bytes.extend_from_slice(breaks.as_bytes());
    xxh3_64(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn the_engine_does_not_count_and_all_else_does() {
        let a = sample::run();
        let mut b = a.clone();
        b.engine.cpu_s += 1.0;
        assert_eq!(digest(&a), digest(&b));
        b.seed += 1;
        assert_ne!(digest(&a), digest(&b));
    }

    #[test]
    fn a_ramp_counts_its_breaks() {
        let a = sample::ramp();
        let mut b = a.clone();
        b.breaks[0].users += 1;
        assert_ne!(digest_ramp(&a), digest_ramp(&b));
    }
}
