//! What an objective asks for, in a few words behind it.

/// In words; `None` for a path that has none of its own.
pub(crate) fn in_words(path: &str) -> Option<String> {
    let steps: Vec<&str> = path.split('.').collect();
    match steps.as_slice() {
        ["breaks_at"] => Some("it holds so many users; `check` simulates them".to_owned()),
        ["cost", per] => cost(per).map(str::to_owned),
        ["connections", what] => connections(what).map(str::to_owned),
        ["tiers", tier, "utilization", resource, which] => {
            let tier = tier.replace('_', " ");
            Some(match *which {
                "hottest" => {
                    format!("how full {resource} of the fullest instance of the {tier} is")
                }
                _ => format!("how full {resource} of the {tier} is, mean of the instances"),
            })
        }
        ["faults", which, what] => fault(which, what),
        ["faults", which, "lost", what] => lost(which, what),
        ["tiers", tier, "queue", which] => {
            let tier = tier.replace('_', " ");
            Some(format!("how much waits at the {tier}, {which}"))
        }
        ["tiers", "log", "append_ms", statistic] => Some(format!(
            "time until the event of a decision is committed, {statistic}"
        )),
        ["tiers", "projections", "lag_ms", which] => Some(format!(
            "time between the commit of an event and the moment it is visible, {which}"
        )),
        ["tiers", tier, "counters", name] => counter(tier, name).map(str::to_owned),
        ["tiers", tier, ratio] => {
            let tier = tier.replace('_', " ");
            Some(match *ratio {
                "hit_ratio" => format!("how much of what it is asked the {tier} answers by itself"),
                "origin_offload" => {
                    format!("share of the bytes that the {tier} takes off the origin")
                }
                "hot_shard_ratio" => {
                    format!("how often the most asked shard of the {tier} is asked, by the mean")
                }
                "cross_shard_ratio" => {
                    format!("share of what the {tier} is asked that several shards must answer")
                }
                "writes_lost" => {
                    format!("acknowledged writes that no replica had when it took over the {tier}")
                }
                "dropped" => format!("what the {tier} refuses"),
                _ => return None,
            })
        }
        ["notify", class, "delivered_ratio"] => Some(format!(
            "notifications of {class} priority that reach their user, as a share of those that are over"
        )),
        ["notify", class, "shed_ratio"] => Some(format!(
            "notifications of {class} priority that are dropped, as a share of those that are over"
        )),
        [operation, kind, statistic] => latency(operation, kind, statistic),
        [operation, what] => counted(operation, what),
        _ => None,
    }
}

fn counter(tier: &str, name: &str) -> Option<&'static str> {
    Some(match (tier, name) {
        ("command_side", "conflicts") => {
            "decisions that came too late because the record had changed"
        }
        ("command_side", "gave_up") => "commands that failed after the last attempt",
        ("command_side", "refused") => "commands and messages that found no place in time",
        ("command_side", "replay_hash_mismatches") => {
            "replayed states that are not those that were"
        }
        ("log", "lost_acknowledged") => "events lost with a leader although they were acknowledged",
        ("log", "elections") => "partitions that got another leader",
        ("projections", "repeated") => "events put in again after a crash",
        _ => return None,
    })
}

fn called(which: &str) -> String {
    if which.bytes().all(|b| b.is_ascii_digit()) {
        format!("fault {which}")
    } else {
        format!("the {which}")
    }
}

fn fault(which: &str, what: &str) -> Option<String> {
    let until = match what {
        "time_to_detect_s" => "somebody notices",
        "time_to_fail_over_s" => "what failed is done elsewhere",
        "time_to_recover_s" => "all is as before",
        _ => return None,
    };
    Some(format!(
        "from the beginning of {} until {until}",
        called(which)
    ))
}

fn lost(which: &str, what: &str) -> Option<String> {
    let things = match what {
        "deliveries" => "deliveries that are owed and never received",
        "failed" => "operations that fail",
        "timed_out" => "operations that time out",
        "reconnects" => "connections that are made again",
        "reconnects_usual" => "connections made again that would have been without it",
        _ => return None,
    };
    Some(format!(
        "{things} because of {}, until all is as before",
        called(which)
    ))
}

