//! What the fields of the scenario say now, which of them matter most, and what the last wrong value was answered with.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use session::Answers;
use sim_core::docs::fields::{self, Found, WORTH_EDITING};
use sim_core::docs::{self, Docs, Expr, Shape};
use sim_core::experiment::Recipe;
use sim_core::scenario::tree::{self, Node};
use sim_core::scenario::{Draft, Source};

use crate::state::Link;

/// Inputs shown first.
const FIRST: usize = 5;

/// A value that was not taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused {
    /// The field.
    pub path: String,
    /// What was typed.
    pub value: String,
    /// Why not, what is allowed, and a way out.
    pub sentence: String,
}

/// An input that is worth editing.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Its field.
    pub path: String,
    /// In words.
    pub title: String,
}

/// The state of *make it mine*.
#[derive(Clone, Debug, Default)]
pub struct Editor {
    /// What the thread beside the window has found out.
    pub answers: Arc<Answers>,
    /// The last wrong value.
    pub refused: Option<Refused>,
    /// The draft that `root` was read from.
    draft: Option<Draft>,
    root: Option<Arc<Node>>,
    asked: BTreeSet<String>,
}

impl Editor {
    /// Before every pass while fields are shown: reads a new draft, and asks about another scenario.
    pub fn attend(&mut self, draft: &Draft, link: &dyn Link) {
        self.answers = link.answers();
        if self.draft.as_ref() == Some(draft) {
            return;
        }
        let known = self.draft.as_ref().map(Draft::beginning);
        if known != Some(draft.beginning()) {
            self.asked.clear();
            self.refused = None;
            let base = draft.base();
            link.about(Recipe {
                text: base.text.clone(),
                file_name: draft.beginning().name().to_owned(),
                edits: Vec::new(),
                files: base.files.clone(),
            });
        }
        self.root = tree::parse(draft.text()).ok().map(Arc::new);
        self.draft = Some(draft.clone());
    }

    /// Asks what is allowed in a field, once.
    pub fn ask_limits(&mut self, path: &str, link: &dyn Link) {
        if let Some(draft) = &self.draft
            && self.asked.insert(path.to_owned())
        {
            link.limits(path, draft.text());
        }
    }

    /// Whether that was asked.
    pub fn has_asked(&self, path: &str) -> bool {
        self.asked.contains(path)
    }

    /// What the scenario says in a field, as one would type it; `None`: nothing, so a default holds.
    pub fn written(&self, path: &str) -> Option<String> {
        let span = self.root.as_ref()?.find(path)?.span;
        let text = self.draft.as_ref()?.text().get(span.start..span.end)?;
        Some(tree::unquote(&tree::single_line(text)))
    }

    /// The inputs that move the answer most; until that is known, those most worth editing.
    pub fn first(&self) -> (Vec<Input>, bool) {
        let ranked = self.answers.ranked.as_deref().unwrap_or_default();
        let known = ranked.iter().map(|guess| Input {
            path: guess.path.clone(),
            title: guess.words.clone(),
        });
        let mut first: Vec<Input> = known.take(FIRST).collect();
        let is_ranked = !first.is_empty();
        for path in WORTH_EDITING {
            let there = || first.iter().any(|input| input.path == path);
            if first.len() < FIRST && path != "load.users" && self.has(path) && !there() {
                first.push(Input {
                    path: path.to_owned(),
                    title: title(path),
                });
            }
        }
        (first, is_ranked)
    }

    fn has(&self, path: &str) -> bool {
        self.root
            .as_ref()
            .is_some_and(|root| root.find(path).is_some())
    }

    /// The fields of a part of the scenario, or those that a search finds: what holds others is followed where it is there.
    pub fn fields(&self, wanted: impl Fn(&Found<'static>) -> bool) -> Vec<&'static Found<'static>> {
        let shown = |found: &&Found<'static>| {
            let path = found.path.as_str();
            let parent = path.rsplit_once('.').map(|(parent, _)| parent);
            let parent_there = parent.is_none_or(|parent| self.has(parent));
            let holds = is_struct(found.expr) && self.has(path);
            parent_there && !holds && wanted(found)
        };
        all().iter().filter(shown).collect()
    }
}

/// `connection servers: count` for `design.connection_servers.count`.
pub fn title(path: &str) -> String {
    let steps = tree::steps(path);
    let words = match steps.as_slice() {
        [.., parent, last] if steps.len() > 2 => format!("{parent}: {last}"),
        [_, last] => (*last).to_owned(),
        _ => path.to_owned(),
    };
    words.replace('_', " ")
}

/// Where a number comes from, in a word, and who says so.
pub fn source(source: &Source) -> (&'static str, &str) {
    match source {
        Source::Measured(why) => ("measured", why),
        Source::Published(why) => ("published", why),
        Source::Vendor(why) => ("vendor", why),
        Source::Reported(why) => ("reported", why),
        Source::Derived(why) => ("derived", why),
        Source::Assumed(why) => ("assumed", why),
        Source::Edited(why) => ("yours", why),
    }
}

/// What the file form holds.
fn known() -> &'static Docs {
    static DOCS: OnceLock<Docs> = OnceLock::new();
    DOCS.get_or_init(docs::scenario)
}

/// All fields that stand by themselves: what is inside lists and choices is part of their value.
pub fn all() -> &'static [Found<'static>] {
    static ALL: OnceLock<Vec<Found<'static>>> = OnceLock::new();
    ALL.get_or_init(|| {
        let root = Found {
            path: String::new(),
            doc: "",
            expr: known()
                .get(fields::ROOT)
                .map_or(&Expr::Text, |_| &Expr::Named(fields::ROOT)),
            optional: false,
            of: Vec::new(),
            others: Vec::new(),
        };
        let mut out = Vec::new();
        collect(&root, &mut out);
        out
    })
}

fn collect(parent: &Found<'static>, out: &mut Vec<Found<'static>>) {
    if !is_struct(parent.expr) {
        return;
    }
    for child in fields::children(known(), parent) {
        let last = tree::steps(&child.path)
            .last()
            .copied()
            .unwrap_or_default()
            .to_owned();
        // What a number is from is shown beside it; what a file is called is not a number.
        if ["source", "sources", "version", "extends", "name", "status"].contains(&last.as_str()) {
            continue;
        }
        out.push(child.clone());
        collect(&child, out);
    }
}

fn is_struct(expr: &Expr) -> bool {
    match expr {
        Expr::Named("Source") => false,
        Expr::Named(name) => known()
            .get(name)
            .is_some_and(|found| matches!(found.shape, Shape::Struct(_))),
        _ => false,
    }
}

/// The choices of a field that are plain words.
pub fn choices(found: &Found<'static>) -> Vec<&'static str> {
    match found.expr {
        Expr::Flag => vec!["true", "false"],
        Expr::Named(name) => {
            let Some(found) = known().get(name) else {
                return Vec::new();
            };
            let plain = |variant: &&docs::Variant| variant.holds == docs::Holds::Nothing;
            let plain: Vec<&str> = found
                .variants()
                .iter()
                .filter(plain)
                .map(|v| v.name)
                .collect();
            if plain.len() == found.variants().len() {
                plain
            } else {
                Vec::new()
            }
        }
        _ => Vec::new(),
    }
}
