//! Designs beside the one that is shown: what would fix it, the one before (a ghost), and those that are kept.
//!
//! A ghost is the design before the last edit, with its line; another edit replaces it. Kept designs have letters, and what was
//! measured of them grows for as long as they are the one that is shown. Questions about them go to the session's studies.

use std::sync::Arc;

use session::{Fix, Fixes, Frame, LoadPoint, Study};
use sim_core::report::RunReport;
use sim_core::scenario::{Draft, Edit};

use crate::command::{Pattern, UiCommand};
use crate::hints::Done;
use crate::selection::{self, Selected};
use crate::state::{Link, State};
use crate::views::View;
use crate::words;

/// Designs that can be kept.
pub const MOST: usize = 8;
/// Changes that a design is named by.
const NAMED_BY: usize = 2;

/// What can be done with designs.
#[derive(Clone, Debug, PartialEq)]
pub enum VariantCommand {
    /// Show or hide what would fix it.
    ShowFixes,
    /// Simulate one of the changes that are shown.
    TryFix(usize),
    /// Make it.
    AcceptFix(usize),
    /// The design before comes back.
    BackToGhost,
    /// Keep the design before beside the one that is shown.
    KeepBoth,
    /// Show a design that is kept.
    Adopt(usize),
    /// Forget a design that is kept.
    Discard(usize),
    /// Put these two side by side.
    Beside(usize, usize),
}

/// The design before the last edit.
#[derive(Clone, Debug)]
pub struct Ghost {
    /// The design.
    pub draft: Draft,
    /// What was different: `Sharding off`.
    pub words: String,
    /// What was measured of it.
    pub report: Option<Arc<RunReport>>,
    /// Its line.
    pub line: Arc<Vec<LoadPoint>>,
}

/// A design that is kept.
#[derive(Clone, Debug)]
pub struct Variant {
    /// `A`
    pub name: String,
    /// What it is: `Sharding on, a pool of 150`.
    pub words: String,
    /// The design.
    pub draft: Draft,
    /// What was measured of it last.
    pub report: Option<Arc<RunReport>>,
    /// Its line.
    pub line: Arc<Vec<LoadPoint>>,
}

/// Two designs that were asked for.
#[derive(Debug)]
struct Pair {
    /// As they are kept, and the load.
    asked: (Draft, Draft, u32),
    /// Their hashes at that load.
    of: (u64, u64),
}

/// What the window knows of designs beside the one that is shown.
#[derive(Debug, Default)]
pub struct Variants {
    /// Whether changes that would fix it are shown.
    pub fixing: bool,
    /// The design that they were asked for.
    asked: Option<Draft>,
    /// The change that is simulated, or was last.
    pub tried: Option<Vec<Edit>>,
    /// The design before the last edit.
    pub ghost: Option<Ghost>,
    /// The designs that are kept, by letter.
    pub kept: Vec<Variant>,
    /// Which two are side by side.
    pub beside: (usize, usize),
    /// The two that were asked for.
    compared: Option<Pair>,
    /// The design whose guesses were asked for.
    guessed: Option<Draft>,
    /// What was chosen on the map when the inspector was last opened or closed for it.
    inspected: Option<Selected>,
}

/// Does what was asked for, and says what remains.
pub fn handle(command: VariantCommand, state: &mut State, link: &dyn Link) -> After {
    match command {
        VariantCommand::ShowFixes => {
            state.variants.fixing = !state.variants.fixing;
            After::Nothing
        }
        VariantCommand::TryFix(index) => {
            if let Some(fix) = fix(state, index) {
                let edits = fix.edits.clone();
                state.variants.tried = Some(edits.clone());
                link.ask(Study::Simulate(state.history.now().clone(), edits));
            }
            After::Nothing
        }
        VariantCommand::AcceptFix(index) => match fix(state, index) {
            Some(fix) => {
                let fields = fix.edits.iter().filter_map(field).collect();
                state.variants.fixing = false;
                After::Do(UiCommand::Edit(fields))
            }
            None => After::Nothing,
        },
        VariantCommand::BackToGhost => match state.variants.ghost.take() {
            Some(ghost) if state.history.before() == Some(&ghost.draft) => {
                After::Do(UiCommand::Undo)
            }
            Some(ghost) => After::Show(ghost.draft),
            None => After::Nothing,
        },
        VariantCommand::KeepBoth => {
            keep_both(state, link);
            After::Nothing
        }
        VariantCommand::Adopt(index) => match state.variants.kept.get(index) {
            Some(kept) => After::Show(kept.draft.clone()),
            None => After::Nothing,
        },
        VariantCommand::Discard(index) => {
            discard(state, index);
            After::Nothing
        }
        VariantCommand::Beside(one, other) => {
            let kept = state.variants.kept.len();
            if one < kept && other < kept && one != other {
                state.variants.beside = (one, other);
            }
            After::Nothing
        }
    }
}

