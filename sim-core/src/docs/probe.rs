//! Units and ranges, asked of the validation: it is given what is wrong on purpose, and says what would be right.

use super::{Docs, Expr, Holds, Shape};
use crate::scenario::tree::{self, Kind, Node};
use crate::scenario::{Edit, ScenarioError, load_str};

use super::fields::{self, ANY, Found};

/// What the validation says about a field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// How it is written: `a number with B, KB, …`.
    pub unit: Option<String>,
    /// What is allowed.
    pub allowed: Option<String>,
}

/// Values far too large, one for each kind of unit.
const TOO_MUCH: [&str; 8] = [
    "1e30 h",
    "1e30 TiB",
    "1e30/s",
    "1e30 Gbit/s",
    "1e30 USD/h",
    "1e30 us",
    "1e30 %",
    "1e30",
];

/// A field, in a scenario in which it can be set.
#[derive(Clone, Debug)]
pub struct Probe<'a> {
    found: &'a Found<'a>,
    /// The field's path, with names that the scenario has.
    pub path: String,
    text: String,
}

impl<'a> Probe<'a> {
    /// Takes a scenario's text, extended and edited, and adds the parts that the field stands in.
    pub fn new(docs: &Docs, found: &'a Found<'a>, text: &str) -> Self {
        let path = named(&found.path, text);
        Self {
            found,
            text: with_parents(docs, &path, text),
            path,
        }
    }

    /// Asks for the unit and the range.
    pub fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        match self.found.expr {
            Expr::Quantity => {
                let plain = self.refusal("1e30");
                if let Some(error) = plain.as_ref().filter(|e| e.problem.contains("has no unit")) {
                    limits.unit.clone_from(&error.allowed);
                }
                let too_large = |error: &ScenarioError| error.problem.contains("too large");
                let mut refused = TOO_MUCH.iter().filter_map(|value| self.refusal(value));
                let beyond = refused.find(too_large).or(plain);
                limits.allowed = beyond.and_then(|error| error.allowed);
                if limits.allowed == limits.unit {
                    limits.allowed = None;
                }
            }
            Expr::Text => limits.allowed = self.refusal("?").and_then(|error| error.allowed),
            Expr::Whole => limits.allowed = self.refusal("999999").and_then(|error| error.allowed),
            _ => {}
        }
        limits
    }

    /// Whether the validation takes a value.
    pub fn accepts(&self, value: &str) -> bool {
        self.refusal(value).is_none()
    }

    /// What the validation says against a value. A distribution of one value is refused as a whole.
    fn refusal(&self, value: &str) -> Option<ScenarioError> {
        let set = Edit::Set {
            path: self.path.clone(),
            value: value.to_owned(),
        };
        let errors = load_str(&self.text, "", &[set]).err().unwrap_or_default();
        let about = |error: &ScenarioError| {
            error.path == self.path || Some(error.path.as_str()) == self.path.strip_suffix("[0]")
        };
        errors.into_iter().find(about)
    }
}

/// A path with the first name that stands in the text in place of any.
fn named(path: &str, text: &str) -> String {
    let Ok(root) = tree::parse(text) else {
        return path.to_owned();
    };
    let mut named = String::new();
    for step in tree::steps(path) {
        let first = root.find(&named).and_then(|node| match &node.kind {
            Kind::Fields { fields, .. } => fields.first().map(|field| field.name.as_str()),
            _ => None,
        });
        let step = if step == ANY {
            first.unwrap_or(ANY)
        } else {
            step
        };
        named = tree::normal(&tree::join(&named, step));
    }
    named
}

/// The text with all that a field stands in.
fn with_parents(docs: &Docs, path: &str, text: &str) -> String {
    let mut text = text.to_owned();
    let steps = tree::steps(path);
    let put = |path: &str, value: &str, text: &mut String| {
        if let Ok(changed) = tree::set(text, path, value, false) {
            *text = changed;
        }
    };
    for length in 1..steps.len() {
        let parent = tree::normal(&steps[..length].join("."));
        let (Some(found), Ok(root)) = (fields::find(docs, &parent), tree::parse(&text)) else {
            continue;
        };
        let child = steps[length];
        let has = |node: &Node| node.child(child).is_some() || is_struct(docs, &found);
        if root.find(&parent).is_some_and(has) {
            continue;
        }
        let exprs = std::iter::once(found.expr).chain(found.others.iter().map(|other| other.expr));
        let fitting = exprs
            .clone()
            .find(|expr| leads(docs, expr, &steps[length..]));
        let expr = fitting.unwrap_or(found.expr);
        if let Some(value) = made(docs, expr, &steps[length..]) {
            put(&parent, &value, &mut text);
        }
    }
    if let ["profiles", name, ..] = steps.as_slice() {
        // A profile is looked at where it is used.
        put("design.connection_servers.profile", name, &mut text);
    }
    text
}

