//! What became of a fault that ended.

use serde::{Deserialize, Serialize};

/// A fault that ended while measured, and how the system came back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FaultReport {
    /// What happened: `slow-down × 10 of database #0`.
    pub fault: String,
    /// When it began, seconds from the start of the run.
    pub began_s: f64,
    /// When it ended.
    pub ended_s: f64,
    /// When the registry noticed that a connection server was dead, or everybody that a region was; `None`: nobody did, or nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detected_s: Option<f64>,
    /// When the work of what failed was done elsewhere; `None`: it was not by the end of the run, or nothing has to take over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failover_s: Option<f64>,
    /// The first second after its end from which, over any five seconds until the end of the run, every operation completes at
    /// least 95 % of what it completed of the offered before the fault, and the tier that is most behind is on average no more behind
    /// than twice what it was at most before (or 10 ms); `None`: not by the end of the run.
    pub recovered_s: Option<f64>,
    /// Operations that failed or timed out from its beginning until then.
    pub failed: u64,
}
