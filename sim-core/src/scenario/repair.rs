//! Everything that is wrong with a text, in one go: the decoder stops at the first wrong field, so that field is taken out and
//! the rest is decoded and checked.
//!
//! What is taken out becomes blanks, so that all else stays where it is. Leaves out: texts whose brackets and commas are wrong
//! (nothing behind the first of these can be told), and checks of one field against another where a part of the design or of
//! the traffic had to be taken out as a whole.

use super::check::Document;
use super::error::ScenarioError;
use super::raw::RawScenario;
use super::translate;
use super::tree::{self, Node};

/// Most fields that are taken out.
const MOST: usize = 32;

/// A decoded text and what was wrong with it.
pub struct Decoded {
    /// `None`: what is left of it does not decode, or lacks a part that the others are checked against.
    pub raw: Option<RawScenario>,
    /// The tree of what is left.
    pub root: Node,
    /// One error for each field taken out.
    pub errors: Vec<ScenarioError>,
}

/// Decodes a text, without the fields that are wrong.
pub fn decode(text: &str, document: &Document) -> Result<Decoded, Vec<ScenarioError>> {
    let mut text = text.to_owned();
    let mut root = super::parse(&text, &document.main)?;
    let mut errors: Vec<ScenarioError> = Vec::new();
    let mut taken_out: Vec<String> = Vec::new();
    let mut whole = true;
    let raw = loop {
        let error = match super::options().from_str(&text) {
            Ok(raw) => break Some(raw),
            Err(error) => error,
        };
        let error = translate::translate(&error, &text, &root, document);
        let missing = missing_field(&error);
        // A field that is missing may be the one that was taken out, under its wrong name or with its wrong value: then what is
        // around it cannot be read either.
        let parent_of_known = missing.and_then(|field| {
            let mut known = taken_out.iter();
            known
                .find(|path| parent(path) == error.path || path.ends_with(&format!(".{field}")))
                .map(|path| parent(path).to_owned())
        });
        whole &= missing.is_none() && !is_part(&error.path);
        let follows = parent_of_known.is_some();
        let path = parent_of_known.unwrap_or_else(|| error.path.clone());
        let left = without(&text, &root, &path);
        taken_out.push(path);
        if !follows {
            errors.push(error);
        }
        let left = left.filter(|_| taken_out.len() < MOST);
        match left.and_then(|left| Some((tree::parse(&left).ok()?, left))) {
            Some((tree, left)) => (root, text) = (tree, left),
            None => break None,
        }
    };
    Ok(Decoded {
        raw: raw.filter(|_| whole),
        root,
        errors,
    })
}

/// Whether other fields are checked against this one: a part of a design, of the traffic, or of the scenario.
fn is_part(path: &str) -> bool {
    match tree::steps(path).as_slice() {
        [first, _] => matches!(*first, "design" | "traffic"),
        steps => steps.len() < 2,
    }
}

/// All errors in the order of the file; a field that was taken out is wrong once.
pub fn together(decoded: Vec<ScenarioError>, checked: Vec<ScenarioError>) -> Vec<ScenarioError> {
    let known = |error: &ScenarioError| {
        let steps = tree::steps(&error.path);
        decoded
            .iter()
            .any(|out| steps.starts_with(&tree::steps(&out.path)))
    };
    let mut all: Vec<ScenarioError> = checked.into_iter().filter(|e| !known(e)).collect();
    if decoded.is_empty() {
        return all;
    }
    all.extend(decoded);
    all.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
    all
}

/// The name of the field that an error misses.
fn missing_field(error: &ScenarioError) -> Option<&str> {
    let rest = error.problem.strip_prefix("the field `")?;
    rest.strip_suffix("` is missing")
}

fn parent(path: &str) -> &str {
    &path[..path.rfind(['.', '[']).unwrap_or(0)]
}

/// The text with blanks for a field and its comma; `None` where it cannot do without. An entry of a list takes the list with
/// it: the others would change their places.
fn without(text: &str, root: &Node, path: &str) -> Option<String> {
    let path = &path[..path.find('[').unwrap_or(path.len())];
    if path.is_empty() {
        return None;
    }
    let key = root.key(path)?;
    let value = root.find(path)?;
    let end = value.span.end;
    let rest = &text[end..];
    let comma = rest.trim_start();
    let end = if comma.starts_with(',') {
        end + (rest.len() - comma.len()) + 1
    } else {
        end
    };
    let blank: String = text[key.start..end]
        .chars()
        .map(|c| match c {
            '\n' | '\r' => c.to_string(),
            c => " ".repeat(c.len_utf8()),
        })
        .collect();
    Some(format!("{}{blank}{}", &text[..key.start], &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::super::load_str;
    use super::*;

    const PRESET: &str = include_str!("../../../presets/p1-mvp.ron");

    fn wrong(changes: &[(&str, &str)]) -> Vec<ScenarioError> {
        let mut text = PRESET.to_owned();
        for (from, to) in changes {
            assert!(text.contains(from), "{from} is missing in the preset");
            text = text.replacen(from, to, 1);
        }
        load_str(&text, "mine.ron", &[]).unwrap_err()
    }

    #[test]
    fn wrong_names_and_wrong_values_are_said_together() {
        let errors = wrong(&[
            ("    load: (", "    load: (onlin: 3, hartbeat: 4,"),
            ("pool: ", "pool: \"sixteen\", pol: "),
        ]);
        let paths: Vec<&str> = errors.iter().map(|e| e.path.as_str()).collect();
        for path in [
            "load.onlin",
            "load.hartbeat",
            "design.database.pol",
            "design.database.pool",
        ] {
            assert!(paths.contains(&path), "{path} is missing in {paths:?}");
        }
        assert_eq!(errors.len(), 4, "{errors:#?}");
        assert!(
            errors
                .iter()
                .all(|e| e.line.is_some() && e.allowed.is_some())
        );
        let lines: Vec<_> = errors.iter().map(|e| (e.line, e.column)).collect();
        assert!(lines.is_sorted(), "{lines:?}");
    }

    #[test]
    fn a_field_that_is_taken_out_is_not_said_to_be_missing() {
        let errors = wrong(&[("    load: (", "    laod: (")]);
        assert_eq!(errors.len(), 1, "{errors:#?}");
        assert_eq!(errors[0].path, "laod");
    }
}
