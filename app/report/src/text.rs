//! Text for people: one or two sentences first, then tables, widest 100 columns, no colour.

mod advice;
mod capacity;
mod compare;
mod places;
mod ramp;
mod run;

pub(crate) use advice::advice;
pub(crate) use capacity::capacity;
pub(crate) use compare::{check, compare, compared, overview};
pub(crate) use ramp::ramp;
pub(crate) use run::run;

#[cfg(test)]
mod tests {
    use sim_core::report::Estimate;

    use crate::sample;

    use super::*;

    #[test]
    fn a_run_opens_with_its_answer() {
        let text = run(&sample::run(), &sample::labels());
        let mut lines = text.lines();
        let first =
            "Team chat, 200 K users: 99 % of messages arrive within 212 ± 9 ms. $94 K a month.";
        assert_eq!(lines.next(), Some(first), "{text}");
        let second = "First to give way: the database pool, at about 255 K users (estimate).";
        assert_eq!(lines.next(), Some(second), "{text}");
    }

    #[test]
    fn a_run_shows_every_part() {
        let text = run(&sample::run(), &sample::labels());
        for part in [
            "publish delivered",
            "query answered",
            "us-east-1",
            "4g",
            "fan-out",
            "connection servers",
            "78 %",
            "egress",
            "2026-07",
            "fail  ",
            "breaks_at > 300_000 users",
            "channel sizes are assumed",
            "seed 7",
            "12.3 M events",
        ] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
    }

    #[test]
    fn an_unstable_run_says_so_first_and_gives_no_percentile() {
        let broken = sample::ramp().points.pop().unwrap();
        let text = run(&broken, &sample::labels());
        let first = text.lines().next().unwrap();
        assert!(
            first.starts_with("Team chat, 2 M users: unstable at the database."),
            "{text}"
        );
        let operations = text
            .split("\n\n")
            .find(|part| part.starts_with("Operation "))
            .unwrap();
        assert!(
            !operations.contains(" ms") && !operations.contains(" s "),
            "{operations}"
        );
        assert!(!text.contains("Where the time"), "{text}");
    }

    #[test]
    fn a_run_counts_its_assumptions() {
        let text = run(&sample::full(), &sample::labels());
        let line = "Assumptions: 1 of 3 numbers are assumed;";
        assert!(text.contains(line), "{text}");
        assert!(!run(&sample::run(), &sample::labels()).contains("Assumptions"));
    }

    #[test]
    fn rates_and_utilisations_have_their_intervals() {
        let mut steady = sample::run();
        let estimate = |value, low, high| Estimate {
            value: Some(value),
            low: Some(low),
            high: Some(high),
        };
        let pool = "tiers.database.utilization.pool.mean".to_owned();
        steady.rates.insert(pool, estimate(0.784, 0.774, 0.794));
        steady.rates.insert(
            "publish.offered_per_s".to_owned(),
            estimate(2_000.0, 1_990.0, 2_010.0),
        );
        let text = run(&steady, &sample::labels());
        for part in [
            "2 K/s ± 10/s",
            "78 % ± 1.0 points",
            "Over the steady part: ",
        ] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
    }

    #[test]
    fn a_stopped_run_says_how_far_it_came() {
        let mut stopped = sample::run();
        stopped.stop = "TimeBudget".to_owned();
        let text = run(&stopped, &sample::labels());
        assert!(
            text.contains("Stopped early: the time budget ran out after 60 s measured."),
            "{text}"
        );
    }

    #[test]
    fn a_ramp_says_what_breaks_and_how_deliveries_grow() {
        let text = ramp(&sample::ramp(), &sample::labels());
        for part in [
            "Team chat, 20 K to 2 M users: first to give way is the database pool, at 2 M users.",
            "Deliveries grow linearly with users (log-log slope 1.00 over 2 loads).",
            "unstable",
            "the objective `publish.delivered.p99 < 500 ms`",
        ] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
    }
}
