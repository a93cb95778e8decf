//! Paths and names of a report, said in words.

use sim_core::report::RunReport;

/// A tier's name in sentences: `connection_servers` is `connection servers`.
pub(crate) fn tier(name: &str) -> String {
    name.replace('_', " ")
}

/// A resource of a tier: `the database pool`, `CPU of the connection servers`.
pub(crate) fn resource(tier_name: &str, resource: &str) -> String {
    let tier = tier(tier_name);
    match resource {
        "pool" => format!("the {tier} pool"),
        "cpu" => format!("CPU of the {tier}"),
        "connections" => format!("connection slots of the {tier}"),
        "descriptors" => format!("file descriptors of the {tier}"),
        "bandwidth" => format!("network bandwidth of the {tier}"),
        other => format!("{} of the {tier}", other.replace('_', " ")),
    }
}

/// A limit of `breaks_at` or of a ramp's `breaks`, in words.
#[must_use]
pub fn limit(limit: &str) -> String {
    if limit.contains(['<', '>', '=']) {
        return format!("the objective `{limit}`");
    }
    if let Some(reason) = limit.strip_prefix("connections.rejected.") {
        return format!("connections rejected for want of {}", rejection(reason));
    }
    if let Some(name) = limit.strip_prefix("unstable.") {
        return format!("the {} (its queue grows without end)", tier(name));
    }
    match limit.split_once('.') {
        Some((name, what)) => resource(name, what),
        None => limit.replace('_', " "),
    }
}

/// Why connections are rejected.
pub(crate) fn rejection(reason: &str) -> String {
    match reason {
        "accept_rate" => "accept rate".to_owned(),
        "no_server" => "a server".to_owned(),
        "connections" => "connection slots".to_owned(),
        "descriptors" => "file descriptors".to_owned(),
        other => other.replace('_', " "),
    }
}

/// The tier that an unstable run names, if the run is unstable.
pub(crate) fn unstable_tier(report: &RunReport) -> Option<String> {
    let rest = report.stop.strip_prefix("Unstable")?;
    let name: String = rest
        .chars()
        .filter(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    // `Unstable{tier: "database"}` and `Unstable{database}` name the same tier.
    let name = name
        .strip_prefix("tier")
        .filter(|n| !n.is_empty())
        .unwrap_or(&name);
    let named = report.tiers.keys().find(|key| {
        key.replace('_', "")
            .eq_ignore_ascii_case(&name.replace('_', ""))
    });
    Some(named.map_or_else(|| name.to_owned(), Clone::clone))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn limits_in_words() {
        assert_eq!(limit("database.pool"), "the database pool");
        assert_eq!(
            limit("connection_servers.cpu"),
            "CPU of the connection servers"
        );
        assert_eq!(
            limit("connections.rejected.accept_rate"),
            "connections rejected for want of accept rate"
        );
        assert_eq!(
            limit("publish.delivered.p99 < 500 ms"),
            "the objective `publish.delivered.p99 < 500 ms`"
        );
        assert_eq!(
            limit("unstable.database"),
            "the database (its queue grows without end)"
        );
    }

    #[test]
    fn unstable_runs_name_their_tier() {
        let mut report = sample::run();
        assert_eq!(unstable_tier(&report), None);
        for stop in [
            "Unstable{database}",
            "Unstable { tier: Database }",
            "Unstable{tier: \"database\"}",
        ] {
            report.stop = stop.to_owned();
            assert_eq!(
                unstable_tier(&report).as_deref(),
                Some("database"),
                "{stop}"
            );
        }
    }
}
