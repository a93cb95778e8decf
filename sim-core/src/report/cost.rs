//! What is reported of money.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Money.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CostReport {
    /// Per month of 730 hours.
    pub usd_per_month: f64,
    /// Per million messages published.
    pub usd_per_million_messages: f64,
    /// Per user and month.
    pub usd_per_user_month: f64,
    /// Which prices.
    pub price_book: String,
    /// What it adds up from.
    pub items: Vec<CostItem>,
    /// Per year: 12 months of 730 hours.
    #[serde(default)]
    pub usd_per_year: f64,
    /// Per month by tier name.
    #[serde(default)]
    pub by_tier: BTreeMap<String, f64>,
    /// Per month by what it is spent for: `idle_connections`, `message_cpu`, `egress`, `data`, `edge`.
    #[serde(default)]
    pub by_purpose: BTreeMap<String, f64>,
    /// Per month by the region it is spent in.
    #[serde(default)]
    pub by_region: BTreeMap<String, f64>,
    /// Deliveries per second and connection at which messages answer for as much of the connection servers' rent as idle
    /// connections do; `None`: no messages.
    #[serde(default)]
    pub crossover_deliveries_per_s: Option<f64>,
    /// Which hours the month is made of: `at this load around the clock`.
    #[serde(default)]
    pub shape: String,
    /// The same connections and messages at managed services.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub managed: Vec<ManagedReport>,
    /// What stands behind the figures: assumptions, prices of another region or book.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A managed service in place of the design's own servers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ManagedReport {
    /// Name in `assets/prices/managed.tsv`.
    pub service: String,
    /// Per month of 730 hours; `None`: the service lists no price for so much.
    pub usd_per_month: Option<f64>,
    /// Published limits: `messages_per_s: 10000 1/s`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<String>,
    /// `latency not simulated`, limits this use is beyond, or why there is no price.
    pub note: String,
}

/// One line of the bill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CostItem {
    /// Tier name.
    pub tier: String,
    /// `machines`, `egress`.
    pub category: String,
    /// Per month of 730 hours.
    pub usd_per_month: f64,
}
