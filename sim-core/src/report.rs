//! The report of a run: the contract of `plimsoll run --format json`.
//!
//! Fields may be added, never renamed. Units stand in the names. The result part, everything but `engine`, is
//! byte-identical for the same scenario and seeds. `low` and `high` are `None` where the run supports no interval.

mod cost;
mod faults;
mod operation;
mod regions;
mod series;
mod tier;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::scenario::tunes_events;

pub use cost::{CostItem, CostReport, ManagedReport};
pub use faults::{FaultLosses, FaultReport};
pub use operation::{BreakdownRow, ClassReport, LatencyReport, OperationReport};
pub use regions::{RegionReport, RegionsReport};
pub use series::{OperationSeries, SeriesReport, TierSeries};
pub use tier::{
    LagReport, ProjectionReport, QueueReport, ReshardingReport, TierReport, Utilization,
};

/// The switch whose tuning is listed only where it is on.
const SWITCH: &str = "patterns.event_sourcing";
/// Version of the report's shape.
pub const SCHEMA: u32 = 1;

/// Everything one run has to say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunReport {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Version of the program.
    pub plimsoll: String,
    /// Which scenario.
    pub scenario: ScenarioId,
    /// Run seed.
    pub seed: u64,
    /// Population seed.
    pub population_seed: u64,
    /// Users simulated.
    pub users: u64,
    /// Simulated time measured, seconds.
    pub simulated_s: f64,
    /// Simulated time before measuring, seconds.
    pub warmup_s: f64,
    /// What was simulated in place of the whole; `None`: the whole was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelReport>,
    /// Why the run ended: `Finished`, `EventBudget`, `TimeBudget`, `Interrupted`, `Unstable{tier}`.
    pub stop: String,
    /// By operation name: `publish`, `presence`, `query`, `connect`, `command`, `fetch_asset`.
    pub operations: BTreeMap<String, OperationReport>,
    /// By tier name, in the order a message meets them (`order` sorts them).
    pub tiers: BTreeMap<String, TierReport>,
    /// Its regions; `None` for a design in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<RegionsReport>,
    /// Client connections.
    pub connections: ConnectionsReport,
    /// What is fullest.
    pub bottleneck: Option<Bottleneck>,
    /// The load at which something gives way.
    pub breaks_at: Option<BreaksAt>,
    /// What it costs.
    pub cost: Option<CostReport>,
    /// Verdicts.
    pub objectives: Vec<ObjectiveReport>,
    /// How the intervals were obtained; `None` for a run of a fixed length without any.
    #[serde(default)]
    pub precision: Option<PrecisionReport>,
    /// The spread over several populations; `None` for one, on which every interval above is conditional.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub populations: Option<PopulationsReport>,
    /// Rates and mean utilisations of a steady run by metric path, with their intervals: `publish.deliveries_per_s`,
    /// `tiers.database.utilization.pool.mean`. What has none is not in it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rates: BTreeMap<String, Estimate>,
    /// The measured time in steps; `None` when nothing was kept.
    #[serde(default)]
    pub series: Option<SeriesReport>,
    /// The faults that began while measured, and what became of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<FaultReport>,
    /// The numbers of the scenario that somebody should check, and all others that name a source.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SourceReport>,
    /// The analytic answer; filled by the quick estimate.
    pub quick_estimate: Option<BTreeMap<String, f64>>,
    /// Sentences a reader must see.
    pub warnings: Vec<String>,
    /// Work done; not part of the byte-identical result.
    pub engine: EngineReport,
}

/// A scale model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelReport {
    /// One in so many users, on machines with one in so many cores.
    pub one_in: u32,
    /// Largest relative error of latencies up to the 99th percentile that was measured against whole runs.
    pub error: f64,
}

/// Name and hash of a scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScenarioId {
    /// Short name.
    pub name: String,
    /// Hash of the validated form, 16 hexadecimal digits.
    pub hash: String,
}

