//! What is reported of a design that stands in several regions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A design in several regions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RegionsReport {
    /// By name.
    pub places: BTreeMap<String, RegionReport>,
    /// Share of messages that have members on servers of another region than the one that ordered them.
    pub cross_region_ratio: f64,
    /// Copies that crossed to another region, per message.
    pub crossings_per_message: f64,
    /// Bytes that left one region for another, per second.
    pub inter_region_bytes_per_s: f64,
    /// Connections at the end that are served under another law than their user's.
    pub residency_violations: u64,
}

/// One region.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RegionReport {
    /// Connection servers that stand there.
    pub servers: u32,
    /// Connections open there at the end.
    pub connections: u64,
    /// Their share of all.
    pub share: f64,
    /// Share of the cores of its connection servers that were busy.
    pub cpu: f64,
    /// Whether it is lost at the end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lost: bool,
}
