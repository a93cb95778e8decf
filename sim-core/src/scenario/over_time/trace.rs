//! Traces: recorded arrivals as CSV.
//!
//! One column: the second of each operation. Two columns: a second, and the rate per second from then on. Columns part at a
//! comma, semicolon or tab; a first line without a number is a heading; empty lines and lines that begin with `#` are passed
//! over. Times count from the start of the run (warm-up included) and do not fall.

use std::sync::Arc;

use super::Arrivals;
use crate::scenario::error::{Problem, shorten};
use crate::scenario::limits;
use crate::time::SimDuration;

/// Most rows of a trace.
pub const ROWS: usize = 5_000_000;

/// Reads a CSV text that errors call `name`.
pub fn parse(name: &str, text: &str) -> Result<Arrivals, Problem> {
    let name = shorten(name);
    let mut rows: Vec<(usize, Vec<f64>)> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let cells: Result<Vec<f64>, _> = line
            .split([',', ';', '\t'])
            .map(|cell| cell.trim().parse::<f64>())
            .collect();
        match cells {
            Ok(cells) => rows.push((index + 1, cells)),
            Err(_) if rows.is_empty() && !line.starts_with(|c: char| c.is_ascii_digit()) => {}
            Err(_) => {
                let problem = format!("{name}:{}: \"{}\" is not numbers", index + 1, shorten(line));
                return Err(Problem::new(problem).allowed(COLUMNS));
            }
        }
        if rows.len() > ROWS {
            let problem = Problem::new(format!("{name} is too long"));
            return Err(problem.allowed(format!("up to {ROWS} rows")));
        }
    }
    let Some(columns) = rows.first().map(|(_, cells)| cells.len()) else {
        return Err(Problem::new(format!("{name} holds no rows")).allowed(COLUMNS));
    };
    if let Some((line, cells)) = rows
        .iter()
        .find(|(_, cells)| cells.len() != columns || !(1..=2).contains(&cells.len()))
    {
        let problem = format!("{name}:{line}: {} columns", cells.len());
        return Err(Problem::new(problem).allowed(COLUMNS));
    }
    let at = |index: usize| format!("{name}:{}: ", rows[index].0);
    if columns == 1 {
        let seconds: Vec<f64> = rows.iter().map(|(_, cells)| cells[0]).collect();
        return instants(&seconds, at);
    }
    let rows_of: Vec<(f64, f64)> = rows.iter().map(|(_, cells)| (cells[0], cells[1])).collect();
    points(&rows_of, at)
}

const COLUMNS: &str = "one column (seconds) or two (seconds, rate per second)";

/// Operations at these seconds. `at` names the place of a row in errors.
pub fn instants(seconds: &[f64], at: impl Fn(usize) -> String) -> Result<Arrivals, Problem> {
    let times = times(seconds.iter().copied(), false, &at)?;
    Ok(Arrivals::Instants(Arc::new(times)))
}

/// Rates from these seconds on.
pub fn points(rows: &[(f64, f64)], at: impl Fn(usize) -> String) -> Result<Arrivals, Problem> {
    let times = times(rows.iter().map(|row| row.0), true, &at)?;
    for (index, &(_, rate)) in rows.iter().enumerate() {
        if !(0.0..=limits::RATE).contains(&rate) {
            let problem = format!("{}{rate} is not a rate per second", at(index));
            return Err(Problem::new(problem).allowed(format!("0 to {}", limits::RATE)));
        }
    }
    if rows.iter().all(|row| row.1 == 0.0) {
        return Err(Problem::new("all rates are 0").allowed("a rate above 0 somewhere"));
    }
    let rates = times.into_iter().zip(rows.iter().map(|row| row.1));
    Ok(Arrivals::Rates(Arc::new(rates.collect())))
}

fn times(
    seconds: impl Iterator<Item = f64>,
    strictly: bool,
    at: &impl Fn(usize) -> String,
) -> Result<Vec<SimDuration>, Problem> {
    let mut times: Vec<SimDuration> = Vec::new();
    let most = limits::LONG.as_secs_f64();
    for (index, seconds) in seconds.enumerate() {
        if !(0.0..=most).contains(&seconds) {
            let problem = format!("{}{seconds} is not a time of the run", at(index));
            return Err(Problem::new(problem)
                .allowed(format!("seconds from the start of the run, 0 to {most}")));
        }
        let time = SimDuration::from_nanos(libm::round(seconds * 1e9) as u64);
        let falls = times
            .last()
            .is_some_and(|last| time < *last || strictly && time == *last);
        if falls {
            let problem = format!("{}{seconds} does not follow the time before it", at(index));
            return Err(Problem::new(problem).allowed("times that rise"));
        }
        times.push(time);
    }
    if times.is_empty() {
        return Err(Problem::new("a trace without rows").help("leave out `arrivals`"));
    }
    Ok(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_column_is_instants_and_two_are_rates() {
        let found = parse("a.csv", "# recorded\nat_s\n0.5\n1\n\n1\n").unwrap();
        let ms = |ms| SimDuration::from_millis(ms);
        let expected = vec![ms(500), ms(1_000), ms(1_000)];
        assert_eq!(found, Arrivals::Instants(Arc::new(expected)));
        let found = parse("a.csv", "time,rate\n0,10\n2.5; 0\n").unwrap();
        let expected = vec![(ms(0), 10.0), (ms(2_500), 0.0)];
        assert_eq!(found, Arrivals::Rates(Arc::new(expected)));
    }

    #[test]
    fn what_is_wrong_is_found_with_its_line() {
        let problem = |text: &str| parse("a.csv", text).unwrap_err().problem;
        assert_eq!(
            problem("t\n1\n0.5\n"),
            "a.csv:3: 0.5 does not follow the time before it"
        );
        assert_eq!(
            problem("0,1\n0,2\n"),
            "a.csv:2: 0 does not follow the time before it"
        );
        assert_eq!(problem("0,1\nx\n"), "a.csv:2: \"x\" is not numbers");
        assert_eq!(problem("0,1\n1,2,3\n"), "a.csv:2: 3 columns");
        assert_eq!(problem("0,-1\n"), "a.csv:1: -1 is not a rate per second");
        assert_eq!(
            problem("1700000000\n"),
            "a.csv:1: 1700000000 is not a time of the run"
        );
        assert_eq!(problem("NaN\n"), "a.csv:1: NaN is not a time of the run");
        assert_eq!(problem("# nothing\n"), "a.csv holds no rows");
        assert_eq!(problem("0,0\n"), "all rates are 0");
    }
}
