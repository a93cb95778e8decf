//! `plimsoll explain`: what a field, a number of the report or a term means.

use report::shell_line;
use sim_core::docs::fields::{self, Found};
use sim_core::docs::probe::{Limits, Probe};
use sim_core::docs::{self, Docs, Expr, Holds, split_default};
use sim_core::scenario::{Edit, Loaded, Source, load_with, nearest, tree};

use crate::cli::ExplainArgs;
use crate::exit::{Exit, Failure};
use crate::explain::{numbers, vocabulary, wrap};
use crate::{load, output, presets};

/// Fields that mean nothing without another one, and one that gives them a meaning.
const NEEDS: [(&str, &str); 1] = [(
    "design.database.max_connections",
    "design.database.per_server=10",
)];
/// Blanks before the words of a line.
const INDENT: usize = 12;

/// Explains a name, or lists all of them.
pub(crate) fn explain(args: &ExplainArgs) -> Result<Exit, Failure> {
    let docs = docs::scenario();
    let given = args.scenario.as_deref().map(Base::new).transpose()?;
    let text = match args.term.join(" ") {
        term if term.trim().is_empty() => list(&docs),
        term => answer(&docs, term.trim(), given.as_ref())?,
    };
    output::print(&text)?;
    Ok(Exit::Ok)
}

/// A scenario that answers are about.
struct Base {
    name: String,
    loaded: Loaded,
}

impl Base {
    fn new(name: &str) -> Result<Self, Failure> {
        Ok(Self {
            name: name.to_owned(),
            loaded: load::loaded(name, &[])?,
        })
    }

    fn preset(preset: &presets::Preset) -> Option<Self> {
        Self::edited(preset, &[])
    }

    fn edited(preset: &presets::Preset, edits: &[Edit]) -> Option<Self> {
        let file_name = format!("{}.ron", preset.name);
        let loaded = load_with(
            preset.text,
            &file_name,
            edits,
            &load::base,
            &load::beside(&file_name),
        )
        .ok()?;
        Some(Self {
            name: preset.name.to_owned(),
            loaded,
        })
    }

    /// The first preset that says something of a path, else the first, with what the path needs beside it.
    fn about(path: &str) -> Option<Self> {
        if let Some((_, beside)) = NEEDS.iter().find(|(needy, _)| *needy == path) {
            return Self::edited(presets::ALL.first()?, &[Edit::parse(beside).ok()?]);
        }
        let mut all = presets::ALL.iter().filter_map(Self::preset);
        // The names of a map of numbers are the preset's own.
        let any = format!(".{}", fields::ANY);
        let path = path.strip_suffix(&any).unwrap_or(path);
        let says = presets::ALL
            .iter()
            .filter(|preset| tree::parse(preset.text).is_ok_and(|root| root.find(path).is_some()));
        says.filter_map(Self::preset).next().or_else(|| all.next())
    }
}

fn answer(docs: &Docs, term: &str, given: Option<&Base>) -> Result<String, Failure> {
    let mut answers = Vec::new();
    if let Some(found) = vocabulary::find(term) {
        answers.push(of_term(&found));
    }
    if let Some(found) = fields::find(docs, term) {
        answers.push(of_field(docs, &found, given));
    }
    if let Some(found) = numbers::find(&docs::report(), term) {
        answers.push(of_number(term, &found, given));
    }
    answers.extend(of_choices(docs, term));
    if answers.is_empty() {
        let all = fields::all(docs);
        let named: Vec<&Found<'_>> = all.iter().filter(|f| ends_in(&f.path, term)).collect();
        match named.as_slice() {
            [] => return Err(unknown(docs, term)),
            [one] => answers.push(of_field(docs, one, given)),
            many => answers.push(several(term, many)),
        }
    }
    Ok(answers.join("\n"))
}

