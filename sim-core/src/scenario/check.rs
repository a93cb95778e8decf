//! What validation carries along: the text, the edits, the errors found so far and the sources.

use std::collections::BTreeMap;

use super::ReadFile;
use super::error::{Problem, ScenarioError, shorten};
use super::model::Source;
use super::raw::{Ordered, Sources};
use super::tree::{self, Node};

/// Where an edited value comes from.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The field that was set.
    pub path: String,
    /// The option or file: `--set load.users=1M`, `overlay.ron`.
    pub label: String,
    /// Line and column in a file.
    pub at: Option<(u32, u32)>,
    /// The variant that sets it, by its place in [`Document::layers`].
    pub layer: Option<usize>,
    /// What becomes of its source.
    pub mark: Mark,
}

/// What becomes of a source when a value is set.
#[derive(Clone, Debug)]
pub enum Mark {
    /// The edit is the source.
    Edited,
    /// The variant gives a source for this path.
    Given(String, Source),
    /// Not a number: no source.
    Words,
}

/// A file of a scenario: its text and tree.
#[derive(Clone, Debug)]
pub struct Layer {
    /// File name for errors.
    pub file: String,
    /// Its text.
    pub text: String,
    /// Its tree.
    pub root: Node,
}

impl Layer {
    /// Parses a file.
    pub fn read(text: &str, file: &str) -> Result<Self, Vec<ScenarioError>> {
        Ok(Self {
            file: file.to_owned(),
            text: text.to_owned(),
            root: super::parse(text, file)?,
        })
    }

    /// An error at a field, or at the nearest field around it that exists.
    pub fn error(&self, path: &str, problem: Problem) -> ScenarioError {
        located(self.file.clone(), Some(self.position(path)), path, problem)
    }

    fn position(&self, path: &str) -> (u32, u32) {
        tree::line_column(&self.text, self.root.closest(path).span.start)
    }
}

/// The texts a scenario is made from.
#[derive(Clone, Debug)]
pub struct Document {
    /// Name of the file that was asked for: the variant, or the base if there is no variant.
    pub main: String,
    /// The file that extends no other, before edits.
    pub base: Layer,
    /// Its variants, outwards.
    pub layers: Vec<Layer>,
    /// Variants' values and edits, in order.
    pub origins: Vec<Origin>,
}

impl Document {
    /// An error at a field, or at the nearest field around it that exists.
    pub fn error(&self, path: &str, problem: Problem) -> ScenarioError {
        let (file, at) = self.place(path);
        located(file, at, path, problem)
    }

    /// An error about the name of a field, at the name.
    pub fn error_at_name(&self, path: &str, problem: Problem) -> ScenarioError {
        let mut error = self.error(path, problem);
        let origin = self.origin(path);
        let file = match origin {
            None => Some(&self.base),
            Some(origin) => origin.layer.and_then(|layer| self.layers.get(layer)),
        };
        if let Some(file) = file
            && let Some(key) = file.root.key(path)
        {
            let (line, column) = tree::line_column(&file.text, key.start);
            (error.line, error.column) = (Some(line), Some(column));
        }
        error
    }

    /// File (or edit), line and column of a field.
    pub fn place(&self, path: &str) -> (String, Option<(u32, u32)>) {
        let Some(origin) = self.origin(path) else {
            return (self.base.file.clone(), Some(self.base.position(path)));
        };
        let layer = origin.layer.and_then(|layer| self.layers.get(layer));
        let at = layer.map_or(origin.at, |layer| Some(layer.position(path)));
        (origin.label.clone(), at)
    }

    /// The last edit that touches a field. A base is valid by itself, so a variant that touches a part of a field is what
    /// is wrong with the whole; a text and its edits are checked together, so an edit is blamed for what it sets.
    fn origin(&self, path: &str) -> Option<&Origin> {
        self.origins.iter().rev().find(|origin| {
            let below = within(&origin.path, path);
            within(path, &origin.path) || below && (origin.layer.is_some() || self.missing(path))
        })
    }

    fn missing(&self, path: &str) -> bool {
        let files = std::iter::once(&self.base).chain(&self.layers);
        files.into_iter().all(|file| file.root.find(path).is_none())
    }
}

fn located(file: String, at: Option<(u32, u32)>, path: &str, problem: Problem) -> ScenarioError {
    ScenarioError {
        file,
        line: at.map(|at| at.0),
        column: at.map(|at| at.1),
        path: path.to_owned(),
        problem: problem.problem,
        allowed: problem.allowed,
        help: problem.help,
    }
}

/// `path` is `parent` or lies below it.
fn within(path: &str, parent: &str) -> bool {
    let (path, parent) = (tree::steps(path), tree::steps(parent));
    path.starts_with(&parent)
}

