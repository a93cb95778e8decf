//! Charts as SVG, drawn by plotters: sharp at any size, in the colours of the page, with the numbers said in words beside them.

mod axis;
mod bars;
mod canvas;
mod curves;
mod growth;
mod guesses;
mod ink;
mod latency_line;
mod pairs;
mod plane;
mod taught;
mod time;

pub(crate) use bars::{causes, cost, load_line, utilization};
pub(crate) use curves::{percentiles, percentiles_of_two};
pub(crate) use growth::{cost_by_load, latency_by_load, utilization_by_load};
pub(crate) use guesses::guesses;
pub use latency_line::{LatencyLine, latency_line_csv, latency_line_svg};
pub(crate) use pairs::{differences, pairs};
pub(crate) use taught::{against_load, watched};
pub(crate) use time::over_time;

/// A drawing and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Figure {
    /// What is shown.
    pub(crate) title: String,
    /// The numbers in words, for who does not see it.
    pub(crate) summary: String,
    /// The drawing.
    pub(crate) svg: String,
}

#[cfg(test)]
mod tests {
    use sim_core::report::{Estimate, RunReport};

    use super::*;
    use crate::sample;

    fn all(run: &RunReport) -> Vec<Figure> {
        let mut figures = Vec::new();
        figures.extend(percentiles(run));
        figures.extend(over_time(run));
        figures.extend(utilization(run));
        figures.extend(
            run.operations
                .iter()
                .filter_map(|(name, o)| causes(name, o)),
        );
        figures.extend(cost(run));
        figures.extend(load_line(run, "users"));
        figures
    }

    fn well_formed(figures: &[Figure]) {
        for figure in figures {
            let tree = roxmltree::Document::parse(&figure.svg)
                .unwrap_or_else(|e| panic!("{}: {e}\n{}", figure.title, figure.svg));
            assert_eq!(
                tree.root_element().attribute("role"),
                Some("img"),
                "{}",
                figure.title
            );
            assert!(
                tree.root_element()
                    .attribute("aria-label")
                    .is_some_and(|l| l.len() > 20)
            );
            let plain = ["#FA", "NaN", "inf", "http", "font-family"];
            for text in plain {
                assert!(!figure.svg.contains(text), "{text} in {}", figure.title);
            }
            assert!(!figure.summary.is_empty() && !figure.title.is_empty());
        }
    }

    #[test]
    fn a_full_run_draws_everything() {
        let figures = all(&sample::full());
        assert_eq!(
            figures.len(),
            1 + 4 + 1 + 1 + 1 + 1,
            "{:?}",
            figures.iter().map(|f| &f.title).collect::<Vec<_>>()
        );
        well_formed(&figures);
    }

    #[test]
    fn empty_and_strange_numbers_draw_nothing_or_stay_well_formed() {
        let mut run = sample::full();
        run.series = None;
        run.cost = None;
        run.breaks_at = None;
        for operation in run.operations.values_mut() {
            operation.breakdown.clear();
            for latency in operation.latency_ms.values_mut() {
                latency.buckets.clear();
                latency.p99 = Estimate::none();
            }
        }
        run.tiers.clear();
        assert_eq!(all(&run).len(), 0);
        let mut huge = sample::full();
        huge.users = u64::MAX;
        for used in huge
            .tiers
            .values_mut()
            .flat_map(|t| t.utilization.values_mut())
        {
            used.hottest = 1e12;
            used.mean = f64::NAN;
        }
        if let Some(cost) = &mut huge.cost {
            cost.items[0].usd_per_month = 1e300;
        }
        let long = "a tier with a name that nobody could fit beside a bar <&> \"quoted\"".repeat(2);
        let tier = huge.tiers.get("database").cloned().unwrap_or_default();
        huge.tiers.insert(long, tier);
        well_formed(&all(&huge));
    }

    #[test]
    fn ramps_and_comparisons_draw() {
        let ramp = sample::ramp();
        let mut figures = Vec::new();
        figures.extend(latency_by_load(&ramp.points, &ramp.breaks, None, "users"));
        figures.extend(cost_by_load(&ramp.points, &ramp.breaks, None, "users"));
        figures.extend(utilization_by_load(
            &ramp.points,
            &ramp.breaks,
            None,
            "users",
        ));
        assert_eq!(figures.len(), 3);
        let compare = sample::compare();
        figures.extend(differences(&compare, ("A", "B")));
        figures.extend(percentiles_of_two(&compare, ("A", "B")));
        figures.extend(pairs(&compare, ("A", "B")));
        assert_eq!(figures.len(), 6);
        well_formed(&figures);
        assert!(latency_by_load(&[], &[], None, "users").is_none());
        assert!(latency_by_load(&ramp.points[..1], &[], None, "users").is_none());
    }

    #[test]
    fn the_same_report_draws_the_same_bytes() {
        assert_eq!(all(&sample::full()), all(&sample::full()));
    }
}
