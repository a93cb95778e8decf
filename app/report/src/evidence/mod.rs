//! Published scale tests beside predictions.
//!
//! One table per system in `assets/evidence/`: case, preset, edits, role, metric, published value, unit, tolerance. A run of the
//! preset with the edits answers each metric ([`metrics`]). Parameters are fitted on rows marked `fitted` alone; a case with a
//! baseline is also scored by its mean |ln(predicted / published)| over mean and percentiles, against copying that baseline. A
//! miss is listed with the mechanism that is missing, never tuned away.
//!
//! The head of a table says in `key: text` lines what the system is (`title`, `source`), what was fitted (`fitted`), what else
//! there is to know (`note`), what a miss lacks (`miss PATTERN`) and what a case is scored against (`baseline CASE`).

mod json;
pub mod metrics;
mod text;

use std::collections::BTreeMap;

pub use json::json;
pub use metrics::Answer;
pub use text::text;

use sim_core::report::RunReport;
use sim_core::scenario::Scenario;

/// The tables, in the order in which they are shown.
const TABLES: [(&str, &str); 10] = [
    table(
        "kafkorama",
        include_str!("../../../../assets/evidence/kafkorama.tsv"),
    ),
    table(
        "redis",
        include_str!("../../../../assets/evidence/redis.tsv"),
    ),
    table(
        "mosquitto",
        include_str!("../../../../assets/evidence/mosquitto.tsv"),
    ),
    table("emqx", include_str!("../../../../assets/evidence/emqx.tsv")),
    table(
        "centrifugo",
        include_str!("../../../../assets/evidence/centrifugo.tsv"),
    ),
    table(
        "azure-signalr",
        include_str!("../../../../assets/evidence/azure-signalr.tsv"),
    ),
    table(
        "websocket-shootout",
        include_str!("../../../../assets/evidence/websocket-shootout.tsv"),
    ),
    table(
        "memcache",
        include_str!("../../../../assets/evidence/memcache.tsv"),
    ),
    table(
        "tail-at-scale",
        include_str!("../../../../assets/evidence/tail-at-scale.tsv"),
    ),
    table(
        "event-logs",
        include_str!("../../../../assets/evidence/event-logs.tsv"),
    ),
];

const fn table(name: &'static str, text: &'static str) -> (&'static str, &'static str) {
    (name, text)
}

/// A system with published tests.
#[derive(Clone, Debug, PartialEq)]
pub struct System {
    /// Name of its table: `kafkorama`.
    pub name: &'static str,
    /// What it is.
    pub title: String,
    /// Who published.
    pub source: String,
    /// Parameters that were fitted, and on what.
    pub fitted: Vec<String>,
    /// What else there is to know.
    pub notes: Vec<String>,
    /// Missing mechanisms, by a pattern of `CASE metric` (`*` at an end stands for anything).
    pub missing: Vec<(String, String)>,
    /// What a case is scored against.
    pub baselines: BTreeMap<String, String>,
    /// Its tests.
    pub cases: Vec<Case>,
}

/// One published test, or one point of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// `K1`
    pub name: String,
    /// The preset that simulates it; `None`: a computation.
    pub preset: Option<String>,
    /// What is changed in the preset: (path, value).
    pub edits: Vec<(String, String)>,
    /// What was published.
    pub rows: Vec<Row>,
}

impl Case {
    /// What is run for it; cases with the same key share a run.
    #[must_use]
    pub fn key(&self) -> Option<RunKey> {
        Some((self.preset.clone()?, self.edits.clone()))
    }

    /// Whether all of it was fitted.
    #[must_use]
    pub fn is_fitted(&self) -> bool {
        self.rows.iter().all(|row| row.fitted)
    }
}

/// A preset and its edits.
pub type RunKey = (String, Vec<(String, String)>);

/// What was simulated.
pub type Runs = BTreeMap<RunKey, Run>;

/// A run and the scenario it was of.
#[derive(Clone, Debug)]
pub struct Run {
    /// The scenario as checked.
    pub scenario: Scenario,
    /// What came out.
    pub report: RunReport,
}

/// One published figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Whether a parameter was fitted on it.
    pub fitted: bool,
    /// `mean`, `p99.609`, `max`, `cpu`, `delivered_per_s`, …
    pub metric: String,
    /// The published value, in the metric's unit.
    pub published: Answer,
    /// `ms`, `1/s`, …
    pub unit: String,
    /// How far off a prediction may be.
    pub tolerance: Tolerance,
}

/// How a prediction is held against a published figure.
#[derive(Clone, Debug, PartialEq)]
pub enum Tolerance {
    /// A share of the published value.
    Relative(f64),
    /// Milliseconds.
    Millis(f64),
    /// At most the published value.
    AtMost,
    /// The same.
    Exact,
    /// More than another case has.
    Above(String),
    /// Shown, not judged.
    Informative,
}

