//! Scenarios: RON files that say who uses a system, what they do, what it is built from and what it must meet.
//!
//! [`load_str`] reads a text and gives a checked [`Scenario`] or everything that is wrong with it, each with file, line,
//! column, field, what is allowed and a way out. Edits (`--set`, an overlay, `--users`) change the text first, so that an
//! edited scenario is checked like a written one; what they set is marked [`Source::Edited`].
//!
//! A scenario may extend another one (`extends: "team-chat"`); [`load_with`] is told how to find that one.
//!
//! A [`Draft`] is a scenario while somebody edits it: it can be written as a file, or as the command line that runs the same.
//!
//! Leaves out: reading and writing files (callers pass texts).

mod asking;
pub mod assets;
mod check;
mod convert;
mod data;
mod design;
mod documents;
mod draft;
mod edge;
mod edit;
mod error;
mod extend;
mod faults;
mod hash;
pub mod limits;
pub mod model;
mod nested;
mod numbers;
mod objective;
mod ordering;
pub mod over_time;
mod pooler;
mod product;
mod profile;
pub mod quantity;
pub mod raw;
mod regions;
mod repair;
mod replicas;
mod scaled;
pub mod services;
mod sourcing;
mod traffic;
mod translate;
pub mod tree;
mod validate;

pub(crate) use check::Layer;

pub use asking::{Asking, Callers, Hedge, HedgeTo, SlowShards};
pub use documents::{Conflict, DocumentsTier, Edits};
pub use draft::{Beginning, Draft};
pub use edge::{Asset, EdgeTier, OriginTier, QueryAtEdge, Shield};
pub use edit::Edit;
pub use error::{Problem, ScenarioError, nearest};
pub use extend::{Base, Find};
pub use faults::{can_happen, instances_of};
pub use model::*;
pub use nested::Nested;
pub use numbers::Number;
pub use objective::{Parsed as ParsedObjective, stated as stated_objective, tiers as tiers_of};
pub use ordering::{Ordering, Promise};
pub use over_time::{Arrivals, Day, FlashCrowd, Loop, OverTime, People, Shape};
pub use pooler::{Held, Pooler, pooler};
pub use regions::{Merge, Regions, Residency, Writes};
pub use replicas::{Failover, Replicas};
pub use scaled::{ERROR as MODEL_ERROR, SMALLEST as SMALLEST_MODEL, Unscalable};
pub use services::{
    MarketData, MatchingTier, NotificationsTier, Notify, Order, Preferences, ProviderTier, Reserve,
    StockTier, channel_name,
};
pub(crate) use sourcing::is_tuning as tunes_events;
pub use sourcing::{CommandTier, Consistency, LogTier, ProjectionTier, ReadModelUse, Sourcing};

use std::cell::RefCell;
use std::collections::BTreeMap;

use check::{Check, Document, Origin};
use tree::Node;

/// The version of the file format.
pub const VERSION: u32 = 1;

/// Gives the text of a file that a scenario names, or says why not.
pub type ReadFile<'a> = dyn Fn(&str) -> Result<String, String> + 'a;

/// Reads, edits and checks a scenario that extends no other and names no file. `file_name` is what errors call the text.
pub fn load_str(
    text: &str,
    file_name: &str,
    edits: &[Edit],
) -> Result<Scenario, Vec<ScenarioError>> {
    load_with(text, file_name, edits, &extend::nowhere, &|_| {
        Err("no files are read here".to_owned())
    })
    .map(|loaded| loaded.scenario)
}

/// Reads, edits and checks a scenario; `find` looks up what it `extends`, `files` gives the texts of the files that it
/// names, by their names in it.
pub fn load_with(
    text: &str,
    file_name: &str,
    edits: &[Edit],
    find: &Find<'_>,
    files: &ReadFile<'_>,
) -> Result<Loaded, Vec<ScenarioError>> {
    let seen = RefCell::new(BTreeMap::new());
    let recording = |name: &str| -> Result<String, String> {
        let text = files(name)?;
        seen.borrow_mut().insert(name.to_owned(), text.clone());
        Ok(text)
    };
    let files: &ReadFile<'_> = &recording;
    let mut variants = extend::chain(text, file_name, find)?;
    let Some(base) = variants.pop() else {
        return Err(Vec::new());
    };
    let mut text = base.text.clone();
    let mut document = Document {
        main: file_name.to_owned(),
        base,
        layers: Vec::new(),
        origins: Vec::new(),
    };
    while let Some(variant) = variants.pop() {
        check(&text, &document, files)?;
        text = extend::lay(text, variant, &mut document)?;
    }
    if !edits.is_empty() && !document.layers.is_empty() {
        check(&text, &document, files)?;
    }
    text = edit::apply(text, edits, &mut document)?;
    let scenario = check(&text, &document, files)?;
    Ok(Loaded {
        scenario,
        text,
        files: seen.take(),
        document,
    })
}

/// A checked scenario and the text it was made from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The scenario.
    pub scenario: Scenario,
    /// The text, extended and edited.
    pub text: String,
    /// The files that it names, by their names in it.
    pub files: BTreeMap<String, String>,
    document: Document,
}

