//! Which guess matters: every assumed number lower and higher, ranked by what that moves.
//!
//! The swing of a guess is the ratio of the largest to the smallest load at which the system breaks among {low, as it is,
//! high}, then the difference in p99. All guesses are forecast; the worst are simulated at both ends under common random
//! numbers, which replaces p99 and money and leaves the forecast of the break (a run's own estimate knows no objectives).
//!
//! Left out: two guesses wrong at once.

use super::advise::as_typed;
use super::forecast::Forecast;
use super::guesses::Guess;
use super::{Next, Outcome, Planner, Results, RunRequest};
use crate::report::{GuessEnd, GuessReport};
use crate::scenario::Edit;

/// A guess with the forecasts of both ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Ends {
    /// The number.
    pub guess: Guess,
    /// Lower.
    pub low: Forecast,
    /// Higher.
    pub high: Forecast,
}

/// The planner.
#[derive(Clone, Debug)]
pub struct Tornado {
    /// Forecast of the scenario as it is.
    pub base: Forecast,
    /// All guesses.
    pub guesses: Vec<Ends>,
    /// How many of the worst are simulated.
    pub simulate: usize,
}

impl Tornado {
    /// The guesses, the one that matters most first.
    #[must_use]
    pub fn ranked(&self) -> Vec<&Ends> {
        let mut ranked: Vec<&Ends> = self.guesses.iter().collect();
        let key = |ends: &Ends| {
            let all = [&ends.low, &self.base, &ends.high];
            (swing(all), p99_swing(all))
        };
        ranked.sort_by(|a, b| {
            let (a, b) = (key(a), key(b));
            b.0.total_cmp(&a.0).then(b.1.total_cmp(&a.1))
        });
        ranked
    }

    fn wanted(&self) -> Vec<RunRequest> {
        let worst = self.ranked().into_iter().take(self.simulate);
        worst
            .flat_map(|ends| [ends.guess.low.clone(), ends.guess.high.clone()])
            .map(RunRequest::edited)
            .collect()
    }

    fn answer(&self, results: &Results) -> Vec<GuessReport> {
        let of = |edits: &[Edit]| match results.of(&RunRequest::edited(edits.to_vec()))? {
            Outcome::Report(report) => Some(Forecast::simulated(report)),
            Outcome::Failed(_) => None,
        };
        let as_is = of(&[]);
        let row = |ends: &Ends| {
            let (low, high) = (of(&ends.guess.low), of(&ends.guess.high));
            let simulated = low.is_some() && high.is_some();
            let seen = |run: &Option<Forecast>, quick: &Forecast| Forecast {
                breaks_at: quick.breaks_at,
                limit: quick.limit.clone(),
                full_at: quick.full_at,
                ..run
                    .clone()
                    .filter(|_| simulated)
                    .unwrap_or_else(|| quick.clone())
            };
            let (low, high) = (seen(&low, &ends.low), seen(&high, &ends.high));
            let middle = seen(&as_is, &self.base);
            let all = [&low, &middle, &high];
            GuessReport {
                path: ends.guess.path.clone(),
                words: ends.guess.words.clone(),
                value: ends.guess.value.clone(),
                source: ends.guess.source.clone(),
                breaks_at_swing: swing(all),
                p99_swing_ms: p99_swing(all),
                low: end(&ends.guess.low, &low),
                high: end(&ends.guess.high, &high),
                simulated,
            }
        };
        self.ranked().into_iter().map(row).collect()
    }
}

impl Planner for Tornado {
    type Answer = Vec<GuessReport>;

    fn next(&self, results: &Results) -> Next<Vec<GuessReport>> {
        match results.new_ones(self.wanted()) {
            Some(runs) => Next::Runs(runs),
            None => Next::Done(self.answer(results)),
        }
    }

    fn partial(&self, results: &Results) -> Vec<GuessReport> {
        self.answer(results)
    }

    fn at_most(&self) -> usize {
        2 * self.simulate.min(self.guesses.len())
    }
}

