//! Interest by place: who is told that something moved.
//!
//! *Models:* the world as cells ([`crate::shard::Grid`]); everybody who watches has subscribed to the cells at
//! most k steps around the own one, and changes these subscriptions when passing into another cell. *Formula:*
//! a move is told to those in (2k + 1)² cells instead of to everybody: of u users spread evenly over c cells to
//! (2k + 1)² u / c. All within k cells' width are told (recall 1 for that radius); a move to a neighbouring
//! cell changes 2 (2k + 1) subscriptions, a diagonal one 2 (4k + 1). *Property:* a watcher's subscriptions are
//! exactly the ring around where it is. *Leaves out:* different radii for what is big or fast. *Source:* as
//! [`crate::shard::cells`].

use crate::shard::{Grid, Place};
use std::collections::BTreeMap;

/// Somebody who moves and watches, dense from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MoverId(pub u32);

/// What a move changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// The cell it is in now.
    pub cell: u64,
    /// Cells it watches from now on.
    pub subscribed: u32,
    /// Cells it watches no more.
    pub unsubscribed: u32,
}

/// Places and who watches which cell.
#[derive(Clone, Debug)]
pub struct InterestIndex {
    grid: Grid,
    k: u32,
    /// The cell of each mover; `None` for those that are away.
    cells: Vec<Option<u64>>,
    watchers: BTreeMap<u64, Vec<MoverId>>,
}

impl InterestIndex {
    /// Nobody is there; everybody who comes will watch `k` cells around.
    #[must_use]
    pub fn new(grid: Grid, k: u32) -> Self {
        Self {
            grid,
            k,
            cells: Vec::new(),
            watchers: BTreeMap::new(),
        }
    }

    /// Somebody is at a place now, for the first time or after a move.
    pub fn moved_to(&mut self, mover: MoverId, place: Place) -> Moved {
        let cell = self.grid.cell(place);
        let index = mover.0 as usize;
        if self.cells.len() <= index {
            self.cells.resize(index + 1, None);
        }
        let before = self.cells[index].replace(cell);
        let mut moved = Moved {
            cell,
            ..Moved::default()
        };
        if before == Some(cell) {
            return moved;
        }
        let old = before.map_or_else(Vec::new, |before| self.grid.ring(before, self.k));
        let new = self.grid.ring(cell, self.k);
        // Rings are ascending.
        for gone in old.iter().filter(|one| new.binary_search(one).is_err()) {
            self.unwatch(mover, *gone);
            moved.unsubscribed += 1;
        }
        for come in new.iter().filter(|one| old.binary_search(one).is_err()) {
            self.watchers.entry(*come).or_default().push(mover);
            moved.subscribed += 1;
        }
        moved
    }

    /// Somebody is gone.
    pub fn left(&mut self, mover: MoverId) {
        let cell = self.cells.get_mut(mover.0 as usize).and_then(Option::take);
        for cell in cell.map_or_else(Vec::new, |cell| self.grid.ring(cell, self.k)) {
            self.unwatch(mover, cell);
        }
    }

    /// Who watches a cell, in no particular but a reproducible order.
    #[must_use]
    pub fn watchers(&self, cell: u64) -> &[MoverId] {
        self.watchers.get(&cell).map_or(&[], Vec::as_slice)
    }

    /// The cell somebody is in.
    #[must_use]
    pub fn cell_of(&self, mover: MoverId) -> Option<u64> {
        self.cells.get(mover.0 as usize).copied().flatten()
    }

    fn unwatch(&mut self, mover: MoverId, cell: u64) {
        let Some(watchers) = self.watchers.get_mut(&cell) else {
            return;
        };
        if let Some(at) = watchers.iter().position(|watcher| *watcher == mover) {
            watchers.swap_remove(at);
        }
        if watchers.is_empty() {
            self.watchers.remove(&cell);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_changes_two_sides_of_the_ring() {
        let mut index = InterestIndex::new(Grid::torus(16), 1);
        let place = |column: u32, row: u32| Place {
            x: column << 28,
            y: row << 28,
        };
        let first = index.moved_to(MoverId(0), place(5, 5));
        assert_eq!((first.subscribed, first.unsubscribed), (9, 0));
        index.moved_to(MoverId(3), place(6, 6));
        assert_eq!(index.watchers(first.cell), [MoverId(0), MoverId(3)]);
        let step = index.moved_to(MoverId(0), place(6, 5));
        assert_eq!((step.subscribed, step.unsubscribed), (3, 3));
        let diagonal = index.moved_to(MoverId(0), place(7, 6));
        assert_eq!((diagonal.subscribed, diagonal.unsubscribed), (5, 5));
        assert_eq!(index.moved_to(MoverId(0), place(7, 6)).subscribed, 0);
        index.left(MoverId(0));
        assert_eq!(
            (index.watchers(first.cell), index.cell_of(MoverId(0))),
            (&[MoverId(3)][..], None)
        );
    }
}