/// What a choice means that is called so, wherever it can be chosen: `SlowDown`.
fn of_choices(docs: &Docs, term: &str) -> Vec<String> {
    let all = fields::all(docs);
    let mut answers = Vec::new();
    for found in docs.types() {
        let Some(variant) = found.variants().iter().find(|v| v.name == term) else {
            continue;
        };
        let chosen = |field: &&Found<'_>| *field.expr == Expr::Named(found.name);
        let Some(field) = all.iter().find(chosen) else {
            continue;
        };
        let mut out = format!("{term}, a choice of {}\n", field.path);
        wrap(&mut out, "", 2, split_default(&variant.doc).0);
        out.push('\n');
        for held in variant.fields() {
            let (expr, _) = docs.plain(&held.expr);
            let (what, default) = split_default(&held.doc);
            let form = kind(docs, expr, &Limits::default());
            let default = default.map_or_else(String::new, |d| format!(" Default: {d}."));
            let words = format!("{}: {form}; {what}{default}", held.name);
            wrap(&mut out, "  holds", INDENT, &words);
        }
        let written = choices(docs, field.expr);
        let so = |(text, _): &&(String, &str)| text.split('(').next() == Some(term);
        if let Some((text, _)) = written.iter().find(so) {
            wrap(&mut out, "  written", INDENT, text);
        }
        answers.push(out);
    }
    answers
}

fn ends_in(path: &str, term: &str) -> bool {
    let (path, term) = (tree::steps(path), tree::steps(term));
    !term.is_empty() && path.ends_with(&term)
}

fn unknown(docs: &Docs, term: &str) -> Failure {
    let fields = fields::all(docs).into_iter().map(|found| found.path);
    let terms = vocabulary::all();
    let terms = terms
        .iter()
        .flat_map(|t| t.names.iter().map(|n| (*n).to_owned()));
    let choices = docs.types().flat_map(|t| t.variants().iter());
    let choices = choices.map(|variant| variant.name.to_owned());
    let known = fields.chain(numbers::known()).chain(terms).chain(choices);
    let known: Vec<String> = known.collect();
    let mut near: Vec<&str> = Vec::new();
    let whole = || known.iter().map(String::as_str);
    while let Some(next) = nearest(term, whole().filter(|name| !near.contains(name))) {
        near.push(next);
        if near.len() == 3 {
            break;
        }
    }
    if near.is_empty() {
        // A misspelt step: compare the last one.
        let last = |path: &str| tree::steps(path).last().map(|s| (*s).to_owned());
        let wanted = last(term).unwrap_or_default();
        let names: Vec<String> = known.iter().filter_map(|path| last(path)).collect();
        let found = nearest(&wanted, names.iter().map(String::as_str));
        let of = known
            .iter()
            .filter(|path| last(path).as_deref() == found && found.is_some());
        near.extend(of.map(String::as_str).take(3));
    }
    let hint = if near.is_empty() {
        "`plimsoll explain` lists all that can be explained".to_owned()
    } else {
        format!("did you mean {}?", near.join(", or "))
    };
    Failure::Usage(format!("nothing here is called {term:?}; {hint}"))
}

fn several(term: &str, many: &[&Found<'_>]) -> String {
    let mut out = format!("{} fields are called {term}:\n\n", many.len());
    let width = many.iter().map(|f| f.path.len()).max().unwrap_or(0) + 4;
    for found in many {
        wrap(
            &mut out,
            &format!("  {}", found.path),
            width,
            split_default(found.doc).0,
        );
    }
    out
}

fn list(docs: &Docs) -> String {
    let mut out = "Fields of a scenario (`plimsoll explain load.users` says more):\n\n".to_owned();
    let own = |found: &Found<'_>| {
        let steps = tree::steps(&found.path);
        !steps
            .iter()
            .any(|step| ["source", "sources"].contains(step))
    };
    for found in fields::all(docs).iter().filter(|found| own(found)) {
        let first = format!("  {} ", found.path);
        wrap(&mut out, &first, 50, split_default(found.doc).0);
    }
    out.push_str("\nNumbers of the report, as objectives name them:\n\n  ");
    out.push_str(&numbers::known().join("\n  "));
    out.push_str("\n  tiers.TIER.utilization.RESOURCE.hottest\n\nTerms:\n\n");
    let terms = vocabulary::all();
    let names: Vec<&str> = terms
        .iter()
        .filter_map(|t| t.names.first().copied())
        .collect();
    wrap(&mut out, "", 2, &names.join(", "));
    out
}

