//! The search for a load: bracket, then cut, several loads at a time.
//!
//! The first batch lies around a guess. While all loads pass, the next ones lie around the estimate of the largest run, or
//! half as much again, and so on; while all fail, below. A bracket [passing, failing] is cut on a logarithmic scale into
//! n + 1 parts for n loads at once, until failing ≤ (1 + width) · passing. Populations are nested, so the loads differ by the
//! users added only; still a noisy objective may fail below a load that passes: the bracket then ends at the *smallest*
//! failing load, and the answer says so.

use super::judge::{Judgement, judge};
use super::{Outcome, Results, RunRequest};
use crate::report::RunReport;
use crate::scenario::Edit;

/// First batch: how far around the guess.
const AROUND: f64 = 1.06;
/// Growth of loads while nothing fails, or shrinking while everything does.
const STRIDE: f64 = 1.5;
/// Longest run for an objective that has no verdict.
const LONGEST: u32 = 4;

/// What is searched, and how.
#[derive(Clone, Debug)]
pub(super) struct Search<'a> {
    /// Changes to the scenario that hold for all loads.
    pub(super) edits: &'a [Edit],
    /// Limits that do not count.
    pub(super) ignored: &'a [String],
    /// Where to look first.
    pub(super) guess: f64,
    /// Largest load to try.
    pub(super) most: u32,
    /// Relative width of the answer.
    pub(super) width: f64,
    /// Loads at a time.
    pub(super) at_once: usize,
    /// Loads in all.
    pub(super) budget: usize,
}

/// Where a search stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Bracket {
    /// Largest load below the smallest failing one that passes.
    pub(super) passing: Option<u32>,
    /// Smallest load that fails.
    pub(super) failing: Option<u32>,
    /// What fails there, most telling first.
    pub(super) limits: Vec<String>,
    /// In words: what a reader must know.
    pub(super) notes: Vec<String>,
}

/// One step of a search.
pub(super) enum Step {
    Runs(Vec<RunRequest>),
    Found(Bracket),
}

