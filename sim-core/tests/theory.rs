//! Exact models and stated approximations: the simulation held against queueing theory, and its intervals against the truth.
//!
//! Every exact model must have its theory inside the 99.9 % interval of one run, and that interval must be at most 2 % wide on
//! either side. Run lengths were planned with pilot runs for a half-width of 1.5 to 1.8 %, lengthened where it came out
//! above 2 %, and are fixed. Of some forty intervals one misses in one of 25 seeds: with seed 2026 fork–join at 0.5 did
//! (−0.96 ± 0.89 %), while 90 million customers under seeds 11 to 13 gave −0.02 ± 0.09 %.
//! Sources: sim_core::theory, and the rows `Y-*` of published-cases.tsv.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests compare with the platform's own functions, and may fail anywhere"
)]

mod theory_models;

use sim_core::draw::{Draws, Purpose};
use sim_core::histogram::{Histogram, bucket_of, units_of};
use sim_core::statistics::special::{clopper_pearson, rejects_at_least};
use sim_core::statistics::{
    Batches, CompactHistogram, Estimate, Samples, SlotSeries, Unsupported, percentile_name,
    steady_cut,
};
use sim_core::theory::{
    ClosedStation, FiniteQueue, ManyServers, SingleServer, closed_network, fork_join_two,
    supermarket_mean, tandem_mean,
};
use sim_core::time::{SimDuration, SimTime};
use theory_models::{Closed, Fast, Many, SERVICE, Service, Supermarket, Tandem};

const SEED: u64 = 7;

/// The mean of a series, at 99.9 %.
fn mean(series: &SlotSeries) -> Estimate {
    let batches = Batches::new(series, SimTime::ZERO).unwrap();
    batches.mean_ms(Samples::Delivered, 0.999).unwrap()
}

/// The criterion for exact models; in milliseconds, or whatever the series counts.
fn confirm(model: &str, estimate: Estimate, exact: f64) {
    let half = estimate.relative_half_width();
    println!(
        "{model:<34} {:>11.5} ± {:.2} % (99.9 %, {} batches)   theory {exact:>11.5}   {:+.2} %",
        estimate.value,
        100.0 * half,
        estimate.units,
        100.0 * (estimate.value / exact - 1.0),
    );
    assert!(
        estimate.contains(exact),
        "{model}: theory says {exact}, {estimate:?}"
    );
    assert!(half <= 0.02, "{model}: the interval is {half} wide");
}

fn millions(millions: f64) -> u64 {
    (millions * 1e6) as u64
}

fn general(scv: f64, plan: &[(f64, f64)]) {
    for &(rho, customers) in plan {
        let run = Fast::run(SEED, rho, Service::of_scv(scv), 1, millions(customers));
        let exact = SingleServer::new(rho, 1.0, scv).unwrap().mean_response();
        confirm(
            &format!("M/G/1 of C² {scv} at {rho}"),
            mean(&run.series),
            exact,
        );
    }
}

#[test]
fn one_server_with_constant_service() {
    general(0.0, &[(0.5, 0.6), (0.8, 2.5), (0.95, 27.0)]);
}

#[test]
fn one_server_with_exponential_service() {
    general(1.0, &[(0.5, 1.5), (0.8, 5.0), (0.95, 90.0)]);
}

#[test]
fn percentiles_of_one_server() {
    for (rho, customers) in [(0.5, 4.0), (0.8, 10.0)] {
        let run = Fast::run(SEED, rho, Service::Exponential, 1, millions(customers));
        let batches = Batches::new(&run.series, SimTime::ZERO).unwrap();
        let station = ManyServers::new(1, rho, 1.0).unwrap();
        for p in [0.5, 0.95, 0.99, 0.999] {
            let estimate = batches.quantile_ms(Samples::Delivered, p, 0.999).unwrap();
            let exact = station.response_quantile(p);
            println!(
                "M/M/1 at {rho}, p{}: {estimate:?}, theory {exact}",
                100.0 * p
            );
            assert!(
                estimate.contains(exact),
                "p{}: {estimate:?}, {exact}",
                100.0 * p
            );
            assert!(estimate.relative_half_width() < 0.05);
        }
    }
}