/// A number with its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Point estimate; `None` where the run supports none (an unstable system).
    pub value: Option<f64>,
    /// Lower end of the 95 % interval.
    pub low: Option<f64>,
    /// Upper end of the 95 % interval.
    pub high: Option<f64>,
}

impl Estimate {
    /// What is not known but not less than this.
    #[must_use]
    pub fn at_least(low: f64) -> Self {
        Self {
            value: None,
            low: Some(low),
            high: None,
        }
    }

    /// A value without an interval.
    #[must_use]
    pub fn point(value: f64) -> Self {
        Self {
            value: Some(value),
            low: None,
            high: None,
        }
    }

    /// Half the width of the interval as a share of the value; `None` without an interval.
    #[must_use]
    pub fn relative_half_width(&self) -> Option<f64> {
        let (value, low, high) = (self.value?, self.low?, self.high?);
        Some(if high == low {
            0.0
        } else {
            0.5 * (high - low) / value.abs()
        })
    }

    /// No value: the run does not support one.
    #[must_use]
    pub fn none() -> Self {
        Self {
            value: None,
            low: None,
            high: None,
        }
    }
}

/// Client connections at the end, and events while measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ConnectionsReport {
    /// Open at the end.
    pub open: u64,
    /// Users that want a connection at the end.
    pub wanted: u64,
    /// By reason: `memory`, `descriptors`, `connections`, `accept_rate`, `no_server`.
    pub rejected: BTreeMap<String, u64>,
    /// Connections made again after a loss.
    pub reconnects: u64,
    /// Connect attempts.
    pub attempts: u64,
    /// Sessions resumed with their replay.
    pub resumed: u64,
    /// Bytes sent to bring clients up to date.
    pub resync_bytes: u64,
}

/// The fullest resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bottleneck {
    /// Tier name.
    pub tier: String,
    /// Resource name.
    pub resource: String,
    /// Number of the fullest instance.
    pub instance: u32,
    /// How full it is.
    pub utilization: f64,
    /// Why it is named, in one sentence.
    pub evidence: String,
}

/// The load at which the first objective or limit fails.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BreaksAt {
    /// Users.
    pub users: Estimate,
    /// What fails: `database.pool`, `publish.delivered.p99 < 500 ms`.
    pub limit: String,
    /// Extrapolated from this run (`true`) or simulated.
    pub estimate: bool,
}

/// One objective's verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObjectiveReport {
    /// As written in the scenario.
    pub objective: String,
    /// `pass`, `fail` or `inconclusive`.
    pub verdict: String,
    /// What was measured.
    pub value: Option<f64>,
    /// Lower end of its interval.
    pub low: Option<f64>,
    /// Upper end of its interval.
    pub high: Option<f64>,
}

/// How intervals were obtained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrecisionReport {
    /// `batches` of one steady run, or `replications` of a story that ends.
    pub method: String,
    /// Of the intervals, 0..=1.
    pub confidence: f64,
    /// Batches or replications behind each interval.
    pub units: u32,
    /// Relative half-width asked for, 0..=1; `None`: a fixed length was.
    pub asked: Option<f64>,
    /// The operation that it was asked of; `None`: of every one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// Widest relative half-width of a percentile that `asked` is about.
    pub reached: Option<f64>,
    /// Times the run was looked at; each look spends part of the error budget.
    pub looks: u32,
    /// Start of the steady part after the warm-up, seconds.
    pub cut_s: f64,
    /// Why some number has no interval or no value, in words.
    pub notes: Vec<String>,
}

/// The same scenario for several populations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PopulationsReport {
    /// Population seeds, the scenario's own first: all else in the report is of that one.
    pub seeds: Vec<u64>,
    /// By metric path, as objectives name them: `publish.delivered.p99`.
    pub numbers: BTreeMap<String, PopulationSpread>,
}

