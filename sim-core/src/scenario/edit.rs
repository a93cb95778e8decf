//! Edits: `--set path=value`, an overlay file, `--users`.

use super::check::{Document, Layer, Mark, Origin};
use super::error::{Problem, ScenarioError, shorten};
use super::raw::RawScenario;
use super::tree::{self, Kind, Node};

/// A change to a scenario's text before it is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// `--set design.connection_servers.count=20`
    Set {
        /// The field.
        path: String,
        /// Its new value; quotes may be left out.
        value: String,
    },
    /// `-f overlay.ron`: a partial scenario whose leaves are set one by one.
    Overlay {
        /// What errors call it.
        file_name: String,
        /// Its text.
        text: String,
    },
    /// `--users 1M`
    Users(String),
}

impl Edit {
    /// Reads `path=value`.
    pub fn parse(text: &str) -> Result<Edit, Problem> {
        match text.split_once('=') {
            Some((path, value)) if !path.trim().is_empty() => Ok(Edit::Set {
                path: path.trim().to_owned(),
                value: value.trim().to_owned(),
            }),
            _ => Err(Problem::new(format!("\"{}\" sets nothing", shorten(text)))
                .allowed("path=value, as in design.connection_servers.count=20")),
        }
    }
}

/// Applies the edits in order and notes where they come from.
pub fn apply(
    mut text: String,
    edits: &[Edit],
    document: &mut Document,
) -> Result<String, Vec<ScenarioError>> {
    for edit in edits {
        text = match edit {
            Edit::Set { path, value } => {
                let label = format!("--set {}={}", shorten(path), shorten(value));
                set(&text, path, value, label, document)?
            }
            Edit::Users(users) => set(
                &text,
                "load.users",
                users,
                format!("--users {}", shorten(users)),
                document,
            )?,
            Edit::Overlay {
                file_name,
                text: overlay,
            } => lay_over(text, file_name, overlay, document)?,
        };
    }
    Ok(text)
}

fn set(
    text: &str,
    path: &str,
    value: &str,
    label: String,
    document: &mut Document,
) -> Result<String, Vec<ScenarioError>> {
    let path = tree::normal(path);
    let changed = tree::set(text, &path, value, false);
    document.origins.push(Origin {
        path: path.clone(),
        label,
        at: None,
        layer: None,
        mark: Mark::Edited,
    });
    let changed = changed.map_err(|problem| vec![document.error(&path, problem)])?;
    if !reads(&changed)
        && let Ok(quoted) = tree::set(text, &path, value, true)
        && reads(&quoted)
    {
        return Ok(quoted);
    }
    Ok(changed)
}

/// Whether a text decodes: a bare word where a text belongs does not, but does in quotes.
fn reads(text: &str) -> bool {
    super::options().from_str::<RawScenario>(text).is_ok()
}

fn lay_over(
    mut text: String,
    file_name: &str,
    overlay: &str,
    document: &mut Document,
) -> Result<String, Vec<ScenarioError>> {
    let overlay = Layer::read(overlay, file_name)?;
    for (path, node) in overlay.root.leaves() {
        match path.as_str() {
            "" => return Err(vec![refuse(&overlay, node)]),
            "extends" => {
                let problem = Problem::new("an overlay extends nothing");
                let help = "leave it out: an overlay is laid over the scenario of the command line";
                return Err(vec![overlay.error(&path, problem.help(help))]);
            }
            "version" => continue,
            _ if node.says_nothing() => continue,
            _ => {}
        }
        let value = &overlay.text[node.span.start..node.span.end];
        let at = Some(tree::line_column(&overlay.text, node.span.start));
        document.origins.push(Origin {
            path: path.clone(),
            label: file_name.to_owned(),
            at,
            layer: None,
            mark: Mark::Edited,
        });
        text = tree::set_verbatim(&text, &path, value)
            .map_err(|problem| vec![document.error(&path, problem)])?;
    }
    Ok(text)
}

fn refuse(overlay: &Layer, node: &Node) -> ScenarioError {
    let problem = match node.kind {
        Kind::Fields { .. } => "an overlay sets nothing",
        _ => "an overlay is a part of a scenario",
    };
    overlay.error(
        "",
        Problem::new(problem).allowed("(load: (users: \"1M users\"))"),
    )
}
