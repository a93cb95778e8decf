//! What the runs of a lesson found, and figures read from it.
//!
//! Over several seeds a figure is the mean of the seeds' values with its t interval (five seeds at least); over one seed it is the
//! report's own estimate. A load at which something happens lies between the last load before and the first after: both are the
//! interval, the value is interpolated on the logarithm of the load (linearly in the number itself).

use std::collections::BTreeMap;

use super::raw::{Expected, Of};
use super::{Figure, Job, Lesson, Page};
use crate::experiment::failed_limits;
use crate::report::{Estimate, ObjectiveReport, RunReport};
use crate::scenario::{Comparison, known_number, stated_objective};
use crate::statistics::{CONFIDENCE, replicated};
use crate::system::number;

/// What one simulation found.
#[derive(Clone, Debug, PartialEq)]
pub struct Studied {
    /// The run that it belongs to.
    pub run: String,
    /// Its report.
    pub report: RunReport,
    /// Connections and attempts over time, if they were watched.
    pub samples: Vec<Sample>,
}

/// Connections at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sample {
    /// Simulated seconds.
    pub at_s: f64,
    /// Open then.
    pub open: u64,
    /// Attempts to connect until then.
    pub attempts: u64,
}

/// Everything that was run so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Findings {
    all: Vec<Studied>,
}

/// A figure as it was read.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// A number with its interval.
    Number(Estimate),
    /// A name: a limit, or an answer.
    Name(String),
    /// Not to be had: not run yet, or the run has no such number.
    Nothing,
}

impl Reading {
    /// The number.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        match self {
            Reading::Number(estimate) => estimate.value,
            _ => None,
        }
    }

    /// Whether it is what was expected.
    #[must_use]
    pub fn meets(&self, expected: &Expected) -> bool {
        match (self, expected) {
            (Reading::Name(name), Expected::Is(wanted)) => name == wanted,
            (Reading::Number(found), Expected::Near { value, within }) => found
                .value
                .is_some_and(|found| (found - value).abs() <= within * value.abs()),
            (Reading::Number(found), Expected::Between { low, high }) => found
                .value
                .is_some_and(|found| (*low..=*high).contains(&found)),
            (Reading::Number(found), Expected::Held(value)) => {
                found.low.is_some_and(|low| low <= *value)
                    && found.high.is_some_and(|high| *value <= high)
            }
            _ => false,
        }
    }
}

impl Findings {
    /// Adds what one simulation found.
    pub fn push(&mut self, studied: Studied) {
        self.all.push(studied);
    }

    /// Adds what others found.
    pub fn extend(&mut self, other: Findings) {
        self.all.extend(other.all);
    }

    /// Whether all runs of a page are there.
    #[must_use]
    pub fn holds(&self, page: &Page) -> bool {
        page.runs
            .iter()
            .all(|run| self.all.iter().any(|found| found.run == *run))
    }

    /// Simulations that are there.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether nothing is there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Everything that is there.
    #[must_use]
    pub fn all(&self) -> &[Studied] {
        &self.all
    }

    /// What a watched run noted.
    #[must_use]
    pub fn samples(&self, run: &str) -> &[Sample] {
        let watched = |found: &&Studied| found.run == run && !found.samples.is_empty();
        self.all.iter().find(watched).map_or(&[], |f| &f.samples)
    }

    /// Users of a run.
    #[must_use]
    pub fn users(&self, run: &str) -> Option<u64> {
        let found = self.all.iter().find(|found| found.run == run)?;
        Some(found.report.users)
    }

    /// A number against the load, over the seeds; loads rising.
    #[must_use]
    pub fn curve(&self, run: &str, path: &str) -> Vec<(u64, Estimate)> {
        let read = |report: &RunReport| number(path, report);
        let loads = self.by_load(run).into_iter();
        loads
            .map(|(users, reports)| (users, over(&reports, &read)))
            .collect()
    }

    /// Reads a figure.
    #[must_use]
    pub fn read(&self, lesson: &Lesson, name: &str) -> Reading {
        match lesson.figure(name) {
            Some(figure) => self.figure(lesson, figure),
            None => Reading::Nothing,
        }
    }