/// One number over several populations, in the unit of the number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PopulationSpread {
    /// Mean over the populations.
    pub value: f64,
    /// Lower end of its 95 % interval, in which both the populations and the runs are.
    pub low: f64,
    /// Upper end of its 95 % interval.
    pub high: f64,
    /// Smallest of the populations.
    pub least: f64,
    /// Largest of the populations.
    pub most: f64,
    /// Standard deviation between populations, what the runs explain taken off; of both together where that is not known.
    pub sd_of_population: f64,
    /// Standard deviation of one run with its population fixed; `None`: the runs give the number no interval.
    pub sd_of_run: Option<f64>,
    /// Share of the variance that is between populations, 0..=1; `None`: the runs give the number no interval.
    pub share_of_population: Option<f64>,
}

/// A number of the scenario and where it comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourceReport {
    /// Path in the scenario: `traffic.publish.rate`.
    pub path: String,
    /// As written.
    pub value: String,
    /// `Measured`, `Published`, `Vendor`, `Reported`, `Derived`, `Assumed` or `Edited`.
    pub status: String,
    /// In words.
    pub source: String,
}

/// Work done by the engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EngineReport {
    /// Events handled.
    pub events: u64,
    /// Deliveries computed.
    pub deliveries: u64,
    /// CPU time of the simulation thread after set-up, seconds.
    pub cpu_s: f64,
    /// Wall time, seconds.
    pub wall_s: f64,
    /// CPU time of building the population, seconds.
    pub setup_cpu_s: f64,
    /// Memory of the simulation's large arrays, bytes.
    pub memory_bytes: u64,
}

/// `plimsoll ramp`: one run per load, and what broke where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RampReport {
    /// Runs by rising load.
    pub points: Vec<RunReport>,
    /// The first load at which each limit failed.
    pub breaks: Vec<RampBreak>,
}

/// Where one limit first failed on a ramp.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RampBreak {
    /// `database.pool`, `connections.rejected.memory`, or an objective.
    pub limit: String,
    /// First simulated load that failed it.
    pub users: u64,
}

/// `plimsoll capacity`: the largest load that meets the objectives, and the runs that show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CapacityReport {
    /// Where it breaks; `None`: nothing fails up to the largest load simulated.
    pub breaks_at: Option<BreaksAt>,
    /// What breaks first, second, third, as simulated.
    pub breaks: Vec<RampBreak>,
    /// Runs by rising load.
    pub runs: Vec<RunReport>,
    /// Runs with what gave way before relieved, for the second and third break; `--resume` goes on from them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub relieved: Vec<RelievedRuns>,
    /// What a reader must know: how a limit was found, why the interval is wide.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Runs of a capacity search in which something is larger than in the scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RelievedRuns {
    /// As after `--set`: `design.database.pool=80`.
    pub edits: Vec<String>,
    /// Runs by rising load.
    pub runs: Vec<RunReport>,
}

/// `plimsoll advise`: what would fix it, and which guess matters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AdviceReport {
    /// The scenario as it is, simulated.
    pub base: Option<RunReport>,
    /// Where it breaks: simulated, or the quick estimate; `None`: nothing fails.
    pub breaks_at: Option<BreaksAt>,
    /// Changes by one step, best first: the simulated ones, then the others.
    pub fixes: Vec<FixReport>,
    /// Assumed numbers, the one that matters most first.
    pub guesses: Vec<GuessReport>,
    /// What a reader must know.
    pub notes: Vec<String>,
}

/// One change by one step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FixReport {
    /// As after `--set`: `design.database.pool=150`.
    pub edit: Vec<String>,
    /// `+2 connection servers`
    pub words: String,
    /// Where it breaks then; `None`: nothing fails.
    pub breaks_at: Option<BreaksAt>,
    /// Users at which the first resource is full then, whatever the objectives say (quick estimate).
    pub resource_full_at: Option<f64>,
    /// 99th percentile of the main latency.
    pub p99_ms: Option<f64>,
    /// Bill per month.
    pub usd_per_month: Option<f64>,
    /// More (or less) than without the change.
    pub delta_usd: Option<f64>,
    /// Slower (or faster) than without the change.
    pub delta_p99_ms: Option<f64>,
    /// Simulated under common random numbers (`true`) or by the quick estimate.
    pub simulated: bool,
}

