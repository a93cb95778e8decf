//! Subjects and a trie of subscriptions, with NATS semantics.
//!
//! *Models:* subjects are tokens joined by dots; a subscription may hold `*` for exactly one token and `>` as
//! its last token for one or more. *Formula:* a match walks at most three branches per token: literal, `*`, `>`.
//! *Leaves out:* queue groups. *Source:* NATS documentation, subject-based messaging.

use std::collections::{BTreeMap, BTreeSet};

/// Why a subject or a subscription is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubjectError {
    /// There is nothing.
    #[error("a subject needs at least one token")]
    Empty,
    /// Two dots in a row, or a dot at an end.
    #[error("token {0} is empty")]
    EmptyToken(usize),
    /// Whitespace or a control character.
    #[error("token {0} holds whitespace or a control character")]
    BadCharacter(usize),
    /// A wildcard where a message must name its subject.
    #[error("token {0} is a wildcard, which only a subscription may hold")]
    Wildcard(usize),
    /// `>` before the end.
    #[error("token {0} is `>`, which must come last")]
    TailNotLast(usize),
}

/// What a message is about: literal tokens only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject(String);

impl Subject {
    /// Checks a subject.
    ///
    /// # Errors
    /// [`SubjectError`] names the first token at fault, counted from 0.
    pub fn new(text: &str) -> Result<Self, SubjectError> {
        check_tokens(text)?;
        match text
            .split('.')
            .position(|token| token == "*" || token == ">")
        {
            Some(at) => Err(SubjectError::Wildcard(at)),
            None => Ok(Self(text.to_owned())),
        }
    }

    /// The subject as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a subscription asks for: literal tokens, `*` and a final `>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern(String);

impl Pattern {
    /// Checks a subscription.
    ///
    /// # Errors
    /// [`SubjectError`] names the first token at fault, counted from 0.
    pub fn new(text: &str) -> Result<Self, SubjectError> {
        check_tokens(text)?;
        let last = text.split('.').count() - 1;
        match text.split('.').position(|token| token == ">") {
            Some(at) if at < last => Err(SubjectError::TailNotLast(at)),
            _ => Ok(Self(text.to_owned())),
        }
    }

    /// The subscription as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a message on `subject` is asked for.
    #[must_use]
    pub fn matches(&self, subject: &Subject) -> bool {
        let mut tokens = subject.0.split('.');
        for wanted in self.0.split('.') {
            match (wanted, tokens.next()) {
                (_, None) => return false,
                (">", Some(_)) => return true,
                ("*", Some(_)) => {}
                (literal, Some(token)) if literal == token => {}
                _ => return false,
            }
        }
        tokens.next().is_none()
    }
}

fn check_tokens(text: &str) -> Result<(), SubjectError> {
    if text.is_empty() {
        return Err(SubjectError::Empty);
    }
    for (at, token) in text.split('.').enumerate() {
        if token.is_empty() {
            return Err(SubjectError::EmptyToken(at));
        }
        if token.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(SubjectError::BadCharacter(at));
        }
    }
    Ok(())
}

#[derive(Clone, Debug)]
struct TrieNode<S> {
    literal: BTreeMap<String, TrieNode<S>>,
    one: Option<Box<TrieNode<S>>>,
    here: BTreeSet<S>,
    rest: BTreeSet<S>,
}

impl<S> Default for TrieNode<S> {
    fn default() -> Self {
        Self {
            literal: BTreeMap::new(),
            one: None,
            here: BTreeSet::new(),
            rest: BTreeSet::new(),
        }
    }
}

/// Subscriptions by pattern.
#[derive(Clone, Debug)]
pub struct SubjectTrie<S> {
    root: TrieNode<S>,
    len: usize,
}

impl<S> Default for SubjectTrie<S> {
    fn default() -> Self {
        Self {
            root: TrieNode::default(),
            len: 0,
        }
    }
}

impl<S: Ord + Clone> SubjectTrie<S> {
    /// A trie without subscriptions.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Subscriptions held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nobody subscribes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a subscription; `false` if the subscriber holds it already.
    pub fn insert(&mut self, pattern: &Pattern, subscriber: S) -> bool {
        let mut node = &mut self.root;
        for token in pattern.0.split('.') {
            node = match token {
                ">" => {
                    let added = node.rest.insert(subscriber);
                    self.len += usize::from(added);
                    return added;
                }
                "*" => node.one.get_or_insert_default(),
                literal => node.literal.entry(literal.to_owned()).or_default(),
            };
        }
        let added = node.here.insert(subscriber);
        self.len += usize::from(added);
        added
    }

