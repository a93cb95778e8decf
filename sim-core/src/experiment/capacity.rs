//! Breaks at: the load at which the first limit fails, by simulation; then what fails second and third.
//!
//! A search ([`super::search`]) brackets the load: [largest passing, smallest failing]. Then the resource that gave way is
//! made four times as large (or the objective that failed is set aside, when no resource stands behind it) and the search
//! goes on above, for the next break. Loads are comparable because populations are nested and draws are keyed.
//!
//! Left out: limits that fail at small loads only (`publish.offered_per_s > 1000`): they end the search in words.

use super::advise::as_typed;
use super::search::{Bracket, Search, Step};
use super::{Next, Planner, Results};
use crate::report::{BreaksAt, CapacityReport, Estimate, RampBreak, RelievedRuns, RunReport};
use crate::scenario::{Edit, ProjectionTier, Scenario, Tier, pooler};

/// How many times a resource that gave way is enlarged.
const RELIEF: u32 = 4;
/// A resource this full stands behind a latency that fails.
const BEHIND: f64 = 0.5;
/// How much wider the answers for the second and third break may be.
const LATER_WIDTH: f64 = 2.0;

/// The planner.
#[derive(Clone, Debug)]
pub struct Capacity {
    /// The scenario; its users are the guess where there is no better one.
    pub scenario: Scenario,
    /// Where to look first, in users: the quick estimate.
    pub guess: Option<f64>,
    /// Relative width of the interval.
    pub width: f64,
    /// Loads at a time: the number of threads.
    pub at_once: usize,
    /// Breaks to find: 1, 2 or 3.
    pub depth: usize,
    /// Largest load to try.
    pub most: u32,
    /// Loads for one break.
    pub budget: usize,
}

impl Capacity {
    /// A search to ± 2.5 % with 2 loads at a time, first break only.
    #[must_use]
    pub fn new(scenario: Scenario) -> Self {
        Self {
            scenario,
            guess: None,
            width: 0.05,
            at_once: 2,
            depth: 1,
            most: 100_000_000,
            budget: 40,
        }
    }

    fn search<'a>(&self, phase: &'a Phase, number: usize) -> Search<'a> {
        Search {
            edits: &phase.edits,
            ignored: &phase.ignored,
            guess: phase.guess.clamp(1.0, f64::from(self.most)),
            most: self.most,
            width: if number == 0 {
                self.width
            } else {
                LATER_WIDTH * self.width
            },
            at_once: self.at_once.max(1),
            budget: self.budget,
        }
    }

    fn first(&self) -> Phase {
        Phase {
            guess: self
                .guess
                .unwrap_or_else(|| self.scenario.load.users.into()),
            ..Phase::default()
        }
    }

    /// The phase after one whose bracket is known; `None`: nothing can be relieved, or nothing failed.
    fn after(&self, phase: &Phase, bracket: &Bracket, results: &Results) -> Option<Phase> {
        let failing = bracket.failing?;
        let limit = bracket.limits.first()?;
        let report = self.search(phase, 0).report(results, failing)?;
        let resource = resource_behind(limit, report);
        let mut next = phase.clone();
        match resource.as_deref().and_then(|resource| {
            let (tier, _) = resource.split_once('.')?;
            enlarge(tier, &self.scenario, phase.enlarged(tier))
        }) {
            Some((tier, edits)) => {
                next.edits
                    .retain(|edit| !edits.iter().any(|new| path_of(new) == path_of(edit)));
                next.edits.extend(edits);
                next.tiers.push(tier);
                if limit.starts_with("tiers.") {
                    next.ignored.clear();
                }
            }
            None if limit.contains(['<', '>', '=']) => next.ignored.push(limit.clone()),
            None => return None,
        }
        next.guess =
            f64::from(failing) / next_fullest(report, resource.as_deref()).clamp(0.05, 0.95);
        Some(next)
    }

    fn answer(&self, results: &Results, phases: &[(Phase, Bracket)]) -> CapacityReport {
        let mut breaks = Vec::new();
        let mut notes: Vec<String> = Vec::new();
        for (number, (_, bracket)) in phases.iter().enumerate() {
            notes.extend(bracket.notes.iter().cloned());
            let (Some(limit), Some(users)) = (bracket.limits.first(), bracket.failing) else {
                continue;
            };
            breaks.push(RampBreak {
                limit: limit.clone(),
                users: users.into(),
            });
            if number > 0 {
                let relieved = &phases[number - 1].1.limits[0];
                notes.push(format!(
                    "{limit} was found with {relieved} {}",
                    if phases[number].0.edits == phases[number - 1].0.edits {
                        "set aside".to_owned()
                    } else {
                        format!("relieved: {RELIEF} times as large")
                    }
                ));
            }
        }
        let first = phases.first().map(|(_, bracket)| bracket);
        CapacityReport {
            breaks_at: first.and_then(breaks_at),
            breaks,
            runs: runs_with(&[], results),
            relieved: relieved(results),
            notes,
        }
    }

    /// All phases whose bracket is final, and what the first open one needs.
    fn phases(&self, results: &Results) -> (Vec<(Phase, Bracket)>, Option<Vec<super::RunRequest>>) {
        let mut done: Vec<(Phase, Bracket)> = Vec::new();
        let mut phase = self.first();
        loop {
            match self.search(&phase, done.len()).step(results) {
                Step::Runs(runs) => {
                    let bracket = self.search(&phase, done.len()).bracket(results);
                    done.push((phase, bracket));
                    return (done, Some(runs));
                }
                Step::Found(bracket) => {
                    let next = self.after(&phase, &bracket, results);
                    done.push((phase, bracket));
                    match next {
                        Some(next) if done.len() < self.depth => phase = next,
                        _ => return (done, None),
                    }
                }
            }
        }
    }
}