impl Tolerance {
    /// Whether a prediction is close enough; `None`: not judged. `other`: what the case of [`Tolerance::Above`] has.
    #[must_use]
    pub fn holds(
        &self,
        published: &Answer,
        predicted: &Answer,
        other: Option<f64>,
    ) -> Option<bool> {
        if matches!(self, Tolerance::Informative) {
            return None;
        }
        let Some(value) = predicted.number() else {
            return Some(published == predicted);
        };
        let target = published.number();
        let within = |judge: &dyn Fn(f64) -> bool| Some(target.is_some_and(judge));
        match self {
            Tolerance::Relative(share) => within(&|target| (value / target - 1.0).abs() <= *share),
            Tolerance::Millis(ms) => within(&|target| (value - target).abs() <= *ms),
            Tolerance::AtMost => within(&|target| value <= target),
            Tolerance::Exact => within(&|target| value == target),
            Tolerance::Above(_) => Some(other.is_some_and(|other| value > other)),
            Tolerance::Informative => None,
        }
    }
}

/// All systems.
///
/// # Panics
/// If an embedded table does not parse; a test reads them all.
#[must_use]
pub fn systems() -> Vec<System> {
    TABLES.iter().map(|(name, text)| read(name, text)).collect()
}

/// The systems with a name or a case that begins with `id`, as far as that concerns them; all without one.
#[must_use]
pub fn selected(ids: &[String]) -> Vec<System> {
    let lower = |text: &str| text.to_lowercase();
    let asked = |name: &str| ids.iter().any(|id| lower(name).starts_with(&lower(id)));
    let mut systems = systems();
    for system in &mut systems {
        if !ids.is_empty() && !asked(system.name) {
            // Cases that others are held against stay with them.
            let wanted: Vec<String> = system
                .cases
                .iter()
                .filter(|case| asked(&case.name))
                .flat_map(|case| {
                    let above = case.rows.iter().filter_map(|row| match &row.tolerance {
                        Tolerance::Above(other) => Some(other.clone()),
                        _ => row
                            .metric
                            .split_once(" over ")
                            .map(|(_, other)| other.to_owned()),
                    });
                    above.chain([case.name.clone()])
                })
                .collect();
            system.cases.retain(|case| wanted.contains(&case.name));
        }
    }
    systems.retain(|system| !system.cases.is_empty());
    systems
}

/// A row with what a run says about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged<'a> {
    /// The row.
    pub row: &'a Row,
    /// The prediction.
    pub predicted: Answer,
    /// Whether it is close enough.
    pub verdict: Option<bool>,
}

impl Judged<'_> {
    /// Predicted over published, less one.
    #[must_use]
    pub fn off(&self) -> Option<f64> {
        let (predicted, published) = (self.predicted.number()?, self.row.published.number()?);
        (published != 0.0).then(|| predicted / published - 1.0)
    }
}

impl System {
    /// The rows of a case that can be answered.
    #[must_use]
    pub fn judge<'a>(&self, case: &'a Case, runs: &Runs) -> Vec<Judged<'a>> {
        let judged = |row: &'a Row| {
            let predicted = self.answer(case, &row.metric, runs)?;
            let other = match &row.tolerance {
                Tolerance::Above(name) => self.of_case(name, &row.metric, runs),
                _ => None,
            };
            let verdict = row.tolerance.holds(&row.published, &predicted, other);
            Some(Judged {
                row,
                predicted,
                verdict,
            })
        };
        case.rows.iter().filter_map(judged).collect()
    }

    fn answer(&self, case: &Case, metric: &str, runs: &Runs) -> Option<Answer> {
        if let Some((metric, other)) = metric.split_once(" over ") {
            let own = self.answer(case, metric, runs)?.number()?;
            return Some(Answer::Number(own / self.of_case(other, metric, runs)?));
        }
        match case.key() {
            Some(key) => metrics::of_run(runs.get(&key)?, metric),
            None => metrics::computed(metric),
        }
    }

    fn of_case(&self, name: &str, metric: &str, runs: &Runs) -> Option<f64> {
        let case = self.cases.iter().find(|case| case.name == name)?;
        self.answer(case, metric, runs)?.number()
    }

    /// What a miss lacks.
    #[must_use]
    pub fn mechanism(&self, case: &str, judged: &Judged<'_>) -> &str {
        let what = format!("{case} {}", judged.row.metric);
        let side = if judged.off().is_some_and(|off| off < 0.0) {
            "low"
        } else {
            "high"
        };
        let fits = |pattern: &str| {
            let (pattern, wanted) = match pattern.rsplit_once(' ') {
                Some((pattern, "low")) => (pattern, "low"),
                Some((pattern, "high")) => (pattern, "high"),
                _ => (pattern, side),
            };
            wanted == side && matches(pattern, &what)
        };
        let found = self.missing.iter().find(|(pattern, _)| fits(pattern));
        found.map_or("not understood", |(_, mechanism)| mechanism)
    }

    /// Mean |ln(model / published)| over the mean and all percentiles that both know: of the prediction, and of a copy of the
    /// case it is scored against, with its name.
    #[must_use]
    pub fn scores(&self, case: &Case, runs: &Runs) -> Option<(f64, f64, &str)> {
        let before = self.baselines.get(&case.name)?;
        let copied = self.cases.iter().find(|other| other.name == *before)?;
        let ours = score(case, |metric| self.answer(case, metric, runs)?.number());
        let copy = score(case, |metric| {
            let row = copied.rows.iter().find(|row| row.metric == metric)?;
            row.published.number()
        });
        Some((ours, copy, before))
    }
}

