//! What the fields of scenarios and reports mean: read from the comments of the structs that hold them.
//!
//! `plimsoll explain` and `plimsoll schema` say what stands here, so there is no second list that could differ from the
//! program. The texts of the modules are part of the program; they are in the form of rustfmt, which makes them easy to
//! read: one field or variant a line, comments above it.
//!
//! [`fields`] finds a field by its path, [`probe`] asks the validation for its unit and range.

pub mod fields;
pub mod probe;

/// Texts that hold the file form of a scenario.
const SCENARIO: [&str; 16] = [
    include_str!("scenario/raw.rs"),
    include_str!("scenario/asking/raw.rs"),
    include_str!("scenario/data/raw.rs"),
    include_str!("scenario/documents/raw.rs"),
    include_str!("scenario/edge/raw.rs"),
    include_str!("scenario/faults/raw.rs"),
    include_str!("scenario/ordering/raw.rs"),
    include_str!("scenario/pooler/raw.rs"),
    include_str!("scenario/product/raw.rs"),
    include_str!("scenario/regions/raw.rs"),
    include_str!("scenario/replicas/raw.rs"),
    include_str!("scenario/sourcing/raw.rs"),
    include_str!("scenario/services/raw.rs"),
    include_str!("scenario/traffic/raw.rs"),
    include_str!("scenario/over_time/raw.rs"),
    include_str!("scenario/model.rs"),
];
/// Texts that hold the reports.
const REPORT: [&str; 7] = [
    include_str!("report.rs"),
    include_str!("report/cost.rs"),
    include_str!("report/faults.rs"),
    include_str!("report/operation.rs"),
    include_str!("report/regions.rs"),
    include_str!("report/series.rs"),
    include_str!("report/tier.rs"),
];

/// A set of types that refer to one another.
#[derive(Clone, Debug)]
pub struct Docs {
    types: Vec<Type>,
    aliases: Vec<(&'static str, Expr)>,
}

/// A struct or a choice.
#[derive(Clone, Debug, PartialEq)]
pub struct Type {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub doc: String,
    /// What it holds.
    pub shape: Shape,
}

/// What a type holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Fields, all at once.
    Struct(Vec<Field>),
    /// One of several variants.
    Choice(Vec<Variant>),
}

/// A named value.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub doc: String,
    /// Its type, without `Option`.
    pub expr: Expr,
    /// It may be left out (or `null`).
    pub optional: bool,
}

/// One of several possibilities.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub doc: String,
    /// What it holds.
    pub holds: Holds,
}

/// What a variant holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Holds {
    /// `WebSocket`
    Nothing,
    /// `Feed("us-east-1")`
    Value(Expr),
    /// `Poll(interval: "3 s")`
    Fields(Vec<Field>),
}

/// A type expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// May be missing.
    Optional(Box<Expr>),
    /// `[…]`
    List(Box<Expr>),
    /// `{"name": …}`
    Map(Box<Expr>),
    /// `(a, b)`
    Pair(Box<Expr>, Box<Expr>),
    /// Text.
    Text,
    /// A number without unit.
    Number,
    /// A whole number.
    Whole,
    /// Yes or no.
    Flag,
    /// A number, or text with a unit.
    Quantity,
    /// A type of these docs.
    Named(&'static str),
}

/// The scenario file; its root is `RawScenario`.
#[must_use]
pub fn scenario() -> Docs {
    Docs::read(&SCENARIO)
}

/// The reports: `RunReport`, `RampReport` and the others.
#[must_use]
pub fn report() -> Docs {
    Docs::read(&REPORT)
}

/// A comment without its `Default: …`, and the default.
#[must_use]
pub fn split_default(doc: &str) -> (&str, Option<&str>) {
    match doc.split_once("Default: ") {
        Some((what, default)) => (what.trim(), Some(default.trim().trim_end_matches('.'))),
        None => (doc.trim(), None),
    }
}

impl Docs {
    fn read(texts: &[&'static str]) -> Self {
        let mut docs = Self {
            types: Vec::new(),
            aliases: Vec::new(),
        };
        for text in texts {
            Reader::default().read(text, &mut docs);
        }
        docs
    }

    /// All types, in the order of the modules.
    pub fn types(&self) -> impl Iterator<Item = &Type> {
        self.types.iter()
    }

    /// A type by its name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Type> {
        self.types.iter().find(|found| found.name == name)
    }

