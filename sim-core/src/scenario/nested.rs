//! Paths and values as the nested structs of a scenario file.

use std::fmt::Write as _;

use super::tree;

/// Fields of one struct or map, in the order they were put in.
#[derive(Debug, Default)]
pub struct Nested<'a> {
    values: Vec<(&'a str, &'a str, &'a str)>,
    groups: Vec<(&'a str, Nested<'a>)>,
}

impl<'a> Nested<'a> {
    /// Puts a value in at its path.
    pub fn put(&mut self, path: &'a str, value: &'a str) {
        self.put_at(&tree::steps(path), path, value);
    }

    fn put_at(&mut self, steps: &[&'a str], path: &'a str, value: &'a str) {
        match steps {
            [] => {}
            [name] => self.values.push((name, path, value)),
            [first, rest @ ..] => {
                let at = self.groups.iter().position(|(name, _)| name == first);
                let at = at.unwrap_or_else(|| {
                    self.groups.push((first, Nested::default()));
                    self.groups.len() - 1
                });
                self.groups[at].1.put_at(rest, path, value);
            }
        }
    }

    /// Writes the fields: `comment` says what stands behind a value (by its path), `source` is the last line of every struct that
    /// has values.
    pub fn write(
        &self,
        out: &mut String,
        depth: usize,
        comment: &dyn Fn(&str) -> Option<String>,
        source: Option<&str>,
    ) {
        self.write_as(out, depth, false, comment, source);
    }

    fn write_as(
        &self,
        out: &mut String,
        depth: usize,
        is_map: bool,
        comment: &dyn Fn(&str) -> Option<String>,
        source: Option<&str>,
    ) {
        let indent = "    ".repeat(depth);
        let key = |name: &str| match is_map {
            true => format!("{name:?}"),
            false => name.to_owned(),
        };
        for (name, path, value) in &self.values {
            let behind = comment(path).map_or(String::new(), |words| format!(" // {words}"));
            let _ = writeln!(out, "{indent}{}: {value},{behind}", key(name));
        }
        if let Some(source) = source.filter(|_| !self.values.is_empty() && !is_map) {
            let _ = writeln!(out, "{indent}{source}");
        }
        for (name, group) in &self.groups {
            let map = tree::is_map(name);
            let (open, close) = if map { ('{', '}') } else { ('(', ')') };
            let _ = writeln!(out, "{indent}{}: {open}", key(name));
            group.write_as(out, depth + 1, map, comment, source);
            let _ = writeln!(out, "{indent}{close},");
        }
    }
}
