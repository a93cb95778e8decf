//! A scenario while somebody edits it: where it began, what was changed since, and what that gives.
//!
//! Every change is checked like a written scenario before it counts, so a draft is always valid; a draft never changes, the
//! next one is made from it, which is what undo needs. It can be written as a file (a variant of a preset, or the file it came
//! from with its comments kept) and as the command line that runs the same.
//!
//! Leaves out: reading and writing files, and the order in which drafts followed each other.

use std::fmt::Write as _;
use std::sync::Arc;

use super::edit::Edit;
use super::error::ScenarioError;
use super::nested::Nested;
use super::tree::{self, Kind, Node};
use super::{Loaded, Problem, Scenario, extend, load_with};

/// Where a draft began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// A scenario inside the program, by its name.
    Preset(String),
    /// A file: its path as the command line takes it, and its own text.
    File {
        /// The path.
        path: String,
        /// Its text, without what it extends.
        text: String,
    },
}

impl Beginning {
    /// What the command line calls it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Preset(name) => name,
            Self::File { path, .. } => path,
        }
    }
}

/// A scenario as it is edited now.
#[derive(Clone, Debug)]
pub struct Draft {
    beginning: Arc<Beginning>,
    base: Arc<Loaded>,
    /// One per path, in the order of the first change.
    changes: Vec<(String, String)>,
    scenario: Arc<Scenario>,
    /// The whole text, changes made.
    text: Arc<str>,
}

/// Two drafts are the same if they began the same and say the same.
impl PartialEq for Draft {
    fn eq(&self, other: &Self) -> bool {
        self.beginning == other.beginning && self.changes == other.changes
    }
}

impl Draft {
    /// A scenario that nothing was changed in.
    #[must_use]
    pub fn new(beginning: Beginning, loaded: Loaded) -> Self {
        Self {
            beginning: Arc::new(beginning),
            scenario: Arc::new(loaded.scenario.clone()),
            text: loaded.text.as_str().into(),
            base: Arc::new(loaded),
            changes: Vec::new(),
        }
    }

    /// The scenario that it gives.
    #[must_use]
    pub fn scenario(&self) -> &Arc<Scenario> {
        &self.scenario
    }

    /// Where it began.
    #[must_use]
    pub fn beginning(&self) -> &Beginning {
        &self.beginning
    }

    /// What it began from: text, places and files.
    #[must_use]
    pub fn base(&self) -> &Loaded {
        &self.base
    }

    /// The text that gives it: what it extends laid below, changes made.
    #[must_use]
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// Paths and values that were changed, as they would be typed.
    #[must_use]
    pub fn changes(&self) -> &[(String, String)] {
        &self.changes
    }

    /// The changes as edits of [`Self::base`].
    #[must_use]
    pub fn edits(&self) -> Vec<Edit> {
        edits(&self.changes)
    }

    /// What the text says at a path now; `None`: nothing, so a default holds.
    #[must_use]
    pub fn written_at(&self, path: &str) -> Option<String> {
        let path = tree::normal(path);
        let changed = self.changes.iter().find(|(other, _)| *other == path);
        match changed {
            Some((_, value)) => Some(value.clone()),
            None => self.base.written(&path).map(str::to_owned),
        }
    }

    /// The next draft: these fields set. Setting a field to what it was in the beginning takes its change back.
    pub fn with(&self, wanted: &[(String, String)]) -> Result<Self, Vec<ScenarioError>> {
        let mut changes = self.changes.clone();
        for (path, value) in wanted {
            let (path, value) = self.whole_lists(&changes, path, value)?;
            let was = self.base.written(&path).map(tree::unquote);
            let back = was.is_some_and(|was| was == tree::unquote(&value));
            changes.retain(|(other, _)| !is_below(other, &path));
            let at = changes.iter().position(|(other, _)| *other == path);
            match (at, back) {
                (Some(at), true) => drop(changes.remove(at)),
                (Some(at), false) => changes[at].1 = value,
                (None, true) => {}
                (None, false) => changes.push((path, value)),
            }
        }
        self.having(changes)
    }

    /// The next draft: this field as it was in the beginning.
    pub fn without(&self, path: &str) -> Result<Self, Vec<ScenarioError>> {
        let path = tree::normal(path);
        let mut changes = self.changes.clone();
        changes.retain(|(other, _)| *other != path && !is_below(other, &path));
        self.having(changes)
    }

