//! The simulated system: a scenario's population and tiers, driven by the engine.
//!
//! [`SystemRun`] is the door: built from a scenario, advanced in simulated time, asked for a report. Behind it,
//! [`world`] wires the tiers; [`population`] and [`network`] say who is where; [`servers`] and [`backend`] hold the tiers;
//! [`rhythm`] says when and [`arrivals`] who starts operations, [`sizes`] how many and how large they are, [`crowds`] brings
//! people and lets clients wait, and [`path`] takes them through; [`deliveries`] turns copies into receipts; [`seating`]
//! places people, [`sessions`] loses and makes connections; [`faults`] and [`outages`] break things; [`sites`],
//! [`balancers`] and [`between`] know regions; [`injected`] takes faults while running, [`heat`] says how full each instance
//! is, [`sourcing`] lets a log stand in place of the database, [`traces`] follows single messages, [`early`] and [`watched`] serve those who watch; [`ledger`] keeps the accounts and
//! [`summary`], [`limits`], [`cost`] and [`verdict`] make them a report.

mod arrivals;
mod asking;
mod audit;
mod backend;
mod backlog;
mod balancers;
mod baseline;
mod between;
mod caches;
mod calling;
mod calls;
mod cities;
mod clients;
mod compared;
mod cost;
mod crowds;
mod deliveries;
mod documents;
mod early;
mod edge;
mod event;
mod failover;
mod faults;
mod gate;
mod heat;
mod inflight;
mod injected;
mod intervals;
mod ledger;
mod limits;
mod lists;
mod network;
mod operation;
mod ordering;
mod outages;
mod path;
mod pooler;
mod pools;
mod population;
mod populations;
mod rates;
mod receipts;
mod records;
mod recovery;
mod regional;
mod replicas;
mod replicated;
mod resharding;
mod rhythm;
mod seating;
mod servers;
mod services;
mod sessions;
mod sharding;
mod sites;
mod sizes;
mod sourcing;
mod stores;
mod summary;
mod survey;
mod timeline;
mod traces;
mod verdict;
mod versions;
mod warm;
mod watched;
mod whole;
mod world;

use std::sync::Arc;

use crate::engine::{Interrupt, Limits, Simulation, StopReason};
use crate::quick::{self, Quick};
use crate::report::{ConnectionsReport, RunReport};
use crate::scenario::{Asking, Scenario};
use crate::statistics::CONFIDENCE;
use crate::time::SimTime;
use whole::Whole;
use world::World;

pub use compared::{compared, compared_reports, compared_stories};
pub(crate) use cost::{Flows, usage_of};
pub(crate) use edge::served;
pub use gate::{Asked, Gate, WEAKER_WAY_OUT, asked, dropped, judge_comparison};
pub use heat::{Heat, Readings, TierHeat};
pub use injected::FaultRefused;
pub use limits::delivery_growth;
pub use populations::over_populations;
#[cfg(test)]
pub(crate) use records::shares;
pub use replicated::replicated;
pub(crate) use servers::server_room;
pub(crate) use sharding::shares_by_shard;
pub use sourcing::ReplayCheck;
pub use summary::TOO_LITTLE;
pub(crate) use survey::survey_of;
pub use traces::{Trace, TraceSpan};
pub use verdict::{judge, number};

/// Why a scenario cannot be simulated here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// The population would not fit the simulator's limits.
    #[error(
        "{what} needs {needed}, more than the {limit} this simulator handles; lower load.users or channels.per_user"
    )]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// How much is needed.
        needed: u64,
        /// How much there may be.
        limit: u64,
    },
}

/// One scenario being simulated. Cloning copies the whole state, so time can be scrubbed; large arrays are shared until
/// one of the copies changes them.
#[derive(Clone)]
pub struct SystemRun {
    scenario: Arc<Scenario>,
    simulation: Simulation<World>,
    end: SimTime,
    /// Events and deliveries of worlds that a change of load has replaced.
    earlier: (u64, u64),
    /// The analytic answer, of a system that nothing happens to.
    quick: Option<Arc<Quick>>,
}

impl SystemRun {
    /// Builds the population, places it, and schedules the first arrivals and faults.
    pub fn new(scenario: &Scenario) -> Result<Self, BuildError> {
        let simulation = build(scenario)?;
        Ok(Self {
            quick: quick_of(simulation.model(), scenario),
            end: SimTime::ZERO + scenario.run.warmup + scenario.run.duration,
            scenario: Arc::new(scenario.clone()),
            simulation,
            earlier: (0, 0),
        })
    }