    /// A type expression without alias and `Option`, and whether there was an `Option`.
    #[must_use]
    pub fn plain<'a>(&'a self, expr: &'a Expr) -> (&'a Expr, bool) {
        match expr {
            Expr::Optional(inner) => (self.plain(inner).0, true),
            Expr::Named(name) => match self.aliases.iter().find(|(alias, _)| alias == name) {
                Some((_, meant)) => self.plain(meant),
                None => (expr, false),
            },
            other => (other, false),
        }
    }
}

impl Type {
    /// Its fields; none for a choice.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        match &self.shape {
            Shape::Struct(fields) => fields,
            Shape::Choice(_) => &[],
        }
    }

    /// Its variants; none for a struct.
    #[must_use]
    pub fn variants(&self) -> &[Variant] {
        match &self.shape {
            Shape::Struct(_) => &[],
            Shape::Choice(variants) => variants,
        }
    }
}

impl Variant {
    /// Its named fields.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        match &self.holds {
            Holds::Fields(fields) => fields,
            Holds::Nothing | Holds::Value(_) => &[],
        }
    }
}

/// Reads one module, line by line.
#[derive(Default)]
struct Reader {
    doc: String,
    defaulted: bool,
    open: Option<Type>,
}

impl Reader {
    fn read(mut self, text: &'static str, docs: &mut Docs) {
        for line in text.lines() {
            if line == "#[cfg(test)]" {
                return;
            }
            let level = line.len() - line.trim_start().len();
            self.line(level, line.trim(), docs);
        }
    }

    fn line(&mut self, level: usize, line: &'static str, docs: &mut Docs) {
        if let Some(comment) = line.strip_prefix("///") {
            if !self.doc.is_empty() {
                self.doc.push(' ');
            }
            self.doc.push_str(comment.trim());
        } else if line.starts_with("#[") {
            self.defaulted |= line.contains("default") && line.starts_with("#[serde");
        } else if level == 0 {
            self.item(line, docs);
        } else if self.open.is_some() {
            self.part(level, line);
        } else {
            self.take();
        }
    }

    fn item(&mut self, line: &'static str, docs: &mut Docs) {
        if line == "}" {
            docs.types.extend(self.open.take());
        }
        let (doc, _) = self.take();
        let name = |prefix: &str| line.strip_prefix(prefix).and_then(|l| l.strip_suffix(" {"));
        if let Some(alias) = line.strip_prefix("pub type ")
            && let Some((name, meant)) = alias.trim_end_matches(';').split_once(" = ")
        {
            docs.aliases.push((name, expr(meant)));
        } else if let Some(name) = name("pub struct ") {
            let shape = Shape::Struct(Vec::new());
            self.open = Some(Type { name, doc, shape });
        } else if let Some(name) = name("pub enum ") {
            let shape = Shape::Choice(Vec::new());
            self.open = Some(Type { name, doc, shape });
        }
    }

    fn part(&mut self, level: usize, line: &'static str) {
        let (doc, defaulted) = self.take();
        let Some(open) = &mut self.open else { return };
        let line = line.trim_end_matches(',');
        match (&mut open.shape, level) {
            (Shape::Struct(fields), 4) => {
                let line = line.strip_prefix("pub ").unwrap_or(line);
                fields.extend(field(line, doc, defaulted));
            }
            (Shape::Choice(variants), 4) => variants.extend(variant(line, doc)),
            (Shape::Choice(variants), 8) => {
                if let Some(Variant {
                    holds: Holds::Fields(fields),
                    ..
                }) = variants.last_mut()
                {
                    fields.extend(field(line, doc, defaulted));
                }
            }
            _ => {}
        }
    }

    fn take(&mut self) -> (String, bool) {
        let defaulted = std::mem::take(&mut self.defaulted);
        (std::mem::take(&mut self.doc), defaulted)
    }
}

fn field(line: &'static str, doc: String, defaulted: bool) -> Option<Field> {
    let (name, kind) = line.split_once(": ")?;
    let name = name.strip_prefix("r#").unwrap_or(name);
    let (expr, optional) = match expr(kind) {
        Expr::Optional(inner) => (*inner, true),
        Expr::Named("Sources") => (Expr::Named("Sources"), true),
        other => (other, defaulted),
    };
    Some(Field {
        name,
        doc,
        expr,
        optional,
    })
}