impl Planner for Capacity {
    type Answer = CapacityReport;

    fn next(&self, results: &Results) -> Next<CapacityReport> {
        match self.phases(results) {
            (_, Some(runs)) => Next::Runs(runs),
            (phases, None) => Next::Done(self.answer(results, &phases)),
        }
    }

    fn partial(&self, results: &Results) -> CapacityReport {
        let (phases, _) = self.phases(results);
        let mut answer = self.answer(results, &phases);
        answer
            .notes
            .push("stopped early: the interval is as wide as what was finished".to_owned());
        answer
    }

    fn at_most(&self) -> usize {
        // A bracket, and cuts of it: half a dozen loads per break is usual.
        6 * self.depth
    }
}

/// Runs with these edits, by rising load.
fn runs_with(edits: &[Edit], results: &Results) -> Vec<RunReport> {
    let mut runs: Vec<&RunReport> = results
        .reports()
        .filter(|(request, _)| request.edits == edits)
        .map(|(_, report)| report)
        .collect();
    runs.sort_by_key(|report| report.users);
    runs.into_iter().cloned().collect()
}

/// Runs of later breaks, in the order in which their edits were asked for.
fn relieved(results: &Results) -> Vec<RelievedRuns> {
    let mut kinds: Vec<&[Edit]> = Vec::new();
    for (request, _) in results.reports() {
        if !request.edits.is_empty() && !kinds.contains(&request.edits.as_slice()) {
            kinds.push(&request.edits);
        }
    }
    kinds
        .into_iter()
        .map(|edits| RelievedRuns {
            edits: edits.iter().map(as_typed).collect(),
            runs: runs_with(edits, results),
        })
        .collect()
}

/// One search of several.
#[derive(Clone, Debug, Default)]
struct Phase {
    edits: Vec<Edit>,
    ignored: Vec<String>,
    tiers: Vec<Tier>,
    guess: f64,
}

impl Phase {
    /// How often a tier has been enlarged.
    fn enlarged(&self, tier: &str) -> u32 {
        self.tiers.iter().filter(|t| t.name() == tier).count() as u32
    }
}

fn path_of(edit: &Edit) -> Option<&str> {
    match edit {
        Edit::Set { path, .. } => Some(path),
        Edit::Overlay { .. } | Edit::Users(_) => None,
    }
}

fn breaks_at(bracket: &Bracket) -> Option<BreaksAt> {
    Some(BreaksAt {
        users: Estimate {
            value: bracket.middle(),
            low: Some(bracket.passing.map_or(0.0, f64::from)),
            high: bracket.failing.map(f64::from),
        },
        limit: bracket.limits.first()?.clone(),
        estimate: false,
    })
}

