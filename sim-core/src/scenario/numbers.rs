//! Every number of a scenario with its source, as a report lists them.
//!
//! A number is a value of the text that has digits for `--set` to change, or that names a source of its own (a machine);
//! choices with fields, such as `LogNormal(median: 8, p99: 330, max: 20_000)`, and lists are one number each. Its source is
//! its own, or that of the nearest struct around it. Behind them stand the numbers that the text does not write: those of a
//! server profile, and the defaults of the format. The price book is one line.
//!
//! Leaves out: faults and objectives (they are asked for, not known), seeds and the length of a run unless they are edited.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::model::{Scenario, Source};
use super::quantity;
use super::raw::Quantity;
use super::sourcing;
use super::tree::{self, Kind, Node};
use crate::cost::book;
use crate::docs::{self, Docs, Expr};
use crate::report::SourceReport;

/// Longest value shown, characters.
const LONGEST: usize = 160;
/// Parts that hold no numbers about the world.
const LEFT_OUT: [&str; 9] = [
    "version",
    "extends",
    "name",
    "title",
    "story",
    "status",
    "faults",
    "objectives",
    "latency_tier",
];
/// Where the numbers of the profile in use are noted.
const PROFILE: &str = "design.connection_servers.profile";
const USERS: &str = "load.users";
const BOOK: &str = "run.price_book";

/// A number and where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Number {
    /// As `--set` takes it: `traffic.publish.rate`.
    pub path: String,
    /// As written: `36/h per user`.
    pub value: String,
    /// Who says so.
    pub source: Source,
}

impl Scenario {
    /// The numbers as a report lists them. A load that was changed since the text was read (a ramp) is the present one.
    #[must_use]
    pub fn source_reports(&self) -> Vec<SourceReport> {
        let report = |number: &Number| SourceReport {
            path: number.path.clone(),
            value: number.value.clone(),
            status: number.source.status().to_owned(),
            source: number.source.words().to_owned(),
        };
        // What is switched off takes no part, however it is tuned.
        let events = self.patterns.event_sourcing;
        let numbers = self.numbers.iter();
        let mut all: Vec<SourceReport> = numbers
            .filter(|number| events || !sourcing::is_tuning(&number.path))
            .map(report)
            .collect();
        let users = all.iter_mut().find(|number| number.path == USERS);
        if let Some(number) = users
            && read_users(&number.value, &self.load.unit) != Some(self.load.users.into())
        {
            number.value = format!("{} {}", self.load.users, self.load.unit);
            number.status = "Edited".to_owned();
            number.source = "the load of this run".to_owned();
        }
        all.extend(price_book(&self.run.price_book));
        all
    }
}

fn read_users(value: &str, unit: &str) -> Option<u64> {
    let quantity = Quantity::Text(value.to_owned());
    quantity::count(&quantity, &[unit, "users"], 1, u32::MAX.into()).ok()
}

/// The price book, with how many of its prices have which status.
fn price_book(name: &str) -> Option<SourceReport> {
    let book = book(name)?;
    let mut statuses: BTreeMap<&str, usize> = BTreeMap::new();
    for line in book.lines() {
        *statuses.entry(line.source.status()).or_default() += 1;
    }
    let most = statuses.iter().max_by_key(|(_, count)| **count)?.0;
    let counts: Vec<String> = statuses
        .iter()
        .map(|(status, count)| format!("{count} {status}"))
        .collect();
    Some(SourceReport {
        path: BOOK.to_owned(),
        value: book.name.clone(),
        status: (*most).to_owned(),
        source: format!(
            "{} prices of {}: {} lines",
            book.provider,
            book.date,
            counts.join(", ")
        ),
    })
}

