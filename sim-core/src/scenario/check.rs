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
    /// Line and column in an overlay.
    pub at: Option<(u32, u32)>,
}

/// The text a scenario is made from.
pub struct Document<'a> {
    /// File name for errors.
    pub file: &'a str,
    /// The text before edits, in which errors are located.
    pub original: &'a str,
    /// Its tree.
    pub original_root: Node,
    /// The edits, in order.
    pub origins: Vec<Origin>,
}

impl Document<'_> {
    /// An error at a field, or at the nearest field around it that exists.
    pub fn error(&self, path: &str, problem: Problem) -> ScenarioError {
        let edited = self.origins.iter().rev().find(|origin| {
            within(path, &origin.path) || within(&origin.path, path) && self.missing(path)
        });
        let (file, line_column) = match edited {
            Some(origin) => (origin.label.clone(), origin.at),
            None => {
                let node = self.original_root.closest(path);
                (
                    self.file.to_owned(),
                    Some(tree::line_column(self.original, node.span.start)),
                )
            }
        };
        self.located(file, line_column, path, problem)
    }

    /// An error about the name of a field, at the name.
    pub fn error_at_name(&self, path: &str, problem: Problem) -> ScenarioError {
        let mut error = self.error(path, problem);
        if error.file == self.file
            && let Some(key) = self.original_root.key(path)
        {
            let (line, column) = tree::line_column(self.original, key.start);
            (error.line, error.column) = (Some(line), Some(column));
        }
        error
    }

    fn missing(&self, path: &str) -> bool {
        self.original_root.find(path).is_none()
    }

    fn located(
        &self,
        file: String,
        at: Option<(u32, u32)>,
        path: &str,
        problem: Problem,
    ) -> ScenarioError {
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
}

/// `path` is `parent` or lies below it.
fn within(path: &str, parent: &str) -> bool {
    let (path, parent) = (tree::steps(path), tree::steps(parent));
    path.starts_with(&parent)
}

/// Validation in progress.
pub struct Check<'a> {
    document: &'a Document<'a>,
    /// Reads the files that a scenario names.
    files: &'a ReadFile<'a>,
    /// The edited text's tree.
    root: &'a Node,
    /// What is wrong so far.
    pub errors: Vec<ScenarioError>,
    /// Where the numbers come from.
    pub sources: BTreeMap<String, Source>,
}

impl<'a> Check<'a> {
    /// Starts a validation.
    pub fn new(document: &'a Document<'a>, root: &'a Node, files: &'a ReadFile<'a>) -> Self {
        Self {
            document,
            files,
            root,
            errors: Vec::new(),
            sources: BTreeMap::new(),
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
        if words(source).trim().is_empty() {
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

    /// Line of a field in the file, if it stands there unedited.
    pub fn line(&self, path: &str) -> Option<u32> {
        let error = self.document.error(path, Problem::new(""));
        if error.file == self.document.file {
            error.line
        } else {
            None
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

/// The words of a source.
pub fn words(source: &Source) -> &str {
    match source {
        Source::Measured(text)
        | Source::Published(text)
        | Source::Vendor(text)
        | Source::Reported(text)
        | Source::Derived(text)
        | Source::Assumed(text)
        | Source::Edited(text) => text,
    }
}
