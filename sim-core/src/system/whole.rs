//! The whole that a scale model stands for: what was counted in the model, counted for it.
//!
//! Formula: a rate, a count or a queue of the whole = that of the model × users / users of the model. Latencies, shares and
//! utilisations are those of the model. Money is that of the whole's instances and of the multiplied traffic.
//! Leaves out: when a message is complete is decided by the few slowest connections of its channel, and a model has others: that
//! latency is not given. See `Scenario::simulated` for the model itself.

use std::sync::Arc;

use super::world::World;
use crate::report::{
    FaultReport, ModelReport, OperationReport, RunReport, SeriesReport, TierReport,
};
use crate::scenario::{MODEL_ERROR, Scenario, Tier};

/// What a model stands for.
#[derive(Clone)]
pub struct Whole {
    /// The scenario, its patterns applied to its design.
    pub scenario: Arc<Scenario>,
    /// One in so many.
    k: u32,
    /// Its users for each of the model.
    pub ratio: f64,
}

impl Whole {
    /// What the model of a scenario stands for; `None`: the whole is simulated.
    pub fn of(scenario: &Scenario, simulated: &Scenario) -> Option<Self> {
        let k = scenario.run.scale?;
        let ratio = f64::from(scenario.load.users) / f64::from(simulated.load.users);
        (ratio > 1.0).then(|| Self {
            scenario: Arc::new(scenario.effective()),
            k,
            ratio,
        })
    }

    /// Counts of a report are those of the whole from then on.
    pub fn enlarge(&self, report: &mut RunReport) {
        let all = &mut *report;
        all.operations
            .values_mut()
            .for_each(|own| self.operation(own));
        for (name, tier) in &mut all.tiers {
            self.tier(name, tier);
        }
        let connections = &mut all.connections;
        let counts = [
            &mut connections.open,
            &mut connections.wanted,
            &mut connections.reconnects,
            &mut connections.attempts,
            &mut connections.resumed,
            &mut connections.resync_bytes,
        ];
        let rejected = connections.rejected.values_mut();
        counts
            .into_iter()
            .chain(rejected)
            .for_each(|own| self.count(own));
        all.faults.iter_mut().for_each(|own| self.fault(own));
        if let Some(series) = &mut all.series {
            self.series(series);
        }
        let (k, error) = (self.k, 100.0 * MODEL_ERROR);
        all.warnings.push(format!("simulated as a 1:{k} model, one in {k} users on machines with one in {k} cores: latencies up to the 99th percentile are within {error:.0} % of the whole, counts and money are for the whole"));
        all.model = Some(ModelReport {
            one_in: self.k,
            error: MODEL_ERROR,
        });
    }

    fn count(&self, count: &mut u64) {
        *count = libm::round(*count as f64 * self.ratio) as u64;
    }

    fn rate(&self, rate: &mut f64) {
        *rate *= self.ratio;
    }

    fn operation(&self, own: &mut OperationReport) {
        own.latency_ms.remove("complete");
        let rates = [
            &mut own.offered_per_s,
            &mut own.completed_per_s,
            &mut own.deliveries_per_s,
        ];
        rates.into_iter().for_each(|rate| self.rate(rate));
        let counts = [
            &mut own.received,
            &mut own.in_flight,
            &mut own.failed,
            &mut own.timed_out,
            &mut own.retried,
            &mut own.lost,
            &mut own.duplicated,
            &mut own.reordered,
        ];
        counts.into_iter().for_each(|count| self.count(count));
        // Rounded each by itself they would not add up.
        own.owed = match own.owed {
            0 => 0,
            _ => own.received + own.in_flight + own.lost,
        };
    }

    fn tier(&self, name: &str, own: &mut TierReport) {
        // The others have the queues of the whole.
        if name == Tier::ConnectionServers.name() {
            self.rate(&mut own.queue.mean);
            self.count(&mut own.queue.max);
        }
        self.count(&mut own.dropped);
        own.counters
            .values_mut()
            .for_each(|count| self.count(count));
    }

    fn fault(&self, own: &mut FaultReport) {
        let lost = &mut own.lost;
        let counts = [
            &mut own.failed,
            &mut lost.deliveries,
            &mut lost.failed,
            &mut lost.timed_out,
            &mut lost.reconnects,
            &mut lost.reconnects_usual,
        ];
        counts.into_iter().for_each(|count| self.count(count));
    }

    fn series(&self, series: &mut SeriesReport) {
        for own in series.operations.values_mut() {
            let steps = own.offered_per_s.iter_mut();
            let steps = steps.chain(&mut own.deliveries_per_s);
            steps.for_each(|rate| self.rate(rate));
        }
        if let Some(own) = series.tiers.get_mut(Tier::ConnectionServers.name()) {
            own.queue.iter_mut().for_each(|jobs| self.rate(jobs));
        }
        series
            .connections_open
            .iter_mut()
            .for_each(|open| self.count(open));
    }
}

impl World {
    /// The clocks of the stations behind the servers go as slow as the model is small.
    pub(super) fn slow_clocks(&mut self) {
        let Some(k) = self.scenario.run.scale else {
            return;
        };
        if let Some(owners) = &mut self.owners {
            owners.nodes.slow_clock(k);
        }
        if let Some(broker) = &mut self.broker {
            broker.nodes.slow_clock(k);
        }
        if let Some(databases) = &mut self.databases {
            databases
                .shards
                .iter_mut()
                .for_each(|shard| shard.slow_clock(k));
        }
    }

    /// The scenario whose instances are paid for.
    pub(super) fn billed(&self) -> &Scenario {
        let whole = self.whole.as_ref();
        whole.map_or(&self.scenario, |whole| &whole.scenario)
    }

    /// How many users each of those simulated stands for.
    pub(super) fn stands_for(&self) -> f64 {
        self.whole.as_ref().map_or(1.0, |whole| whole.ratio)
    }
}