/// One assumed number, lower and higher.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GuessReport {
    /// `design.database.query`
    pub path: String,
    /// In words: `time of a database query`.
    pub words: String,
    /// As it is.
    pub value: String,
    /// Why it is assumed so.
    pub source: String,
    /// The lower value and what it does.
    pub low: GuessEnd,
    /// The higher value and what it does.
    pub high: GuessEnd,
    /// Ratio of the larger to the smaller `breaks_at` of the three.
    pub breaks_at_swing: f64,
    /// Difference between the largest and the smallest p99 of the three.
    pub p99_swing_ms: f64,
    /// Simulated (`true`) or by the quick estimate.
    pub simulated: bool,
}

/// One end of a guess.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GuessEnd {
    /// As after `--set`.
    pub edit: Vec<String>,
    /// Where it breaks; `None`: nothing fails.
    pub breaks_at: Option<f64>,
    /// 99th percentile of the main latency; `None`: unstable.
    pub p99_ms: Option<f64>,
    /// Bill per month.
    pub usd_per_month: Option<f64>,
}

/// `plimsoll compare`: two designs on the same random numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CompareReport {
    /// The first design, usually the one in use.
    pub a: RunReport,
    /// The second design.
    pub b: RunReport,
    /// b − a by metric path (`publish.delivered.p99`, `cost.usd_per_month`, …), in the metric's unit.
    pub differences: BTreeMap<String, Estimate>,
    /// Metrics on which b is better beyond doubt, by 1 % or more.
    pub better: Vec<String>,
    /// Metrics on which b is worse beyond doubt, by 1 % or more.
    pub worse: Vec<String>,
    /// Metrics without a difference that could be told from none.
    pub same: Vec<String>,
    /// Sentences a reader must see first: the loads differ, a run is unstable.
    pub warnings: Vec<String>,
    /// The file compared with itself at a revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// What that file was called at the revision, if it was renamed since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renamed_from: Option<String>,
    /// `pass`, `fail`, or `inconclusive` when it was stopped before the end; empty where nothing was asked.
    #[serde(default)]
    pub verdict: String,
    /// What a gate looks at, what stops it first.
    #[serde(default)]
    pub findings: Vec<Finding>,
}

/// One thing that a gate looks at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// `newly_failing`, `still_failing`, `inconclusive`, `dropped`, `relaxed`, `worse` or `out_of_budget`.
    pub kind: String,
    /// The objective as written, or the path of the metric.
    pub what: String,
    /// Whether it stops the gate, with the options given.
    pub stops: bool,
    /// In one sentence, with the way out.
    pub reason: String,
}

/// `plimsoll compare --baseline-rev`: a file that the revision does not have, checked by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewFileReport {
    /// The file.
    pub file: String,
    /// `new`
    pub status: String,
    /// The revision.
    pub rev: String,
    /// `pass`, `fail`, `inconclusive` or `invalid`.
    pub verdict: String,
    /// Its objectives and its run.
    pub checked: CheckedScenario,
}

/// `plimsoll compare --baseline-rev`: a file that only the revision has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GoneFileReport {
    /// The file.
    pub file: String,
    /// `deleted`, or `moved` to a file that is not compared.
    pub status: String,
    /// The revision.
    pub rev: String,
    /// Where it is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_to: Option<String>,
    /// `pass` or `fail`.
    pub verdict: String,
    /// What it asked for, which nobody asks for now.
    pub objectives: Vec<String>,
    /// What a gate looks at.
    pub findings: Vec<Finding>,
}

