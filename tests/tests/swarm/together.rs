//! Documents that are edited together, order, and regions that write apart. Drawn from choices of their own, so that the other
//! parts of a seed stay what they were.

use super::dice::{Dice, Fields};
use super::scenarios::{Shape, at};
use sim_core::report::RunReport;
use sim_core::scenario::{Conflict, Merge, Scenario};

/// What tells these choices from the others of a seed.
const OWN: u64 = 0x6564_6974;

/// What a scenario has more.
#[derive(Default)]
pub struct Together {
    pub traffic: Fields,
    pub design: Fields,
    pub faults: Vec<String>,
    /// What its regions have more.
    pub writes: Option<String>,
}

/// What the scenario of a seed has more.
pub fn together(seed: u64, shape: &Shape) -> Together {
    let dice = &mut Dice::new(seed ^ OWN);
    let mut more = Together::default();
    let ordered = shape.regions.is_empty() && (shape.owners || shape.broker);
    if shape.regions.is_empty() && dice.chance(30) {
        documents(dice, shape, &mut more);
    }
    if ordered && dice.chance(15) {
        let promise = dice.pick(&["None", "PerSender", "PerChannel", "Total"]);
        let mut ordering = Fields::default();
        ordering.set("promise", promise);
        ordering.maybe("patience", dice.chance(50).then(|| dice.ms(1, 5000)));
        more.design.set("ordering", ordering.text());
    }
    let apart = shape.database && !shape.cache && !shape.edge && !shape.hedged;
    if apart && !shape.regions.is_empty() && dice.chance(60) {
        let mut writes = Fields::default();
        writes.maybe(
            "ack",
            dice.chance(70)
                .then(|| dice.pick(&["Local", "Quorum", "All"])),
        );
        writes.maybe(
            "merge",
            dice.chance(50)
                .then(|| dice.pick(&["LastWriterWins", "Counter"])),
        );
        writes.maybe("clock_skew", dice.chance(40).then(|| dice.ms(1, 500)));
        writes.maybe("exchange", dice.chance(40).then(|| dice.ms(1, 3000)));
        more.writes = Some(writes.text());
    }
    more
}

fn documents(dice: &mut Dice, shape: &Shape, more: &mut Together) {
    let mut edit = Fields::default();
    let per_s = dice.log(1, (20_000 / shape.fan_out).clamp(1, 1000));
    edit.set("rate", format!("\"{per_s}/s\""));
    edit.set("size", format!("\"{} B\"", dice.log(1, 2000)));
    edit.maybe("deletes", dice.chance(60).then(|| dice.share(0, 100)));
    more.traffic.set("edit", edit.text());
    let count = dice.from(1, 4);
    let conflict = dice.pick(&["Ot", "Crdt", "LastWriterWins", "Lock"]);
    let mut documents = Fields::default();
    documents
        .set("count", count)
        .set("machine", "\"c7g.large\"");
    documents.set("conflict", conflict);
    documents.maybe("items", dice.chance(70).then(|| dice.log(1, 200)));
    documents.maybe("sequence", dice.chance(50).then(|| dice.us(1, 200)));
    documents.maybe("merge", dice.chance(50).then(|| dice.us(1, 1000)));
    documents.maybe("window", dice.chance(40).then(|| dice.ms(1, 500)));
    documents.maybe("checkpoint", dice.chance(50).then(|| dice.ms(100, 5000)));
    documents.maybe("journal", dice.chance(50).then(|| dice.ms(10, 1000)));
    documents.maybe("store", dice.chance(50).then(|| dice.ms(1, 300)));
    documents.maybe("lease", dice.chance(50).then(|| dice.ms(20, 3000)));
    documents.maybe("clock_skew", dice.chance(30).then(|| dice.ms(1, 500)));
    documents.maybe("failover", dice.chance(60).then(|| dice.ms(1, 2000)));
    more.design.set("documents", documents.text());
    if dice.chance(40) {
        let (at, lasts) = (at(dice, shape), dice.ms(1, 4000));
        let first = dice.from(0, count - 1);
        more.faults.push(format!(
            "(at: {at}, lasts: {lasts}, fault: Kill(tier: \"documents\", first: {first}))"
        ));
    }
}

/// A text in brackets with something more at its end.
pub fn joined(text: &str, more: &[String]) -> String {
    if more.is_empty() {
        return text.to_owned();
    }
    let (open, inner) = text.split_at(1);
    let (inner, close) = inner.split_at(inner.len() - 1);
    let all: Vec<&str> = core::iter::once(inner)
        .filter(|inner| !inner.is_empty())
        .chain(more.iter().map(String::as_str))
        .collect();
    format!("{open}{}{close}", all.join(", "))
}

/// What does not hold of documents and of regions that write apart.
pub fn broken(scenario: &Scenario, report: &RunReport) -> Vec<String> {
    let mut broken = Vec::new();
    let calm = scenario.faults.is_empty() && scenario.over_time.flash_crowds.is_empty();
    let design = scenario.effective_design();
    if let (Some(edit), Some(tier)) = (report.operations.get("edit"), &design.documents) {
        if edit.diverged != Some(0) {
            broken.push(format!("edit: {:?} documents diverged", edit.diverged));
        }
        let wrong = report.tiers["documents"].counters["versions_wrong"];
        if wrong > 0 {
            broken.push(format!("edit: {wrong} versions are not what they were"));
        }
        let keeps = tier.conflict != Conflict::LastWriterWins;
        if calm && keeps && edit.lost_edits != Some(0) {
            broken.push(format!("edit: {:?} lost without a reason", edit.lost_edits));
        }
    }
    let writes = design.regions.as_ref().and_then(|regions| regions.writes);
    if let (Some(command), Some(writes)) = (report.operations.get("command"), writes) {
        let exact = writes.merge == Merge::Counter || writes.ack != routing::log::Acks::Local;
        if calm && exact && (command.lost_updates, command.conflicting) != (Some(0), Some(0)) {
            broken.push(format!(
                "command: {:?} updates lost, {:?} conflicts",
                command.lost_updates, command.conflicting
            ));
        }
        if calm && command.diverged != Some(0) {
            broken.push(format!("command: {:?} records differ", command.diverged));
        }
    }
    broken
}
