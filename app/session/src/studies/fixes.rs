//! Which changes are worth a look: at most four, of different kinds.

use sim_core::experiment::Advise;
use sim_core::experiment::advise::Variant;
use sim_core::experiment::{Forecast, Forecaster};
use sim_core::scenario::Edit;

use super::Fix;

/// Changes that are shown.
const SHOWN: usize = 4;
/// Loads to hold, as multiples of the present one; the first of them where it does not hold the present one.
pub(super) const TIMES: [f64; 3] = [1.0, 1.5, 3.0];
/// A change in the load that is held which counts as one.
const NOTICEABLE: f64 = 0.005;

/// What is looked at, and how much of it is done.
#[derive(Default)]
pub(super) struct Search {
    holding: Vec<Variant>,
    steps: Vec<Variant>,
}

impl Search {
    /// Looks at everything; `show` is called whenever there is more.
    pub(super) fn run(
        &mut self,
        forecaster: &Forecaster,
        go_on: &dyn Fn() -> bool,
        show: &mut dyn FnMut(Vec<Fix>),
    ) {
        let users = f64::from(forecaster.scenario.load.users);
        let mut all = sim_core::experiment::candidates::candidates(&forecaster.scenario);
        // What needs no new survey of the population is there at once.
        all.sort_by_key(|candidate| !is_quick(&candidate.edits));
        let first_slow = all.iter().position(|c| !is_quick(&c.edits));
        let slow = all.split_off(first_slow.unwrap_or(all.len()));
        for candidate in all {
            if go_on() {
                let found = forecaster.variant(candidate.words, candidate.edits);
                self.steps.extend(found);
            }
        }
        show(self.chosen(forecaster));
        for times in TIMES {
            let found = forecaster.holding(users * times, go_on);
            if let Some(found) = found.filter(|found| !self.holding.contains(found)) {
                self.holding.push(found);
                show(self.chosen(forecaster));
            }
        }
        for candidate in slow {
            if go_on() {
                let found = forecaster.variant(candidate.words, candidate.edits);
                self.steps.extend(found);
                show(self.chosen(forecaster));
            }
        }
    }

    /// The best of each kind, then the best of the rest, in the order of what they do.
    fn chosen(&self, forecaster: &Forecaster) -> Vec<Fix> {
        let all: Vec<Variant> = self.holding.iter().chain(&self.steps).cloned().collect();
        let advise = Advise {
            base: forecaster.base.clone(),
            users: forecaster.scenario.load.users,
            variants: all,
            ignored: Vec::new(),
            simulate: 0,
            search: None,
            at_once: 1,
        };
        let ranked = advise.ranked();
        let useful = ranked
            .into_iter()
            .filter(|variant| helps(&forecaster.base, &variant.forecast));
        let mut useful: Vec<&Variant> = useful.collect();
        useful.dedup_by(|a, b| a.edits == b.edits);
        let mut kept: Vec<&Variant> = self
            .holding
            .iter()
            .filter(|variant| useful.iter().any(|other| other.edits == variant.edits))
            .take(2)
            .collect();
        let mut add = |wanted: &dyn Fn(&Variant) -> bool| {
            let known = |variant: &&&Variant| kept.iter().all(|k| k.edits != variant.edits);
            let found = useful.iter().filter(known).find(|variant| wanted(variant));
            if let Some(found) = found.copied().filter(|_| kept.len() < SHOWN) {
                kept.push(found);
            }
        };
        add(&|variant| is_switch(&variant.edits));
        for _ in 0..SHOWN {
            add(&|variant| !self.holding.contains(variant));
        }
        let order = |variant: &&Variant| useful.iter().position(|u| u.edits == variant.edits);
        kept.sort_by_key(order);
        let base = &forecaster.base;
        kept.into_iter().map(|variant| fix(base, variant)).collect()
    }
}

fn fix(base: &Forecast, variant: &Variant) -> Fix {
    let delta = |now: Option<f64>, before: Option<f64>| Some(now? - before?);
    Fix {
        words: variant.words.clone(),
        edits: variant.edits.clone(),
        delta_usd: delta(variant.forecast.usd_per_month, base.usd_per_month),
        forecast: variant.forecast.clone(),
        simulated: None,
        share: None,
    }
}

fn helps(base: &Forecast, changed: &Forecast) -> bool {
    match (base.breaks_at, changed.breaks_at) {
        (Some(before), Some(after)) => after > before * (1.0 + NOTICEABLE),
        (before, after) => before.is_some() && after.is_none(),
    }
}

fn is_switch(edits: &[Edit]) -> bool {
    matches!(edits, [Edit::Set { path, .. }] if path.starts_with("patterns."))
}

/// Whether the people, seats and owners stay as they are.
fn is_quick(edits: &[Edit]) -> bool {
    let quick = ["patterns.sharding", "patterns.caching_and_edge"];
    matches!(edits, [Edit::Set { path, .. }] if path.starts_with("design.database.") || quick.contains(&path.as_str()))
}