fn of_term(term: &vocabulary::Term) -> String {
    let mut out = format!("{}\n", term.names.first().copied().unwrap_or_default());
    wrap(&mut out, "", 2, &term.text.join(" "));
    out
}

fn of_number(term: &str, number: &numbers::Number, given: Option<&Base>) -> String {
    let what = if number.below.is_empty() || number.place.contains("latency_ms.") {
        "a number"
    } else {
        "a part"
    };
    let mut out = format!("{term}, {what} of the report\n");
    if let Some((_, doc)) = number.steps.last() {
        wrap(&mut out, "", 2, doc);
    }
    out.push('\n');
    let mut row = |name: &str, words: &str| wrap(&mut out, &format!("  {name}"), INDENT, words);
    row("in JSON", &number.place);
    for (step, doc) in number
        .steps
        .iter()
        .rev()
        .skip(1)
        .filter(|(_, doc)| !doc.is_empty())
    {
        row("of", &format!("{step}: {doc}"));
    }
    for (name, doc) in &number.below {
        row("holds", &format!("{name}: {doc}"));
    }
    let team_chat = presets::ALL.first().and_then(Base::preset);
    if let Some(base) = given.or(team_chat.as_ref())
        && let Some(objective) = numbers::objective(term, &base.loaded.scenario)
    {
        row("objective", &format!("{objective:?}"));
    }
    out
}

fn of_field(docs: &Docs, found: &Found<'_>, given: Option<&Base>) -> String {
    let (what, default) = split_default(found.doc);
    let mut out = format!("{}\n", found.path);
    let about = about(docs, found.expr).filter(|about| *about != what);
    wrap(
        &mut out,
        "",
        2,
        &[what, about.unwrap_or_default()].join(" "),
    );
    out.push('\n');
    let own = if given.is_some() {
        None
    } else {
        Base::about(&found.path)
    };
    let base = given.or(own.as_ref());
    let probe = base.map(|base| Probe::new(docs, found, &base.loaded.text));
    let limits = probe.as_ref().map(Probe::limits).unwrap_or_default();
    let mut row = |name: &str, words: &str| wrap(&mut out, &format!("  {name}"), INDENT, words);
    row(
        "written",
        &limits
            .unit
            .clone()
            .unwrap_or_else(|| kind(docs, found.expr, &limits)),
    );
    if let Some(allowed) = &limits.allowed {
        row("allowed", allowed);
    }
    for other in &found.others {
        let form = kind(docs, other.expr, &Limits::default());
        row("or, of", &format!("{}: {form}; {}", other.of, other.doc));
    }
    if !found.of.is_empty() {
        row("of", &found.of.join(", "));
    }
    for (name, doc) in choices(docs, found.expr) {
        row("choice", &format!("{name}: {doc}"));
    }
    for child in fields::children(docs, found) {
        if !choices(docs, found.expr).is_empty() {
            break;
        }
        let step = tree::steps(&child.path)
            .last()
            .copied()
            .unwrap_or_default()
            .to_owned();
        row("holds", &format!("{step}: {}", split_default(child.doc).0));
    }
    row(
        "default",
        default.unwrap_or(if found.optional {
            "none: it may be left out"
        } else {
            "none: it must be given"
        }),
    );
    if let Some(base) = given {
        row("now", &now(base, &found.path, default));
    }
    if let (Some(base), Some(probe)) = (base, &probe)
        && let Some(value) = example(docs, found, base, probe, &limits)
    {
        let set = format!("{}={value}", probe.path);
        let command = ["plimsoll", "run", &base.name, "--set", &set];
        // On one line, so that it can be copied.
        let line = shell_line(command.into_iter());
        out.push_str(&format!("  {:<width$}{line}\n", "try", width = INDENT - 2));
    }
    out
}