    /// Simulates up to `until` (at most [`Self::end`]). `None`: reached, and there is more to do.
    pub fn advance(
        &mut self,
        until: SimTime,
        max_events: Option<u64>,
        interrupt: &mut dyn FnMut(SimTime, u64) -> Interrupt,
    ) -> Option<StopReason> {
        let until = until.min(self.end);
        let limits = Limits { until, max_events };
        match self.simulation.run(limits, interrupt) {
            StopReason::Finished | StopReason::QueueEmpty if until < self.end => None,
            StopReason::QueueEmpty => Some(StopReason::Finished),
            StopReason::Finished => Some(match self.simulation.model().backlog.unstable() {
                Some(tier) => StopReason::Unstable {
                    tier: tier.to_owned(),
                },
                None => StopReason::Finished,
            }),
            reason => Some(reason),
        }
    }

    /// Simulated time reached.
    #[must_use]
    pub fn now(&self) -> SimTime {
        self.simulation.now()
    }

    /// End of the measured time: warm-up plus duration.
    #[must_use]
    pub fn end(&self) -> SimTime {
        self.end
    }

    /// Moves the end, for a run that goes on as long as somebody watches.
    pub fn set_end(&mut self, end: SimTime) {
        self.end = end.max(self.now());
    }

    /// Re-seats the population at another size, already connected, as the balancer would have placed it. Time, draws and
    /// future faults go on; what is under way is forgotten, dead servers are back, and measuring starts anew.
    pub fn set_users(&mut self, users: u32) -> Result<(), BuildError> {
        let now = self.now();
        let mut scenario = (*self.scenario).clone();
        scenario.load.users = users;
        let mut world = world_of(&scenario)?;
        world.continue_from(self.simulation.model(), now);
        self.earlier = self.work();
        self.quick = quick_of(&world, &scenario);
        self.simulation = Simulation::starting_at(world, now);
        self.simulation.with(World::begin);
        self.scenario = Arc::new(scenario);
        Ok(())
    }

    /// Forgets what was measured so far; the state goes on.
    pub fn restart_measuring(&mut self) {
        self.simulation.with(World::restart_measuring);
    }

    /// Events handled and deliveries computed so far.
    #[must_use]
    pub fn work(&self) -> (u64, u64) {
        let (events, deliveries) = self.earlier;
        (
            events + self.simulation.events(),
            deliveries + self.simulation.model().deliveries,
        )
    }

    /// Bytes of its large arrays, some of which clones share.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        self.simulation.model().memory_bytes()
    }

    /// What was measured since the warm-up ended. `engine.cpu_s` and `wall_s` are filled by the caller.
    #[must_use]
    pub fn report(&self) -> RunReport {
        self.report_at(CONFIDENCE)
    }

    /// Client connections now: a part of [`Self::report`] that costs next to nothing.
    #[must_use]
    pub fn connections(&self) -> ConnectionsReport {
        summary::connections_at(self.simulation.model(), self.now())
    }

    /// The event log folded from its beginning, beside what was noted live; `None`: the design has none.
    #[must_use]
    pub fn replay_check(&self) -> Option<ReplayCheck> {
        let own = self.simulation.model().sourcing.as_ref()?;
        Some(own.replay.check(&own.log))
    }

    /// As [`Self::report`], with intervals of another confidence (0 to 1).
    #[must_use]
    pub fn report_at(&self, confidence: f64) -> RunReport {
        self.report_of(&self.scenario, confidence)
    }

    fn report_of(&self, scenario: &Scenario, confidence: f64) -> RunReport {
        let world = self.simulation.model();
        let mut report = summary::report(world, self.now(), scenario, confidence);
        (report.engine.events, report.engine.deliveries) = self.work();
        report.quick_estimate = self.quick.as_ref().map(|quick| quick.values.clone());
        report
    }
}

fn build(scenario: &Scenario) -> Result<Simulation<World>, BuildError> {
    let mut simulation = Simulation::new(world_of(scenario)?);
    simulation.with(World::begin);
    Ok(simulation)
}

/// The quick estimate of a fresh world; none of a model, and none where faults are planned, the database is asked under stress or not all
/// share its connections, or events stand in its place: it knows nothing of these, nor of documents that are edited together, nor of a
/// database in every region or of messages that wait for their turn.
fn quick_of(world: &World, scenario: &Scenario) -> Option<Arc<Quick>> {
    let healthy = scenario.faults.is_empty()
        && world.whole.is_none()
        && scenario.asking == Asking::default()
        && world.documents.is_none()
        && world.stores.is_none()
        && world.order.is_none()
        && world
            .databases
            .as_ref()
            .is_none_or(|all| matches!(all.shares, pooler::Shares::All(_)))
        && world.replicas.is_none()
        && world.sourcing.is_none()
        && scenario.effective_design().cache_clusters() < 2;
    healthy.then(|| Arc::new(quick::estimate(scenario, &survey::survey(world))))
}

/// The system of a scenario, or its scale model.
fn world_of(scenario: &Scenario) -> Result<World, BuildError> {
    let simulated = scenario.simulated();
    let whole = Whole::of(scenario, &simulated);
    let mut world = World::new(Arc::new(simulated))?;
    world.whole = whole;
    world.slow_clocks();
    Ok(world)
}