/// Names of operations, those that people ask about first in front: messages, reads, status changes, connects.
pub const BY_IMPORTANCE: [&str; 8] = [
    "publish", "edit", "query", "presence", "order", "reserve", "notify", "connect",
];

impl RunReport {
    /// The main operation: the first of [`BY_IMPORTANCE`] that has latencies.
    #[must_use]
    pub fn headline(&self) -> Option<&'static str> {
        let is_there = |name: &&str| {
            let operation = self.operations.get(*name);
            operation.is_some_and(|found| found.latency_ms.values().any(|l| l.count > 0))
        };
        BY_IMPORTANCE.into_iter().find(is_there)
    }

    /// A number of the scenario as written, if its source is known.
    fn number_stated(&self, path: &str) -> Option<&str> {
        let mut all = self.sources.iter();
        let found = all.find(|source| source.path == path);
        found.map(|source| source.value.as_str())
    }

    /// Whether two runs drew the same numbers, and as many.
    #[must_use]
    pub fn same_draws(&self, other: &Self) -> bool {
        let draws = |run: &Self| (run.seed, run.population_seed, run.simulated_s.to_bits());
        draws(self) == draws(other)
    }
}

impl CompareReport {
    /// Numbers of the scenarios that differ, as (path, in the first, in the second); `None`: not there. Only numbers that name
    /// a source, are assumed or were edited are known.
    #[must_use]
    pub fn changed(&self) -> Vec<(&str, Option<&str>, Option<&str>)> {
        let mut paths: Vec<&str> = Vec::new();
        for source in self.a.sources.iter().chain(&self.b.sources) {
            if !paths.contains(&source.path.as_str()) {
                paths.push(&source.path);
            }
        }
        let known = paths
            .into_iter()
            .map(|path| (path, self.a.number_stated(path), self.b.number_stated(path)));
        let changed: Vec<_> = known.filter(|(_, a, b)| a != b).collect();
        let switched = changed.iter().any(|change| change.0 == SWITCH);
        // What a switch brings in has stood there before.
        let brought = |path: &str, a: Option<&str>, b: Option<&str>| {
            switched && (a.is_none() || b.is_none()) && tunes_events(path)
        };
        changed
            .into_iter()
            .filter(|&(path, a, b)| !brought(path, a, b))
            .collect()
    }

    /// Objectives that fail in the second design and do not fail in the first.
    pub fn newly_failing(&self) -> impl Iterator<Item = &str> {
        let fails = |run: &RunReport, objective: &str| {
            let mut all = run.objectives.iter();
            all.any(|found| found.objective == objective && found.verdict == "fail")
        };
        let failing = self.b.objectives.iter().filter(|now| now.verdict == "fail");
        failing
            .map(|now| now.objective.as_str())
            .filter(move |objective| !fails(&self.a, objective))
    }
}

/// `plimsoll check`: objectives of several scenarios.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckReport {
    /// `pass`, `fail`, `inconclusive` or `invalid`: the worst of all.
    pub verdict: String,
    /// One entry per scenario, in the order asked.
    pub scenarios: Vec<CheckedScenario>,
}

/// One checked scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckedScenario {
    /// As asked for: a file or a preset's name.
    pub scenario: String,
    /// `pass`, `fail`, `inconclusive` or `invalid`.
    pub verdict: String,
    /// Why it is invalid or could not be run, in words.
    pub error: Option<String>,
    /// Its objectives.
    pub objectives: Vec<CheckedObjective>,
    /// The run that decided; `None` when invalid.
    pub report: Option<RunReport>,
}

/// One objective, where it stands, and its verdict with the reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckedObjective {
    /// File that states it; a preset's name for built-in ones.
    pub file: String,
    /// Line in that file, from 1; 0: not known.
    pub line: u32,
    /// Verdict and value.
    pub result: ObjectiveReport,
    /// Metric, limit, value and interval in one sentence.
    pub reason: String,
}
