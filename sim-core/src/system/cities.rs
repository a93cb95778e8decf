//! Where records and people are: cities by size, and cells in them.
//!
//! Models: a square world of cities, each `edge × edge` cells of the grid, side by side. Whoever is somewhere is in city n with
//! probability n^−s / Σ k^−s (Zipf), and there in cell m, counted from the middle, with m^−d / Σ k^−d. Both are draws of the
//! population, keyed to the record or the user. The grid, its cells and rings are those of [`routing::shard::cells`].
//! Leaves out: land between cities, movement, and cities larger than others in cells.

use routing::shard::{Grid, Place};

use super::records::Ranks;
use crate::draw::{Draws, Purpose};
use crate::scenario::{Cities, Keys};

const CITY: Purpose = Purpose::named("population/city");
const CELL: Purpose = Purpose::named("population/cell");

/// The cities and who is where.
#[derive(Clone, Debug)]
pub struct Map {
    grid: Grid,
    edge: u32,
    /// Cities side by side.
    across: u32,
    cities: Ranks,
    cells: Ranks,
    /// The cells of a city from its middle: columns and rows from its corner.
    from_middle: Vec<(u32, u32)>,
    population: Draws,
}

/// Who or what is somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// A record.
    Record(u32),
    /// A user.
    User(u32),
}

impl Map {
    /// The map of these cities with so many cells along the edge of each.
    #[must_use]
    pub fn new(cities: &Cities, edge: u16, population: &Draws) -> Self {
        let across = libm::ceil(libm::sqrt(f64::from(cities.count))) as u32;
        let side = across * u32::from(edge);
        let keys = |count, exponent| Keys { count, exponent };
        let edge = u32::from(edge);
        Self {
            grid: Grid::torus(side as u16),
            edge,
            across,
            cities: Ranks::new(keys(cities.count, cities.sizes)),
            cells: Ranks::new(keys(edge * edge, cities.downtown)),
            from_middle: from_middle(edge),
            population: *population,
        }
    }

    /// The grid.
    #[must_use]
    pub fn grid(&self) -> Grid {
        self.grid
    }

    /// Where somebody is.
    #[must_use]
    pub fn place(&self, who: Who) -> Place {
        let (entity, id) = match who {
            Who::Record(record) => (0, record),
            Who::User(user) => (1, user),
        };
        let city = self.cities.at(self.population.u64(CITY, entity, id.into()));
        let cell = self.cells.at(self.population.u64(CELL, entity, id.into()));
        self.within(city, cell)
    }

    /// The middle of a cell of a city, counted from the middle of that.
    #[must_use]
    pub fn within(&self, city: u32, cell: u32) -> Place {
        let (column, row) = self.from_middle[cell as usize];
        let middle = |cell: u32| {
            let side = u64::from(self.across * self.edge);
            ((u64::from(cell) * 2 + 1) << 31) / side
        };
        Place {
            x: middle(city % self.across * self.edge + column) as u32,
            y: middle(city / self.across * self.edge + row) as u32,
        }
    }
}

/// The cells of a square from its middle, by distance.
fn from_middle(edge: u32) -> Vec<(u32, u32)> {
    let mut cells: Vec<(u32, u32)> = (0..edge * edge).map(|i| (i % edge, i / edge)).collect();
    let off = |at: u32| (2 * i64::from(at) - i64::from(edge) + 1).pow(2);
    cells.sort_by_key(|&(column, row)| (off(column) + off(row), row, column));
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(downtown: f64) -> Map {
        let cities = Cities {
            count: 10,
            sizes: 1.0,
            downtown,
        };
        Map::new(&cities, 8, &Draws::new(1))
    }

    #[test]
    fn a_place_lies_in_its_cell() {
        let map = map(0.0);
        assert_eq!(map.grid().cells(), 32 * 32);
        for city in 0..10 {
            for cell in 0..64 {
                let (column, row) = map.from_middle[cell as usize];
                let x = u64::from(city % 4 * 8 + column);
                let y = u64::from(city / 4 * 8 + row);
                assert_eq!(map.grid().cell(map.within(city, cell)), y * 32 + x);
            }
        }
    }

    #[test]
    fn the_first_city_has_its_share_and_the_middle_of_a_city_most_of_it() {
        let map = map(1.0);
        let (mut first, mut middle) = (0u32, 0u32);
        for record in 0..100_000 {
            let Place { x, y } = map.place(Who::Record(record));
            let cell = |part: u32| (u64::from(part) * 32) >> 32;
            let (column, row) = (cell(x), cell(y));
            first += u32::from(column < 8 && row < 8);
            middle += u32::from((3..=4).contains(&(column % 8)) && (3..=4).contains(&(row % 8)));
        }
        // 1 / H(10) and H(4) / H(64).
        assert!((f64::from(first) / 1e5 - 0.3414).abs() < 0.006, "{first}");
        assert!((f64::from(middle) / 1e5 - 0.4392).abs() < 0.006, "{middle}");
    }
}
