//! Spill-over: how much of the load leaves a region whose servers fail.
//!
//! *Models:* levels in order of preference (the region itself, then the next nearest, …), each with some of its
//! servers healthy. *Formula:* a level can take min(1, overprovisioning · healthy share); the load goes to the
//! levels in order up to what they can take, so with 1.4 and healthy neighbours the spill share is
//! max(0, 1 − 1.4 · healthy). If all together can take T < 1, each takes its part divided by T, and a level with
//! less than half of its servers healthy *panics*: its load goes to all its servers, sick or not, so that the few
//! left are not crushed. If every level panics, the load is spread by number of servers. *Property:* the shares
//! add up to 1. *Leaves out:* weights of servers, degraded health. *Source:* Envoy, "Priority levels" and "Panic
//! threshold".

/// A region's servers, as one level of preference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Servers that are healthy, at most `servers`.
    pub healthy: u32,
    /// Servers in all.
    pub servers: u32,
}

impl Level {
    /// The share of servers that are healthy; 0 without servers.
    #[must_use]
    pub fn health(&self) -> f64 {
        if self.servers == 0 {
            return 0.0;
        }
        f64::from(self.healthy.min(self.servers)) / f64::from(self.servers)
    }
}

/// When load spills over and when health is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpillPolicy {
    /// What a level's servers can take in percent of its normal load.
    pub overprovision_percent: u32,
    /// Percent of healthy servers below which a level may panic; 0: never.
    pub panic_percent: u32,
}

impl Default for SpillPolicy {
    /// 140 % and 50 %, as in Envoy.
    fn default() -> Self {
        Self {
            overprovision_percent: 140,
            panic_percent: 50,
        }
    }
}

/// What a level gets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// Its share of the load.
    pub load: f64,
    /// Whether its load goes to all of its servers, whatever their health.
    pub panic: bool,
}

impl SpillPolicy {
    /// The shares of levels in order of preference. They add up to 1, unless there is no server at all or, without
    /// panic, no healthy one.
    #[must_use]
    pub fn shares(&self, levels: &[Level]) -> Vec<Share> {
        let factor = f64::from(self.overprovision_percent) / 100.0;
        let takes = |level: &Level| (factor * level.health()).min(1.0);
        let total: f64 = levels.iter().map(takes).sum();
        let threshold = f64::from(self.panic_percent) / 100.0;
        let panics = |level: &Level| total < 1.0 && level.health() < threshold;
        let in_use = |level: &&Level| level.servers > 0;
        if levels.iter().filter(in_use).all(panics) {
            return by_servers(levels);
        }
        if total == 0.0 {
            let (load, panic) = (0.0, false);
            return vec![Share { load, panic }; levels.len()];
        }
        let mut left = 1.0f64;
        let share = |level: &Level| {
            let load = left.min(takes(level) / total.min(1.0));
            left -= load;
            let panic = panics(level) && level.servers > 0;
            Share { load, panic }
        };
        levels.iter().map(share).collect()
    }
}

/// Every server gets the same.
fn by_servers(levels: &[Level]) -> Vec<Share> {
    let total: u64 = levels.iter().map(|level| u64::from(level.servers)).sum();
    let share = |level: &Level| Share {
        load: f64::from(level.servers) / total.max(1) as f64,
        panic: level.servers > 0,
    };
    levels.iter().map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(healthy: &[u32]) -> Vec<(f64, bool)> {
        let level = |&healthy: &u32| Level {
            healthy,
            servers: 100,
        };
        let levels: Vec<Level> = healthy.iter().map(level).collect();
        let rounded = |share: Share| ((share.load * 1e4).round() / 100.0, share.panic);
        let shares = SpillPolicy::default().shares(&levels);
        shares.into_iter().map(rounded).collect()
    }

    #[test]
    fn the_tables_of_envoy_hold() {
        let calm = |loads: [f64; 2]| loads.map(|load| (load, false));
        assert_eq!(shares(&[72, 72]), calm([100.0, 0.0]));
        assert_eq!(shares(&[71, 71]), calm([99.4, 0.6]));
        assert_eq!(shares(&[50, 100]), calm([70.0, 30.0]));
        assert_eq!(shares(&[50, 60]), calm([70.0, 30.0]));
        assert_eq!(shares(&[25, 100]), calm([35.0, 65.0]));
        assert_eq!(shares(&[0, 100]), calm([0.0, 100.0]));
        assert_eq!(shares(&[25, 25]), [(50.0, true), (50.0, true)]);
        assert_eq!(shares(&[5, 65]), [(7.14, true), (92.86, false)]);
        assert_eq!(
            shares(&[20, 20, 10, 25, 25])[..4],
            [28.0, 28.0, 14.0, 30.0].map(|load| (load, false))
        );
    }

    #[test]
    fn without_healthy_servers_all_are_used_or_none() {
        let dead = |servers| Level {
            healthy: 0,
            servers,
        };
        let levels = [dead(30), dead(10), dead(0)];
        let shares = SpillPolicy::default().shares(&levels);
        assert_eq!(
            shares.iter().map(|share| share.load).collect::<Vec<_>>(),
            [0.75, 0.25, 0.0]
        );
        let calm = SpillPolicy {
            panic_percent: 0,
            ..SpillPolicy::default()
        };
        assert!(calm.shares(&levels).iter().all(|share| share.load == 0.0));
        assert!(SpillPolicy::default().shares(&[]).is_empty());
    }
}
