//! One report over several populations: how much of a number follows from who the users are, how much from the run.
//!
//! The intervals of a run are conditional on its population: the same users, channels and places, drawn by the population
//! seed. Several populations, each simulated, give values xᵢ with their own intervals. The variance of the xᵢ is that of the
//! population plus that of the runs, so with the mean wᵢ of the runs' variances (each from its half-width and confidence)
//!
//! ```text
//! between populations  σ² = max(0, s² − w̄),   share of the population = σ² / (σ² + w̄)
//! ```
//!
//! and the mean over populations is x̄ ± t_{K−1} · s / √K, which holds for any population of the same kind. All else in the
//! report is of the first population; an objective has the worst of its verdicts, so a design must hold whoever its users are.
//!
//! Leaves out: common random numbers between populations (users differ, so their draws do).
//! Source: the one-way random-effects model, Searle, Casella & McCulloch, Variance Components, 1992, section 3.6.

use super::verdict::number;
use crate::report::{Estimate, PopulationSpread, PopulationsReport, RunReport};
use crate::statistics::CONFIDENCE;
use crate::statistics::special::{normal_quantile, student_t_quantile};

/// Merges reports of the same scenario and run seed that differ in their population seeds. One report is returned as it is;
/// `None` without any.
#[must_use]
pub fn over_populations(reports: Vec<RunReport>) -> Option<RunReport> {
    let mut merged = reports.first()?.clone();
    if reports.len() < 2 {
        return Some(merged);
    }
    let numbers = paths(&merged)
        .into_iter()
        .filter_map(|path| Some((path.clone(), spread(&path, &reports)?)))
        .collect();
    merged.populations = Some(PopulationsReport {
        seeds: reports
            .iter()
            .map(|report| report.population_seed)
            .collect(),
        numbers,
    });
    for (index, objective) in merged.objectives.iter_mut().enumerate() {
        let all = reports
            .iter()
            .filter_map(|report| report.objectives.get(index));
        if let Some(worst) = all.rev().max_by_key(|found| badness(&found.verdict)) {
            *objective = worst.clone();
        }
    }
    if let Some(stopped) = reports.iter().find(|report| report.stop != "Finished") {
        merged.stop.clone_from(&stopped.stop);
    }
    for report in &reports[1..] {
        merged.engine.events += report.engine.events;
        merged.engine.deliveries += report.engine.deliveries;
        merged.engine.cpu_s += report.engine.cpu_s;
        merged.engine.setup_cpu_s += report.engine.setup_cpu_s;
        merged.engine.memory_bytes = merged.engine.memory_bytes.max(report.engine.memory_bytes);
        for warning in &report.warnings {
            if !merged.warnings.contains(warning) {
                merged.warnings.push(warning.clone());
            }
        }
    }
    Some(merged)
}

fn badness(verdict: &str) -> u8 {
    match verdict {
        "pass" => 0,
        "inconclusive" => 1,
        _ => 2,
    }
}

/// The numbers that are compared: latencies, deliveries per message, the hottest instances, the break and the bill.
fn paths(report: &RunReport) -> Vec<String> {
    let mut paths = Vec::new();
    for (name, operation) in &report.operations {
        for kind in operation.latency_ms.keys() {
            let statistics = ["mean", "p50", "p95", "p99", "p999"];
            paths.extend(statistics.map(|statistic| format!("{name}.{kind}.{statistic}")));
        }
        if operation.deliveries_per_s > 0.0 {
            paths.push(format!("{name}.deliveries_per_s"));
        }
    }
    for (name, tier) in &report.tiers {
        let resources = tier.utilization.keys();
        paths.extend(
            resources.map(|resource| format!("tiers.{name}.utilization.{resource}.hottest")),
        );
    }
    paths.extend(["breaks_at", "cost.usd_per_month"].map(str::to_owned));
    paths
}

/// One number over all populations; `None` when a population has none.
fn spread(path: &str, reports: &[RunReport]) -> Option<PopulationSpread> {
    let estimates: Vec<(Estimate, f64)> = reports
        .iter()
        .map(|report| {
            let confidence = report
                .precision
                .as_ref()
                .map_or(CONFIDENCE, |p| p.confidence);
            let plain = number(path, report)?;
            let known = report.rates.get(path).filter(|_| plain.low.is_none());
            let bounds = known.unwrap_or(&plain);
            let (low, high) = (bounds.low, bounds.high);
            Some((Estimate { low, high, ..plain }, confidence))
        })
        .collect::<Option<_>>()?;
    let values: Vec<f64> = estimates
        .iter()
        .map(|(estimate, _)| estimate.value)
        .collect::<Option<_>>()?;
    let n = values.len() as f64;
    let origin = values[0];
    let mean = origin + values.iter().map(|value| value - origin).sum::<f64>() / n;
    let squares: f64 = values
        .iter()
        .map(|value| (value - mean) * (value - mean))
        .sum();
    let variance = squares / (n - 1.0);
    let half = student_t_quantile(0.5 + CONFIDENCE / 2.0, n - 1.0) * libm::sqrt(variance / n);
    let of_runs: Option<Vec<f64>> = estimates.iter().map(of_run).collect();
    let of_run = of_runs.map(|all| all.iter().sum::<f64>() / n);
    let between = (variance - of_run.unwrap_or(0.0)).max(0.0);
    let total = between + of_run.unwrap_or(0.0);
    Some(PopulationSpread {
        value: mean,
        low: mean - half,
        high: mean + half,
        least: values.iter().copied().fold(f64::INFINITY, f64::min),
        most: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        sd_of_population: libm::sqrt(between),
        sd_of_run: of_run.map(libm::sqrt),
        share_of_population: (of_run.is_some() && total > 0.0).then(|| between / total),
    })
}

