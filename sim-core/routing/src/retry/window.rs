//! Two counters over a sliding window.
//!
//! *Models:* what was counted in about the last `window`: the time is cut into sixteenths of the window, and the
//! last sixteen count, the present one included. *Property:* something counted now is forgotten after 15/16 to
//! 16/16 of the window. *Leaves out:* weighting by age.

use crate::ids::Timestamp;

const SLICES: u64 = 16;

#[derive(Clone, Debug)]
pub(super) struct SlidingWindow {
    slice_ns: u64,
    slices: [[u64; 2]; SLICES as usize],
    totals: [u64; 2],
    /// Number of the present slice since time 0.
    present: u64,
}

impl SlidingWindow {
    pub(super) fn new(window_ns: u64) -> Self {
        Self {
            slice_ns: (window_ns / SLICES).max(1),
            slices: Default::default(),
            totals: [0; 2],
            present: 0,
        }
    }

    /// Adds to both counters.
    pub(super) fn add(&mut self, now: Timestamp, counts: [u64; 2]) {
        self.advance(now);
        let slice = &mut self.slices[(self.present % SLICES) as usize];
        for (i, count) in counts.into_iter().enumerate() {
            slice[i] += count;
            self.totals[i] += count;
        }
    }

    /// Both counters over the window.
    pub(super) fn totals(&mut self, now: Timestamp) -> [u64; 2] {
        self.advance(now);
        self.totals
    }

    pub(super) fn clear(&mut self) {
        self.slices = Default::default();
        self.totals = [0; 2];
    }

    /// Forgets the slices that have left the window. Time never runs backwards.
    fn advance(&mut self, now: Timestamp) {
        let present = now.0 / self.slice_ns;
        let passed = present.saturating_sub(self.present).min(SLICES);
        for i in 1..=passed {
            let slice = &mut self.slices[((self.present + i) % SLICES) as usize];
            for (total, count) in self.totals.iter_mut().zip(std::mem::take(slice)) {
                *total -= count;
            }
        }
        self.present = self.present.max(present);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_old_is_forgotten() {
        let mut window = SlidingWindow::new(1_600);
        window.add(Timestamp(50), [1, 0]);
        window.add(Timestamp(250), [2, 5]);
        assert_eq!(window.totals(Timestamp(1_599)), [3, 5]);
        assert_eq!(window.totals(Timestamp(1_600)), [2, 5]);
        assert_eq!(window.totals(Timestamp(10)), [2, 5], "time goes on");
        window.add(Timestamp(1_700), [4, 0]);
        assert_eq!(window.totals(Timestamp(1_800)), [4, 0]);
        assert_eq!(window.totals(Timestamp(1_000_000)), [0, 0]);
        window.add(Timestamp(1_000_000), [1, 1]);
        window.clear();
        assert_eq!(window.totals(Timestamp(1_000_000)), [0, 0]);
    }
}