#[test]
fn an_overloaded_server_has_no_answer() {
    for seed in 1..=20 {
        let run = Fast::run_uncut(seed, 1.1, millions(0.2));
        let seconds = run.per_second.as_ref().unwrap();
        assert_eq!(
            steady_cut(&[&seconds.means_ns]),
            Err(Unsupported::NotSteady)
        );
        assert!(matches!(
            Batches::new(&run.series, SimTime::ZERO),
            Err(Unsupported::TooCorrelated { .. })
        ));
    }
}

#[test]
fn one_server_with_variable_service() {
    general(5.0, &[(0.5, 6.0), (0.8, 20.0), (0.95, 200.0)]);
}

#[test]
fn one_server_with_very_variable_service() {
    general(20.0, &[(0.5, 30.0), (0.8, 70.0)]);
}

#[test]
#[ignore = "half a minute of CPU: half a billion customers"]
fn one_server_with_very_variable_service_in_heavy_traffic() {
    general(20.0, &[(0.95, 520.0)]);
}

#[test]
fn many_servers_with_one_queue() {
    for (servers, rho, customers) in [
        (4, 0.5, 0.6),
        (4, 0.8, 3.0),
        (16, 0.5, 0.5),
        (16, 0.8, 1.0),
        (16, 0.95, 34.0),
    ] {
        let run = Many::run(SEED, rho, servers, None, millions(customers));
        let station = ManyServers::new(servers, rho * f64::from(servers), 1.0).unwrap();
        let exact = station.mean_response();
        confirm(&format!("M/M/{servers} at {rho}"), mean(&run.series), exact);
    }
}

#[test]
fn many_servers_with_little_room() {
    for (servers, room, rho, customers) in [
        (1, 5, 0.5, 8.0),
        (1, 5, 0.8, 2.0),
        (1, 10, 0.95, 8.0),
        (4, 8, 0.95, 2.0),
    ] {
        let run = Many::run(SEED, rho, servers, Some(room), millions(customers));
        let exact = FiniteQueue::new(servers, room, rho * f64::from(servers), 1.0).unwrap();
        let name = format!("M/M/{servers}/{room} at {rho}");
        confirm(&name, mean(&run.series), exact.mean_response());
        let one = 128e-6;
        let rejected = mean(&run.rejected);
        let share = Estimate {
            value: rejected.value / one,
            low: rejected.low / one,
            high: rejected.high / one,
            ..rejected
        };
        confirm(
            &format!("{name}, turned away"),
            share,
            exact.share_rejected(),
        );
    }
}

#[test]
fn stations_in_a_row() {
    for (rate, customers) in [(0.5, 1.0), (0.8, 4.0), (0.95, 42.0)] {
        let services = [SERVICE, SERVICE.scaled(0.8)];
        let run = Tandem::run(SEED, rate, &services, millions(customers));
        let exact = tandem_mean(rate, &[(1, 1.0), (1, 0.8)]).unwrap();
        confirm(
            &format!("Jackson tandem of 2 at {rate}"),
            mean(&run.series),
            exact,
        );
    }
}

#[test]
fn a_closed_loop() {
    let services = [SERVICE.scaled(0.6), SERVICE, SERVICE.scaled(0.3)];
    let stations = [0.6, 1.0, 0.3].map(ClosedStation::Queue);
    for (jobs, rounds) in [(5, 0.6), (10, 1.0), (25, 1.0)] {
        let think = SimDuration::from_millis(8);
        let run = Closed::run(SEED, jobs, think, &services, millions(rounds));
        let exact = closed_network(jobs, 8.0, &stations);
        let name = format!("closed loop of {jobs}, ρ {:.2}", exact.rate);
        confirm(&name, mean(&run.series), exact.response);
        let rate = run.rounds as f64 / run.ended.as_millis_f64();
        assert!(
            (rate / exact.rate - 1.0).abs() < 0.005,
            "{name}: {rate} rounds per ms"
        );
    }
}