fn is_struct(docs: &Docs, found: &Found<'_>) -> bool {
    match found.expr {
        Expr::Named(name) => docs.get(name).is_some_and(|t| !t.fields().is_empty()),
        _ => false,
    }
}

/// Whether steps lead from a value of a type to something.
fn leads(docs: &Docs, expr: &Expr, steps: &[&str]) -> bool {
    let Some((first, rest)) = steps.split_first() else {
        return true;
    };
    let among = |fields: &[crate::docs::Field]| {
        let mut named = fields.iter().filter(|field| field.name == *first);
        named.any(|field| leads(docs, &field.expr, rest))
    };
    match docs.plain(expr).0 {
        Expr::Optional(inner) => leads(docs, inner, steps),
        Expr::List(inner) => first.bytes().all(|b| b.is_ascii_digit()) && leads(docs, inner, rest),
        Expr::Map(inner) => leads(docs, inner, rest),
        Expr::Named(name) => docs.get(name).is_some_and(|found| match &found.shape {
            Shape::Struct(fields) => among(fields),
            Shape::Choice(variants) => variants.iter().any(|variant| match &variant.holds {
                Holds::Fields(fields) => among(fields),
                Holds::Value(inner) => *first == "0" && leads(docs, inner, rest),
                Holds::Nothing => false,
            }),
        }),
        _ => false,
    }
}

/// A value of a type in the file's form, with what must not be left out; of a choice, the variant that has what `steps` lead
/// to.
fn made(docs: &Docs, expr: &Expr, steps: &[&str]) -> Option<String> {
    let child = steps.first().copied();
    let rest = steps.get(1..).unwrap_or_default();
    Some(match docs.plain(expr).0 {
        Expr::Optional(inner) => made(docs, inner, steps)?,
        Expr::List(inner) => format!("[{}]", made(docs, inner, rest)?),
        Expr::Map(inner) => format!(
            "{{\"{}\": {}}}",
            child.unwrap_or(ANY),
            made(docs, inner, rest)?
        ),
        Expr::Pair(a, b) => format!("({}, {})", made(docs, a, &[])?, made(docs, b, &[])?),
        // A tier's name, so that a fault finds what it is about.
        Expr::Text => "\"connection_servers\"".to_owned(),
        Expr::Number | Expr::Whole | Expr::Quantity => "1".to_owned(),
        Expr::Flag => "true".to_owned(),
        Expr::Named(name) => match &docs.get(name)?.shape {
            Shape::Struct(fields) => format!("({})", required(docs, fields)?),
            Shape::Choice(variants) => {
                let has = |v: &&crate::docs::Variant| match &v.holds {
                    Holds::Fields(fields) => fields.iter().any(|f| Some(f.name) == child),
                    Holds::Value(expr) => child == Some("0") && leads(docs, expr, rest),
                    Holds::Nothing => false,
                };
                let variant = variants.iter().find(has).or_else(|| variants.first())?;
                let name = variant.name;
                match &variant.holds {
                    Holds::Nothing => name.to_owned(),
                    Holds::Value(expr) => format!("{name}({})", made(docs, expr, rest)?),
                    Holds::Fields(fields) => format!("{name}({})", required(docs, fields)?),
                }
            }
        },
    })
}

fn required(docs: &Docs, fields: &[crate::docs::Field]) -> Option<String> {
    let needed = fields.iter().filter(|field| !field.optional);
    let written = needed.map(|f| Some(format!("{}: {}", f.name, made(docs, &f.expr, &[])?)));
    Some(written.collect::<Option<Vec<_>>>()?.join(", "))
}