/// All numbers of a checked text: those written, in the order of the text, then the others by path. `unwritten` are values
/// that the text takes from a table, by path.
pub fn numbers(
    text: &str,
    root: &Node,
    scenario: &Scenario,
    unwritten: &BTreeMap<String, String>,
) -> Vec<Number> {
    let mut all: Vec<Number> = Vec::new();
    for (path, node) in root.leaves() {
        if is_left_out(&path) || node.says_nothing() {
            continue;
        }
        let own = scenario.sources.contains_key(&path);
        if !own && !is_number(node, text) {
            continue;
        }
        let Some(source) = scenario.source_of(&path) else {
            continue;
        };
        all.push(Number {
            value: tree::unquote(&shown(node, text, true)),
            path,
            source: source.clone(),
        });
    }
    let listed: Vec<String> = all.iter().map(|number| number.path.clone()).collect();
    let profile = &scenario.design.connection_servers.profile.name;
    for (path, source) in &scenario.sources {
        if is_left_out(path) || path.starts_with("run.") || root.find(path).is_some() {
            continue;
        }
        let in_profile = path
            .strip_prefix(PROFILE)
            .map(|field| format!("profiles.{profile}{field}"));
        if in_profile.is_some_and(|own| listed.contains(&own)) || path.starts_with("profiles.") {
            continue;
        }
        let value = match unwritten.get(path) {
            Some(value) => value.clone(),
            None => match default_of(path) {
                Some(default) => default.to_owned(),
                None => continue,
            },
        };
        all.push(Number {
            path: path.clone(),
            value,
            source: source.clone(),
        });
    }
    all
}

/// Whether a path belongs to a part without numbers, is a source, or is of the run and no edit.
fn is_left_out(path: &str) -> bool {
    let steps = tree::steps(path);
    let is_source = |step: &&str| ["source", "sources", "about", "like"].contains(step);
    steps.first().is_none_or(|first| LEFT_OUT.contains(first))
        || steps.iter().any(is_source)
        || path == BOOK
}

/// Whether a value has digits to change: a number, a text that begins with one, or a choice or list that holds one.
fn is_number(node: &Node, text: &str) -> bool {
    match &node.kind {
        Kind::Number => true,
        Kind::Text => {
            let content = tree::unquote(&text[node.span.start..node.span.end]);
            content.starts_with(|c: char| c.is_ascii_digit())
        }
        Kind::Name => false,
        Kind::Fields { fields, .. } => fields.iter().any(|field| is_number(&field.value, text)),
        Kind::Items { items, .. } => items.iter().any(|item| is_number(item, text)),
    }
}

/// A value as written, on one line, without comments and sources.
fn shown(node: &Node, text: &str, outermost: bool) -> String {
    let whole = match &node.kind {
        Kind::Fields {
            name, fields, map, ..
        } => {
            let (open, close) = if *map { ('{', '}') } else { ('(', ')') };
            let kept = fields
                .iter()
                .filter(|field| field.name != "source" && field.name != "sources");
            let parts: Vec<String> = kept
                .map(|field| {
                    let key = &text[field.key.start..field.key.end];
                    format!("{key}: {}", shown(&field.value, text, false))
                })
                .collect();
            format!(
                "{}{open}{}{close}",
                name.as_deref().unwrap_or(""),
                parts.join(", ")
            )
        }
        Kind::Items { name, items } => {
            let inside = &text[node.span.start..node.span.end];
            let (open, close) = if inside.starts_with('[') {
                ('[', ']')
            } else {
                ('(', ')')
            };
            let parts: Vec<String> = items.iter().map(|item| shown(item, text, false)).collect();
            format!(
                "{}{open}{}{close}",
                name.as_deref().unwrap_or(""),
                parts.join(", ")
            )
        }
        Kind::Text | Kind::Number | Kind::Name => text[node.span.start..node.span.end].to_owned(),
    };
    if outermost && whole.chars().count() > LONGEST {
        let mut short: String = whole.chars().take(LONGEST).collect();
        short.push('…');
        return short;
    }
    whole
}

/// The default that the comment of a field states, as it would be written.
fn default_of(path: &str) -> Option<&'static str> {
    static DOCS: OnceLock<Docs> = OnceLock::new();
    let docs = DOCS.get_or_init(docs::scenario);
    let mut expr = &Expr::Named("RawScenario");
    let mut doc = "";
    for step in tree::steps(path) {
        let mut plain = docs.plain(expr).0;
        while let Expr::Optional(inner) = plain {
            plain = docs.plain(inner).0;
        }
        let Expr::Named(name) = plain else {
            return None;
        };
        let field = docs
            .get(name)?
            .fields()
            .iter()
            .find(|field| field.name == step)?;
        (expr, doc) = (&field.expr, &field.doc);
    }
    let default = doc.split_once("Default: ")?.1;
    // Words in brackets explain it.
    let default = default.split_once(" (").map_or(default, |(value, _)| value);
    Some(default.trim().trim_end_matches('.').trim_matches('`'))
}

