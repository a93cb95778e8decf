//! States kept to go back to.
//!
//! A keyframe is a clone of the run: large arrays are shared until one of the copies changes them. They are thinned
//! geometrically: dense where time is near, sparse where it is long ago, so that [`MOST`] of them reach over any length and going
//! back costs a re-simulation in proportion to how far back it is. Of large systems there are fewer: as if nothing of them were
//! shared, all together have [`BUDGET`] bytes.

use std::time::{Duration, Instant};

use sim_core::scenario::TimedFault;
use sim_core::system::SystemRun;
use sim_core::time::SimTime;

use super::seconds;

/// Keyframes at most, the beginning included.
const MOST: usize = 24;
/// Keyframes at least: the beginning, one on the way and the newest.
const LEAST: usize = 3;
/// Bytes of all of them.
const BUDGET: u64 = 2 << 30;
/// Simulated seconds between two new ones.
const EVERY_S: f64 = 1.0;
/// Taking them may take this part of the wall time.
const SHARE: u32 = 50;

/// The states, by rising time.
#[derive(Default)]
pub(super) struct Keyframes {
    kept: Vec<SystemRun>,
    cost: Duration,
    last: Option<Instant>,
}

impl Keyframes {
    /// None any more.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// How many.
    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    /// Keeps this state, if one is due. What an earlier pass over the same time has kept is as good.
    pub(super) fn offer(&mut self, run: &SystemRun) {
        let newest = self.kept.last().map_or(0.0, |kept| seconds(kept.now()));
        let rested = self
            .last
            .is_none_or(|last| last.elapsed() >= self.cost * SHARE);
        if rested && seconds(run.now()) >= newest + EVERY_S {
            self.keep(run);
        }
    }

    /// Keeps this state, the newest.
    pub(super) fn keep(&mut self, run: &SystemRun) {
        let started = Instant::now();
        self.kept.push(run.clone());
        while self.kept.len() > room(run.memory_bytes()) {
            let times: Vec<f64> = self.kept.iter().map(|kept| seconds(kept.now())).collect();
            self.kept.remove(least(&times));
        }
        self.cost = started.elapsed();
        self.last = Some(Instant::now());
    }

    /// The latest state that is not later.
    pub(super) fn before(&self, at: SimTime) -> Option<&SystemRun> {
        self.kept.iter().rfind(|kept| kept.now() <= at)
    }

    /// Forgets what came later: something else will happen now.
    pub(super) fn forget_after(&mut self, at: SimTime) {
        self.kept.retain(|kept| kept.now() <= at);
    }

    /// Something is going to happen that the kept states do not know of.
    pub(super) fn will_break(&mut self, timed: &TimedFault) {
        for kept in &mut self.kept {
            let taken = kept.add_fault(timed.clone());
            debug_assert!(taken.is_ok(), "a fault that the run has taken");
        }
    }
}

/// How many there may be of a system that has so many bytes.
fn room(bytes: u64) -> usize {
    usize::try_from(BUDGET / bytes.max(1)).map_or(MOST, |fit| fit.clamp(LEAST, MOST))
}

/// The one that is missed least: its neighbours are close to each other for how long ago it was. The first and the last stay.
fn least(times: &[f64]) -> usize {
    let now = times.last().copied().unwrap_or_default();
    let gap = |index: &usize| {
        let ago = now - times[*index] + EVERY_S;
        (times[index + 1] - times[index - 1]) / ago
    };
    let middle = 1..times.len().saturating_sub(1);
    middle
        .min_by(|one, other| gap(one).total_cmp(&gap(other)))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_systems_have_fewer() {
        assert_eq!(room(0), MOST);
        assert_eq!(room(80 << 20), MOST);
        assert_eq!(room(200 << 20), 10);
        assert_eq!(room(4 << 30), LEAST);
    }

    #[test]
    fn any_length_has_a_keyframe_near_in_proportion_to_how_long_ago_it_was() {
        let mut times = vec![0.0];
        for second in 1..=1_800 {
            times.push(f64::from(second));
            if times.len() > MOST {
                times.remove(least(&times));
            }
        }
        assert_eq!(times.len(), MOST);
        assert_eq!((times[0], times[MOST - 1]), (0.0, 1_800.0));
        for pair in times.windows(2) {
            let ago = 1_800.0 - pair[0];
            assert!(pair[1] - pair[0] <= 2.0 + 0.6 * ago, "{times:?}");
        }
        let close = times.iter().filter(|at| **at >= 1_790.0).count();
        assert!(close >= 4, "{times:?}");
    }
}
