//! A network that is cut: which regions see each other, and who goes on.
//!
//! *Models:* regions in groups; a region reaches those of its own group. *Formula:* consistent: a side goes on
//! if it has more than half of all regions (at most one side has); available: every side goes on. *Property:*
//! under a cut a consistent design refuses on all sides but one and has no conflicts; an available one refuses
//! nowhere. *Leaves out:* cuts that differ by direction. *Source:* S. Gilbert and N. Lynch (2002).

/// What a design does when it is cut in two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Stance {
    /// Only the side with most of the regions goes on (CP).
    #[default]
    Consistent,
    /// Every side goes on (AP).
    Available,
}

/// Regions and who sees whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    group: Vec<u32>,
}

impl Split {
    /// Everybody sees everybody.
    #[must_use]
    pub fn none(regions: u32) -> Self {
        Self {
            group: vec![0; regions as usize],
        }
    }

    /// The network is cut: regions with the same number in `groups` see each other.
    pub fn cut(&mut self, groups: &[u32]) {
        assert_eq!(groups.len(), self.group.len(), "every region is on a side");
        self.group.copy_from_slice(groups);
    }

    /// It is whole again.
    pub fn heal(&mut self) {
        self.group.fill(0);
    }

    /// Whether two regions see each other.
    #[must_use]
    pub fn reaches(&self, a: u32, b: u32) -> bool {
        self.group[a as usize] == self.group[b as usize]
    }

    /// Regions on the side of a region, itself included.
    #[must_use]
    pub fn side(&self, region: u32) -> u32 {
        let own = self.group[region as usize];
        self.group.iter().filter(|group| **group == own).count() as u32
    }

    /// Whether a region accepts writes.
    #[must_use]
    pub fn accepts(&self, stance: Stance, region: u32) -> bool {
        match stance {
            Stance::Consistent => 2 * self.side(region) as usize > self.group.len(),
            Stance::Available => true,
        }
    }

    /// Number of regions.
    #[must_use]
    pub fn regions(&self) -> u32 {
        self.group.len() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_majority_goes_on() {
        let mut split = Split::none(3);
        assert!((0..3).all(|region| split.accepts(Stance::Consistent, region)));
        split.cut(&[0, 0, 1]);
        let accepts = |stance| [0, 1, 2].map(|region| split.accepts(stance, region));
        assert_eq!(accepts(Stance::Consistent), [true, true, false]);
        assert_eq!(accepts(Stance::Available), [true; 3]);
        assert!(split.reaches(0, 1) && !split.reaches(1, 2));
        let mut halves = Split::none(4);
        halves.cut(&[0, 0, 1, 1]);
        assert!((0..4).all(|region| !halves.accepts(Stance::Consistent, region)));
        split.heal();
        assert_eq!((split.side(2), split.regions()), (3, 3));
    }
}
