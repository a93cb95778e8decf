//! Geographic cells: the world as a grid of squares, grouped to blocks, placed on shards.
//!
//! *Models:* a place's cell; a cell's block of `block × block` cells; a block's shard. What interests somebody at a
//! place is the k-ring: all cells at most k steps away, diagonals included. *Formula:* |k-ring| = (2k + 1)² on a
//! torus that is wide enough; an interest crosses a block's edge with probability 1 − ((b − 2k)/b)² for blocks of
//! b ≥ 2k cells and places spread evenly. *Why not hexagons:* what is measured here (hot shards, interests that
//! cross shards) depends on the size of a block and hardly on its shape (a hexagon of equal area has a perimeter
//! 7 % shorter), while squares nest exactly (a hexagon's children stick out of it), need no pentagons, and find
//! their cell by two multiplications. *Leaves out:* the shrinking of cells towards the poles.
//! *Source:* quad cells as in S2, k-rings as in H3.

use crate::ids::ShardId;
use crate::placement::{Node, PlacementMap};
use std::collections::BTreeSet;

/// A place in the world: two fractions of its width and height, in units of 2^-32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Place {
    /// From west to east.
    pub x: u32,
    /// From south to north.
    pub y: u32,
}

impl Place {
    /// A place by degrees: longitudes wrap around, latitudes end at the poles.
    #[must_use]
    pub fn from_degrees(latitude: f64, longitude: f64) -> Self {
        const WHOLE: f64 = (1u64 << 32) as f64;
        let east = (longitude + 180.0) / 360.0;
        let north = (latitude + 90.0) / 180.0;
        // A float becomes the nearest integer in range, so the north pole is the last unit.
        Self {
            x: ((east - east.floor()) * WHOLE) as u32,
            y: (north * WHOLE) as u32,
        }
    }
}

/// A grid of square cells, numbered row by row from the south-west.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Grid {
    columns: u32,
    rows: u32,
    /// Whether the top row touches the bottom one, as the last column touches the first.
    wraps_north: bool,
}

impl Grid {
    /// An abstract world without edges, `side × side` cells (at least one, at most 65 535 a side).
    #[must_use]
    pub const fn torus(side: u16) -> Self {
        let side = if side == 0 { 1 } else { side as u32 };
        Self {
            columns: side,
            rows: side,
            wraps_north: true,
        }
    }

    /// The globe in cells of 180/`rows` degrees; it wraps from east to west and ends at the poles.
    #[must_use]
    pub const fn globe(rows: u16) -> Self {
        let rows = if rows == 0 { 1 } else { rows as u32 };
        Self {
            columns: 2 * rows,
            rows,
            wraps_north: false,
        }
    }

    /// How many cells there are.
    #[must_use]
    pub const fn cells(&self) -> u64 {
        self.columns as u64 * self.rows as u64
    }

    /// The cell of a place.
    #[must_use]
    pub fn cell(&self, place: Place) -> u64 {
        let scale = |part: u32, cells: u32| (u64::from(part) * u64::from(cells)) >> 32;
        self.number(scale(place.x, self.columns), scale(place.y, self.rows))
    }

    /// The cells at most `k` steps from one, diagonals included, ascending; fewer at a pole, and at most all.
    #[must_use]
    pub fn ring(&self, cell: u64, k: u32) -> Vec<u64> {
        let (column, row) = self.split(cell);
        let columns = around(column, k, self.columns, true);
        let rows = around(row, k, self.rows, self.wraps_north);
        let row_of = |&row: &u64| columns.iter().map(move |&column| self.number(column, row));
        rows.iter().flat_map(row_of).collect()
    }

    const fn number(&self, column: u64, row: u64) -> u64 {
        row * self.columns as u64 + column
    }

    const fn split(&self, cell: u64) -> (u64, u64) {
        (
            cell % self.columns as u64,
            cell / self.columns as u64 % self.rows as u64,
        )
    }
}

/// The positions at most `k` from `at` on a line of `len`, ascending, each once.
fn around(at: u64, k: u32, len: u32, wraps: bool) -> Vec<u64> {
    let (k, len) = (u64::from(k), u64::from(len));
    if !wraps {
        return (at.saturating_sub(k)..=(at + k).min(len - 1)).collect();
    }
    if 2 * k + 1 >= len {
        return (0..len).collect();
    }
    let mut positions: Vec<u64> = (0..=2 * k).map(|i| (at + len - k + i) % len).collect();
    positions.sort_unstable();
    positions
}

