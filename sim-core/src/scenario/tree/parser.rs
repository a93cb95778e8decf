//! The parser: recursive, bounded in depth, and it stops at the first thing that is wrong.

use super::super::error::{Problem, shorten};
use super::{Field, Kind, Node, Span, SyntaxError, unquote};

/// Deepest nesting.
const MAX_DEPTH: usize = 64;

/// A text and how far it is read.
pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    /// The last text literal.
    last_text: Option<Span>,
}

impl SyntaxError {
    pub(super) fn map_help(mut self, help: &str) -> Self {
        self.problem = self.problem.help(help);
        self
    }
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            last_text: None,
        }
    }

    pub(super) fn error(&self, problem: impl Into<String>) -> SyntaxError {
        SyntaxError {
            at: self.at,
            problem: Problem::new(problem),
        }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn bump(&mut self) -> Option<char> {
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
    pub(super) fn space(&mut self) -> Result<(), SyntaxError> {
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
    pub(super) fn attributes(&mut self) -> Result<(), SyntaxError> {
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

    pub(super) fn value(&mut self, depth: usize) -> Result<Node, SyntaxError> {
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

    pub(super) fn text_literal(&mut self) -> Result<Kind, SyntaxError> {
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
