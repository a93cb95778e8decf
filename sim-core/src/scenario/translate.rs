//! Decoder errors in the words of scenario files: which field, what is allowed, a way out.

use ron::error::{Error, SpannedError};

use super::check::Document;
use super::error::{Problem, ScenarioError, list, nearest, shorten};
use super::tree::{self, Kind, Node, join};

/// Translates a decoder error about the edited text.
pub fn translate(
    error: &SpannedError,
    text: &str,
    root: &Node,
    document: &Document,
) -> ScenarioError {
    let start = tree::offset(text, error.span.start.line, error.span.start.col);
    let end = tree::offset(text, error.span.end.line, error.span.end.col);
    match &error.code {
        Error::NoSuchStructField {
            expected, found, ..
        } => unknown_field(found, expected, end, root, document),
        Error::MissingStructField { field, .. } => {
            let path = enclosing(root, end);
            let problem = Problem::new(format!("the field `{field}` is missing"));
            document.error(&path, problem.help(format!("add `{field}: …`")))
        }
        Error::DuplicateStructField { field, .. } => {
            let path = join(&enclosing(root, start), field);
            document.error(
                &path,
                Problem::new(format!("the field `{field}` stands twice"))
                    .help("keep one of the two"),
            )
        }
        Error::NoSuchEnumVariant {
            expected, found, ..
        } => {
            let mut problem = Problem::new(format!("`{}` is not a choice", shorten(found)))
                .allowed(list(expected));
            if let Some(near) = nearest(found, expected.iter().copied()) {
                problem = problem.help(format!("did you mean `{near}`?"));
            }
            document.error(&path_of(root, start, end), problem)
        }
        Error::InvalidValueForType { expected, found } => {
            let problem =
                Problem::new(format!("{} is not the right kind of value", shorten(found)));
            document.error(
                &path_of(root, start, end),
                problem.allowed(expected.clone()),
            )
        }
        other => document.error(&path_of(root, start, end), other_problem(other)),
    }
}

fn unknown_field(
    found: &str,
    expected: &[&str],
    at: usize,
    root: &Node,
    document: &Document,
) -> ScenarioError {
    let path = field_named(root, found, at).unwrap_or_else(|| join(&root.path_at(at), found));
    let mut problem =
        Problem::new(format!("unknown field \"{}\"", shorten(found))).allowed(list(expected));
    if let Some(near) = nearest(found, expected.iter().copied()) {
        problem = problem.help(format!("did you mean \"{near}\"?"));
    }
    document.error_at_name(&path, problem)
}

/// The path of the field with this name whose name stands nearest before a position.
fn field_named(root: &Node, name: &str, at: usize) -> Option<String> {
    let mut best: Option<(usize, String)> = None;
    walk(root, "", &mut |path, field| {
        let nearer = best
            .as_ref()
            .is_none_or(|(start, _)| field.key.start > *start);
        if field.name == name && field.key.start <= at && nearer {
            best = Some((field.key.start, path.to_owned()));
        }
    });
    best.map(|(_, path)| path)
}

fn walk(node: &Node, path: &str, visit: &mut impl FnMut(&str, &tree::Field)) {
    match &node.kind {
        Kind::Fields { fields, .. } => {
            for field in fields {
                let at = join(path, &field.name);
                visit(&at, field);
                walk(&field.value, &at, visit);
            }
        }
        Kind::Items { items, .. } => {
            for (i, item) in items.iter().enumerate() {
                walk(item, &format!("{path}[{i}]"), visit);
            }
        }
        _ => {}
    }
}

/// The path of the innermost struct around a position.
fn enclosing(root: &Node, at: usize) -> String {
    let mut path = root.path_at(at);
    while let Some(node) = root.find(&path) {
        let holds = node.span.start < at && at <= node.span.end;
        if path.is_empty() || (matches!(node.kind, Kind::Fields { .. }) && holds) {
            return path;
        }
        path = path[..path.rfind(['.', '[']).unwrap_or(0)].to_owned();
    }
    path
}

/// The path of the value that a decoder error is about: the decoder stands before or behind it.
fn path_of(root: &Node, start: usize, end: usize) -> String {
    let (a, b) = (root.path_at(start), root.path_at(end.max(start)));
    if b.len() >= a.len() { b } else { a }
}

fn other_problem(error: &Error) -> Problem {
    let text = match error {
        Error::ExpectedString => "a text in quotes should stand here".to_owned(),
        Error::ExpectedStructLike
        | Error::ExpectedStructLikeEnd
        | Error::ExpectedNamedStructLike(_)
        | Error::ExpectedDifferentStructName { .. } => {
            return Problem::new("fields in parentheses should stand here")
                .help("write (name: value, …)");
        }
        Error::ExpectedMap => {
            return Problem::new("a map should stand here").help("write {\"name\": value, …}");
        }
        Error::ExpectedArray => {
            return Problem::new("a list should stand here").help("write [value, …]");
        }
        Error::ExpectedInteger | Error::InvalidIntegerDigit { .. } => {
            "a whole number should stand here".to_owned()
        }
        Error::IntegerOutOfBounds => "the number is out of range".to_owned(),
        Error::ExpectedFloat => "a number should stand here".to_owned(),
        Error::Message(text) => text.clone(),
        other => {
            let mut text = other.to_string();
            if let Some(first) = text.get(..1) {
                text = first.to_lowercase() + &text[1..];
            }
            text
        }
    };
    Problem::new(text)
}
