//! Metric paths of the report (`publish.delivered.p99`, `cost.usd_per_month`): their unit, name in words, and sign.

use crate::numbers::{bytes, count, millis, percent, rate, usd};
use crate::phrases;

/// What a metric measures, which decides how it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Milliseconds.
    Time,
    /// Dollars.
    Money,
    /// 0..=1.
    Share,
    /// Per second.
    Rate,
    /// Bytes.
    Bytes,
    /// Things.
    Count,
}

impl Kind {
    /// A value in its unit.
    pub(crate) fn show(self, value: f64) -> String {
        match self {
            Kind::Time => millis(value),
            Kind::Money => usd(value),
            Kind::Share => percent(value),
            Kind::Rate => rate(value),
            Kind::Bytes => bytes(value),
            Kind::Count => count(value),
        }
    }

    /// A difference: `+12.3 ms`, `−$200`; shares differ by points.
    pub(crate) fn signed(self, value: f64) -> String {
        let size = match self {
            Kind::Share => format!("{} points", percent(value.abs()).trim_end_matches(" %")),
            kind => kind.show(value.abs()),
        };
        match value {
            v if v > 0.0 => format!("+{size}"),
            v if v < 0.0 => format!("−{size}"),
            _ => size,
        }
    }
}

/// The path an objective or a bare metric names.
pub(crate) fn path_of(text: &str) -> &str {
    text.split(['<', '>', '='])
        .next()
        .unwrap_or_default()
        .trim()
}

/// What the metric of an objective or a path measures.
pub(crate) fn kind(text: &str) -> Kind {
    let path = path_of(text);
    let has = |any: &[&str]| path.split('.').any(|part| any.contains(&part));
    let is_latency = has(&["delivered", "complete", "answered"])
        || ["market_data", "stockout_visible"]
            .iter()
            .any(|own| path.contains(own))
        || path.starts_with("notify.") && has(&["mean", "p50", "p95", "p99", "p999"]);
    if path.contains("usd") {
        Kind::Money
    } else if is_latency {
        Kind::Time
    } else if ["utilization", "ratio", "share", "conversion"]
        .iter()
        .any(|share| path.contains(share))
    {
        Kind::Share
    } else if path.ends_with("_per_s") {
        Kind::Rate
    } else if path.ends_with("_bytes") {
        Kind::Bytes
    } else {
        Kind::Count
    }
}

/// How an objective's value reads: latencies in time, money in dollars, shares in percent, the rest as counts.
pub(crate) fn unit_of(objective: &str) -> impl Fn(f64) -> String + use<> {
    let kind = kind(objective);
    move |value| kind.show(value)
}

/// A mean number waiting, two decimals at most.
pub(crate) fn mean_queue(mean: f64) -> String {
    match mean {
        0.0 => "0".to_owned(),
        m if m < 0.01 => "< 0.01".to_owned(),
        m if m < 1.0 => format!("{m:.2}"),
        m => count(m),
    }
}

/// A metric's name: `publish delivered, p99`, `cost a month`, `database pool, hottest`.
pub(crate) fn words(path: &str) -> String {
    let parts: Vec<&str> = path.split('.').collect();
    match parts.as_slice() {
        ["breaks_at"] => "breaks at".to_owned(),
        ["cost", "usd_per_month"] => "cost a month".to_owned(),
        ["cost", "usd_per_million_messages"] => "cost per million messages".to_owned(),
        ["cost", "usd_per_user_month"] => "cost per user and month".to_owned(),
        ["tiers", tier, "utilization", resource, which] => {
            format!("{} {resource}, {which}", phrases::tier(tier))
        }
        ["tiers", tier, "queue", which] => format!("{} queue, {which}", phrases::tier(tier)),
        [operation, kind, statistic] => format!("{operation} {kind}, {}", quantile(statistic)),
        [operation, name] => format!(
            "{operation}: {}",
            name.replace("_per_s", "").replace('_', " ")
        ),
        _ => path.replace('_', " "),
    }
}

fn quantile(name: &str) -> &str {
    if name == "p999" { "p99.9" } else { name }
}

#[cfg(test)]
mod tests {
    use sim_core::system::number;

    use super::*;
    use crate::sample;

    #[test]
    fn paths_find_their_number_and_unit() {
        let run = sample::run();
        let cases = [
            ("publish.delivered.p99", "212 ms", "publish delivered, p99"),
            ("cost.usd_per_month", "$94 K", "cost a month"),
            ("breaks_at", "255 K", "breaks at"),
            (
                "tiers.database.utilization.pool.hottest",
                "78 %",
                "database pool, hottest",
            ),
            ("publish.offered_per_s", "2 K/s", "publish: offered"),
        ];
        for (path, shown, name) in cases {
            let value = number(path, &run).and_then(|e| e.value).unwrap();
            assert_eq!(kind(path).show(value), shown, "{path}");
            assert_eq!(words(path), name);
        }
        assert_eq!(number("publish.nothing", &run), None);
    }

    #[test]
    fn differences_carry_their_sign_and_shares_differ_by_points() {
        assert_eq!(Kind::Time.signed(-34.0), "−34 ms");
        assert_eq!(Kind::Money.signed(3_000.0), "+$3 K");
        assert_eq!(Kind::Share.signed(0.12), "+12 points");
        assert_eq!(Kind::Count.signed(0.0), "0");
    }
}