/// The resource that a limit is about, or that stands behind it.
fn resource_behind(limit: &str, report: &RunReport) -> Option<String> {
    if limit.starts_with("cost.") {
        return None;
    }
    if let Some(reason) = limit.strip_prefix("connections.rejected") {
        let tier = Tier::ConnectionServers.name();
        return Some(format!("{tier}.{}", reason.trim_start_matches('.')));
    }
    if let Some(rest) = limit.strip_prefix("unstable.") {
        return Some(format!("{rest}.queue"));
    }
    if let Some(rest) = limit.strip_prefix("tiers.") {
        let mut steps = rest.split('.');
        return Some(format!("{}.{}", steps.next()?, steps.nth(1)?));
    }
    if limit.contains(['<', '>', '=']) {
        let fullest = report.bottleneck.as_ref()?;
        return (fullest.utilization >= BEHIND)
            .then(|| format!("{}.{}", fullest.tier, fullest.resource));
    }
    Some(limit.to_owned())
}

/// How full the fullest other tier is.
fn next_fullest(report: &RunReport, relieved: Option<&str>) -> f64 {
    let relieved = relieved
        .and_then(|name| name.split_once('.'))
        .map(|(tier, _)| tier);
    let others = report
        .tiers
        .iter()
        .filter(|(tier, _)| Some(tier.as_str()) != relieved);
    others
        .flat_map(|(_, state)| state.utilization.values())
        .map(|used| used.hottest)
        .fold(0.0, f64::max)
}

/// Edits that make a tier several times as large as it is; `before`: how often that was done already.
fn enlarge(tier: &str, scenario: &Scenario, before: u32) -> Option<(Tier, Vec<Edit>)> {
    let factor = (0..=before).fold(1u32, |factor, _| factor.saturating_mul(RELIEF));
    let design = &scenario.design;
    let tier = Tier::ALL.into_iter().find(|t| t.name() == tier)?;
    let set = |field: &str, value: u32| Edit::Set {
        path: format!("design.{}.{field}", tier.name()),
        value: value.saturating_mul(factor).to_string(),
    };
    let edits = match tier {
        Tier::LoadBalancer => vec![set("count", design.load_balancer.count)],
        Tier::ConnectionServers if scenario.patterns.pooling => {
            vec![set("count", design.connection_servers.count)]
        }
        Tier::ConnectionServers => return None,
        Tier::ChannelOwners => vec![set("count", design.channel_owners.as_ref()?.count)],
        Tier::Broker => {
            let broker = design.broker.as_ref()?;
            vec![
                set("count", broker.count),
                set("partitions", broker.partitions),
            ]
        }
        Tier::Cache => vec![set("count", design.cache.as_ref()?.count)],
        Tier::Pooler => {
            let pooler = pooler(design)?;
            let path = |field: &str| format!("design.database.pooler.{field}");
            let larger = |field: &str, value: u32| Edit::Set {
                path: path(field),
                value: value.saturating_mul(factor).to_string(),
            };
            vec![larger("count", pooler.count)]
        }
        Tier::Database => vec![set("pool", design.database.as_ref()?.pool)],
        Tier::Replicas => vec![set("count", design.replicas.as_ref()?.count)],
        Tier::Edge => vec![set("cores", design.edge.as_ref()?.cores)],
        Tier::Origin => vec![set("count", design.origin.as_ref()?.count)],
        Tier::Documents => vec![set("count", design.documents.as_ref()?.count)],
        Tier::CommandSide => vec![set("count", design.sourcing.as_ref()?.commands.count)],
        Tier::Log => {
            let log = &design.sourcing.as_ref()?.log;
            vec![set("count", log.count), set("partitions", log.partitions)]
        }
        Tier::Projections => {
            let own = design.sourcing.as_ref()?;
            let larger = |one: &ProjectionTier| Edit::Set {
                path: format!("design.projections.{}.count", one.name),
                value: one.count.saturating_mul(factor).to_string(),
            };
            own.projections.iter().map(larger).collect()
        }
        Tier::Stock => vec![set("count", design.stock.as_ref()?.count)],
        Tier::MatchingEngine => {
            let count = design.matching.as_ref()?.count;
            vec![Edit::Set {
                path: "design.matching.count".to_owned(),
                value: count.saturating_mul(factor).to_string(),
            }]
        }
        Tier::Notifications => vec![set("count", design.notifications.as_ref()?.count)],
        // Somebody else's limits.
        Tier::Providers => return None,
    };
    Some((tier, edits))
}

#[cfg(test)]
mod tests;