    fn having(&self, changes: Vec<(String, String)>) -> Result<Self, Vec<ScenarioError>> {
        let loaded = self.loaded(&changes)?;
        Ok(Self {
            beginning: self.beginning.clone(),
            base: self.base.clone(),
            changes,
            text: loaded.text.into(),
            scenario: Arc::new(loaded.scenario),
        })
    }

    fn loaded(&self, changes: &[(String, String)]) -> Result<Loaded, Vec<ScenarioError>> {
        let files = |name: &str| {
            let text = self.base.files.get(name).cloned();
            text.ok_or_else(|| format!("{name} was not read with the scenario"))
        };
        let name = self.beginning.name();
        let edits = edits(changes);
        load_with(&self.base.text, name, &edits, &extend::nowhere, &files)
    }

    /// A variant replaces lists as a whole: a change inside one becomes a change of the list.
    fn whole_lists(
        &self,
        changes: &[(String, String)],
        path: &str,
        value: &str,
    ) -> Result<(String, String), Vec<ScenarioError>> {
        let path = tree::normal(path);
        let inside = tree::parse(&self.base.text)
            .ok()
            .and_then(|root| list_on_the_way(&root, &path));
        let Some(list) = inside else {
            return Ok((path, value.to_owned()));
        };
        let mut changes = changes.to_vec();
        changes.push((path, value.to_owned()));
        let loaded = self.loaded(&changes)?;
        let written = loaded.written(&list).map(tree::single_line);
        Ok((list, written.unwrap_or_else(|| "[]".to_owned())))
    }

    /// A file that gives this scenario: `name` and `title` are its own.
    ///
    /// A draft of a preset becomes a variant that says only what differs; a draft of a file becomes that file with the changes in
    /// it, comments kept.
    pub fn to_file(&self, name: &str, title: &str) -> Result<String, Problem> {
        match &*self.beginning {
            Beginning::Preset(preset) => Ok(self.variant(preset, name, title)),
            Beginning::File { text, .. } => {
                let mut text = text.clone();
                let values = self.values();
                for (path, value) in &values {
                    text = tree::set_verbatim(&text, path, value)?;
                }
                Ok(text)
            }
        }
    }

    fn variant(&self, preset: &str, name: &str, title: &str) -> String {
        let mut out = format!(
            "// A variant of the preset {preset}: what is not written here is as it is there.\n\
             (\n    version: 1,\n    name: {name:?},\n    extends: {preset:?},\n    title: {title:?},\n"
        );
        let mut fields = Nested::default();
        let values = self.values();
        for (path, value) in &values {
            fields.put(path, value);
        }
        fields.write(&mut out, 1, &|_| None, None);
        out.push_str(")\n");
        out
    }

    /// The changes as a file writes them: quoted where they must be.
    fn values(&self) -> Vec<(String, String)> {
        let loaded = self.loaded(&self.changes).ok();
        let written = |path: &str| Some(tree::single_line(loaded.as_ref()?.written(path)?));
        self.changes
            .iter()
            .map(|(path, value)| {
                let value = written(path).unwrap_or_else(|| value.clone());
                (path.clone(), value)
            })
            .collect()
    }

    /// The command line that runs this scenario: `plimsoll run team-chat --users 300K --set design.database.pool=200`.
    #[must_use]
    pub fn command(&self, verb: &str) -> String {
        let mut out = format!("plimsoll {verb} {}", quoted(self.beginning.name()));
        for (path, value) in &self.changes {
            let _ = match path.as_str() {
                "load.users" => write!(out, " --users {}", quoted(value)),
                _ => write!(out, " --set {}", quoted(&format!("{path}={value}"))),
            };
        }
        out
    }
}

fn edits(changes: &[(String, String)]) -> Vec<Edit> {
    let edit = |(path, value): &(String, String)| match path.as_str() {
        "load.users" => Edit::Users(value.clone()),
        _ => Edit::Set {
            path: path.clone(),
            value: value.clone(),
        },
    };
    changes.iter().map(edit).collect()
}

fn is_below(path: &str, parent: &str) -> bool {
    path.strip_prefix(parent)
        .is_some_and(|rest| rest.starts_with(['.', '[']))
}