#[cfg(test)]
mod tests {
    use super::super::{Edit, load_str};
    use super::*;

    const TEAM_CHAT: &str = include_str!("../../../presets/team-chat.ron");

    fn listed(edits: &[Edit]) -> Vec<SourceReport> {
        load_str(TEAM_CHAT, "team-chat.ron", edits)
            .unwrap()
            .source_reports()
    }

    fn at<'a>(all: &'a [SourceReport], path: &str) -> [&'a str; 3] {
        let found: Vec<&SourceReport> = all.iter().filter(|number| number.path == path).collect();
        assert_eq!(found.len(), 1, "{path} in {all:#?}");
        [&found[0].value, &found[0].status, &found[0].source]
    }

    #[test]
    fn numbers_are_as_written_with_the_nearest_source() {
        let all = listed(&[]);
        assert_eq!(
            at(&all, "traffic.publish.rate"),
            [
                "36/h per user",
                "Assumed",
                "an active desk worker at the peak of the day"
            ]
        );
        assert_eq!(
            at(&all, "design.database.query")[..2],
            ["LogNormal(median: \"2 ms\", p99: \"11 ms\")", "Reported"]
        );
        assert_eq!(at(&all, "load.reconnect")[1], "Published");
        assert_eq!(
            at(&all, "design.connection_servers.machine")[..2],
            ["c7g.xlarge", "Vendor"]
        );
        assert_eq!(
            at(&all, "design.connection_servers.profile.deliver")[1],
            "Derived"
        );
        assert_eq!(at(&all, "load.places.us-east-1")[0], "60 %");
        assert_eq!(at(&all, "run.price_book")[..2], ["2026-07", "Vendor"]);
        let nobody = [
            "load.transport",
            "design.routing",
            "name",
            "run.seed",
            "run.duration",
        ];
        assert!(
            all.iter()
                .all(|number| !nobody.contains(&number.path.as_str())),
            "{all:#?}"
        );
        assert!(
            all.iter()
                .all(|number| !number.value.is_empty() && !number.source.is_empty())
        );
        // Defaults are assumed, and say which value that is.
        let descriptors = at(&all, "design.connection_servers.descriptors");
        let digits: String = descriptors[0]
            .chars()
            .filter(char::is_ascii_digit)
            .collect();
        assert_eq!(digits, "1048576");
        assert_eq!(
            descriptors[1..],
            ["Assumed", "the default of the scenario format"]
        );
    }

    #[test]
    fn an_edit_is_the_source_and_a_load_of_a_ramp_is_the_present_one() {
        let set = Edit::Set {
            path: "traffic.publish.rate".to_owned(),
            value: "1/s per user".to_owned(),
        };
        let all = listed(&[set]);
        assert_eq!(
            at(&all, "traffic.publish.rate")[..2],
            ["1/s per user", "Edited"]
        );
        let mut scenario = load_str(TEAM_CHAT, "team-chat.ron", &[]).unwrap();
        assert_eq!(
            at(&scenario.source_reports(), USERS)[..2],
            ["200_000 users", "Assumed"]
        );
        scenario.load.users = 5_000;
        assert_eq!(
            at(&scenario.source_reports(), USERS)[..2],
            ["5000 users", "Edited"]
        );
    }

    #[test]
    fn every_path_that_is_written_can_be_set_again() {
        let scenario = load_str(TEAM_CHAT, "team-chat.ron", &[]).unwrap();
        let root = tree::parse(TEAM_CHAT).unwrap();
        let written = scenario
            .numbers
            .iter()
            .filter(|number| root.find(&number.path).is_some());
        let edits: Vec<Edit> = written
            .map(|number| Edit::Set {
                path: number.path.clone(),
                value: number.value.clone(),
            })
            .collect();
        assert!(edits.len() > 30, "{}", edits.len());
        let again = load_str(TEAM_CHAT, "team-chat.ron", &edits).unwrap();
        assert_eq!(again.hash(), scenario.hash());
    }
}