    /// Removes a subscription; `false` if there is none.
    pub fn remove(&mut self, pattern: &Pattern, subscriber: &S) -> bool {
        let tokens: Vec<&str> = pattern.0.split('.').collect();
        let removed = self.root.remove(&tokens, subscriber);
        self.len -= usize::from(removed);
        removed
    }

    /// Everyone with at least one subscription that matches, ascending, each once. Fills `out` anew.
    pub fn matches(&self, subject: &Subject, out: &mut Vec<S>) {
        out.clear();
        let tokens: Vec<&str> = subject.0.split('.').collect();
        self.root.collect(&tokens, out);
        out.sort_unstable();
        out.dedup();
    }
}

impl<S: Ord + Clone> TrieNode<S> {
    fn is_empty(&self) -> bool {
        self.literal.is_empty()
            && self.one.is_none()
            && self.here.is_empty()
            && self.rest.is_empty()
    }

    fn remove(&mut self, tokens: &[&str], subscriber: &S) -> bool {
        let Some((&token, tail)) = tokens.split_first() else {
            return self.here.remove(subscriber);
        };
        match token {
            ">" => self.rest.remove(subscriber),
            "*" => {
                let removed = self
                    .one
                    .as_mut()
                    .is_some_and(|node| node.remove(tail, subscriber));
                self.one.take_if(|node| node.is_empty());
                removed
            }
            literal => {
                let Some(node) = self.literal.get_mut(literal) else {
                    return false;
                };
                let removed = node.remove(tail, subscriber);
                if node.is_empty() {
                    self.literal.remove(literal);
                }
                removed
            }
        }
    }

    fn collect(&self, tokens: &[&str], out: &mut Vec<S>) {
        let Some((&token, tail)) = tokens.split_first() else {
            out.extend(self.here.iter().cloned());
            return;
        };
        out.extend(self.rest.iter().cloned());
        if let Some(node) = self.literal.get(token) {
            node.collect(tail, out);
        }
        if let Some(node) = &self.one {
            node.collect(tail, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(text: &str) -> Subject {
        Subject::new(text).unwrap()
    }

    fn pattern(text: &str) -> Pattern {
        Pattern::new(text).unwrap()
    }

    #[test]
    fn invalid_subjects_say_where() {
        assert_eq!(Subject::new(""), Err(SubjectError::Empty));
        assert_eq!(Subject::new("a..b"), Err(SubjectError::EmptyToken(1)));
        assert_eq!(Subject::new("a.b c"), Err(SubjectError::BadCharacter(1)));
        assert_eq!(Subject::new("a.*"), Err(SubjectError::Wildcard(1)));
        assert_eq!(Pattern::new("a.>.b"), Err(SubjectError::TailNotLast(1)));
        assert!(Pattern::new("*.b.>").is_ok());
    }

    #[test]
    fn wildcards_match_as_in_nats() {
        let table = [
            ("time.us", "time.us", true),
            ("time.*", "time.us", true),
            ("time.*", "time.us.east", false),
            ("time.*.east", "time.us.east", true),
            ("time.>", "time.us.east.atlanta", true),
            ("time.>", "time", false),
            (">", "anything.at.all", true),
            ("*", "one", true),
            ("*.*", "one", false),
            ("ti*", "time", false),
        ];
        for (wanted, about, expected) in table {
            assert_eq!(
                pattern(wanted).matches(&subject(about)),
                expected,
                "{wanted} on {about}"
            );
        }
    }

    #[test]
    fn an_emptied_trie_keeps_no_nodes() {
        let mut trie = SubjectTrie::new();
        for text in ["a.b.c", "a.*.c", "a.>"] {
            assert!(trie.insert(&pattern(text), 1) && !trie.insert(&pattern(text), 1));
        }
        let mut out = Vec::new();
        trie.matches(&subject("a.b.c"), &mut out);
        assert_eq!((out.as_slice(), trie.len()), (&[1][..], 3));
        for text in ["a.b.c", "a.*.c", "a.>"] {
            assert!(trie.remove(&pattern(text), &1) && !trie.remove(&pattern(text), &1));
        }
        assert!(trie.is_empty() && trie.root.is_empty());
    }
}