/// The path of the first list that a path goes into.
fn list_on_the_way(root: &Node, path: &str) -> Option<String> {
    let mut node = root;
    let mut way = String::new();
    for step in tree::steps(path) {
        if matches!(node.kind, Kind::Items { name: None, .. }) && !way.is_empty() {
            return Some(way);
        }
        node = node.child(step)?;
        way = tree::join(&way, step);
    }
    None
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+%@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEAM_CHAT: &str = include_str!("../../../presets/team-chat.ron");

    fn draft() -> Draft {
        let loaded = load_with(TEAM_CHAT, "team-chat.ron", &[], &extend::nowhere, &|_| {
            Err(String::new())
        })
        .unwrap();
        Draft::new(Beginning::Preset("team-chat".into()), loaded)
    }

    fn set(draft: &Draft, path: &str, value: &str) -> Draft {
        draft.with(&[(path.into(), value.into())]).unwrap()
    }

    fn pool(scenario: &Scenario) -> u32 {
        scenario.design.database.as_ref().unwrap().pool
    }

    fn reload(text: &str) -> Scenario {
        let find = |_: &str, _: &str| {
            Ok(super::super::Base {
                file_name: "preset team-chat".into(),
                text: TEAM_CHAT.into(),
            })
        };
        let files = |_: &str| Err(String::new());
        load_with(text, "mine.ron", &[], &find, &files)
            .unwrap_or_else(|errors| panic!("{errors:?}\n{text}"))
            .scenario
    }

    #[test]
    fn a_change_is_checked_and_a_wrong_one_changes_nothing() {
        let begun = draft();
        let next = set(&begun, "design.database.pool", "200");
        assert_eq!(pool(next.scenario()), 200);
        assert_eq!(pool(begun.scenario()), 100);
        let wrong = next.with(&[("design.database.pool".into(), "many".into())]);
        let errors = wrong.unwrap_err();
        assert!(
            errors[0].to_string().contains("design.database.pool"),
            "{errors:?}"
        );
    }

    #[test]
    fn a_change_that_is_made_back_is_none() {
        let next = set(&draft(), "design.database.pool", "200");
        assert_eq!(set(&next, "design.database.pool", "100").changes(), []);
        assert_eq!(next.without("design.database.pool").unwrap(), draft());
        let users = set(&draft(), "load.users", "300K");
        assert_eq!(set(&users, "load.users", "200_000 users").changes(), []);
    }

    #[test]
    fn what_is_saved_gives_the_same_scenario() {
        let mut edited = draft();
        for (path, value) in [
            ("load.users", "300K"),
            ("design.connection_servers.machine", "c7g.2xlarge"),
            ("design.database.pool", "200"),
            ("design.load_balancer.policy", "PowerOfTwo"),
            ("patterns.sharding", "On"),
            ("objectives[0]", "publish.delivered.p99 < 400 ms"),
        ] {
            edited = set(&edited, path, value);
        }
        let places = [("us-east-1", "50 %"), ("ap-southeast-1", "10 %")];
        let places =
            places.map(|(place, share)| (format!("load.places.{place}"), share.to_owned()));
        edited = edited.with(&places).unwrap();
        let text = edited.to_file("mine", "Mine").unwrap();
        let mut saved = reload(&text);
        assert_eq!(saved.title, "Mine");
        saved.name = "team-chat".into();
        assert_eq!(saved.hash(), edited.scenario().hash(), "{text}");
        assert!(text.lines().count() < 40, "{text}");
    }

    #[test]
    fn a_file_keeps_its_comments() {
        let loaded = draft().base.as_ref().clone();
        let text = format!("// mine\n{TEAM_CHAT}");
        let path = "mine.ron".to_owned();
        let begun = Draft::new(Beginning::File { path, text }, loaded);
        let text = set(&begun, "design.database.pool", "200")
            .to_file("mine", "Mine")
            .unwrap();
        assert!(text.starts_with("// mine\n"));
        assert!(text.contains("pool: 200, // 30 K queries/s"), "{text}");
        assert_eq!(pool(&reload(&text)), 200);
    }

    #[test]
    fn the_command_runs_the_same() {
        let edited = set(&draft(), "load.users", "300K");
        let edited = set(
            &edited,
            "design.database.query",
            "LogNormal(median: \"2 ms\", p99: \"9 ms\")",
        );
        assert_eq!(
            edited.command("run"),
            "plimsoll run team-chat --users 300K --set 'design.database.query=LogNormal(median: \"2 ms\", p99: \"9 ms\")'"
        );
    }
}
