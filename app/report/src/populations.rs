//! The spread of a run's numbers over several populations: the rows and sentences that every format shares.

use sim_core::report::{Estimate, PopulationSpread, RunReport};

use crate::grid::{Cell, Grid};
use crate::metric;
use crate::numbers::{estimate, percent};
use crate::table::{Table, paragraph};

/// Heads of the columns.
const HEAD: [&str; 7] = [
    "Over populations",
    "mean of all",
    "least",
    "most",
    "± users",
    "± run",
    "users' part",
];
/// What stands where a run gives a number no interval.
const UNKNOWN: &str = "-";

/// What the table says, in two sentences; `None` for one population.
pub(crate) fn sentence(report: &RunReport) -> Option<String> {
    let populations = report.populations.as_ref()?;
    let seeds: Vec<String> = populations.seeds.iter().map(u64::to_string).collect();
    let widest = rows(report).max_by(|a, b| relative(a.1).total_cmp(&relative(b.1)));
    let found =
        widest.map_or_else(String::new, |(path, spread)| {
            let of_users = spread.share_of_population.map_or_else(String::new, |share| {
            format!(
                ", and {} of its variance comes from who the users are, the rest from the run",
                percent(share)
            )
        });
            let (name, value) = (metric::words(path), shown(path, spread));
            format!(": what differs most is {name}, {value}{of_users}")
        });
    Some(format!(
        "Over {} populations (seeds {}){found}. All else here is of population {}, and its intervals hold for that one only.",
        seeds.len(),
        seeds.join(", "),
        report.population_seed
    ))
}

/// The table for HTML and Markdown.
pub(crate) fn grid(report: &RunReport) -> Option<Grid> {
    let mut grid = Grid::new("The same for other users and channels", 1, &HEAD);
    for (path, spread) in rows(report) {
        let [first, rest @ ..] = cells(path, spread);
        let mut row = vec![Cell::new(first)];
        row.extend(rest.map(Cell::new));
        grid.row(row);
    }
    grid.filled()
}

/// Sentence and table as text.
pub(crate) fn text(out: &mut String, report: &RunReport) {
    let Some(sentence) = sentence(report) else {
        return;
    };
    let mut table = Table::new(1, &HEAD);
    for (path, spread) in rows(report) {
        table.row(cells(path, spread).to_vec());
    }
    out.push('\n');
    paragraph(out, &sentence, 2);
    if !table.is_empty() {
        table.write(out);
    }
}

/// What people look for: means and 99th percentiles, deliveries, the bottleneck, the break and the bill.
fn rows(report: &RunReport) -> impl Iterator<Item = (&str, PopulationSpread)> {
    let bottleneck = report
        .bottleneck
        .as_ref()
        .map(|b| format!("tiers.{}.utilization.{}.hottest", b.tier, b.resource));
    let is_shown = move |path: &str| {
        let latency = [".mean", ".p99"].iter().any(|end| path.ends_with(end));
        latency && !path.contains(".complete.")
            || path.ends_with(".deliveries_per_s")
            || ["breaks_at", "cost.usd_per_month"].contains(&path)
            || bottleneck.as_deref() == Some(path)
    };
    let numbers = report.populations.iter().flat_map(|all| &all.numbers);
    numbers
        .map(|(path, spread)| (path.as_str(), *spread))
        .filter(move |(path, _)| is_shown(path))
}

fn relative(spread: PopulationSpread) -> f64 {
    (spread.high - spread.low) / spread.value.abs().max(1e-9)
}

fn shown(path: &str, spread: PopulationSpread) -> String {
    let whole = Estimate {
        value: Some(spread.value),
        low: Some(spread.low),
        high: Some(spread.high),
    };
    estimate(whole, metric::unit_of(path))
}

fn cells(path: &str, spread: PopulationSpread) -> [String; 7] {
    let unit = metric::unit_of(path);
    [
        metric::words(path),
        shown(path, spread),
        unit(spread.least),
        unit(spread.most),
        unit(spread.sd_of_population),
        spread.sd_of_run.map_or_else(|| UNKNOWN.to_owned(), &unit),
        spread
            .share_of_population
            .map_or_else(|| UNKNOWN.to_owned(), percent),
    ]
}

#[cfg(test)]
mod tests {
    use sim_core::report::PopulationsReport;

    use super::*;
    use crate::sample;

    fn several() -> RunReport {
        let mut report = sample::run();
        let p99 = PopulationSpread {
            value: 215.0,
            low: 195.0,
            high: 235.0,
            least: 203.0,
            most: 232.0,
            sd_of_population: 12.0,
            sd_of_run: Some(4.0),
            share_of_population: Some(0.9),
        };
        let cost = PopulationSpread {
            value: 94_000.0,
            low: 90_000.0,
            high: 98_000.0,
            least: 91_000.0,
            most: 97_000.0,
            sd_of_population: 2_500.0,
            sd_of_run: None,
            share_of_population: None,
        };
        let numbers = [("publish.delivered.p99", p99), ("cost.usd_per_month", cost)];
        report.populations = Some(PopulationsReport {
            seeds: vec![1, 2, 3, 4],
            numbers: numbers
                .map(|(path, spread)| (path.to_owned(), spread))
                .into(),
        });
        report
    }

    #[test]
    fn the_spread_is_said_and_listed_in_every_format() {
        let report = several();
        assert_eq!(sentence(&sample::run()), None);
        let said = sentence(&report).unwrap();
        assert!(
            said.starts_with(
                "Over 4 populations (seeds 1, 2, 3, 4): what differs most is publish delivered"
            ),
            "{said}"
        );
        assert!(said.contains("215 ms (195 ms to 235 ms)"), "{said}");
        assert!(said.contains("90 % of its variance"), "{said}");
        let mut written = String::new();
        text(&mut written, &report);
        for part in ["12 ms", "4 ms", "$97 K"] {
            assert!(written.contains(part), "{part} is missing in\n{written}");
            let page = crate::html_run(&report, &sample::labels());
            assert!(page.contains(part), "{part} is missing in the page");
            let page = crate::markdown_run(&report, &sample::labels());
            assert!(page.contains(part), "{part} is missing in\n{page}");
        }
        assert!(
            written.lines().all(|line| line.chars().count() <= 100),
            "{written}"
        );
    }
}