fn variant(line: &'static str, doc: String) -> Option<Variant> {
    let end = line
        .find(|c: char| !c.is_alphanumeric())
        .unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    let holds = match rest.trim() {
        "" => Holds::Nothing,
        "{" => Holds::Fields(Vec::new()),
        tuple => Holds::Value(expr(tuple.strip_prefix('(')?.strip_suffix(')')?)),
    };
    (!name.is_empty()).then_some(Variant { name, doc, holds })
}

fn expr(text: &'static str) -> Expr {
    let inside = |name: &str| {
        text.strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('<')?.strip_suffix('>'))
    };
    if let Some(inner) = inside("Option") {
        return Expr::Optional(Box::new(expr(inner)));
    }
    if let Some(inner) = inside("Vec") {
        return Expr::List(Box::new(expr(inner)));
    }
    if let Some(inner) = inside("Ordered") {
        return Expr::Map(Box::new(expr(inner)));
    }
    if let Some(inner) = inside("BTreeMap").and_then(|inner| inner.strip_prefix("String, ")) {
        return Expr::Map(Box::new(expr(inner)));
    }
    if let Some((a, b)) = text
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')')?.split_once(", "))
    {
        return Expr::Pair(Box::new(expr(a)), Box::new(expr(b)));
    }
    match text {
        "String" => Expr::Text,
        "f64" => Expr::Number,
        "u16" | "u32" | "u64" | "usize" => Expr::Whole,
        "bool" => Expr::Flag,
        "Quantity" => Expr::Quantity,
        named => Expr::Named(named),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every type that a field, variant or alias names is known, from these roots on.
    fn complete(docs: &Docs, roots: &[&'static str]) {
        fn walk(docs: &Docs, at: &str, expr: &Expr, seen: &mut Vec<&'static str>) {
            match docs.plain(expr).0 {
                Expr::List(inner) | Expr::Map(inner) => walk(docs, at, inner, seen),
                Expr::Pair(a, b) => {
                    walk(docs, at, a, seen);
                    walk(docs, at, b, seen);
                }
                Expr::Named(name) if !seen.contains(name) => {
                    seen.push(name);
                    let found = docs.get(name);
                    let found = found.unwrap_or_else(|| panic!("{at}: {name} is not documented"));
                    assert!(!found.doc.is_empty(), "{name} has a comment");
                    let of_variants = found.variants().iter().flat_map(Variant::fields);
                    for field in found.fields().iter().chain(of_variants) {
                        let at = format!("{name}.{}", field.name);
                        assert!(!field.doc.is_empty(), "{at} has a comment");
                        walk(docs, &at, &field.expr, seen);
                    }
                    for variant in found.variants() {
                        assert!(!variant.doc.is_empty(), "{name}::{}", variant.name);
                        if let Holds::Value(expr) = &variant.holds {
                            walk(docs, name, expr, seen);
                        }
                    }
                }
                _ => {}
            }
        }
        for root in roots {
            walk(docs, "root", &Expr::Named(root), &mut Vec::new());
        }
    }

    #[test]
    fn every_type_of_a_scenario_and_of_a_report_is_known_and_commented() {
        complete(&scenario(), &["RawScenario"]);
        complete(
            &report(),
            &[
                "RunReport",
                "RampReport",
                "CapacityReport",
                "CompareReport",
                "CheckReport",
            ],
        );
    }

    #[test]
    fn a_field_is_read_with_its_comment_type_and_whether_it_may_be_left_out() {
        let docs = scenario();
        let servers = docs.get("RawConnectionServers").unwrap();
        let count = &servers.fields()[0];
        assert_eq!((count.name, count.optional), ("count", false));
        assert_eq!(count.expr, Expr::Quantity);
        let sources = servers.fields().last().unwrap();
        assert_eq!((sources.name, sources.optional), ("sources", true));
        assert_eq!(
            docs.plain(&sources.expr).0,
            &Expr::Map(Box::new(Expr::Named("Source")))
        );
        let members = docs.get("RawMembers").unwrap();
        let names: Vec<&str> = members.variants().iter().map(|v| v.name).collect();
        assert_eq!(names, ["LogNormal", "Rooms", "Random", "Everyone"]);
        assert_eq!(members.variants()[1].fields()[0].name, "size");
        let feed = &docs.get("RawPublisher").unwrap().variants()[1];
        assert_eq!(feed.holds, Holds::Value(Expr::Text));
    }
}