/// What remains to be done.
pub enum After {
    /// Nothing.
    Nothing,
    /// This.
    Do(UiCommand),
    /// This design is shown.
    Show(Draft),
}

/// Before every pass: asks what is open needs to know, and takes what was measured of a kept design.
pub fn attend(frame: &Frame, state: &mut State, link: &dyn Link) {
    state.found = link.found();
    let now = state.history.now().clone();
    if state.variants.fixing && state.variants.asked.as_ref() != Some(&now) {
        link.ask(Study::Fixes(now.clone()));
        state.variants.asked = Some(now.clone());
        state.variants.tried = None;
    }
    let guessing = state.open.has(View::Evidence);
    if guessing && state.variants.guessed.as_ref() != Some(&now) {
        link.ask(Study::Guesses(now.clone()));
        state.variants.guessed = Some(now.clone());
    }
    if frame.loads == state.loads {
        for kept in &mut state.variants.kept {
            if same_design(&kept.draft, &now) {
                kept.draft = now.clone();
                if frame.report.is_some() {
                    kept.report.clone_from(&frame.report);
                }
                kept.line = frame.load_line.clone();
            }
        }
    }
    measured_beside(state);
    inspect(state);
    hint(frame, state);
    compare(state, link);
}

/// What was done of what is hinted at.
fn hint(frame: &Frame, state: &mut State) {
    let report = frame.report.as_ref();
    let breaks = report.and_then(|report| report.breaks_at.as_ref()?.users.value);
    let now = state.history.now().changes();
    let before = state.hints;
    state.hints.notice(Done {
        beyond: breaks.is_some_and(|breaks| f64::from(state.users) > breaks),
        asked: state.variants.fixing,
        broken: now.iter().any(|(path, _)| path == "faults"),
    });
    if state.hints != before {
        state.desk.remember_hints(state.hints);
    }
}

/// What a comparison measured of a design that was never shown.
fn measured_beside(state: &mut State) {
    let found = state.found.compared.clone();
    let Some(found) = found.filter(|found| compared(state) == Some(found.of)) else {
        return;
    };
    let Some(report) = &found.report else { return };
    let (one, other) = state.variants.beside;
    for (index, run) in [(one, &report.a), (other, &report.b)] {
        let kept = state.variants.kept.get_mut(index);
        if let Some(kept) = kept.filter(|kept| kept.report.is_none()) {
            kept.report = Some(Arc::new(run.clone()));
        }
    }
}

/// A tier that is chosen is looked into; choosing nothing closes that.
fn inspect(state: &mut State) {
    if state.selected == state.variants.inspected {
        return;
    }
    state.variants.inspected = state.selected;
    match state.selected {
        Some(_) if state.open.has(View::Evidence) => {}
        Some(_) => state.open.open(View::Inspector),
        None => state.open.close(View::Inspector),
    }
}

fn compare(state: &mut State, link: &dyn Link) {
    if !state.open.has(View::Compare) {
        return;
    }
    let Some((a, b)) = beside(state) else {
        return;
    };
    let asked = (a.draft.clone(), b.draft.clone(), state.users);
    let known = state.variants.compared.as_ref();
    if known.is_some_and(|known| known.asked == asked) {
        return;
    }
    let at = (at_load(&asked.0, asked.2), at_load(&asked.1, asked.2));
    if let (Some(a), Some(b)) = at {
        let of = (a.scenario().hash(), b.scenario().hash());
        link.ask(Study::Compare(a, b));
        state.variants.compared = Some(Pair { asked, of });
    }
}