fn things(operation: &str) -> Option<&'static str> {
    Some(match operation {
        "publish" => "messages",
        "presence" => "status changes",
        "query" => "queries",
        "connect" => "connects",
        "command" => "commands",
        "fetch_asset" => "assets",
        "edit" => "edits",
        "reserve" => "purchases",
        "order" => "orders",
        "notify" => "notifications",
        _ => return None,
    })
}

fn latency(operation: &str, kind: &str, statistic: &str) -> Option<String> {
    let share = match statistic {
        "mean" => "on average,",
        "p50" => "half of",
        "p95" => "95 % of",
        "p99" => "99 % of",
        "p999" => "99.9 % of",
        _ => return None,
    };
    let end = match kind {
        "delivered" => "reach each of their receivers within this",
        "complete" => "reach the last of their receivers within this",
        "market_data" => "reach the last listener within this, as market data",
        "stockout_visible" => {
            return Some(format!(
                "{share} the connection servers say within this that an article is sold out"
            ));
        }
        other if operation == "notify" => {
            let (provider, priority) = other.rsplit_once('_')?;
            return Some(format!(
                "{share} notifications by {} of {priority} priority reach their user within this",
                provider.replace('_', "-")
            ));
        }
        "answered" => "are answered within this",
        _ => return None,
    };
    Some(format!("{share} {} {end}", things(operation)?))
}

fn counted(operation: &str, what: &str) -> Option<String> {
    let things = things(operation)?;
    let said = match what {
        "lost" => "owed to somebody and never received",
        "duplicated" => "received twice",
        "reordered" => "received out of order",
        "failed" => "that fail",
        "timed_out" => "that time out",
        "retried" => "that are tried again",
        "conflicting" if operation != "edit" => "decided too late, because the record had changed",
        "rejected" if matches!(operation, "command" | "publish") => {
            "that found no place at the command side in time"
        }
        "behind_ms" => "how far behind the log the projection was that answers them",
        "offered_per_s" => "asked for in a second",
        "completed_per_s" => "done in a second",
        "deliveries_per_s" => "delivered in a second, one for each receiver",
        "conflicting" => "concurrent with somebody else's",
        "lost_edits" => "that left no trace",
        "diverged" => "that left documents different, counted by document",
        "transforms_per_s" => "transformed against one another in a second",
        "frames_per_s" => "put together in frames, counted by frame and receiver in a second",
        "stale_ratio" => "answered with old data, as a share",
        "oversold" => "that got a unit that does not exist",
        "rejected" if operation == "reserve" => "that are told that nothing is left",
        "rejected" => "that cancel or change what no longer rests",
        "conversion" => "that get what they ask for, as a share",
        "partially_committed" => "that end with some of their articles and not all",
        "deadline_miss_ratio" => "that fail or are answered too late, as a share",
        "sequence_gaps" => "whose numbers a listener misses, or sees again",
        "withheld" => "not told on purpose",
        "sent_to_switched_off" => "sent over a channel that the user has switched off",
        _ => return None,
    };
    Some(format!("{things} {said}"))
}

fn connections(what: &str) -> Option<&'static str> {
    Some(match what {
        "rejected" => "connects that are turned away",
        "open" => "connections open at the end",
        "wanted" => "connections that should be open at the end",
        "reconnects" => "connects of people who were connected before",
        "attempts" => "connects that were tried",
        "resumed" => "sessions that went on where they were cut",
        _ => return None,
    })
}

fn cost(per: &str) -> Option<&'static str> {
    Some(match per {
        "usd_per_month" => "the bill of 730 hours of this load",
        "usd_per_million_messages" => "the bill per million messages",
        "usd_per_user_month" => "the bill per user and month",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{explain::numbers, load, presets};

    #[test]
    fn objectives_of_presets_have_words() {
        for preset in presets::ALL {
            let scenario = load::load(preset.name, &[]).unwrap();
            for objective in scenario.objectives {
                assert!(in_words(&objective.path).is_some(), "{}", objective.path);
            }
        }
        assert_eq!(
            in_words("publish.delivered.p99").as_deref(),
            Some("99 % of messages reach each of their receivers within this")
        );
    }

    #[test]
    fn what_has_words_is_a_number_of_the_report() {
        let docs = sim_core::docs::report();
        for path in [
            "publish.delivered.p99",
            "connections.rejected",
            "cost.usd_per_month",
        ] {
            assert!(numbers::find(&docs, path).is_some(), "{path}");
        }
    }
}