/// Validation in progress.
pub struct Check<'a> {
    document: &'a Document,
    /// Reads the files that a scenario names.
    files: &'a ReadFile<'a>,
    /// The edited text's tree.
    root: &'a Node,
    /// What is wrong so far.
    pub errors: Vec<ScenarioError>,
    /// Where the numbers come from.
    pub sources: BTreeMap<String, Source>,
    /// Values that are not in the text, by path: those of a server profile.
    pub unwritten: BTreeMap<String, String>,
}

impl<'a> Check<'a> {
    /// Starts a validation.
    pub fn new(document: &'a Document, root: &'a Node, files: &'a ReadFile<'a>) -> Self {
        Self {
            document,
            files,
            root,
            errors: Vec::new(),
            sources: BTreeMap::new(),
            unwritten: BTreeMap::new(),
        }
    }

    /// The text of a file that the scenario names.
    pub fn read_file(&self, name: &str) -> Result<String, Problem> {
        (self.files)(name).map_err(|why| {
            Problem::new(format!("\"{}\" cannot be read: {why}", shorten(name)))
                .help("files are looked for beside the scenario")
        })
    }

    /// Notes a problem.
    pub fn problem(&mut self, path: &str, problem: Problem) {
        self.errors.push(self.document.error(path, problem));
    }

    /// The value, or `fallback` after noting the problem.
    pub fn take<T>(&mut self, path: &str, result: Result<T, Problem>, fallback: T) -> T {
        match result {
            Ok(value) => value,
            Err(problem) => {
                self.problem(path, problem);
                fallback
            }
        }
    }

    /// An optional value: read it, or take the default and say so among the sources.
    pub fn take_or<Q, T>(
        &mut self,
        path: &str,
        given: &Option<Q>,
        default: T,
        read: impl FnOnce(&Q) -> Result<T, Problem>,
    ) -> T {
        match given {
            Some(given) => match read(given) {
                Ok(value) => value,
                Err(problem) => {
                    self.problem(path, problem);
                    default
                }
            },
            None => {
                self.default_source(path);
                default
            }
        }
    }

    /// Says that a value is the format's default.
    pub fn default_source(&mut self, path: &str) {
        self.sources.insert(
            path.to_owned(),
            Source::Assumed("the default of the scenario format".to_owned()),
        );
    }

    /// Notes the sources that a struct gives for its numbers.
    pub fn sources(&mut self, path: &str, all: &Option<Source>, single: &Sources) {
        self.source(path, all);
        let Some(Ordered(entries)) = single else {
            return;
        };
        let at = tree::join(path, "sources");
        self.names(&at, entries.iter().map(|(name, _)| name.as_str()));
        for (name, source) in entries {
            let field = tree::join(path, name);
            if self.root.find(&field).is_none() {
                let known = self.field_names(path);
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                self.problem(
                    &tree::join(&at, name),
                    Problem::unknown("field beside these sources", name, known),
                );
            }
            self.note(&field, source);
        }
    }

    /// Notes one source.
    pub fn source(&mut self, path: &str, source: &Option<Source>) {
        if let Some(source) = source {
            self.note(path, source);
        }
    }

    fn note(&mut self, path: &str, source: &Source) {
        if source.words().trim().is_empty() {
            let problem =
                Problem::new("a source without words").allowed("who says so, or why it is assumed");
            self.problem(path, problem);
        }
        self.sources.insert(path.to_owned(), source.clone());
    }

    /// Names must not be empty and must not stand twice.
    pub fn names<'n>(&mut self, path: &str, names: impl Iterator<Item = &'n str>) {
        let mut seen: Vec<&str> = Vec::new();
        for name in names {
            if name.trim().is_empty() {
                self.problem(path, Problem::new("an empty name"));
            } else if seen.contains(&name) {
                let problem = Problem::new(format!("\"{}\" stands twice", shorten(name)));
                self.problem(path, problem.help("keep one of the two"));
            }
            seen.push(name);
            if seen.len() > super::limits::ENTRIES {
                let most = format!("up to {} entries", super::limits::ENTRIES);
                self.problem(path, Problem::new("too many entries").allowed(most));
                return;
            }
        }
    }

    /// File and line of a field; the file is `None` where it is the one that was asked for, both where an option sets it.
    pub fn place(&self, path: &str) -> (Option<String>, Option<u32>) {
        match self.document.place(path) {
            (_, None) => (None, None),
            (file, Some((line, _))) => {
                let other = file != self.document.main;
                (other.then_some(file), Some(line))
            }
        }
    }

    /// Where the edits come from.
    pub fn origins(&self) -> &'a [Origin] {
        &self.document.origins
    }

    fn field_names(&self, path: &str) -> Vec<String> {
        match self.root.find(path).map(|node| &node.kind) {
            Some(tree::Kind::Fields { fields, .. }) => fields
                .iter()
                .map(|field| field.name.clone())
                .filter(|name| name != "source" && name != "sources")
                .collect(),
            _ => Vec::new(),
        }
    }
}