    fn figure(&self, lesson: &Lesson, figure: &Figure) -> Reading {
        let at = |run: &str, users: Option<u32>, read: &Reader<'_>| {
            let reports = self.reports(run, users);
            some(over(&reports, read))
        };
        match &figure.of {
            Of::Number { run, users, path } => {
                at(run, *users, &|report| exact_or_rate(path, report))
            }
            Of::Ratio {
                run,
                users,
                path,
                by,
            } => at(run, *users, &|report| {
                quotient(path, by, report).map(Estimate::point)
            }),
            Of::Missing {
                run,
                users,
                path,
                of,
            } => at(run, *users, &|report| {
                Some(Estimate::point(1.0 - quotient(path, of, report)?))
            }),
            Of::Wait {
                run,
                users,
                operation,
                tier,
                questions,
            } => at(run, *users, &|report| {
                let rows = &report.operations.get(operation)?.breakdown;
                let row = rows
                    .iter()
                    .find(|row| row.tier == *tier && row.cause == "queue")?;
                Some(Estimate::point(row.mean_ms / f64::from(*questions)))
            }),
            Of::Doubles { run, path } => some(doubles(&self.curve(run, path))),
            Of::Growth { run, path } => some(growth(&self.curve(run, path))),
            Of::BreaksAt { run } => some(self.breaks_at(run)),
            Of::Limit { run } => self.limit(run).map_or(Reading::Nothing, Reading::Name),
            Of::Least(all) => self.least(lesson, all),
        }
    }

    fn least(&self, lesson: &Lesson, all: &[(String, String)]) -> Reading {
        let mut least: Option<(f64, &str)> = None;
        for (name, figure) in all {
            let Some(value) = self.read(lesson, figure).value() else {
                return Reading::Nothing;
            };
            if least.is_none_or(|(smallest, _)| value < smallest) {
                least = Some((value, name));
            }
        }
        least.map_or(Reading::Nothing, |(_, name)| Reading::Name(name.to_owned()))
    }

    fn reports(&self, run: &str, users: Option<u32>) -> Vec<&RunReport> {
        let wanted = |report: &RunReport| users.is_none_or(|n| report.users == u64::from(n));
        self.all
            .iter()
            .filter(|found| found.run == run && wanted(&found.report))
            .map(|found| &found.report)
            .collect()
    }

    fn by_load(&self, run: &str) -> BTreeMap<u64, Vec<&RunReport>> {
        let mut loads: BTreeMap<u64, Vec<&RunReport>> = BTreeMap::new();
        for report in self.reports(run, None) {
            loads.entry(report.users).or_default().push(report);
        }
        loads
    }

    fn breaks_at(&self, run: &str) -> Estimate {
        let loads = self.by_load(run);
        if loads.len() == 1 {
            let read = |report: &RunReport| Some(report.breaks_at.as_ref()?.users);
            return over(&self.reports(run, None), &read);
        }
        let first = loads.iter().find(|(_, reports)| fails(reports));
        let Some((&failing, _)) = first else {
            return Estimate::none();
        };
        let holding = loads.range(..failing).next_back();
        Estimate {
            value: Some(failing as f64),
            low: holding.map(|(users, _)| *users as f64),
            high: Some(failing as f64),
        }
    }

    /// What gives way: at the first load that fails, the fullest resource by what its load asks of it.
    fn limit(&self, run: &str) -> Option<String> {
        let loads = self.by_load(run);
        let report = match loads.len() {
            0 | 1 => loads.values().next()?.first()?,
            _ => loads.values().find(|reports| fails(reports))?.first()?,
        };
        Some(report.breaks_at.as_ref()?.limit.clone())
    }
}

type Reader<'a> = dyn Fn(&RunReport) -> Option<Estimate> + 'a;

/// Whether most of the seeds fail.
fn fails(reports: &[&RunReport]) -> bool {
    let failing = |report: &&&RunReport| {
        !failed_limits(report).is_empty() || report.objectives.iter().any(is_missed)
    };
    2 * reports.iter().filter(failing).count() > reports.len()
}

