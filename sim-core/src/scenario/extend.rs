//! `extends: "team-chat"`: a scenario that says only what differs from another one.
//!
//! The base is read first and must be valid by itself. The variant's fields are then laid over it leaf by leaf, as an
//! overlay would: single values and choices are replaced, maps get the entries that stand in the variant, lists are
//! replaced as a whole, and `None` takes an optional part away. Each value that the variant brings has the source that the
//! variant gives for it, or else is called edited, by file and line; the rest keeps the sources of the base.
//!
//! Leaves out: finding the base. Callers pass a function, because this crate reads no files.

use super::check::{Document, Layer, Mark, Origin};
use super::error::{Problem, ScenarioError, shorten};
use super::model::Source;
use super::tree::{self, Kind, Node};

/// A base as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// What errors call it; two bases of one name are the same base.
    pub file_name: String,
    /// Its text.
    pub text: String,
}

/// Finds the base that a variant names: the name as written, and the variant's file name.
pub type Find<'a> = dyn Fn(&str, &str) -> Result<Base, Problem> + 'a;

/// Most scenarios that extend one another.
const LONGEST: usize = 8;
/// Fields that say which file this is.
const OF_THE_FILE: [&str; 2] = ["version", "extends"];
/// Fields without numbers: no source is noted for them.
const WORDS: [&str; 5] = ["name", "title", "story", "status", "objectives"];

/// Finds nothing: for callers without files and presets.
pub fn nowhere(_name: &str, _variant: &str) -> Result<Base, Problem> {
    Err(Problem::new("a base cannot be looked up here")
        .help("`plimsoll run` and `plimsoll validate` can"))
}

/// The text and all it extends, the text first.
pub fn chain(text: &str, file: &str, find: &Find<'_>) -> Result<Vec<Layer>, Vec<ScenarioError>> {
    let mut chain = vec![Layer::read(text, file)?];
    loop {
        let Some(top) = chain.last() else {
            return Ok(chain);
        };
        super::check_version(top)?;
        let Some(node) = top.root.child("extends") else {
            return Ok(chain);
        };
        let refuse = |problem: Problem| vec![top.error("extends", problem)];
        if node.kind != Kind::Text {
            let problem = Problem::new("the name of a base in quotes should stand here");
            return Err(refuse(problem.allowed(
                "a preset or a file, as in \"team-chat\" or \"base.ron\"",
            )));
        }
        if top.root.child("name").is_none() {
            let problem = Problem::new("the field `name` is missing");
            return Err(vec![top.error(
                "",
                problem.help("a variant has a name of its own: add `name: \"…\"`"),
            )]);
        }
        let name = tree::unquote(&top.text[node.span.start..node.span.end]);
        let base = find(&name, &top.file).map_err(&refuse)?;
        let mut files: Vec<&str> = chain.iter().map(|layer| layer.file.as_str()).collect();
        let circle = files.contains(&base.file_name.as_str());
        files.push(&base.file_name);
        if circle {
            let problem = Problem::new(format!("\"{}\" extends itself", shorten(&name)));
            return Err(refuse(
                problem.help(format!("the circle: {}", files.join(" → "))),
            ));
        }
        if chain.len() == LONGEST {
            let problem = Problem::new("too many scenarios extend one another");
            return Err(refuse(
                problem
                    .allowed(format!("up to {LONGEST}"))
                    .help(files.join(" → ")),
            ));
        }
        chain.push(Layer::read(&base.text, &base.file_name)?);
    }
}

/// Lays a variant over the text of its base.
pub fn lay(
    mut text: String,
    layer: Layer,
    document: &mut Document,
) -> Result<String, Vec<ScenarioError>> {
    let index = document.layers.len();
    let leaves: Vec<(String, Node)> = layer
        .root
        .leaves()
        .into_iter()
        .map(|(path, node)| (path, node.clone()))
        .collect();
    let title = layer.root.child("title").is_none();
    document.layers.push(layer.clone());
    if title {
        // A changed design under the name of another one would mislead: the default, the name, comes back.
        text = remove_title(text, document)?;
    }
    for (path, node) in leaves {
        let steps = tree::steps(&path);
        let Some(first) = steps.first() else {
            let problem = Problem::new("a variant is written without a name before its bracket");
            return Err(vec![layer.error(
                "",
                problem.allowed("(version: 1, extends: \"team-chat\", …)"),
            )]);
        };
        if OF_THE_FILE.contains(first) || node.says_nothing() {
            continue;
        }
        let Some(mark) = mark(&layer, &path, &node, first) else {
            continue;
        };
        let at = Some(tree::line_column(&layer.text, node.span.start));
        document.origins.push(Origin {
            path: path.clone(),
            label: layer.file.clone(),
            at,
            layer: Some(index),
            mark,
        });
        let value = &layer.text[node.span.start..node.span.end];
        text = tree::set_verbatim(&text, &path, value)
            .map_err(|problem| vec![document.error(&path, problem)])?;
    }
    Ok(text)
}

fn remove_title(text: String, document: &Document) -> Result<String, Vec<ScenarioError>> {
    if super::parse(&text, &document.main)?
        .child("title")
        .is_none()
    {
        return Ok(text);
    }
    tree::set_verbatim(&text, "title", "None")
        .map_err(|problem| vec![document.error("title", problem)])
}

/// What a leaf says about sources; `None`: it is the source of its neighbours, noted with them, and not laid over the base.
fn mark(layer: &Layer, path: &str, node: &Node, first: &str) -> Option<Mark> {
    let (parent, last) = path.rsplit_once('.').unwrap_or(("", path));
    if WORDS.contains(&first) {
        return Some(Mark::Words);
    }
    let value = |node: &Node| read_source(&layer.text[node.span.start..node.span.end]);
    if last == "source" {
        return match (value(node), alone(layer.root.find(parent))) {
            (Some(source), true) => Some(Mark::Given(parent.to_owned(), source)),
            (Some(_), false) => None,
            (None, _) => Some(Mark::Words),
        };
    }
    if let Some(of) = parent.strip_suffix(".sources") {
        return Some(match value(node) {
            Some(source) => Mark::Given(tree::join(of, last), source),
            None => Mark::Words,
        });
    }
    let inner = node.child("source").and_then(value);
    Some(match inner.or_else(|| given(layer, path)) {
        Some(source) => Mark::Given(path.to_owned(), source),
        None => Mark::Edited,
    })
}

/// The source that the variant gives for a path: of the number itself, else of the nearest struct around it.
fn given(layer: &Layer, path: &str) -> Option<Source> {
    let steps = tree::steps(path);
    for length in (0..steps.len()).rev() {
        let parent = steps[..length]
            .iter()
            .try_fold(&layer.root, |node, step| node.child(step))?;
        let single = parent
            .child("sources")
            .and_then(|sources| sources.child(steps[length]));
        let found = single.or_else(|| parent.child("source"));
        if let Some(node) = found {
            return read_source(&layer.text[node.span.start..node.span.end]);
        }
    }
    None
}

fn read_source(text: &str) -> Option<Source> {
    super::options().from_str(text).ok()
}

/// Whether a struct holds nothing but its source.
fn alone(node: Option<&Node>) -> bool {
    matches!(node.map(|node| &node.kind), Some(Kind::Fields { fields, .. }) if fields.len() == 1)
}