/// The two designs that are side by side.
pub fn beside(state: &State) -> Option<(&Variant, &Variant)> {
    let (one, other) = state.variants.beside;
    let kept = &state.variants.kept;
    Some((kept.get(one)?, kept.get(other)?))
}

/// Hashes of the two that were asked for, at the load that is shown.
pub fn compared(state: &State) -> Option<(u64, u64)> {
    state.variants.compared.as_ref().map(|pair| pair.of)
}

/// The same design for another number of users.
fn at_load(draft: &Draft, users: u32) -> Option<Draft> {
    let users = ("load.users".to_owned(), users.to_string());
    draft.with(&[users]).ok()
}

/// What would fix the design that is shown, if that is what was found.
pub fn fixes(state: &State) -> Option<&Fixes> {
    let fixes = state.found.fixes.as_deref()?;
    let asked = state.variants.asked.as_ref()?;
    (asked == state.history.now() && fixes.of == asked.scenario().hash()).then_some(fixes)
}

fn fix(state: &State, index: usize) -> Option<&Fix> {
    fixes(state)?.fixes.get(index)
}

fn field(edit: &Edit) -> Option<(String, String)> {
    match edit {
        Edit::Set { path, value } => Some((path.clone(), value.clone())),
        Edit::Users(users) => Some(("load.users".to_owned(), users.clone())),
        Edit::Overlay { .. } => None,
    }
}

/// Remembers the design before an edit, with what was seen of it.
pub fn leave_ghost(before: &Draft, state: &mut State, link: &dyn Link) {
    let frame = state.stored.fill(link.frame());
    let seen = frame.loads == state.loads;
    let words = difference(before, state.history.now());
    state.variants.ghost = words.map(|words| Ghost {
        draft: before.clone(),
        words,
        report: frame.report.clone().filter(|_| seen),
        line: if seen {
            frame.load_line.clone()
        } else {
            Arc::default()
        },
    });
}

/// Keeps the design before and the one that is shown.
fn keep_both(state: &mut State, link: &dyn Link) {
    let frame = state.stored.fill(link.frame());
    let Some(ghost) = state.variants.ghost.take() else {
        return;
    };
    let now = state.history.now().clone();
    let fresh = frame.loads == state.loads;
    let shown = |draft: &Draft| (draft.clone(), frame.report.clone().filter(|_| fresh));
    let (draft, report) = shown(&now);
    let line = if fresh {
        frame.load_line.clone()
    } else {
        Arc::default()
    };
    let one = keep(state, ghost.draft, ghost.report, ghost.line);
    let other = keep(state, draft, report, line);
    if let (Some(one), Some(other)) = (one, other) {
        state.variants.beside = (one, other);
    }
}

/// Where a design is among the kept ones, kept now if there is room.
fn keep(
    state: &mut State,
    draft: Draft,
    report: Option<Arc<RunReport>>,
    line: Arc<Vec<LoadPoint>>,
) -> Option<usize> {
    let kept = &mut state.variants.kept;
    let known = kept
        .iter()
        .position(|other| same_design(&other.draft, &draft));
    if known.is_some() {
        return known;
    }
    if kept.len() == MOST {
        state.problem = Some(format!(
            "{MOST} designs are kept, which is as many as can be: discard one in Compare first."
        ));
        return None;
    }
    let letter = ('A'..='Z').find(|letter| kept.iter().all(|k| !k.name.starts_with(*letter)))?;
    kept.push(Variant {
        name: letter.to_string(),
        words: what_it_is(&draft),
        draft,
        report,
        line,
    });
    Some(kept.len() - 1)
}