/// Whether an objective without a verdict is missed by its value: a load that grows worse all the time has no interval, and does not
/// hold for that.
fn is_missed(objective: &ObjectiveReport) -> bool {
    let (Some(value), Some(stated)) = (objective.value, stated_objective(&objective.objective))
    else {
        return false;
    };
    let met = match stated.comparison {
        Comparison::Less => value < stated.limit,
        Comparison::AtMost => value <= stated.limit,
        Comparison::Greater => value > stated.limit,
        Comparison::AtLeast => value >= stated.limit,
        Comparison::Equal => value == stated.limit,
    };
    objective.verdict == "inconclusive" && !met
}

/// A rate or a mean utilisation has its interval beside the reports' numbers.
fn exact_or_rate(path: &str, report: &RunReport) -> Option<Estimate> {
    report
        .rates
        .get(path)
        .copied()
        .or_else(|| number(path, report))
}

fn quotient(path: &str, by: &str, report: &RunReport) -> Option<f64> {
    let value = |path: &str| number(path, report)?.value;
    let quotient = value(path)? / value(by)?;
    quotient.is_finite().then_some(quotient)
}

/// The mean over seeds, or the one report's own estimate. A seed without a value (unstable) leaves none.
fn over(reports: &[&RunReport], read: &Reader<'_>) -> Estimate {
    if let [report] = reports {
        return read(report).unwrap_or(Estimate::none());
    }
    let values: Option<Vec<f64>> = reports
        .iter()
        .map(|report| read(report).and_then(|estimate| estimate.value))
        .collect();
    let Some(values) = values.filter(|values| !values.is_empty()) else {
        return Estimate::none();
    };
    match replicated(&values, CONFIDENCE) {
        Ok(found) => Estimate {
            value: Some(found.value),
            low: Some(found.low),
            high: Some(found.high),
        },
        Err(_) => Estimate::point(values.iter().sum::<f64>() / values.len() as f64),
    }
}

fn some(estimate: Estimate) -> Reading {
    match estimate.value {
        Some(_) => Reading::Number(estimate),
        None => Reading::Nothing,
    }
}

/// Where a curve is twice what it is at its first load. Behind a load without a value (unstable) it is beyond any.
fn doubles(curve: &[(u64, Estimate)]) -> Estimate {
    let Some(first) = curve.first().and_then(|(_, estimate)| estimate.value) else {
        return Estimate::none();
    };
    let twice = 2.0 * first;
    for pair in curve.windows(2) {
        let [(below, before), (above, after)] = pair else {
            continue;
        };
        let at = match (before.value, after.value) {
            (Some(before), Some(after)) if after >= twice => {
                let share = ((twice - before) / (after - before)).clamp(0.0, 1.0);
                let ratio = *above as f64 / *below as f64;
                *below as f64 * libm::pow(ratio, share)
            }
            (Some(_), None) => *above as f64,
            _ => continue,
        };
        return Estimate {
            value: Some(at),
            low: Some(*below as f64),
            high: Some(*above as f64),
        };
    }
    Estimate::none()
}

/// The exponent between the ends of a curve.
fn growth(curve: &[(u64, Estimate)]) -> Estimate {
    let ends = curve.first().zip(curve.last());
    let Some(((from, first), (to, last))) = ends else {
        return Estimate::none();
    };
    match (first.value, last.value) {
        (Some(first), Some(last)) if first > 0.0 && last > 0.0 && to > from => {
            Estimate::point(libm::log(last / first) / libm::log(*to as f64 / *from as f64))
        }
        _ => Estimate::none(),
    }
}

/// Names in braces.
pub(super) fn mentioned(sentence: &str) -> impl Iterator<Item = &str> {
    sentence
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .map(|(name, _)| name)
}

