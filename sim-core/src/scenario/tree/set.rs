//! Changing a text: a value is replaced, or a field put in behind the opening bracket of its parent. Lines keep their numbers.

use super::super::error::{Problem, nearest, shorten};
use super::parser::Parser;
use super::{Kind, MAX_TEXT, Node, Span, parse, steps};

/// Fields whose values are maps: what is put into them anew has a quoted key.
const MAPS: [&str; 8] = [
    "machines",
    "profiles",
    "broker_profiles",
    "cache_profiles",
    "database_profiles",
    "places",
    "access",
    "sources",
];

/// Whether the field of this name is a map: its entries have quoted keys.
pub fn is_map(name: &str) -> bool {
    MAPS.contains(&name)
}

/// Sets the value at a path and returns the new text. Lines keep their numbers: what is inserted stands on an existing line.
///
/// A value that is not RON by itself, that replaces a string, or that `quote` asks for, is quoted.
pub fn set(text: &str, path: &str, value: &str, quote: bool) -> Result<String, Problem> {
    let root = parse(text).map_err(|e| e.problem)?;
    let steps = steps(path);
    let Some((&last, parents)) = steps.split_last() else {
        return Err(
            Problem::new("a path is missing").help("write a field and a value: load.users=200K")
        );
    };
    if value.contains('\n') || value.len() > MAX_TEXT / 4 {
        return Err(Problem::new("a value must stand on one line"));
    }
    let mut node = &root;
    for (i, &step) in parents.iter().enumerate() {
        match node.child(step) {
            Some(child) => node = child,
            None => {
                return insert(
                    text,
                    node,
                    step,
                    &parents[i + 1..],
                    last,
                    &written(value, quote),
                );
            }
        }
    }
    match node.child(last) {
        Some(old) => Ok(replace(
            text,
            old.span,
            &written(value, quote || matches!(old.kind, Kind::Text)),
        )),
        None => insert(text, node, last, &[], "", &written(value, quote)),
    }
}

/// Sets a value whose text is RON already (from an overlay), without quoting.
pub fn set_verbatim(text: &str, path: &str, value: &str) -> Result<String, Problem> {
    let flat: String = single_line(value);
    let root = parse(text).map_err(|e| e.problem)?;
    match root.find(path) {
        Some(old) => Ok(replace(text, old.span, &flat)),
        None => set(text, path, &flat, false),
    }
}

/// The text on one line, without comments: what can be put into another text.
pub fn single_line(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut parser = Parser::new(value);
    while parser.at < value.len() {
        let start = parser.at;
        if parser.space().is_err() {
            break;
        }
        if parser.at > start {
            out.push(' ');
            continue;
        }
        let before = parser.at;
        let quoted = matches!(parser.peek(), Some('"' | '\'')) && parser.text_literal().is_ok();
        if !quoted {
            parser.at = before;
            parser.bump();
        }
        out.push_str(&value[before..parser.at].replace('\n', "\\n"));
    }
    out.trim().to_owned()
}

/// Puts a text in place of a span; line breaks that go with the old text come back behind the new one.
fn replace(text: &str, span: Span, with: &str) -> String {
    let (before, behind) = (&text[..span.start], &text[span.end..]);
    let lines = "\n".repeat(text[span.start..span.end].matches('\n').count());
    format!("{before}{with}{lines}{behind}")
}

/// Inserts `step: (rest: (… last: value))` into `parent`, directly behind its opening bracket.
fn insert(
    text: &str,
    parent: &Node,
    step: &str,
    rest: &[&str],
    last: &str,
    value: &str,
) -> Result<String, Problem> {
    let Kind::Fields {
        map,
        fields,
        inside,
        ..
    } = &parent.kind
    else {
        return Err(match &parent.kind {
            Kind::Items { items, .. } => {
                Problem::new(format!("there is no item {}", shorten(step)))
                    .allowed(format!("positions below {}", items.len()))
            }
            _ => Problem::new(format!(
                "\"{}\" is not a field of a single value",
                shorten(step)
            )),
        });
    };
    let chain: Vec<&str> = std::iter::once(step)
        .chain(rest.iter().copied())
        .chain((!last.is_empty()).then_some(last))
        .collect();
    let keyed = |i: usize| {
        if i == 0 { *map } else { is_map(chain[i - 1]) }
    };
    let mut inner = value.to_owned();
    for i in (1..chain.len()).rev() {
        inner = match keyed(i) {
            true => format!("{{{:?}: {inner}}}", chain[i]),
            false => format!("({}: {inner})", chain[i]),
        };
    }
    for (i, name) in chain.iter().enumerate() {
        if !keyed(i) && !is_field_name(name) {
            let problem = Problem::new(format!("\"{}\" is not a field name", shorten(name)));
            return Err(
                match nearest(name, fields.iter().map(|f| f.name.as_str())) {
                    Some(near) => problem.help(format!("did you mean \"{near}\"?")),
                    None => problem,
                },
            );
        }
    }
    let key = if *map {
        format!("{step:?}")
    } else {
        step.to_owned()
    };
    let comma = if fields.is_empty() { "" } else { ", " };
    Ok(replace(
        text,
        Span {
            start: *inside,
            end: *inside,
        },
        &format!("{key}: {inner}{comma}"),
    ))
}

fn is_field_name(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A value as RON: as it is, or quoted.
fn written(value: &str, quote: bool) -> String {
    let value = value.trim();
    let parsed = parse(value).ok().filter(|node| {
        node.span
            == Span {
                start: 0,
                end: value.len(),
            }
    });
    match parsed.map(|node| node.kind) {
        Some(Kind::Number) if !is_number(value) => format!("\"{value}\""),
        Some(Kind::Text) => value.to_owned(),
        Some(Kind::Items { name: None, .. } | Kind::Fields { name: None, .. }) => value.to_owned(),
        Some(_) if !quote => value.to_owned(),
        _ => format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")),
    }
}

fn is_number(text: &str) -> bool {
    let digits: String = text.chars().filter(|c| *c != '_').collect();
    digits.parse::<f64>().is_ok()
        || digits
            .strip_prefix("0x")
            .is_some_and(|hex| u64::from_str_radix(hex, 16).is_ok())
}
