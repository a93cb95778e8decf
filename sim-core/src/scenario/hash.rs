//! The hash of a scenario: XXH3 over a canonical text of what decides the results.
//!
//! The text is the structural rendering of the validated form, in which equal scenarios are equal to the byte. Titles,
//! stories, sources and line numbers are left out: they do not change a result. So are fields that came later where they say
//! nothing: a scenario without them keeps its hash.

use std::fmt::{self, Write};

use super::asking::Asking;
use super::model::{Members, Scenario};
use super::over_time::OverTime;

/// Settings that the format got later, where a scenario does not use them: they leave the hashes of older scenarios alone.
const LATER: [&str; 32] = [
    ", publish_loop: Open",
    ", inbox: None",
    ", leases: None",
    ", bus: None",
    ", asset: None",
    ", edge: None",
    ", origin: None",
    ", regions: None",
    ", replicas: None",
    ", locality: 0.0",
    ", largest: None",
    ", failover: None",
    ", relay_members: None",
    ", spread: None",
    ", held: None",
    ", place: None",
    ", sourcing: None",
    ", read_model: None",
    ", edit: None",
    ", edit: Poisson",
    ", documents: None",
    ", writes: None",
    ", ordering: None",
    ", scale: None",
    ", reserve: None",
    ", order: None",
    ", notify: None",
    ", stock: None",
    ", matching: None",
    ", notifications: None",
    ", providers: []",
    ", colo: None",
];

/// The hash.
pub fn hash(scenario: &Scenario) -> u64 {
    // No channel is larger than all users: what a text says beyond them changes nothing.
    let mut channels = scenario.channels.clone();
    if let Members::LogNormal { max, .. } = &mut channels.members {
        *max = (*max).min(scenario.load.users.max(1));
    }
    // Event sourcing that is switched off changes nothing, however it is tuned.
    let mut design = scenario.design.clone();
    let mut traffic = scenario.traffic.clone();
    if !scenario.patterns.event_sourcing {
        design.sourcing = None;
        if let Some(query) = &mut traffic.query {
            query.read_model = None;
        }
    }
    let mut text = Text(String::new());
    let written = write!(
        text,
        "{:?}|{:?}|{:?}|{:?}|{:?}|{:?}|{:?}|{:?}",
        scenario.name,
        scenario.load,
        channels,
        traffic,
        scenario.patterns,
        design,
        scenario.faults,
        scenario.run,
    );
    assert!(written.is_ok(), "writing to memory does not fail");
    if scenario.over_time != OverTime::default() {
        let written = write!(text, "|{:?}", scenario.over_time);
        assert!(written.is_ok(), "writing to memory does not fail");
    }
    if scenario.asking != Asking::default() {
        let written = write!(text, "|{:?}", scenario.asking);
        assert!(written.is_ok(), "writing to memory does not fail");
    }
    for objective in &scenario.objectives {
        let written = write!(
            text,
            "|{} {:?} {:?}",
            objective.path, objective.comparison, objective.limit
        );
        assert!(written.is_ok(), "writing to memory does not fail");
    }
    let text = LATER
        .iter()
        .fold(text.0, |text, absent| text.replace(absent, ""));
    routing::hash::hash_bytes(routing::hash::DEFAULT_SEED, text.as_bytes())
}

struct Text(String);

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.push_str(text);
        Ok(())
    }
}
