//! A small syntax tree of RON text, with positions.
//!
//! It answers two questions that a decoder into types cannot: where does `load.online` stand, and what does the text look
//! like after `load.online` became 50 %? It knows structs (named or not), maps, lists, strings, numbers, names and comments;
//! everything is bounded and nothing panics.

mod parser;
mod set;

use super::error::Problem;

use parser::Parser;
pub use set::{is_map, set, set_verbatim, single_line};

/// Longest text, bytes.
pub const MAX_TEXT: usize = 4 << 20;

/// A position in the text, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// Behind the last byte.
    pub end: usize,
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its text, a struct's name included.
    pub span: Span,
    /// What it is.
    pub kind: Kind,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// `(a: 1)` or `Name(a: 1)`, also `{"a": 1}`: fields by name.
    Fields {
        /// `Name`.
        name: Option<String>,
        /// `{…}`: keys are quoted.
        map: bool,
        /// In file order.
        fields: Vec<Field>,
        /// Where a further field can be put: behind the opening bracket.
        inside: usize,
    },
    /// `[…]`, `(1, 2)` or `Name(1)`: values by position.
    Items {
        /// `Name`.
        name: Option<String>,
        /// In file order.
        items: Vec<Node>,
    },
    /// `"…"`, raw strings, characters and byte strings.
    Text,
    /// Numbers.
    Number,
    /// `true`, `On`, `Draft`.
    Name,
}

/// One field of a struct or entry of a map.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name or key, unquoted.
    pub name: String,
    /// Where the name stands.
    pub key: Span,
    /// Its value.
    pub value: Node,
}

/// A syntax error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Byte position.
    pub at: usize,
    /// What is wrong, and a way out.
    pub problem: Problem,
}

/// Line and column of a byte position, from 1; columns count characters.
pub fn line_column(text: &str, at: usize) -> (u32, u32) {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let before = &text[..at];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    (line as u32, column as u32)
}

/// Byte position of a line and column, from 1.
pub fn offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    let rest = text.get(start..).unwrap_or("");
    let skipped: usize = rest
        .chars()
        .take(column.saturating_sub(1))
        .map(char::len_utf8)
        .sum();
    start + skipped
}

/// Parses a whole text.
pub fn parse(text: &str) -> Result<Node, SyntaxError> {
    if text.len() > MAX_TEXT {
        return Err(SyntaxError {
            at: 0,
            problem: Problem::new("the text is longer than 4 MiB"),
        });
    }
    let mut parser = Parser::new(text);
    parser.attributes()?;
    let node = parser.value(0)?;
    parser.space()?;
    if parser.at < text.len() {
        return Err(parser
            .error("there is more text behind the last `)`")
            .map_help("a bracket may be closed too early"));
    }
    Ok(node)
}

/// Splits a path: `faults[0].at`, `faults.0.at` and `load.places.us-east-1` become their steps.
pub fn steps(path: &str) -> Vec<&str> {
    path.split(['.', '[', ']'])
        .map(str::trim)
        .filter(|step| !step.is_empty())
        .collect()
}

/// A path as errors write it: `faults.0.at` becomes `faults[0].at`.
pub fn normal(path: &str) -> String {
    steps(path).into_iter().fold(String::new(), |path, step| {
        if !path.is_empty() && step.bytes().all(|b| b.is_ascii_digit()) {
            format!("{path}[{step}]")
        } else {
            join(&path, step)
        }
    })
}

/// Joins a path and a further step.
pub fn join(path: &str, step: &str) -> String {
    if path.is_empty() {
        step.to_owned()
    } else {
        format!("{path}.{step}")
    }
}

impl Node {
    /// The value under a name or position.
    pub fn child(&self, step: &str) -> Option<&Node> {
        match &self.kind {
            Kind::Fields { fields, .. } => fields.iter().find(|f| f.name == step).map(|f| &f.value),
            Kind::Items { items, .. } => items.get(step.parse::<usize>().ok()?),
            _ => None,
        }
    }

    /// `()` or `{}`: a struct or map without entries.
    pub fn says_nothing(&self) -> bool {
        match &self.kind {
            Kind::Fields {
                name: None, fields, ..
            } => fields.is_empty(),
            _ => false,
        }
    }

    /// The value at a path.
    pub fn find(&self, path: &str) -> Option<&Node> {
        steps(path).into_iter().try_fold(self, Node::child)
    }

    /// Where the name of the last step of a path stands.
    pub fn key(&self, path: &str) -> Option<Span> {
        let steps = steps(path);
        let (last, parents) = steps.split_last()?;
        let parent = parents
            .iter()
            .try_fold(self, |node, step| node.child(step))?;
        match &parent.kind {
            Kind::Fields { fields, .. } => fields.iter().find(|f| f.name == *last).map(|f| f.key),
            _ => None,
        }
    }

    /// The deepest value on the way to a path: the parent of what is missing.
    pub fn closest(&self, path: &str) -> &Node {
        let mut node = self;
        for step in steps(path) {
            match node.child(step) {
                Some(child) => node = child,
                None => break,
            }
        }
        node
    }

