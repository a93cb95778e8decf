//! What became of the faults of a run.

use serde::{Deserialize, Serialize};

/// A fault that began while measured, and how the system came back. Times are seconds from the start of the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FaultReport {
    /// What happens: `slow-down × 10 of database #0`.
    pub fault: String,
    /// Its position in `faults`, of those that the patterns leave; objectives name it by that.
    #[serde(default)]
    pub number: u32,
    /// What it is called in a scenario: `Kill`; objectives may name it by that if there is one of the kind.
    #[serde(default)]
    pub kind: String,
    /// When it began, seconds from the start of the run.
    pub began_s: f64,
    /// When it ended; `None`: it was not over at the end of the run.
    pub ended_s: Option<f64>,
    /// When it was detected; `None`: nobody did by the end of the run, or there is nothing to detect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detected_s: Option<f64>,
    /// Who detects it, or why there is nothing to detect.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detection: String,
    /// When the work of what failed was done elsewhere; `None`: it was not by the end of the run, or nothing has to take over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failover_s: Option<f64>,
    /// Who takes over, or why nobody has to.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub failover: String,
    /// The first second after its end (after its beginning, if it did not end) from which, over any five seconds until the end of the
    /// run, every operation completes at least 95 % of what it completed of the offered before the fault, takes on average at most
    /// a tenth and 10 ms longer than in the slowest five seconds before, and the tier that is most behind is on average no more
    /// behind than twice what it was at most before (or 10 ms); `None`: not by the end of the run.
    pub recovered_s: Option<f64>,
    /// Seconds from its beginning until it was detected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_to_detect_s: Option<f64>,
    /// Seconds from its beginning until the work of what failed was done elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_to_fail_over_s: Option<f64>,
    /// Seconds from its beginning until all was as before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_to_recover_s: Option<f64>,
    /// Seconds from its beginning until the end of the run: what it took to recover is more, if it did not.
    #[serde(default)]
    pub watched_s: f64,
    /// Operations that failed or timed out from its beginning until then, or until the end of the run.
    pub failed: u64,
    /// What was lost in the same time, by kind.
    #[serde(default)]
    pub lost: FaultLosses,
    /// Numbers of the faults whose time overlaps: what was lost in it is counted for each of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shares_with: Vec<u32>,
}

/// What was lost from the beginning of a fault until all was as before, or until the end of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultLosses {
    /// Deliveries that were owed and will not be received: lost on the way, or with a session that expired.
    pub deliveries: u64,
    /// Operations that ended in an error.
    pub failed: u64,
    /// Operations that timed out.
    pub timed_out: u64,
    /// Connections made again after a loss.
    pub reconnects: u64,
    /// Of these, as many as were made in as long a time before.
    pub reconnects_usual: u64,
}
