//! A small syntax tree of RON text, with positions.
//!
//! It answers two questions that a decoder into types cannot: where does `load.online` stand, and what does the text look
//! like after `load.online` became 50 %? It knows structs (named or not), maps, lists, strings, numbers, names and comments;
//! everything is bounded and nothing panics.

use super::error::{Problem, nearest, shorten};

/// Deepest nesting.
const MAX_DEPTH: usize = 64;
/// Fields whose values are maps: what is put into them anew has a quoted key.
const MAPS: [&str; 5] = ["machines", "profiles", "places", "access", "sources"];
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

/// The text on one line, without comments (so that it can be put into another text).
fn single_line(value: &str) -> String {
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
        if i == 0 {
            *map
        } else {
            MAPS.contains(&chain[i - 1])
        }
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

struct Parser<'a> {
    text: &'a str,
    at: usize,
    /// The last text literal.
    last_text: Option<Span>,
}

impl SyntaxError {
    fn map_help(mut self, help: &str) -> Self {
        self.problem = self.problem.help(help);
        self
    }
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            last_text: None,
        }
    }

    fn error(&self, problem: impl Into<String>) -> SyntaxError {
        SyntaxError {
            at: self.at,
            problem: Problem::new(problem),
        }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn eat(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    /// White space and comments.
    fn space(&mut self) -> Result<(), SyntaxError> {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            if trimmed.starts_with("//") {
                self.at += trimmed.find('\n').unwrap_or(trimmed.len());
            } else if trimmed.starts_with("/*") {
                self.block_comment()?;
            } else {
                return Ok(());
            }
        }
    }

    fn block_comment(&mut self) -> Result<(), SyntaxError> {
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            if self.rest().starts_with("/*") {
                depth += 1;
                self.at += 2;
            } else if self.rest().starts_with("*/") {
                depth -= 1;
                self.at += 2;
                if depth == 0 {
                    return Ok(());
                }
            } else if self.bump().is_none() {
                self.at = start;
                return Err(self
                    .error("this comment is not closed")
                    .map_help("close it with */"));
            }
        }
    }

    /// `#![enable(implicit_some)]`
    fn attributes(&mut self) -> Result<(), SyntaxError> {
        self.space()?;
        while self.rest().starts_with("#!") {
            match self.rest().find(']') {
                Some(end) => self.at += end + 1,
                None => return Err(self.error("this attribute is not closed")),
            }
            self.space()?;
        }
        Ok(())
    }

    fn value(&mut self, depth: usize) -> Result<Node, SyntaxError> {
        self.space()?;
        if depth > MAX_DEPTH {
            return Err(self.error(format!("brackets are nested deeper than {MAX_DEPTH}")));
        }
        let start = self.at;
        let kind = match self.peek() {
            None => return Err(self.error("the text ends where a value should stand")),
            Some('(') => self.struct_or_tuple(None, depth)?,
            Some('{') => self.fields(None, true, '}', depth)?,
            Some('[') => self.items(None, ']', depth)?,
            Some('"' | '\'') => self.text_literal()?,
            Some('+' | '-' | '.' | '0'..='9') => self.number(),
            Some(c) if c.is_alphabetic() || c == '_' => self.word(depth)?,
            Some(c) => {
                return Err(self.error(format!("`{}` cannot start a value", c.escape_debug())));
            }
        };
        Ok(Node {
            span: Span {
                start,
                end: self.at,
            },
            kind,
        })
    }

    /// A name, a named struct, or a string with a prefix (`r"…"`, `b'…'`).
    fn word(&mut self, depth: usize) -> Result<Kind, SyntaxError> {
        let prefix = self.rest().trim_start_matches(['r', 'b']);
        if self.rest().len() - prefix.len() <= 2 && prefix.starts_with(['"', '\'', '#']) {
            let hashes = prefix.len() - prefix.trim_start_matches('#').len();
            if prefix[hashes..].starts_with('"') || hashes == 0 {
                return self.prefixed_literal();
            }
        }
        let name = self.name();
        let behind = self.at;
        self.space()?;
        match self.peek() {
            Some('(') => self.struct_or_tuple(Some(name), depth),
            _ => {
                self.at = behind;
                Ok(Kind::Name)
            }
        }
    }

    fn name(&mut self) -> String {
        if self.rest().starts_with("r#") {
            self.at += 2;
        }
        let start = self.at;
        while self.peek().is_some_and(|c| c.is_alphanumeric() || c == '_') {
            self.bump();
        }
        self.text[start..self.at].to_owned()
    }

    fn number(&mut self) -> Kind {
        while self
            .peek()
            .is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '+' | '-'))
        {
            self.bump();
        }
        Kind::Number
    }

    fn text_literal(&mut self) -> Result<Kind, SyntaxError> {
        let start = self.at;
        let quote = self.bump();
        loop {
            match self.bump() {
                None => {
                    self.at = start;
                    return Err(self
                        .error("this text has no closing quote")
                        .map_help("close it with \""));
                }
                Some('\\') => {
                    self.bump();
                }
                c if c == quote => {
                    self.last_text = Some(Span {
                        start,
                        end: self.at,
                    });
                    return Ok(Kind::Text);
                }
                Some(_) => {}
            }
        }
    }

    fn prefixed_literal(&mut self) -> Result<Kind, SyntaxError> {
        let start = self.at;
        let raw = self.rest().chars().take(2).any(|c| c == 'r');
        while matches!(self.peek(), Some('r' | 'b')) {
            self.bump();
        }
        if !raw {
            return self.text_literal();
        }
        let hashes = self.rest().len() - self.rest().trim_start_matches('#').len();
        self.at += hashes;
        let end = format!("\"{}", "#".repeat(hashes));
        let body = self
            .rest()
            .strip_prefix('"')
            .and_then(|body| body.find(&end));
        match body {
            Some(length) => {
                self.at += 1 + length + end.len();
                Ok(Kind::Text)
            }
            None => {
                self.at = start;
                Err(self.error("this text has no closing quote"))
            }
        }
    }

    fn struct_or_tuple(&mut self, name: Option<String>, depth: usize) -> Result<Kind, SyntaxError> {
        let start = self.at;
        self.eat('(');
        self.space()?;
        let named = self.peek() == Some(')') || {
            let word = self.peek().is_some_and(|c| c.is_alphabetic() || c == '_');
            word && {
                self.name();
                self.space()?;
                self.peek() == Some(':')
            }
        };
        self.at = start;
        if named {
            self.fields(name, false, ')', depth)
        } else {
            self.items(name, ')', depth)
        }
    }

    fn fields(
        &mut self,
        name: Option<String>,
        map: bool,
        close: char,
        depth: usize,
    ) -> Result<Kind, SyntaxError> {
        let open = self.at;
        self.bump();
        let inside = self.at;
        let mut fields = Vec::new();
        loop {
            self.space()?;
            if self.eat(close) {
                return Ok(Kind::Fields {
                    name,
                    map,
                    fields,
                    inside,
                });
            }
            let field = self.field(map, open, depth)?;
            fields.push(field);
            self.separator(close, open)?;
        }
    }

    fn field(&mut self, map: bool, open: usize, depth: usize) -> Result<Field, SyntaxError> {
        let start = self.at;
        if self.peek().is_none() {
            return Err(self.unclosed(open));
        }
        let name = if map {
            let key = self.value(depth + 1)?;
            unquote(&self.text[key.span.start..key.span.end])
        } else {
            self.name()
        };
        if name.is_empty() && !map {
            return Err(self
                .error("a field name should stand here")
                .map_help("fields read `name: value`"));
        }
        let key = Span {
            start,
            end: self.at,
        };
        self.space()?;
        if !self.eat(':') {
            return Err(self
                .error(format!("`:` is missing behind \"{}\"", shorten(&name)))
                .map_help("fields read `name: value`"));
        }
        let value = self.value(depth + 1)?;
        Ok(Field { name, key, value })
    }

    fn items(
        &mut self,
        name: Option<String>,
        close: char,
        depth: usize,
    ) -> Result<Kind, SyntaxError> {
        let open = self.at;
        self.bump();
        let mut items = Vec::new();
        loop {
            self.space()?;
            if self.eat(close) {
                return Ok(Kind::Items { name, items });
            }
            if self.peek().is_none() {
                return Err(self.unclosed(open));
            }
            items.push(self.value(depth + 1)?);
            self.separator(close, open)?;
        }
    }

    /// A comma, or the closing bracket ahead.
    fn separator(&mut self, close: char, open: usize) -> Result<(), SyntaxError> {
        let behind = self.at;
        self.space()?;
        match self.peek() {
            Some(',') => {
                self.bump();
                Ok(())
            }
            Some(c) if c == close => Ok(()),
            None => Err(self.unclosed(open)),
            Some(_) => {
                self.at = behind;
                if let Some(text) = self.text_over_lines(behind) {
                    return Err(SyntaxError {
                        at: text.start,
                        problem: Problem::new("this text has no closing quote on its line")
                            .help("close it with \""),
                    });
                }
                Err(self.error(format!("`,` or `{close}` is missing here")))
            }
        }
    }

    /// The text literal that ends at a position, if it runs over lines: its closing quote was another's opening one.
    fn text_over_lines(&self, end: usize) -> Option<Span> {
        let over = |text: &Span| text.end == end && self.text[text.start..text.end].contains('\n');
        self.last_text.filter(over)
    }

    fn unclosed(&self, open: usize) -> SyntaxError {
        let bracket = self.text[open..].chars().next().unwrap_or('(');
        SyntaxError {
            at: open,
            problem: Problem::new(format!("this `{bracket}` is never closed")),
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