    /// The path of the deepest named value that a byte position stands in (or whose name stands there).
    pub fn path_at(&self, at: usize) -> String {
        let mut path = String::new();
        let mut node = self;
        loop {
            match &node.kind {
                Kind::Fields { fields, .. } => {
                    let Some(field) = fields
                        .iter()
                        .find(|f| f.key.start <= at && at <= f.value.span.end)
                    else {
                        return path;
                    };
                    path = join(&path, &field.name);
                    node = &field.value;
                }
                Kind::Items { items, .. } => {
                    let Some((i, item)) = items
                        .iter()
                        .enumerate()
                        .find(|(_, n)| n.span.start <= at && at <= n.span.end)
                    else {
                        return path;
                    };
                    path = format!("{path}[{i}]");
                    node = item;
                }
                _ => return path,
            }
        }
    }

    /// Paths and values of all leaves: scalars, names, and lists as a whole.
    pub fn leaves(&self) -> Vec<(String, &Node)> {
        let mut out = Vec::new();
        self.collect_leaves("", &mut out);
        out
    }

    fn collect_leaves<'a>(&'a self, path: &str, out: &mut Vec<(String, &'a Node)>) {
        match &self.kind {
            Kind::Fields {
                name: None, fields, ..
            } if !fields.is_empty() => {
                for field in fields {
                    field.value.collect_leaves(&join(path, &field.name), out);
                }
            }
            _ => out.push((path.to_owned(), self)),
        }
    }
}

/// The content of a simple string literal; anything else as it stands.
pub fn unquote(literal: &str) -> String {
    match ron::from_str::<String>(literal) {
        Ok(text) => text,
        Err(_) => literal.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "( // one\n  a: (b: \"x\", c: [1, Name(d: 2)]), /* two */\n  m: {\"us-east-1\": \"60 %\"},\n  t: (1, 2),\n)";

    fn at(path: &str) -> &'static str {
        let root = parse(TEXT).unwrap();
        root.find(path)
            .map_or("", |node| &TEXT[node.span.start..node.span.end])
    }

    #[test]
    fn paths_lead_through_structs_maps_lists_and_tuples() {
        assert_eq!(at("a.b"), "\"x\"");
        assert_eq!(at("a.c[1].d"), "2");
        assert_eq!(at("a.c.1"), "Name(d: 2)");
        assert_eq!(at("m.us-east-1"), "\"60 %\"");
        assert_eq!(at("t[0]"), "1");
        assert_eq!(at("a.x"), "");
        assert_eq!(normal("a.c.1.d"), "a.c[1].d");
    }

    #[test]
    fn a_position_knows_its_path_and_its_line() {
        let root = parse(TEXT).unwrap();
        let d = TEXT.find("d: 2").unwrap();
        assert_eq!(root.path_at(d), "a.c[1].d");
        assert_eq!(line_column(TEXT, d), (2, 27));
        assert_eq!(offset(TEXT, 2, 27), d);
    }

    #[test]
    fn values_are_set_in_place_quoted_where_they_must_be() {
        let set =
            |path: &str, value: &str| set("(a: 1, s: \"x\", p: Off, e: ())", path, value, false);
        assert_eq!(set("a", "2").unwrap(), "(a: 2, s: \"x\", p: Off, e: ())");
        assert_eq!(
            set("a", "20K").unwrap(),
            "(a: \"20K\", s: \"x\", p: Off, e: ())"
        );
        assert_eq!(set("s", "2").unwrap(), "(a: 1, s: \"2\", p: Off, e: ())");
        assert_eq!(
            set("s", "say \"hi\"").unwrap(),
            "(a: 1, s: \"say \\\"hi\\\"\", p: Off, e: ())"
        );
        assert_eq!(set("p", "On").unwrap(), "(a: 1, s: \"x\", p: On, e: ())");
        assert_eq!(
            set("e.x.y", "3").unwrap(),
            "(a: 1, s: \"x\", p: Off, e: (x: (y: 3)))"
        );
        assert_eq!(
            set("n", "3 s").unwrap(),
            "(n: \"3 s\", a: 1, s: \"x\", p: Off, e: ())"
        );
        assert!(set("a.b", "3").is_err());
        assert!(set("", "3").is_err());
        assert!(set("a", "1\n2").is_err());
        assert!(set("no name", "3").is_err());
    }

    #[test]
    fn syntax_errors_say_where_and_what() {
        let error = |text: &str| {
            let error = parse(text).unwrap_err();
            (error.at, error.problem.problem)
        };
        assert_eq!(
            error("(a: 1 b: 2)"),
            (5, "`,` or `)` is missing here".to_owned())
        );
        assert_eq!(error("(a: 1"), (0, "this `(` is never closed".to_owned()));
        assert_eq!(
            error("(a: \"x)"),
            (4, "this text has no closing quote".to_owned())
        );
        assert_eq!(error("(a 1)").1, "`,` or `)` is missing here");
        assert_eq!(error("(a: 1, b 1)").1, "`:` is missing behind \"b\"");
        assert_eq!(error("(a: ?)").1, "`?` cannot start a value");
        assert_eq!(
            error("(a: 1) 2").1,
            "there is more text behind the last `)`"
        );
        assert!(
            error(&"(".repeat(100))
                .1
                .starts_with("brackets are nested deeper")
        );
    }

    #[test]
    fn raw_texts_and_comments_are_passed_over() {
        let text =
            "#![enable(implicit_some)]\n/* a /* b */ c */ (a: r#\"x \" )\"#, b: 'c', r: 1) // end";
        let root = parse(text).unwrap();
        assert!(root.find("b").is_some() && root.find("r").is_some());
    }
}
