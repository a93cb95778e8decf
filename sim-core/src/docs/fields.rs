//! Fields of the scenario file, by path.

use super::{Docs, Expr, Holds, Shape, Type};
use crate::scenario::tree;

/// Stands for a name of the user's own: `machines.NAME.cores`.
pub const ANY: &str = "NAME";
/// The type of a whole file.
pub const ROOT: &str = "RawScenario";

/// What is most worth editing, if a scenario has it; the first is worth most.
pub const WORTH_EDITING: [&str; 12] = [
    "load.users",
    "load.online",
    "traffic.publish.rate",
    "traffic.publish.size",
    "design.connection_servers.count",
    "design.connection_servers.machine",
    "design.database.pool",
    "design.broker.count",
    "design.channel_owners.count",
    "traffic.query.rate",
    "traffic.query.size",
    "load.heartbeat",
];

/// A field, and what its comment says.
#[derive(Clone, Debug, PartialEq)]
pub struct Found<'a> {
    /// `design.connection_servers.count`
    pub path: String,
    /// What it is.
    pub doc: &'a str,
    /// Its type, without `Option`.
    pub expr: &'a Expr,
    /// It may be left out.
    pub optional: bool,
    /// The variants that have it, if it belongs to a choice.
    pub of: Vec<&'a str>,
    /// What else may stand at this path: the values of the other variants, where they are of another type.
    pub others: Vec<Other<'a>>,
}

/// What another variant holds at a path.
#[derive(Clone, Debug, PartialEq)]
pub struct Other<'a> {
    /// The variant.
    pub of: &'a str,
    /// What its comment says.
    pub doc: &'a str,
    /// Its type.
    pub expr: &'a Expr,
}

/// The field at a path: `faults[0].at`, `machines.big.cores`.
pub fn find<'a>(docs: &'a Docs, path: &str) -> Option<Found<'a>> {
    let mut found = Found {
        path: String::new(),
        doc: "",
        expr: docs
            .types()
            .find(|t| t.name == ROOT)
            .map(|_| &Expr::Named(ROOT))?,
        optional: false,
        of: Vec::new(),
        others: Vec::new(),
    };
    for step in tree::steps(path) {
        found = children(docs, &found)
            .into_iter()
            .find(|child| is_step(&child.path, step))
            .map(|child| Found {
                path: tree::normal(&tree::join(&found.path, step)),
                ..child
            })?;
    }
    (!found.path.is_empty()).then_some(found)
}

/// Whether a child's path ends in a step, or takes any.
fn is_step(path: &str, step: &str) -> bool {
    match tree::steps(path).last() {
        Some(&ANY) => true,
        Some(&"0") => step == ANY || step == "N" || step.bytes().all(|b| b.is_ascii_digit()),
        last => last == Some(&step),
    }
}

/// Every field there is, parents before their parts.
pub fn all(docs: &Docs) -> Vec<Found<'_>> {
    let mut out = Vec::new();
    if let Some(root) = docs.get(ROOT) {
        for child in parts(docs, root, "") {
            collect(docs, child, &mut out);
        }
    }
    out
}

fn collect<'a>(docs: &'a Docs, found: Found<'a>, out: &mut Vec<Found<'a>>) {
    let children = children(docs, &found);
    out.push(found);
    for child in children {
        collect(docs, child, out);
    }
}

/// What stands directly below a field.
pub fn children<'a>(docs: &'a Docs, parent: &Found<'a>) -> Vec<Found<'a>> {
    let first = parent.of.first().copied();
    let mut out = below(docs, parent, parent.expr, parent.doc);
    for other in &parent.others {
        for child in below(docs, parent, other.expr, other.doc) {
            match out.iter_mut().find(|known| known.path == child.path) {
                Some(known) if known.expr == child.expr => {}
                Some(known) => {
                    known.of.extend(first.filter(|_| known.of.is_empty()));
                    known.of.push(other.of);
                    known.others.push(Other {
                        of: other.of,
                        doc: child.doc,
                        expr: child.expr,
                    });
                }
                None => out.push(Found {
                    of: vec![other.of],
                    ..child
                }),
            }
        }
    }
    out
}

/// What stands directly below a field if it is of a type.
fn below<'a>(docs: &'a Docs, parent: &Found<'a>, expr: &'a Expr, doc: &'a str) -> Vec<Found<'a>> {
    let one = |step: &str, expr: &'a Expr| Found {
        path: tree::normal(&tree::join(&parent.path, step)),
        doc,
        expr: docs.plain(expr).0,
        optional: false,
        of: Vec::new(),
        others: Vec::new(),
    };
    match expr {
        Expr::List(inner) => vec![one("0", inner)],
        Expr::Map(inner) => vec![one(ANY, inner)],
        Expr::Named(name) => match docs.get(name) {
            // Its words: `Assumed("why")`.
            Some(Type { name: "Source", .. }) | None => Vec::new(),
            Some(found) => parts(docs, found, &parent.path),
        },
        _ => Vec::new(),
    }
}

fn parts<'a>(docs: &'a Docs, of: &'a Type, path: &str) -> Vec<Found<'a>> {
    let mut out: Vec<Found<'a>> = Vec::new();
    let mut add = |field: &'a crate::docs::Field, variant: Option<&'a str>| {
        let (expr, optional) = docs.plain(&field.expr);
        let path = tree::join(path, field.name);
        if let (Some(variant), Some(known)) = (variant, out.iter_mut().find(|f| f.path == path)) {
            known.of.push(variant);
            return;
        }
        out.push(Found {
            path,
            doc: &field.doc,
            expr,
            optional: field.optional || optional,
            of: variant.into_iter().collect(),
            others: Vec::new(),
        });
    };
    match &of.shape {
        Shape::Struct(fields) => fields.iter().for_each(|field| add(field, None)),
        Shape::Choice(variants) => {
            for variant in variants {
                for field in variant.fields() {
                    add(field, Some(variant.name));
                }
            }
        }
    }
    let single = of.variants().iter().filter_map(|v| match &v.holds {
        Holds::Value(expr) => Some((v, expr)),
        _ => None,
    });
    let path = tree::normal(&tree::join(path, "0"));
    for (variant, expr) in single {
        let expr = docs.plain(expr).0;
        match out.iter_mut().find(|found| found.path == path) {
            Some(known) => {
                known.of.push(variant.name);
                if known.expr != expr {
                    known.others.push(Other {
                        of: variant.name,
                        doc: &variant.doc,
                        expr,
                    });
                }
            }
            None => out.push(Found {
                path: path.clone(),
                doc: &variant.doc,
                expr,
                optional: false,
                of: vec![variant.name],
                others: Vec::new(),
            }),
        }
    }
    out
}