/// What stands in a scenario, where, and who says so.
fn now(base: &Base, path: &str, default: Option<&str>) -> String {
    let loaded = &base.loaded;
    let Some(written) = loaded.written(path) else {
        let meant = default.map_or_else(|| "nothing".to_owned(), |d| format!("the default, {d}"));
        return format!("{meant} (not written in {})", base.name);
    };
    let value: Vec<&str> = written.split_whitespace().collect();
    let mut now = format!("{} ({})", value.join(" "), loaded.place(path));
    if let Some(source) = loaded.scenario.source_of(path) {
        now.push_str(&format!(", {}", words(source)));
    }
    now
}

fn words(source: &Source) -> String {
    match source {
        Source::Measured(why) => format!("measured: {why}"),
        Source::Published(why) => format!("published: {why}"),
        Source::Vendor(why) => format!("vendor: {why}"),
        Source::Reported(why) => format!("reported: {why}"),
        Source::Derived(why) => format!("derived: {why}"),
        Source::Assumed(why) => format!("assumed: {why}"),
        Source::Edited(why) => format!("edited: {why}"),
    }
}

/// What the type of a field is, where it has a comment of its own.
fn about<'a>(docs: &'a Docs, expr: &Expr) -> Option<&'a str> {
    match expr {
        Expr::Named(name) => docs.get(name).map(|found| found.doc.as_str()),
        _ => None,
    }
}

fn kind(docs: &Docs, expr: &Expr, limits: &Limits) -> String {
    match docs.plain(expr).0 {
        Expr::Optional(inner) => kind(docs, inner, limits),
        Expr::List(inner) => format!("a list in […]: {}", kind(docs, inner, limits)),
        Expr::Map(inner) => format!("a map {{\"NAME\": …}}: {}", kind(docs, inner, limits)),
        Expr::Pair(..) => "a pair of numbers in (…)".to_owned(),
        Expr::Text => "a text in quotes".to_owned(),
        Expr::Number => "a number".to_owned(),
        Expr::Whole => "a whole number".to_owned(),
        Expr::Flag => "true or false".to_owned(),
        Expr::Quantity => match &limits.allowed {
            Some(allowed) if allowed.contains('%') => "a share, as in \"60 %\" or 0.6".to_owned(),
            _ => "a number, or text as in \"20K\"".to_owned(),
        },
        Expr::Named(name) if docs.get(name).is_some_and(|t| t.fields().is_empty()) => {
            "one of the choices".to_owned()
        }
        Expr::Named(_) => "fields in (…)".to_owned(),
    }
}

/// The choices of a field, written as in a file.
fn choices<'a>(docs: &'a Docs, expr: &Expr) -> Vec<(String, &'a str)> {
    let Expr::Named(name) = expr else {
        return Vec::new();
    };
    let variants = docs.get(name).map_or(&[][..], |found| found.variants());
    let shown = variants.iter().map(|variant| {
        let inside = match &variant.holds {
            Holds::Nothing => String::new(),
            Holds::Value(_) => "(…)".to_owned(),
            Holds::Fields(fields) => {
                let needed = fields.iter().filter(|f| !f.optional);
                let names: Vec<String> = needed.map(|f| format!("{}: …", f.name)).collect();
                format!("({})", names.join(", "))
            }
        };
        (format!("{}{inside}", variant.name), variant.doc.as_str())
    });
    shown.collect()
}