/// `*` at an end of a pattern stands for anything.
fn matches(pattern: &str, what: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(end), _) => what.ends_with(end),
        (_, Some(start)) => what.starts_with(start),
        _ => pattern == what,
    }
}

/// Mean |ln(model / published)| over the mean and all percentiles that both know.
fn score(case: &Case, model: impl Fn(&str) -> Option<f64>) -> f64 {
    let errors: Vec<f64> = case
        .rows
        .iter()
        .filter(|row| row.metric == "mean" || row.metric.starts_with('p'))
        .filter_map(|row| {
            let published = row.published.number()?;
            Some((model(&row.metric)? / published).ln().abs())
        })
        .collect();
    errors.iter().sum::<f64>() / errors.len().max(1) as f64
}

fn read(name: &'static str, text: &str) -> System {
    let mut system = System {
        name,
        title: String::new(),
        source: String::new(),
        fitted: Vec::new(),
        notes: Vec::new(),
        missing: Vec::new(),
        baselines: BTreeMap::new(),
        cases: Vec::new(),
    };
    let lines = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty());
    for line in lines {
        let cells: Vec<&str> = line.split('\t').collect();
        match cells[..] {
            [head] => head_line(&mut system, head),
            ["case", ..] => {}
            _ => row(&mut system, &cells),
        }
    }
    system
}

fn head_line(system: &mut System, line: &str) {
    let Some((key, text)) = line.split_once(": ") else {
        panic!("{}: not `key: text`: {line}", system.name);
    };
    let text = text.to_owned();
    match key.split_once(' ') {
        None if key == "title" => system.title = text,
        None if key == "source" => system.source = text,
        None if key == "fitted" => system.fitted.push(text),
        None if key == "note" => system.notes.push(text),
        Some(("miss", pattern)) => system.missing.push((pattern.to_owned(), text)),
        Some(("baseline", case)) => {
            system.baselines.insert(case.to_owned(), text);
        }
        _ => panic!("{}: there is no {key}", system.name),
    }
}

fn row(system: &mut System, cells: &[&str]) {
    let [name, preset, edits, role, metric, value, unit, tolerance] = *cells else {
        panic!("{}: a row has eight cells: {cells:?}", system.name);
    };
    let row = Row {
        fitted: role == "fitted",
        metric: metric.to_owned(),
        published: Answer::read(value),
        unit: unit.to_owned(),
        tolerance: tolerance_of(tolerance),
    };
    if let Some(case) = system.cases.last_mut().filter(|case| case.name == name) {
        case.rows.push(row);
        return;
    }
    system.cases.push(Case {
        name: name.to_owned(),
        preset: (preset != "-").then(|| preset.to_owned()),
        edits: edits_of(edits),
        rows: vec![row],
    });
}

fn edits_of(cell: &str) -> Vec<(String, String)> {
    let edit = |part: &str| {
        let (path, value) = part.split_once('=').unwrap_or((part, ""));
        (path.trim().to_owned(), value.trim().to_owned())
    };
    let parts = cell.split(';').filter(|part| !matches!(*part, "-" | ""));
    parts.map(edit).collect()
}

fn tolerance_of(text: &str) -> Tolerance {
    let number = text.split(' ').next().and_then(|n| n.parse::<f64>().ok());
    match (text, number) {
        ("at most", _) => Tolerance::AtMost,
        ("exact", _) => Tolerance::Exact,
        ("informative", _) => Tolerance::Informative,
        (text, _) if text.starts_with("above ") => Tolerance::Above(text[6..].to_owned()),
        (text, Some(n)) if text.ends_with('%') => Tolerance::Relative(n / 100.0),
        (_, Some(n)) => Tolerance::Millis(n),
        _ => panic!("no tolerance: {text}"),
    }
}

#[cfg(test)]
mod tests;
