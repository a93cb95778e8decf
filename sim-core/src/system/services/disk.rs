//! A disk that stores what is waiting for it together.
//!
//! *Models:* one write at a time; what comes while it lasts is stored together by the next one (group commit). *Formula:* what
//! comes at t is safe at t + w if the disk is idle, else w after the end of the present write: w to 2 w. *Leaves out:* the
//! size of a write. *Source:* group commit as in D. DeWitt et al. (SIGMOD 1984).

use crate::time::{SimDuration, SimTime};

/// One disk, or one replica's acknowledgement of all before it.
#[derive(Clone, Copy, Debug)]
pub struct Disk {
    write: SimDuration,
    /// When the last write so far ends, and when it begins.
    ends: SimTime,
    begins: SimTime,
}

impl Disk {
    /// An idle disk on which every write takes this long.
    #[must_use]
    pub fn new(write: SimDuration) -> Self {
        Self {
            write,
            ends: SimTime::ZERO,
            begins: SimTime::ZERO,
        }
    }

    /// When something is safe that comes at `at`; times do not fall from call to call.
    pub fn stored(&mut self, at: SimTime) -> SimTime {
        if self.write.is_zero() {
            return at;
        }
        if at > self.begins {
            // The write that is planned has begun: what comes now waits for the one after it.
            self.begins = at.max(self.ends);
            self.ends = self.begins + self.write;
        }
        self.ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_for_the_disk_is_stored_together() {
        let ms = SimTime::from_millis;
        let mut disk = Disk::new(SimDuration::from_millis(10));
        let safe = [1, 2, 5, 12, 30].map(|at| disk.stored(ms(at)));
        // The first alone, the second and third by the next write, the fourth by the one after that.
        assert_eq!(safe, [ms(11), ms(21), ms(21), ms(31), ms(41)]);
    }
}