/// Cell → block → shard.
#[derive(Clone, Debug)]
pub struct CellMap {
    grid: Grid,
    block: u64,
    blocks: PlacementMap,
}

impl CellMap {
    /// A map of a grid in blocks of `block × block` cells (at least one), each placed by `blocks`.
    #[must_use]
    pub fn new(grid: Grid, block: u16, blocks: PlacementMap) -> Self {
        Self {
            grid,
            block: u64::from(block.max(1)),
            blocks,
        }
    }

    /// The grid.
    #[must_use]
    pub fn grid(&self) -> Grid {
        self.grid
    }

    /// The block of a cell: its parent.
    #[must_use]
    pub fn block_of(&self, cell: u64) -> u64 {
        let (column, row) = self.grid.split(cell);
        let across = u64::from(self.grid.columns).div_ceil(self.block);
        row / self.block * across + column / self.block
    }

    /// The shard of a cell; `None` without shards.
    #[must_use]
    pub fn owner(&self, cell: u64) -> Option<ShardId> {
        self.blocks.owner(self.block_of(cell)).map(ShardId)
    }

    /// The shards that an interest in everything within `k` cells must ask, ascending.
    #[must_use]
    pub fn shards_within(&self, cell: u64, k: u32) -> Vec<ShardId> {
        let blocks: BTreeSet<u64> = self
            .grid
            .ring(cell, k)
            .into_iter()
            .map(|cell| self.block_of(cell))
            .collect();
        let owners = blocks.iter().filter_map(|&block| self.blocks.owner(block));
        let shards: BTreeSet<ShardId> = owners.map(ShardId).collect();
        shards.into_iter().collect()
    }

    /// Adds a shard to the placement of the blocks; `false` if it is there already.
    pub fn add(&mut self, shard: ShardId) -> bool {
        self.blocks.add(Node::new(shard.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::placement::Placement;

    #[test]
    fn degrees_find_their_cells() {
        let grid = Grid::globe(180);
        let cell = |latitude, longitude| grid.cell(Place::from_degrees(latitude, longitude));
        assert_eq!(grid.cells(), 64_800);
        assert_eq!(cell(-90.0, -180.0), 0);
        assert_eq!(cell(90.0, 179.9), 64_799);
        assert_eq!(cell(0.5, 540.5), cell(0.5, 180.5));
        assert_eq!(cell(52.5, 13.4), 142 * 360 + 193);
    }

    #[test]
    fn rings_wrap_on_a_torus_and_end_at_the_poles() {
        let torus = Grid::torus(5);
        assert_eq!(torus.ring(0, 1), [0, 1, 4, 5, 6, 9, 20, 21, 24]);
        assert_eq!(torus.ring(12, 2).len(), 25);
        assert_eq!(torus.ring(12, 9).len(), 25);
        let globe = Grid::globe(4);
        assert_eq!(globe.ring(0, 1), [0, 1, 7, 8, 9, 15]);
        assert_eq!(Grid::torus(0).ring(0, 3), [0]);
    }

    #[test]
    fn a_block_is_on_one_shard_and_an_edge_asks_several() {
        let shards: Vec<u32> = (0..8).collect();
        let map = CellMap::new(
            Grid::torus(64),
            8,
            PlacementMap::new(Placement::Jump, &shards),
        );
        assert_eq!(map.block_of(0), map.block_of(7 * 64 + 7));
        assert_ne!(map.block_of(0), map.block_of(8));
        let middle = 3 * 64 + 3;
        assert_eq!(map.shards_within(middle, 3).len(), 1);
        let crossing = (0..map.grid().cells())
            .filter(|&cell| {
                let block = map.block_of(cell);
                let ring = map.grid().ring(cell, 1);
                ring.iter().any(|&near| map.block_of(near) != block)
            })
            .count();
        assert_eq!(crossing, 64 * 64 - 64 * 36, "1 − ((8 − 2)/8)² of the cells");
    }
}