fn discard(state: &mut State, index: usize) {
    let variants = &mut state.variants;
    if index >= variants.kept.len() {
        return;
    }
    variants.kept.remove(index);
    variants.beside = (0, 1);
    variants.compared = None;
    if variants.kept.len() < 2 {
        state.open.close(View::Compare);
    }
}

fn without_users(draft: &Draft) -> impl Iterator<Item = &(String, String)> {
    let changes = draft.changes().iter();
    changes.filter(|(path, _)| path != "load.users" && path != "faults")
}

/// Whether two drafts give the same design, whatever the load and the faults.
pub fn same_design(one: &Draft, other: &Draft) -> bool {
    one.beginning() == other.beginning() && without_users(one).eq(without_users(other))
}

/// What the first says where the second says something else: `Sharding off`; `None`: they are the same design.
fn difference(one: &Draft, other: &Draft) -> Option<String> {
    let mut paths: Vec<&str> = Vec::new();
    for (path, _) in without_users(one).chain(without_users(other)) {
        let differs = one.written_at(path) != other.written_at(path);
        if differs && !paths.contains(&path.as_str()) {
            paths.push(path);
        }
    }
    listed(paths.iter().map(|path| said(one, path)).collect())
}

/// A design by its changes: `Sharding on, a pool of 150`.
fn what_it_is(draft: &Draft) -> String {
    let changes = without_users(draft).map(|(path, _)| said(draft, path));
    listed(changes.collect()).unwrap_or_else(|| "as it came".to_owned())
}

fn listed(parts: Vec<String>) -> Option<String> {
    if parts.is_empty() {
        return None;
    }
    let first: Vec<&str> = parts.iter().take(NAMED_BY).map(String::as_str).collect();
    let more = match parts.len() - first.len() {
        0 => String::new(),
        more => format!(", {more} more"),
    };
    Some(format!("{}{more}", first.join(", ")))
}

/// A field and its value in a few words.
fn said(draft: &Draft, path: &str) -> String {
    let pattern = Pattern::ALL.into_iter().find(|p| p.path() == path);
    if let Some(pattern) = pattern {
        let on = pattern.is_on(draft.scenario());
        return format!("{} {}", pattern.title(), if on { "on" } else { "off" });
    }
    let value = draft.written_at(path);
    let value = value.as_deref().unwrap_or("not stated").trim_matches('"');
    let steps: Vec<&str> = path.split('.').collect();
    let title = |name: &str| {
        let tier = selection::tier_of(name);
        tier.map_or_else(
            || name.replace('_', " "),
            |tier| words::tier_title(tier.name()),
        )
    };
    match steps[..] {
        ["design", "shards", "count"] => format!("{value} shards"),
        ["design", tier, "count"] => format!("{value} {}", title(tier)),
        ["design", "database", "pool"] => format!("a pool of {value}"),
        ["design", tier, "machine"] => format!("{} on {value}", title(tier)),
        [.., above, field] => format!("{} {} {value}", title(above), field.replace('_', " ")),
        _ => format!("{path} {value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::draft;

    fn with(draft: &Draft, path: &str, value: &str) -> Draft {
        draft
            .with(&[(path.to_owned(), value.to_owned())])
            .expect("it is valid")
    }

    #[test]
    fn designs_have_words() {
        let begun = draft();
        assert_eq!(what_it_is(&begun), "as it came");
        let sharded = with(&begun, "patterns.sharding", "On");
        assert_eq!(what_it_is(&sharded), "Sharding on");
        assert_eq!(
            difference(&begun, &sharded).as_deref(),
            Some("Sharding off")
        );
        let pool = with(&sharded, "design.database.pool", "150");
        assert_eq!(
            difference(&sharded, &pool).as_deref(),
            Some("a pool of 100")
        );
        let more = with(&pool, "design.connection_servers.count", "12");
        assert_eq!(what_it_is(&more), "Sharding on, a pool of 150, 1 more");
        assert_eq!(
            difference(&pool, &more).as_deref(),
            Some("10 connection servers")
        );
        let users = with(&begun, "load.users", "300K");
        assert_eq!(difference(&begun, &users), None);
        assert!(same_design(&begun, &users));
    }
}