/// The variance of a run's value, from its interval.
fn of_run((estimate, confidence): &(Estimate, f64)) -> Option<f64> {
    let half = 0.5 * (estimate.high? - estimate.low?);
    let sd = half / normal_quantile(0.5 + confidence / 2.0);
    Some(sd * sd)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::fake::Fake;

    fn with_p99(seed: u64, value: f64, half: f64) -> RunReport {
        let fake = Fake {
            full_at: vec![("database", "pool", 1e6)],
            p99_fails_at: 1e6,
        };
        let mut report = fake.report(1_000);
        report.population_seed = seed;
        let (_, operation) = report.operations.iter_mut().next().unwrap();
        let (_, latency) = operation.latency_ms.iter_mut().next().unwrap();
        latency.p99 = Estimate {
            value: Some(value),
            low: Some(value - half),
            high: Some(value + half),
        };
        report
    }

    fn p99(report: &RunReport) -> PopulationSpread {
        let populations = report.populations.as_ref().unwrap();
        let mut numbers = populations.numbers.iter();
        *numbers.find(|(path, _)| path.ends_with(".p99")).unwrap().1
    }

    #[test]
    fn one_population_is_the_plain_run() {
        let plain = with_p99(1, 100.0, 5.0);
        assert_eq!(over_populations(vec![plain.clone()]), Some(plain));
        assert_eq!(over_populations(Vec::new()), None);
    }

    #[test]
    fn the_variance_is_that_of_the_population_and_that_of_the_runs() {
        // Values 90, 100, 110, 120: s² = 500 / 3. Runs of sd 5: variance 25.
        let half = 5.0 * normal_quantile(0.975);
        let all = [90.0, 100.0, 110.0, 120.0];
        let reports = (1..)
            .zip(all)
            .map(|(seed, value)| with_p99(seed, value, half))
            .collect();
        let merged = over_populations(reports).unwrap();
        let found = p99(&merged);
        let s2 = 500.0 / 3.0;
        assert!((found.value - 105.0).abs() < 1e-9);
        // t with 3 degrees of freedom: 3.182.
        assert!(
            (found.high - 105.0 - 3.182_446 * libm::sqrt(s2 / 4.0)).abs() < 1e-3,
            "{found:?}"
        );
        assert!((found.sd_of_run.unwrap() - 5.0).abs() < 1e-9);
        assert!((found.sd_of_population - libm::sqrt(s2 - 25.0)).abs() < 1e-9);
        assert!((found.share_of_population.unwrap() - (s2 - 25.0) / s2).abs() < 1e-9);
        assert_eq!((found.least, found.most), (90.0, 120.0));
        assert_eq!(merged.populations.unwrap().seeds, [1, 2, 3, 4]);
    }

    #[test]
    fn noise_alone_is_no_spread_between_populations() {
        let half = 50.0;
        let reports = vec![with_p99(1, 99.0, half), with_p99(2, 101.0, half)];
        let found = p99(&over_populations(reports).unwrap());
        assert_eq!(
            (found.sd_of_population, found.share_of_population),
            (0.0, Some(0.0))
        );
    }

    #[test]
    fn an_objective_must_hold_for_every_population() {
        let with = |seed, verdict: &str| {
            let mut report = with_p99(seed, 100.0, 1.0);
            report.objectives = vec![crate::report::ObjectiveReport {
                objective: "publish.delivered.p99 < 500 ms".to_owned(),
                verdict: verdict.to_owned(),
                value: Some(seed as f64),
                low: None,
                high: None,
            }];
            report
        };
        let reports = vec![
            with(1, "pass"),
            with(2, "fail"),
            with(3, "inconclusive"),
            with(4, "fail"),
        ];
        let merged = over_populations(reports).unwrap();
        assert_eq!(merged.objectives[0].verdict, "fail");
        assert_eq!(merged.objectives[0].value, Some(2.0));
    }
}