fn end(edits: &[Edit], forecast: &Forecast) -> GuessEnd {
    GuessEnd {
        edit: edits.iter().map(as_typed).collect(),
        breaks_at: forecast.breaks_at,
        p99_ms: forecast.p99_ms,
        usd_per_month: forecast.usd_per_month,
    }
}

/// Ratio of the largest to the smallest break; nothing that fails counts as 100 times the largest that does.
fn swing(all: [&Forecast; 3]) -> f64 {
    const NEVER: f64 = 100.0;
    let known = all.iter().filter_map(|f| f.breaks_at);
    let (mut low, mut high) = (f64::INFINITY, 0.0);
    for users in known {
        low = f64::min(low, users.max(1.0));
        high = f64::max(high, users.max(1.0));
    }
    match all.iter().filter(|f| f.breaks_at.is_none()).count() {
        0 => high / low,
        3 => 1.0,
        _ => NEVER * high / low,
    }
}

fn p99_swing(all: [&Forecast; 3]) -> f64 {
    let known: Vec<f64> = all.iter().filter_map(|f| f.p99_ms).collect();
    let high = known.iter().copied().fold(0.0, f64::max);
    let low = known.iter().copied().fold(f64::INFINITY, f64::min);
    (high - low).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::fake::{Fake, execute};

    fn ends(path: &str, low: f64, high: f64) -> Ends {
        let edit = |value: &str| {
            vec![Edit::Set {
                path: path.to_owned(),
                value: value.to_owned(),
            }]
        };
        let forecast = |users: f64| Forecast {
            breaks_at: Some(users),
            limit: None,
            full_at: Some(users),
            fullest: None,
            p99_ms: Some(100.0),
            usd_per_month: Some(1.0),
        };
        Ends {
            guess: Guess {
                path: path.to_owned(),
                words: path.to_owned(),
                value: "1".to_owned(),
                source: "a guess".to_owned(),
                low: edit("0.5"),
                high: edit("2"),
            },
            low: forecast(low),
            high: forecast(high),
        }
    }

    fn tornado() -> Tornado {
        Tornado {
            base: Forecast {
                breaks_at: Some(1_000.0),
                p99_ms: Some(100.0),
                ..Forecast::default()
            },
            guesses: vec![
                ends("mild", 990.0, 1_010.0),
                ends("wild", 2_000.0, 500.0),
                ends("none", 1_000.0, 1_000.0),
            ],
            simulate: 1,
        }
    }

    fn run(request: &RunRequest) -> Outcome {
        let fake = Fake {
            full_at: vec![("database", "pool", 1_000.0)],
            p99_fails_at: 1e6,
        };
        Outcome::Report(Box::new(fake.report(request.users.unwrap_or(500))))
    }

    #[test]
    fn the_widest_swing_comes_first_and_is_simulated_at_both_ends() {
        let (rows, batches) = execute(&tornado(), run);
        let paths: Vec<&str> = rows.iter().map(|row| row.path.as_str()).collect();
        assert_eq!(paths, ["wild", "mild", "none"]);
        assert!((rows[0].breaks_at_swing - 4.0).abs() < 1e-9);
        assert!(rows[0].simulated && !rows[1].simulated);
        assert_eq!(batches.len(), 1);
        assert_eq!(batches[0].len(), 2);
        assert_eq!(rows[0].low.edit, ["wild=0.5"]);
    }

    #[test]
    fn stopped_or_without_a_break_it_still_answers() {
        let mut tornado = tornado();
        assert!(
            tornado
                .partial(&Results::default())
                .iter()
                .all(|row| !row.simulated)
        );
        tornado.base.breaks_at = None;
        for ends in &mut tornado.guesses {
            (ends.low.breaks_at, ends.high.breaks_at) = (None, None);
        }
        let rows = tornado.partial(&Results::default());
        assert!(rows.iter().all(|row| row.breaks_at_swing == 1.0));
    }
}