impl Lesson {
    /// A sentence with its figures in it, as `words` writes them.
    #[must_use]
    pub fn fill(&self, sentence: &str, words: &dyn Fn(&Figure) -> String) -> String {
        let mut parts = sentence.split('{');
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once('}').unwrap_or((part, ""));
            match self.figure(name) {
                Some(figure) => out.push_str(&words(figure)),
                None => out.push_str(name),
            }
            out.push_str(rest);
        }
        out
    }

    /// The runs that a figure is read from.
    #[must_use]
    pub fn runs_of(&self, name: &str) -> Vec<String> {
        let Some(figure) = self.figure(name) else {
            return Vec::new();
        };
        match &figure.of {
            Of::Number { run, .. }
            | Of::Ratio { run, .. }
            | Of::Missing { run, .. }
            | Of::Wait { run, .. }
            | Of::Doubles { run, .. }
            | Of::Growth { run, .. }
            | Of::BreaksAt { run }
            | Of::Limit { run } => vec![run.clone()],
            Of::Least(all) => {
                let figures = all.iter().filter(|(_, other)| other != name);
                figures.flat_map(|(_, other)| self.runs_of(other)).collect()
            }
        }
    }

    /// Whether the runs of these jobs have the numbers that figures and charts read; if not, which has none.
    pub(super) fn numbers_are_known(&self, jobs: &[Job]) -> Result<(), String> {
        for figure in &self.figures {
            let (run, paths) = match &figure.of {
                Of::Number { run, path, .. }
                | Of::Doubles { run, path }
                | Of::Growth { run, path } => (run, vec![path]),
                Of::Ratio { run, path, by, .. } => (run, vec![path, by]),
                Of::Missing { run, path, of, .. } => (run, vec![path, of]),
                Of::Wait { .. } | Of::BreaksAt { .. } | Of::Limit { .. } | Of::Least(_) => continue,
            };
            let Some(job) = jobs.iter().find(|job| job.run == *run) else {
                continue;
            };
            for path in paths {
                known_number(path, &job.scenario).map_err(|problem| {
                    let allowed = problem.allowed.map(|words| format!("; allowed: {words}"));
                    format!(
                        "lesson {}, figures.{}.of: {}{}",
                        self.id,
                        figure.name,
                        problem.problem,
                        allowed.unwrap_or_default()
                    )
                })?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_doubles_between_two_loads() {
        let curve = |values: &[(u64, Option<f64>)]| -> Vec<(u64, Estimate)> {
            let estimate = |value: Option<f64>| value.map_or(Estimate::none(), Estimate::point);
            values.iter().map(|(n, v)| (*n, estimate(*v))).collect()
        };
        let found = doubles(&curve(&[
            (1_000, Some(100.0)),
            (2_000, Some(150.0)),
            (8_000, Some(250.0)),
        ]));
        assert_eq!((found.low, found.high), (Some(2_000.0), Some(8_000.0)));
        assert!((found.value.unwrap() - 4_000.0).abs() < 1e-6);
        let unstable = doubles(&curve(&[(1_000, Some(100.0)), (2_000, None)]));
        assert_eq!(unstable.value, Some(2_000.0));
        assert_eq!(
            doubles(&curve(&[(1, Some(1.0)), (2, Some(1.5))])).value,
            None
        );
        assert_eq!(doubles(&[]).value, None);
        let squared = growth(&curve(&[(1_000, Some(1.0)), (10_000, Some(100.0))]));
        assert!((squared.value.unwrap() - 2.0).abs() < 1e-12);
    }

    #[test]
    fn names_in_braces_are_found() {
        let all: Vec<&str> = mentioned("at {one} and {two}, {three").collect();
        assert_eq!(all, ["one", "two"]);
    }

    #[test]
    fn what_is_expected_is_met_or_not() {
        let number = Reading::Number(Estimate::point(0.8));
        let near = |value, within| Expected::Near { value, within };
        assert!(number.meets(&near(0.75, 0.15)));
        assert!(!number.meets(&near(0.5, 0.15)));
        assert!(!number.meets(&Expected::Is("pool".into())));
        let within = Reading::Number(Estimate {
            value: Some(0.8),
            low: Some(0.7),
            high: Some(0.9),
        });
        assert!(within.meets(&Expected::Held(0.75)) && !within.meets(&Expected::Held(0.95)));
        assert!(!number.meets(&Expected::Held(0.8)), "it has no interval");
        assert!(!Reading::Nothing.meets(&near(0.0, 1.0)));
        assert!(Reading::Name("pool".into()).meets(&Expected::Is("pool".into())));
    }
}