impl Loaded {
    /// What the text says at a path; `None`: nothing, so a default holds.
    #[must_use]
    pub fn written(&self, path: &str) -> Option<&str> {
        let root = tree::parse(&self.text).ok()?;
        let span = root.find(path)?.span;
        self.text.get(span.start..span.end)
    }

    /// Where that stands: `team-chat.ron:66`, or the edit that set it.
    #[must_use]
    pub fn place(&self, path: &str) -> String {
        match self.document.place(path) {
            (file, Some((line, _))) => format!("{file}:{line}"),
            (edit, None) => edit,
        }
    }
}

/// Decodes and checks a text.
fn check(
    text: &str,
    document: &Document,
    files: &ReadFile<'_>,
) -> Result<Scenario, Vec<ScenarioError>> {
    let decoded = repair::decode(text, document)?;
    let (Some(raw), root) = (decoded.raw, decoded.root) else {
        return Err(decoded.errors);
    };
    let mut check = Check::new(document, &root, files);
    if raw.extends.is_some() {
        let problem = Problem::new("an edit cannot change what a scenario extends");
        check.problem("extends", problem.help("write it into a file"));
    }
    let checked = validate::validate(&raw, &mut check);
    let Some(mut scenario) = checked.filter(|_| decoded.errors.is_empty()) else {
        return Err(repair::together(decoded.errors, check.errors));
    };
    scenario.numbers = numbers::numbers(text, &root, &scenario, &check.unwritten);
    Ok(scenario)
}

/// Parses one objective against a scenario's traffic and design.
pub fn parse_objective(text: &str, scenario: &Scenario) -> Result<ParsedObjective, Problem> {
    let kinds = fault_kinds(scenario);
    objective::parse(text, (&scenario.traffic, &scenario.design, &kinds))
}

/// Whether the report of this scenario has a number at a path.
pub(crate) fn known_number(path: &str, scenario: &Scenario) -> Result<(), Problem> {
    let kinds = fault_kinds(scenario);
    objective::known(path, (&scenario.traffic, &scenario.design, &kinds))
}

fn fault_kinds(scenario: &Scenario) -> Vec<&'static str> {
    let faults = scenario.faults.iter();
    faults.map(|timed| timed.fault.name()).collect()
}

/// Decodes a text of another kind, with the errors of scenarios; the layer has its places.
pub(crate) fn decode_as<T: serde::de::DeserializeOwned>(
    text: &str,
    file: &str,
) -> Result<(T, Layer), Vec<ScenarioError>> {
    let layer = Layer::read(text, file)?;
    match options().from_str(text) {
        Ok(raw) => Ok((raw, layer)),
        Err(error) => {
            let document = Document {
                main: file.to_owned(),
                base: layer,
                layers: Vec::new(),
                origins: Vec::new(),
            };
            let root = &document.base.root;
            Err(vec![translate::translate(&error, text, root, &document)])
        }
    }
}

impl Scenario {
    /// The design as the switches leave it: without pooling one connection server that routes in process, without channel
    /// owners or broker. The tuning of what is off stays in [`Scenario::design`].
    #[must_use]
    pub fn effective_design(&self) -> Design {
        design::effective(&self.design, Some(&self.traffic), self.patterns)
    }

    /// A stable 64-bit hash of everything that decides the results: not of titles, stories, sources and comments.
    #[must_use]
    pub fn hash(&self) -> u64 {
        hash::hash(self)
    }

    /// Where the number at a path comes from: its own source, or that of the nearest struct around it.
    #[must_use]
    pub fn source_of(&self, path: &str) -> Option<&Source> {
        let mut path = path;
        loop {
            if let Some(source) = self.sources.get(path) {
                return Some(source);
            }
            path = &path[..path.rfind(['.', '['])?];
        }
    }
}

/// How scenario files are read: `Some` may be left out.
fn options() -> ron::Options {
    ron::Options::default().with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME)
}

fn parse(text: &str, file: &str) -> Result<Node, Vec<ScenarioError>> {
    tree::parse(text).map_err(|error| {
        let (line, column) = tree::line_column(text, error.at);
        vec![ScenarioError {
            file: file.to_owned(),
            line: Some(line),
            column: Some(column),
            path: String::new(),
            problem: error.problem.problem,
            allowed: error.problem.allowed,
            help: error.problem.help,
        }]
    })
}

/// Checks the version of a file: the hook for migrations. There is one version so far.
fn check_version(file: &Layer) -> Result<(), Vec<ScenarioError>> {
    let Some(node) = file.root.child("version") else {
        let problem =
            Problem::new("the format version is missing").help("write `version: 1,` first");
        return Err(vec![file.error("version", problem)]);
    };
    let found = &file.text[node.span.start..node.span.end];
    match found.parse::<u32>() {
        Ok(VERSION) => Ok(()),
        _ => {
            let problem = Problem::new(format!(
                "version {} of the scenario format is not known here",
                error::shorten(found)
            ))
            .allowed(VERSION.to_string())
            .help("a newer program may read it");
            Err(vec![file.error("version", problem)])
        }
    }
}

/// How an edit is named among the sources.
fn words_of_edit(origin: &Origin) -> String {
    match origin.at {
        Some((line, _)) => format!("{}:{line}", origin.label),
        None => origin.label.clone(),
    }
}