/// A value that `--set` takes: the present one, or one that the limits name.
fn example(
    docs: &Docs,
    found: &Found<'_>,
    base: &Base,
    probe: &Probe<'_>,
    limits: &Limits,
) -> Option<String> {
    let written = base.loaded.written(&probe.path).map(|w| match found.expr {
        Expr::Text | Expr::Quantity => tree::unquote(w),
        _ => w.to_owned(),
    });
    let (_, default) = split_default(found.doc);
    let bare = |d: &str| {
        d.split(',')
            .next()
            .unwrap_or(d)
            .trim()
            .trim_matches('`')
            .to_owned()
    };
    let unit = |u: &str| Some(u.split_once("as in \"")?.1.split('"').next()?.to_owned());
    let in_words = |doc: &str| Some(doc.split_once("`\"")?.1.split_once("\"`")?.0.to_owned());
    let low = |a: &str| {
        a.split([','])
            .next()?
            .split(" to ")
            .next()
            .map(|l| l.trim().to_owned())
    };
    let plain = choices(docs, found.expr)
        .into_iter()
        .find(|(c, _)| !c.contains('('));
    let tries = [
        written.filter(|w| !w.contains('\n') && w.len() <= 60),
        default.map(bare),
        limits.unit.as_deref().and_then(unit),
        in_words(found.doc),
        limits.allowed.as_deref().and_then(low),
        plain.map(|(choice, _)| choice),
    ];
    let mut tries = tries.into_iter().flatten();
    tries.find(|value| probe.accepts(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_explained() {
        let docs = docs::scenario();
        let all = fields::all(&docs);
        assert!(all.len() > 150, "{}", all.len());
        let mut silent = Vec::new();
        for found in &all {
            let what = split_default(found.doc).0;
            if what.is_empty() || what.starts_with('`') {
                silent.push(format!("{}: no words but {:?}", found.path, found.doc));
            }
            assert_eq!(fields::find(&docs, &found.path).as_ref(), Some(found));
            let base = Base::about(&found.path).unwrap();
            let limits = Probe::new(&docs, found, &base.loaded.text).limits();
            if found.expr == &Expr::Quantity && limits.allowed.is_none() {
                silent.push(format!("{}: no range, {limits:?}", found.path));
            }
        }
        assert!(silent.is_empty(), "{}", silent.join("\n"));
    }

    #[test]
    fn most_fields_have_an_example_that_is_accepted() {
        let docs = docs::scenario();
        let values = |found: &&Found<'_>| matches!(found.expr, Expr::Quantity);
        for found in fields::all(&docs).iter().filter(values) {
            let base = Base::about(&found.path).unwrap();
            let probe = Probe::new(&docs, found, &base.loaded.text);
            let limits = probe.limits();
            let example = example(&docs, found, &base, &probe, &limits);
            assert!(
                example.is_some(),
                "{} has no example: {limits:?}",
                found.path
            );
        }
    }

    #[test]
    fn numbers_of_the_report_are_explained_and_every_known_path_is_one() {
        let docs = docs::report();
        for path in numbers::known() {
            assert!(numbers::find(&docs, &path).is_some(), "{path}");
        }
        let tier = "tiers.database.utilization.pool.hottest";
        assert!(numbers::find(&docs, tier).is_some());
        assert!(numbers::find(&docs, "publish.p42").is_none());
    }

    #[test]
    fn every_fault_is_explained_by_its_name() {
        let docs = docs::scenario();
        let faults = docs.get("RawFaultKind").unwrap().variants();
        assert!(faults.len() >= 12, "{}", faults.len());
        for fault in faults {
            let text = answer(&docs, fault.name, None).unwrap_or_else(|_| panic!("{}", fault.name));
            assert!(text.contains("a choice of faults[0].fault"), "{text}");
            for held in fault.fields() {
                assert!(text.contains(&format!("{}:", held.name)), "{text}");
            }
        }
    }

    #[test]
    fn terms_stand_once_and_have_words() {
        let terms = vocabulary::all();
        let mut names: Vec<&str> = terms.iter().flat_map(|t| t.names.clone()).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(terms.iter().all(|term| !term.text.is_empty()));
        for name in [
            "breaks at",
            "bottleneck",
            "complete",
            "delivered",
            "lost",
            "steady",
        ] {
            assert!(vocabulary::find(name).is_some(), "{name}");
        }
    }
}
