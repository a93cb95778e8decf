//! Errors of scenario files: where, which field, what is wrong, what is allowed, and a way out.
//!
//! Rendered on one line, with an optional second line of help:
//!
//! ```text
//! team-chat.ron:17:18: load.online: "120 %" is not a share; allowed: 0 % to 100 %
//!   help: …
//! ```

use std::fmt;

/// One thing wrong with a scenario. Several are reported together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioError {
    /// File name, or the edit (`--set load.online=120%`) that brought the value in.
    pub file: String,
    /// Line from 1; `None` for an edit and for what stands nowhere.
    pub line: Option<u32>,
    /// Column from 1, in characters.
    pub column: Option<u32>,
    /// Field path: `load.online`; empty for the file as a whole.
    pub path: String,
    /// What is wrong.
    pub problem: String,
    /// What would be right.
    pub allowed: Option<String>,
    /// A way out.
    pub help: Option<String>,
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
            if let Some(column) = self.column {
                write!(f, ":{column}")?;
            }
        }
        f.write_str(": ")?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.problem)?;
        if let Some(allowed) = &self.allowed {
            write!(f, "; allowed: {allowed}")?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n  help: {help}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ScenarioError {}

/// What is wrong with one value, before its place in the file is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong.
    pub problem: String,
    /// What would be right.
    pub allowed: Option<String>,
    /// A way out.
    pub help: Option<String>,
}

impl Problem {
    /// A problem in words.
    pub fn new(problem: impl Into<String>) -> Self {
        Self {
            problem: problem.into(),
            allowed: None,
            help: None,
        }
    }

    /// Adds what is allowed.
    #[must_use]
    pub fn allowed(mut self, allowed: impl Into<String>) -> Self {
        self.allowed = Some(allowed.into());
        self
    }

    /// Adds a way out.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Unknown `name` of a `kind` (`region`) among `known`: names the nearest and what is allowed.
    pub fn unknown<'a>(kind: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let mut known: Vec<&str> = known.into_iter().collect();
        if known.len() > SHOWN {
            let wanted = letters(name);
            known.sort_by_key(|candidate| distance(&wanted, candidate));
        }
        let mut problem =
            Self::new(format!("no {kind} is called \"{}\"", shorten(name))).allowed(list(&known));
        if let Some(near) = nearest(name, known.iter().copied()) {
            problem = problem.help(format!("did you mean \"{near}\"?"));
        }
        problem
    }
}

/// Names that a list shows.
const SHOWN: usize = 16;

/// Names separated by commas, cut after [`SHOWN`].
pub fn list(names: &[&str]) -> String {
    if names.is_empty() {
        return "nothing here".to_owned();
    }
    let mut text = names
        .iter()
        .take(SHOWN)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > SHOWN {
        text.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    text
}

/// At most 60 characters of a text, for messages; control characters are escaped.
pub fn shorten(text: &str) -> String {
    const SHOWN: usize = 60;
    let mut short: String = text.chars().take(SHOWN).flat_map(show).collect();
    if text.chars().nth(SHOWN).is_some() {
        short.push('…');
    }
    short
}

fn show(c: char) -> Vec<char> {
    if c.is_control() {
        c.escape_default().collect()
    } else {
        vec![c]
    }
}

/// The name nearest to `name` by edit distance, if it is near enough to be meant.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = letters(name);
    let tolerance = (wanted.len() / 3).clamp(1, 4);
    known
        .into_iter()
        .map(|candidate| (distance(&wanted, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= tolerance || contains(candidate, name))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn contains(candidate: &str, name: &str) -> bool {
    name.chars().count() >= 4 && candidate.contains(name)
}

fn letters(name: &str) -> Vec<char> {
    name.chars().take(64).flat_map(char::to_lowercase).collect()
}

/// Optimal string alignment distance (Levenshtein with swaps of neighbours), ignoring case.
fn distance(a: &[char], b: &str) -> usize {
    let b = letters(b);
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, &x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, &y) in b.iter().enumerate() {
            let replace = above[j] + usize::from(x != y);
            let mut best = replace.min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && x == b[j - 1] && a[i - 1] == y {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = above;
        above = row;
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_name_forgives_a_swap_and_a_missing_letter_but_not_another_word() {
        let known = ["online", "places", "access", "heartbeat"];
        assert_eq!(nearest("onlin", known), Some("online"));
        assert_eq!(nearest("palces", known), Some("places"));
        assert_eq!(nearest("zebra", known), None);
    }

    #[test]
    fn an_error_reads_as_documented() {
        let error = ScenarioError {
            file: "team-chat.ron".into(),
            line: Some(17),
            column: Some(18),
            path: "load.online".into(),
            problem: "\"120 %\" is not a share".into(),
            allowed: Some("0 % to 100 %".into()),
            help: None,
        };
        assert_eq!(
            error.to_string(),
            "team-chat.ron:17:18: load.online: \"120 %\" is not a share; allowed: 0 % to 100 %"
        );
    }
}
