//! Numbers of the report, by path: `publish.delivered.p99`, `breaks_at`, `tiers.database.utilization.pool.hottest`.

use sim_core::docs::{Docs, Expr};
use sim_core::scenario::{Scenario, parse_objective, tree};

/// The type of a run's report.
const ROOT: &str = "RunReport";
/// Operations, which objectives name without `operations`.
pub(crate) const OPERATIONS: [&str; 6] =
    ["connect", "publish", "presence", "query", "command", "edit"];
/// Latencies, which objectives name without `latency_ms`.
const KINDS: [&str; 3] = ["delivered", "complete", "answered"];
/// Limits that an objective may have, one for each unit.
const TRIES: [&str; 6] = [
    "< 500 ms",
    "< 80 %",
    "> 220_000 users",
    "== 0",
    "> 100 /s",
    "< 100_000 USD",
];

/// A number of the report.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Number {
    /// Its place in the JSON object.
    pub(crate) place: String,
    /// What each step of the place is, the last one last.
    pub(crate) steps: Vec<(String, String)>,
    /// What stands below it.
    pub(crate) below: Vec<(String, String)>,
}

/// Finds a number by its place in the report, or as an objective would name it.
pub(crate) fn find(docs: &Docs, path: &str) -> Option<Number> {
    let mut steps: Vec<&str> = tree::steps(path);
    if steps
        .first()
        .is_some_and(|first| OPERATIONS.contains(first))
    {
        steps.insert(0, "operations");
    }
    if steps.first() == Some(&"operations") && steps.get(2).is_some_and(|s| KINDS.contains(s)) {
        steps.insert(2, "latency_ms");
    }
    let mut expr = &Expr::Named(ROOT);
    let mut number = Number {
        place: String::new(),
        steps: Vec::new(),
        below: Vec::new(),
    };
    for step in &steps {
        let (doc, next) = match docs.plain(expr).0 {
            Expr::Named(name) => {
                let field = docs.get(name)?.fields().iter().find(|f| f.name == *step)?;
                (field.doc.clone(), &field.expr)
            }
            Expr::Map(inner) => (String::new(), inner.as_ref()),
            Expr::List(inner) if step.parse::<usize>().is_ok() => (String::new(), inner.as_ref()),
            _ => return None,
        };
        number.place = tree::join(&number.place, step);
        number.steps.push(((*step).to_owned(), doc));
        expr = next;
    }
    if let Expr::Named(name) = docs.plain(expr).0 {
        let found = docs.get(name)?;
        if let Some((_, doc)) = number.steps.last_mut()
            && doc.is_empty()
        {
            doc.clone_from(&found.doc);
        }
        let fields = found.fields().iter();
        number.below = fields.map(|f| (f.name.to_owned(), f.doc.clone())).collect();
    }
    (!steps.is_empty()).then_some(number)
}

/// An objective about a path, if there can be one in a scenario like this.
pub(crate) fn objective(path: &str, scenario: &Scenario) -> Option<String> {
    let asked = TRIES.iter().map(|limit| format!("{path} {limit}"));
    asked
        .into_iter()
        .find(|text| parse_objective(text, scenario).is_ok())
}

/// Paths that a misspelt one may have meant.
pub(crate) fn known() -> Vec<String> {
    let mut known: Vec<String> = ["breaks_at", "bottleneck", "warnings", "quick_estimate"]
        .map(str::to_owned)
        .to_vec();
    for cost in [
        "usd_per_month",
        "usd_per_million_messages",
        "usd_per_user_month",
    ] {
        known.push(format!("cost.{cost}"));
    }
    for operation in OPERATIONS {
        let kinds: &[&str] = match operation {
            "publish" | "presence" | "edit" => &KINDS[..2],
            _ => &KINDS[2..],
        };
        for kind in kinds {
            for statistic in ["mean", "p50", "p95", "p99", "p999"] {
                known.push(format!("{operation}.{kind}.{statistic}"));
            }
        }
        for count in ["lost", "failed", "timed_out", "retried", "offered_per_s"] {
            known.push(format!("{operation}.{count}"));
        }
    }
    known
}