impl Search<'_> {
    /// The next loads, or the answer.
    pub(super) fn step(&self, results: &Results) -> Step {
        let seen = self.seen(results);
        let bracket = self.bracket(results);
        if seen.len() >= self.budget {
            return Step::Found(
                bracket.noting("the search ran out of loads before it was as narrow as asked"),
            );
        }
        if let Some(longer) = self.open(results) {
            return Step::Runs(longer);
        }
        let loads = match (bracket.passing, bracket.failing) {
            _ if seen.is_empty() => spread(self.guess, self.at_once),
            (Some(low), Some(high)) if self.is_narrow(low, high) => return Step::Found(bracket),
            (Some(low), Some(high)) => cut(low, high, self.at_once),
            (Some(low), None) if low >= self.most => return Step::Found(bracket),
            (Some(low), None) => self.above(low, results),
            (None, Some(1)) => {
                return Step::Found(bracket.noting(
                    "it fails with a single user already: no number of users is few enough",
                ));
            }
            (None, Some(high)) => self.below(high, seen.len(), results),
            (None, None) => return Step::Found(bracket),
        };
        let wanted = loads.into_iter().map(|load| self.request(load, 1));
        match results.new_ones(wanted.collect()) {
            Some(runs) => Step::Runs(runs),
            None => Step::Found(bracket),
        }
    }

    /// What is known of the bracket.
    pub(super) fn bracket(&self, results: &Results) -> Bracket {
        let seen = self.seen(results);
        let mut bracket = Bracket::default();
        for (users, judgement) in &seen {
            let limits = match judgement {
                Judgement::Pass => continue,
                Judgement::Fail(limits) | Judgement::Inconclusive(limits) => limits,
            };
            if bracket.failing.is_none_or(|failing| *users < failing) {
                bracket.failing = Some(*users);
                bracket.limits = limits.clone();
                bracket.notes.clear();
                if matches!(judgement, Judgement::Inconclusive(_)) {
                    bracket.notes.push(format!(
                        "at {users} users {} has no verdict even in the longest run: taken as failed",
                        limits.join(", ")
                    ));
                }
            }
        }
        let passes = seen.iter().filter(|(_, j)| *j == Judgement::Pass);
        let (below, above): (Vec<u32>, Vec<u32>) = passes
            .map(|(users, _)| *users)
            .partition(|users| bracket.failing.is_none_or(|failing| *users < failing));
        bracket.passing = below.into_iter().max();
        if let (Some(load), Some(failing)) = (above.into_iter().max(), bracket.failing) {
            bracket.notes.push(format!(
                "{load} users pass although {failing} fail: near its limit the system passes by luck"
            ));
        }
        if let Some((users, why)) = self.too_large(results) {
            bracket.notes.push(format!("{users} users: {why}"));
        }
        bracket
    }

    /// The report of a load.
    pub(super) fn report<'r>(&self, results: &'r Results, users: u32) -> Option<&'r RunReport> {
        let own = self
            .own(results)
            .filter(|(request, _)| request.users == Some(users));
        let reports = own.filter_map(|(_, outcome)| match outcome {
            Outcome::Report(report) => Some(&**report),
            Outcome::Failed(_) => None,
        });
        reports.last()
    }

    /// Loads simulated with their judgement, the longest run of each.
    fn seen(&self, results: &Results) -> Vec<(u32, Judgement)> {
        let mut seen: Vec<(u32, u32, Judgement)> = Vec::new();
        for (request, outcome) in self.own(results) {
            let (Some(users), Outcome::Report(report)) = (request.users, outcome) else {
                continue;
            };
            let judgement = judge(report, self.ignored);
            let entry = (users, request.length_factor, judgement);
            match seen.iter_mut().find(|(other, ..)| *other == users) {
                Some(known) if known.1 < entry.1 => *known = entry,
                Some(_) => {}
                None => seen.push(entry),
            }
        }
        seen.into_iter().map(|(users, _, j)| (users, j)).collect()
    }

    fn own<'r>(&self, results: &'r Results) -> impl Iterator<Item = (&'r RunRequest, &'r Outcome)> {
        results
            .iter()
            .filter(|(request, _)| request.edits == self.edits && request.seed.is_none())
    }

    /// The smallest load that the simulator cannot hold.
    fn too_large<'r>(&self, results: &'r Results) -> Option<(u32, &'r str)> {
        let failed = self
            .own(results)
            .filter_map(|(request, outcome)| match outcome {
                Outcome::Failed(why) => Some((request.users?, why.as_str())),
                Outcome::Report(_) => None,
            });
        failed.min_by_key(|(users, _)| *users)
    }

    /// Longer runs of loads that have no verdict yet and lie where it matters.
    fn open(&self, results: &Results) -> Option<Vec<RunRequest>> {
        let failing = self
            .seen(results)
            .into_iter()
            .filter_map(|(users, judgement)| {
                matches!(judgement, Judgement::Fail(_)).then_some(users)
            });
        let smallest = failing.min().unwrap_or(u32::MAX);
        let mut longer = Vec::new();
        for (users, judgement) in self.seen(results) {
            let longest = self
                .own(results)
                .filter(|(request, _)| request.users == Some(users))
                .map(|(request, _)| request.length_factor)
                .max();
            let length = longest.unwrap_or(1) * 2;
            if matches!(judgement, Judgement::Inconclusive(_))
                && users < smallest
                && length <= LONGEST
            {
                longer.push(self.request(users, length));
            }
        }
        results.new_ones(longer)
    }

    fn is_narrow(&self, low: u32, high: u32) -> bool {
        high <= low + 1 || f64::from(high) <= f64::from(low) * (1.0 + self.width)
    }

    /// Loads above one that passes.
    fn above(&self, low: u32, results: &Results) -> Vec<u32> {
        if low >= self.most {
            return Vec::new();
        }
        if let Some((users, _)) = self.too_large(results) {
            // Up to half of what the simulator cannot hold is enough to say so.
            return if users > low.saturating_mul(2) {
                cut(low, users, self.at_once)
            } else {
                Vec::new()
            };
        }
        let estimate = self
            .report(results, low)
            .and_then(|report| report.breaks_at.as_ref()?.users.value)
            .filter(|users| *users > f64::from(low) * AROUND && self.ignored.is_empty());
        let mut loads = match estimate {
            Some(users) => spread(users, self.at_once),
            None => strides(low, self.at_once, STRIDE),
        };
        // Somebody who passes everywhere is asked at the largest load at last.
        loads
            .iter_mut()
            .for_each(|load| *load = (*load).min(self.most));
        loads.retain(|load| *load > low);
        loads.dedup();
        loads
    }

    /// Loads below one that fails; the more have failed the larger the strides.
    fn below(&self, high: u32, seen: usize, results: &Results) -> Vec<u32> {
        let estimate = self
            .report(results, high)
            .and_then(|report| report.breaks_at.as_ref()?.users.value)
            .filter(|users| *users < f64::from(high) / AROUND && seen <= 2 * self.at_once);
        let stride = if seen > 2 * self.at_once { 8.0 } else { STRIDE };
        let mut loads = match estimate {
            Some(users) => spread(users, self.at_once),
            None => strides(high, self.at_once, 1.0 / stride),
        };
        loads.iter_mut().for_each(|load| *load = (*load).max(1));
        loads.retain(|load| *load < high);
        loads.dedup();
        if loads.is_empty() {
            loads.push((high / 2).max(1));
        }
        loads
    }

    fn request(&self, users: u32, length_factor: u32) -> RunRequest {
        RunRequest {
            users: Some(users.clamp(1, self.most)),
            length_factor,
            ..RunRequest::edited(self.edits.to_vec())
        }
    }
}