#[test]
fn two_halves_that_join() {
    for (rho, customers) in [(0.5, 1.5), (0.8, 5.0), (0.95, 46.0)] {
        let run = Fast::run(SEED, rho, Service::Exponential, 2, millions(customers));
        let exact = fork_join_two(rho, 1.0).unwrap();
        confirm(
            &format!("fork–join of 2 at {rho}"),
            mean(&run.series),
            exact,
        );
    }
}

#[test]
fn two_choices_among_500_servers_are_within_3_percent() {
    for (rho, published, customers) in [
        (0.5, 1.2657, 3.0),
        (0.7, 1.6145, 3.0),
        (0.9, 2.6141, 6.0),
        (0.95, 3.383, 16.0),
    ] {
        let run = Supermarket::run(SEED, rho, 500, 2, millions(customers));
        let estimate = mean(&run.series);
        println!("JSQ(2) of 500 at {rho}: {estimate:?}, limit {published}");
        assert!((supermarket_mean(2, rho).unwrap() - published).abs() < 1e-4);
        // The whole interval: finitely many servers lie a little above the limit.
        assert!(estimate.low / published > 0.97 && estimate.high / published < 1.03);
    }
}

#[test]
fn c104_the_knee_of_utilisation() {
    for (rho, times) in [(0.5, 2.0), (0.8, 5.0), (0.9, 10.0)] {
        let run = Fast::run(SEED, rho, Service::Exponential, 1, millions(5.0));
        let estimate = mean(&run.series);
        println!("C104 M/M/1 at {rho}: {estimate:?}");
        assert!((estimate.value / times - 1.0).abs() < 0.05);
        assert!(estimate.relative_half_width() < 0.05);
    }
    let run = Many::run(SEED, 0.9, 16, None, millions(3.0));
    let estimate = mean(&run.series);
    println!("C104 M/M/16 at 0.9: {estimate:?}");
    assert!((estimate.value / 1.37 - 1.0).abs() < 0.05);
}

#[test]
fn c089_percentiles_of_a_million_are_within_1_percent() {
    let draws = Draws::new(SEED);
    let purpose = Purpose::named("test/c089");
    type Law<'a> = (&'a str, &'a dyn Fn(u64) -> f64);
    let laws: [Law; 4] = [
        ("log-normal", &|i| {
            30.0 * (0.8 * draws.normal(purpose, 1, i)).exp()
        }),
        ("exponential", &|i| {
            -20.0 * (1.0 - draws.unit_f64(purpose, 2, i)).ln()
        }),
        ("uniform", &|i| 1.0 + 99.0 * draws.unit_f64(purpose, 3, i)),
        ("Pareto", &|i| {
            2.0 / (1.0 - draws.unit_f64(purpose, 4, i)).powf(0.5)
        }),
    ];
    for (name, law) in laws {
        let mut full = Histogram::new();
        let mut compact = CompactHistogram::new();
        let mut exact: Vec<SimDuration> = (0..1_000_000)
            .map(|i| SimDuration::from_millis_f64(law(i)).unwrap())
            .collect();
        for &latency in &exact {
            full.record(latency);
            let units = units_of(latency);
            compact.record(bucket_of(units) as u16, units);
        }
        exact.sort_unstable();
        let mut worst = 0.0_f64;
        for p in [0.001, 0.01, 0.1, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999] {
            let rank = (p * exact.len() as f64).ceil() as usize;
            let sorted = exact[rank - 1].as_millis_f64();
            for ours in [
                full.quantile(p).unwrap().as_millis_f64(),
                compact.quantile_ms(p).unwrap(),
            ] {
                worst = worst.max((ours / sorted - 1.0).abs());
            }
        }
        println!("C089 {name}: worst error {:.3} %", 100.0 * worst);
        assert!(worst <= 0.01, "{name}: {worst}");
    }
}

/// What many seeds said of one statistic.
#[derive(Default)]
struct Record {
    covered: u64,
    refused: u64,
    values: Vec<f64>,
    halves: Vec<f64>,
}