impl Bracket {
    fn noting(mut self, note: &str) -> Self {
        self.notes.push(note.to_owned());
        self
    }

    /// The middle of the bracket on a logarithmic scale.
    pub(super) fn middle(&self) -> Option<f64> {
        let high = f64::from(self.failing?);
        let low = self.passing.map_or(high, f64::from);
        Some(libm::round(libm::sqrt(low * high)))
    }
}

fn whole(load: f64) -> u32 {
    libm::round(load.clamp(1.0, f64::from(u32::MAX))) as u32
}

/// `n` loads around one, evenly on a logarithmic scale.
fn spread(around: f64, n: usize) -> Vec<u32> {
    let at = |i: usize| {
        let place = if n == 1 {
            0.0
        } else {
            2.0 * i as f64 / (n - 1) as f64 - 1.0
        };
        whole(around * libm::pow(AROUND, place))
    };
    let mut loads: Vec<u32> = (0..n.max(1)).map(at).collect();
    loads.dedup();
    loads
}

/// `n` loads, each `stride` times the one before.
fn strides(from: u32, n: usize, stride: f64) -> Vec<u32> {
    let at = |i: usize| whole(f64::from(from) * libm::pow(stride, (i + 1) as f64));
    (0..n.max(1)).map(at).collect()
}

/// `n` loads that cut a bracket into n + 1 parts, evenly on a logarithmic scale.
fn cut(low: u32, high: u32, n: usize) -> Vec<u32> {
    let ratio = f64::from(high) / f64::from(low);
    let parts = (n.max(1) + 1) as f64;
    let at = |i: usize| whole(f64::from(low) * libm::pow(ratio, (i + 1) as f64 / parts));
    let mut loads: Vec<u32> = (0..n.max(1)).map(at).collect();
    loads.retain(|load| *load > low && *load < high);
    loads.dedup();
    if loads.is_empty() {
        loads.push(low + (high - low) / 2);
    }
    loads
}