impl Record {
    fn enter(&mut self, estimate: Result<Estimate, Unsupported>, truth: f64) {
        match estimate {
            Ok(estimate) => {
                self.covered += u64::from(estimate.contains(truth));
                self.values.push(estimate.value);
                self.halves.push(estimate.half_width());
            }
            Err(_) => self.refused += 1,
        }
    }

    /// The median half-width by the textbook's: 1.96 standard deviations of the estimates.
    fn width_ratio(&mut self) -> f64 {
        self.halves.sort_by(f64::total_cmp);
        let n = self.values.len() as f64;
        let mean = self.values.iter().sum::<f64>() / n;
        let squares: f64 = self.values.iter().map(|v| (v - mean).powi(2)).sum();
        self.halves[self.halves.len() / 2] / (1.96 * (squares / (n - 1.0)).sqrt())
    }
}

/// Prints how often the 95 % intervals of M/M/1 cover the truth over the seeds from 1 on, as rows of a table, and holds
/// every one against 93 % by the exact test at 0.001. A refusal counts as an interval that does not cover. The run is too
/// short for p99.9: its row counts the intervals that are given, and shows what is left to luck where most are refused.
fn confirm_coverage(seeds: u64, quantiles: &[f64]) {
    println!("| M/M/1 | customers | statistic | seeds | cover | refused | half-width |");
    for (rho, customers) in [(0.5, 0.1), (0.8, 0.4)] {
        let mut records: Vec<Record> = (0..=quantiles.len()).map(|_| Record::default()).collect();
        let truths: Vec<f64> = quantiles
            .iter()
            .map(|p| -(1.0 - p).ln() / (1.0 - rho))
            .collect();
        for seed in 1..=seeds {
            let run = Fast::run_uncut(seed, rho, millions(customers));
            let seconds = run.per_second.as_ref().unwrap();
            let cut = steady_cut(&[&seconds.means_ns]).map(|s| SimTime::from_secs(s as u64));
            let batches = cut.and_then(|cut| Batches::new(&run.series, cut));
            let of = |ask: &dyn Fn(&Batches) -> Result<Estimate, Unsupported>| {
                batches.as_ref().map_err(Clone::clone).and_then(ask)
            };
            let mean = of(&|batches| batches.mean_ms(Samples::Delivered, 0.95));
            records[0].enter(mean, 1.0 / (1.0 - rho));
            for ((record, &p), &truth) in records[1..].iter_mut().zip(quantiles).zip(&truths) {
                record.enter(
                    of(&|batches| batches.quantile_ms(Samples::Delivered, p, 0.95)),
                    truth,
                );
            }
        }
        let names =
            std::iter::once("mean".to_owned()).chain(quantiles.iter().map(|&p| percentile_name(p)));
        for (name, mut record) in names.zip(records) {
            let ratio = record.width_ratio();
            let counted = match name.as_str() {
                "p99.9" => seeds - record.refused,
                _ => seeds,
            };
            let (low, high) = clopper_pearson(record.covered, counted, 0.95);
            println!(
                "| ρ = {rho} | {} | {name} | {seeds} | {:.1} % ({:.1} to {:.1}) | {} | {ratio:.2} |",
                millions(customers),
                100.0 * record.covered as f64 / counted as f64,
                100.0 * low,
                100.0 * high,
                record.refused
            );
            if counted < seeds {
                continue;
            }
            assert!(
                !rejects_at_least(record.covered, counted, 0.93, 0.001),
                "{name} at {rho}: {} of {counted}",
                record.covered
            );
            assert!(ratio <= 1.5, "{name} at {rho}: {ratio}");
        }
    }
}

#[test]
fn intervals_are_honest() {
    confirm_coverage(200, &[0.99]);
}

#[test]
#[ignore = "a minute of CPU: a billion customers"]
fn intervals_are_honest_over_2000_seeds() {
    confirm_coverage(2_000, &[0.5, 0.95, 0.99, 0.999]);
}
