//! The sentences that Markdown and HTML share, unescaped; objectives are quoted in backticks.

use std::collections::BTreeMap;

use sim_core::report::{
    CapacityReport, CheckReport, CompareReport, Estimate, Finding, ObjectiveReport, RampReport,
    RunReport,
};
use sim_core::system::{Asked, WEAKER_WAY_OUT, asked, number};

use crate::numbers::{count, percent, seconds, usd};
use crate::{Labels, metric, phrases, sentences};

/// The lead of a run: latency and cost, without the subject.
pub(crate) fn lead(report: &RunReport) -> String {
    let cost = report
        .cost
        .as_ref()
        .map(|c| format!(" {} a month.", usd(c.usd_per_month)));
    format!(
        "{}{}",
        capital(&sentences::latency_sentence(report)),
        cost.unwrap_or_default()
    )
}

/// How the objectives stand: `2 of 3 objectives pass; … fails.`
pub(crate) fn objectives(objectives: &[ObjectiveReport]) -> Option<String> {
    let all = objectives.len();
    let of = |verdict: &str| -> Vec<String> {
        let named = objectives.iter().filter(|o| o.verdict == verdict);
        named.map(|o| format!("`{}`", o.objective)).collect()
    };
    let (passed, failed, open) = (of("pass").len(), of("fail"), of("inconclusive"));
    if all == 0 {
        return None;
    }
    let mut text = match (passed, all) {
        (1, 1) => "The objective passes".to_owned(),
        (p, a) if p == a => format!("All {a} objectives pass"),
        (p, a) => format!(
            "{p} of {a} objectives {}",
            if p == 1 { "passes" } else { "pass" }
        ),
    };
    if !failed.is_empty() {
        text.push_str(&format!(
            "; {} {}",
            and(&failed),
            if failed.len() == 1 { "fails" } else { "fail" }
        ));
    }
    if !open.is_empty() {
        text.push_str(&format!("; {} cannot be decided", and(&open)));
    }
    text.push('.');
    Some(text)
}

/// How many of the objectives cannot be trusted to a single reading: worst verdict of a list.
pub(crate) fn worst(objectives: &[ObjectiveReport]) -> Option<&'static str> {
    let has = |verdict: &str| objectives.iter().any(|o| o.verdict == verdict);
    match () {
        () if has("fail") => Some("fail"),
        () if has("inconclusive") => Some("inconclusive"),
        () if objectives.is_empty() => None,
        () => Some("pass"),
    }
}

/// How intervals were obtained, in sentences.
pub(crate) fn precision(report: &RunReport) -> Vec<String> {
    let Some(p) = &report.precision else {
        return vec![
            "The run had a fixed length and was not cut into batches: where a number stands without an interval, the run \
             supports none."
                .to_owned(),
        ];
    };
    let source = match p.method.as_str() {
        "batches" => format!("{} batches of one steady run", p.units),
        "replications" => format!("{} replications of a story that ends", p.units),
        other => format!("{} {other}", p.units),
    };
    // One look of several works at a confidence that would round to certainty.
    let digits = if p.confidence > 0.99 { 2 } else { 0 };
    let mut first = format!(
        "Intervals cover {:.digits$} % and come from {source}",
        p.confidence * 100.0
    );
    if p.looks > 1 {
        first.push_str(&format!(
            ", looked at {} times within one error budget",
            p.looks
        ));
    }
    first.push('.');
    let mut all = vec![first];
    let of = match &p.of {
        Some(operation) => format!(" of {operation} (--precision asks it of every operation)"),
        None => String::new(),
    };
    match (p.asked, p.reached) {
        (Some(asked), Some(reached)) => all.push(format!(
            "Asked for ± {}{of}, reached ± {} at the widest percentile.",
            percent(asked),
            percent(reached)
        )),
        (Some(asked), None) => all.push(format!(
            "Asked for ± {}{of}, which was not reached.",
            percent(asked)
        )),
        (None, Some(reached)) => all.push(format!(
            "The widest percentile is known to ± {}.",
            percent(reached)
        )),
        (None, None) => {}
    }
    if p.cut_s > 0.0 {
        all.push(format!(
            "The first {} after the warm-up are cut: not yet steady.",
            seconds(p.cut_s)
        ));
    }
    all.extend(rates(report));
    if report.populations.is_none() {
        all.push(format!(
            "They hold for these users and channels (population {}); --populations 4 says how far others differ.",
            report.population_seed
        ));
    }
    all.extend(p.notes.iter().map(|note| full_stop(note)));
    all
}

/// Rates and utilisations with their intervals, in one sentence; `None` where the run gives none.
pub(crate) fn rates(report: &RunReport) -> Option<String> {
    let shown = |(path, e): (&String, &Estimate)| {
        let (value, low, high) = (e.value?, e.low?, e.high?);
        let kind = metric::kind(path);
        let half = kind.signed(0.5 * (high - low));
        let half = half.trim_start_matches('+');
        Some(format!(
            "{} {} ± {half}",
            metric::words(path),
            kind.show(value)
        ))
    };
    let all: Vec<String> = report.rates.iter().filter_map(shown).collect();
    (!all.is_empty()).then(|| format!("Over the steady part: {}.", all.join("; ")))
}

/// What a run's costs include, in one sentence.
pub(crate) fn cost(report: &RunReport) -> Option<String> {
    let c = report.cost.as_ref()?;
    Some(format!(
        "{} a month, {} per user, {} per million messages. Prices: {}; this load around the clock, 730 hours a month.",
        usd(c.usd_per_month),
        usd(c.usd_per_user_month),
        usd(c.usd_per_million_messages),
        c.price_book
    ))
}

/// Why the fullest resource is named.
pub(crate) fn evidence(report: &RunReport) -> Option<String> {
    let b = report.bottleneck.as_ref()?;
    Some(format!(
        "Fullest is {}, {} used at instance {}: {}.",
        phrases::resource(&b.tier, &b.resource),
        percent(b.utilization),
        b.instance,
        b.evidence.trim_end_matches('.')
    ))
}

/// The command that gives this report again.
pub(crate) fn rerun(verb: &str, report: &RunReport, labels: &Labels) -> String {
    labels.command.clone().unwrap_or_else(|| {
        let (name, seed) = (quote_shell(&report.scenario.name), report.seed);
        match verb {
            "run" => format!("plimsoll run {name} --users {} --seed {seed}", report.users),
            verb => format!("plimsoll {verb} {name} --seed {seed}"),
        }
    })
}

/// What a ramp says: what gives way first.
pub(crate) fn ramp(report: &RampReport, labels: &Labels) -> String {
    match (report.points.is_empty(), report.breaks.first()) {
        (true, _) => "no load was finished.".to_owned(),
        (_, Some(b)) => {
            let what = phrases::limit(&b.limit);
            let (fails, unit) = (count(b.users as f64), &labels.unit);
            match largest_below(&report.points, b.users) {
                Some(holds) => format!(
                    "first to give way is {what}, between {} {unit}, where all holds, and {fails}, where it does not.",
                    count(holds as f64)
                ),
                None => format!(
                    "first to give way is {what}, at {fails} {unit}, the smallest load simulated."
                ),
            }
        }
        (_, None) => format!(
            "nothing gives way up to {} {}.",
            largest(&report.points),
            labels.unit
        ),
    }
}

/// What a capacity search says.
pub(crate) fn capacity(report: &CapacityReport, labels: &Labels) -> String {
    match report
        .breaks_at
        .as_ref()
        .and_then(|b| Some((b, b.users.value?)))
    {
        Some((b, users)) => {
            let interval = match (b.users.low, b.users.high) {
                (Some(low), Some(high)) => format!(" ({} to {})", count(low), count(high)),
                _ => String::new(),
            };
            let how = if b.estimate { "estimate" } else { "simulated" };
            format!(
                "breaks at {} {}{interval}, {how}: {} gives way.",
                count(users),
                labels.unit,
                phrases::limit(&b.limit)
            )
        }
        None if report.runs.is_empty() => "no load was finished.".to_owned(),
        None => format!(
            "nothing gives way up to {} {}, the largest load simulated.",
            largest(&report.runs),
            labels.unit
        ),
    }
}

/// The range of loads: `1 K to 20 K users`.
pub(crate) fn range(points: &[RunReport], labels: &Labels) -> String {
    match (points.first(), points.last()) {
        (Some(first), Some(last)) if first.users != last.users => {
            format!(
                "{} to {} {}",
                count(first.users as f64),
                count(last.users as f64),
                labels.unit
            )
        }
        (Some(only), _) => format!("{} {}", count(only.users as f64), labels.unit),
        _ => "no load".to_owned(),
    }
}

/// The largest load simulated below another.
pub(crate) fn largest_below(points: &[RunReport], users: u64) -> Option<u64> {
    points
        .iter()
        .map(|run| run.users)
        .filter(|n| *n < users)
        .max()
}

fn largest(points: &[RunReport]) -> String {
    points
        .last()
        .map_or_else(|| "no load".to_owned(), |run| count(run.users as f64))
}

/// The one word for a comparison.
pub(crate) fn compare_verdict(report: &CompareReport) -> &'static str {
    match (report.better.is_empty(), report.worse.is_empty()) {
        (false, true) => "better",
        (true, false) => "worse",
        (false, false) => "a trade",
        (true, true) => "same",
    }
}

/// The verdict of a comparison in one sentence, without the names.
pub(crate) fn compare_lead(report: &CompareReport) -> String {
    format!("{}{}", newly_failing(report), compare_counts(report))
}

fn newly_failing(report: &CompareReport) -> String {
    let failing: Vec<String> = report.newly_failing().map(|o| format!("`{o}`")).collect();
    match failing.as_slice() {
        [] => String::new(),
        [one] => format!("{one} held and fails now; "),
        many => format!("{} held and fail now; ", many.join(" and ")),
    }
}

/// On how many metrics it is better and worse.
pub(crate) fn compare_counts(report: &CompareReport) -> String {
    let metrics = |n: usize| match n {
        0 => "none".to_owned(),
        1 => "1 metric".to_owned(),
        n => format!("{n} metrics"),
    };
    let (better, worse) = (metrics(report.better.len()), metrics(report.worse.len()));
    let first = match compare_verdict(report) {
        "better" => format!("better on {better}, worse on none"),
        "worse" => format!("worse on {worse}, better on none"),
        "a trade" => format!("a trade, better on {better} and worse on {worse}"),
        _ => "no difference that can be told from none".to_owned(),
    };
    match (report.same.len(), compare_verdict(report)) {
        (0, _) | (_, "same") => format!("{first}."),
        (n, _) => format!("{first}; no clear difference on {}.", metrics(n)),
    }
}

/// What moved most, one sentence each: latency, cost, and where each design breaks.
pub(crate) fn compare_moved(report: &CompareReport) -> Vec<String> {
    let mut all = compare_changed(report);
    all.extend(headline_metrics(report).filter_map(|path| moved(report, path)));
    all.extend(bill_by_tier(report));
    if !report.a.tiers.contains_key("log") {
        all.extend(sentences::events(&report.b));
    }
    let breaks = |run: &RunReport| {
        let b = run.breaks_at.as_ref()?;
        let how = if b.estimate { "estimate" } else { "simulated" };
        Some(match (b.users.low, b.users.high) {
            (Some(low), Some(high)) => {
                format!(
                    "{} ({} to {}, {how})",
                    count(b.users.value?),
                    count(low),
                    count(high)
                )
            }
            _ => format!("{} ({how})", count(b.users.value?)),
        })
    };
    if let (Some(before), Some(after)) = (breaks(&report.a), breaks(&report.b)) {
        let limit = |run: &RunReport| run.breaks_at.as_ref().map(|b| phrases::limit(&b.limit));
        let what = match (limit(&report.a), limit(&report.b)) {
            (Some(a), Some(b)) if a != b => format!("; first to give way is {b} instead of {a}"),
            (_, Some(b)) => format!("; first to give way is {b} in both"),
            _ => String::new(),
        };
        all.push(format!("Breaks at {after} instead of {before}{what}."));
    }
    all
}

/// The bill by tier, where one design pays for a tier that the other does not have.
fn bill_by_tier(report: &CompareReport) -> Option<String> {
    let (a, b) = (report.a.cost.as_ref()?, report.b.cost.as_ref()?);
    let only_one = |tiers: &BTreeMap<String, f64>, others: &BTreeMap<String, f64>| {
        tiers.keys().any(|tier| !others.contains_key(tier))
    };
    if !only_one(&a.by_tier, &b.by_tier) && !only_one(&b.by_tier, &a.by_tier) {
        return None;
    }
    let mut tiers: Vec<&String> = a.by_tier.keys().chain(b.by_tier.keys()).collect();
    tiers.sort();
    tiers.dedup();
    let of = |bill: &BTreeMap<String, f64>, tier: &String| bill.get(tier).copied().unwrap_or(0.0);
    let mut parts: Vec<(f64, String)> = tiers
        .into_iter()
        .map(|tier| {
            let more = of(&b.by_tier, tier) - of(&a.by_tier, tier);
            let sign = if more < 0.0 { "−" } else { "+" };
            let name = phrases::tier(tier);
            (more, format!("{name} {sign}{}", usd(more.abs())))
        })
        .filter(|(more, _)| more.abs() >= 1.0)
        .collect();
    parts.sort_by(|one, other| other.0.abs().total_cmp(&one.0.abs()));
    let parts: Vec<String> = parts.into_iter().map(|part| part.1).collect();
    (!parts.is_empty()).then(|| format!("A month, by tier: {}.", parts.join(", ")))
}

/// What was edited, and which objectives are gone, each in a sentence.
fn compare_changed(report: &CompareReport) -> Vec<String> {
    const SHOWN: usize = 6;
    let changed = report.changed();
    let mut sentences = Vec::new();
    if !changed.is_empty() {
        let or_none = |value: Option<&str>| value.unwrap_or("not stated").to_owned();
        let mut parts: Vec<String> = changed
            .iter()
            .take(SHOWN)
            .map(|(path, a, b)| format!("`{path}` from {} to {}", or_none(*a), or_none(*b)))
            .collect();
        if changed.len() > SHOWN {
            parts.push(format!("{} more", changed.len() - SHOWN));
        }
        sentences.push(format!("Edited: {}.", parts.join("; ")));
    }
    sentences.extend(asked_otherwise(report));
    sentences
}

/// Objectives that are gone, or asked for more or less strictly.
fn asked_otherwise(report: &CompareReport) -> Vec<String> {
    let (mut gone, mut less, mut more) = (Vec::new(), Vec::new(), Vec::new());
    for change in asked(report) {
        match change {
            Asked::Dropped(before) => gone.push(format!("`{before}`")),
            Asked::Relaxed(before, now) => less.push(format!("`{now}` instead of `{before}`")),
            Asked::Stricter(before, now) => more.push(format!("`{now}` instead of `{before}`")),
        }
    }
    [
        ("No longer asked for", gone),
        ("Asked for less strictly", less),
        ("Asked for more strictly", more),
    ]
    .into_iter()
    .filter(|(_, all)| !all.is_empty())
    .map(|(what, all)| format!("{what}: {}.", all.join(", ")))
    .collect()
}

/// What stops the gate, in one sentence; `None` where nothing does.
pub(crate) fn gate(findings: &[Finding]) -> Option<String> {
    let mut stops: Vec<&str> = Vec::new();
    let mut way_out = "";
    for finding in findings.iter().filter(|finding| finding.stops) {
        // One way out for all that is asked for less.
        let reason = finding.reason.strip_suffix(WEAKER_WAY_OUT);
        if reason.is_some() {
            way_out = WEAKER_WAY_OUT;
        }
        stops.push(reason.unwrap_or(&finding.reason));
    }
    (!stops.is_empty()).then(|| format!("Stops the gate: {}{way_out}.", stops.join("; ")))
}

/// What the two designs are called; told apart by A and B when they share a title.
pub(crate) fn names(report: &CompareReport, a: &Labels, b: &Labels) -> (String, String) {
    if a.title != b.title {
        (a.title.clone(), b.title.clone())
    } else if report.a.scenario.name != report.b.scenario.name {
        (
            report.a.scenario.name.clone(),
            report.b.scenario.name.clone(),
        )
    } else {
        ("A".to_owned(), "B".to_owned())
    }
}

fn headline_metrics(report: &CompareReport) -> impl Iterator<Item = &'static str> {
    const FIRST: [&str; 4] = [
        "publish.delivered.p99",
        "query.answered.p99",
        "cost.usd_per_month",
        "publish.lost",
    ];
    FIRST
        .into_iter()
        .filter(|path| report.better.iter().chain(&report.worse).any(|m| m == path))
}

/// `Publish delivered, p99: 178 ms instead of 212 ms, −34 ms (−45 ms to −23 ms), −16 %.`
pub(crate) fn moved(report: &CompareReport, path: &str) -> Option<String> {
    let difference = report.differences.get(path)?;
    let kind = metric::kind(path);
    let by = kind.signed(difference.value?);
    let interval =
        interval_signed(*difference, kind).map_or_else(String::new, |text| format!(" ({text})"));
    let relative = relative(report, path).map_or_else(String::new, |share| format!(", {share}"));
    let before = number(path, &report.a)?.value?;
    let after = number(path, &report.b)?.value?;
    Some(format!(
        "{}: {} instead of {}, {by}{interval}{relative}.",
        capital(&metric::words(path)),
        kind.show(after),
        kind.show(before)
    ))
}

/// `−45 ms to −23 ms`; `exact` where both ends meet.
pub(crate) fn interval_signed(e: Estimate, kind: metric::Kind) -> Option<String> {
    if e.low.is_some() && e.low == e.high {
        return Some("exact".to_owned());
    }
    Some(format!(
        "{} to {}",
        kind.signed(e.low?),
        kind.signed(e.high?)
    ))
}

/// A difference as a share of the first design's value: `−16 %`; `None` where that is nothing.
pub(crate) fn relative(report: &CompareReport, path: &str) -> Option<String> {
    relative_share(report, path, |d| d.value).map(|share| match share {
        s if percent(s.abs()).starts_with("0.00") => percent(0.0),
        s if s > 0.0 => format!("+{}", percent(s)),
        s if s < 0.0 => format!("−{}", percent(-s)),
        _ => percent(0.0),
    })
}

/// One end of a difference as a share of the first design's value.
pub(crate) fn relative_share(
    report: &CompareReport,
    path: &str,
    end: impl Fn(&Estimate) -> Option<f64>,
) -> Option<f64> {
    let before = number(path, &report.a)?.value?;
    let difference = end(report.differences.get(path)?)?;
    let share = difference / before.abs();
    share.is_finite().then_some(share)
}

/// `better`, `worse`, `same` for one metric; `-` when not judged.
pub(crate) fn judged(report: &CompareReport, path: &str) -> &'static str {
    let among = |list: &[String]| list.iter().any(|m| m == path);
    match () {
        () if among(&report.better) => "better",
        () if among(&report.worse) => "worse",
        () if among(&report.same) => "same",
        () => "not judged",
    }
}

/// What a check says.
pub(crate) fn check(report: &CheckReport) -> String {
    let of = |verdict: &str| {
        report
            .scenarios
            .iter()
            .filter(|s| s.verdict == verdict)
            .count()
    };
    let all = report.scenarios.len();
    let subject = if all == 1 {
        "1 scenario".to_owned()
    } else {
        format!("{all} scenarios")
    };
    let parts: Vec<String> = [
        ("pass", "pass"),
        ("fail", "fail"),
        ("inconclusive", "inconclusive"),
        ("invalid", "invalid"),
    ]
    .iter()
    .map(|(verdict, word)| (of(verdict), word))
    .filter(|(n, _)| *n > 0)
    .map(|(n, word)| format!("{n} {word}"))
    .collect();
    format!(
        "{subject} checked: {}.",
        if parts.is_empty() {
            "nothing to do".to_owned()
        } else {
            parts.join(", ")
        }
    )
}

/// All warnings of several runs, each once, in order.
pub(crate) fn warnings<'a>(runs: impl Iterator<Item = &'a RunReport>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for run in runs {
        let stopped = sentences::stopped_early(run)
            .map(|text| format!("{} users: {}", count(run.users as f64), text));
        for text in run.warnings.iter().map(|w| full_stop(w)).chain(stopped) {
            if !all.contains(&text) {
                all.push(text);
            }
        }
    }
    all
}

/// `a`, `a and b`, `a, b and c`.
fn and(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// With one full stop at its end and a capital at its start.
pub(crate) fn full_stop(text: &str) -> String {
    let text = text.trim();
    let end = if text.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    format!("{}{end}", capital(text))
}

/// With a capital at its start.
pub(crate) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

/// An argument as a shell takes it.
fn quote_shell(text: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "-_./=+:,@%".contains(c);
    if !text.is_empty() && text.chars().all(harmless) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// A command line of these arguments, for a shell.
#[must_use]
pub fn shell_line<'a>(arguments: impl Iterator<Item = &'a str>) -> String {
    arguments.map(quote_shell).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn objectives_are_counted_and_the_failed_named() {
        let run = sample::run();
        assert_eq!(
            objectives(&run.objectives).unwrap(),
            "2 of 3 objectives pass; `breaks_at > 300_000 users` fails."
        );
        assert_eq!(
            objectives(&run.objectives[..2]).unwrap(),
            "All 2 objectives pass."
        );
        assert_eq!(objectives(&[]), None);
    }

    #[test]
    fn a_comparison_says_what_moved_and_by_how_much() {
        let report = sample::compare();
        assert_eq!(
            compare_lead(&report),
            "a trade, better on 2 metrics and worse on 1 metric; no clear difference on 3 metrics."
        );
        let said = compare_moved(&report).join(" ");
        assert!(
            said.contains(
                "Breaks at 610 K (588 K to 633 K, simulated) instead of 255 K (estimate)"
            ),
            "{said}"
        );
        assert!(
            said.contains("Publish delivered, p99: 178 ms instead of 212 ms, −34.1 ms (−45.2 ms to −23 ms), −16 %."),
            "{said}"
        );
    }

    #[test]
    fn commands_survive_a_shell() {
        assert_eq!(
            shell_line(["run", "a b.ron", "--set", "x='1'"].into_iter()),
            r"run 'a b.ron' --set 'x='\''1'\'''"
        );
        assert_eq!(
            rerun("run", &sample::run(), &sample::labels()),
            "plimsoll run team-chat --users 200000 --seed 7"
        );
    }

    #[test]
    fn precision_is_said_in_words() {
        let full = precision(&sample::full()).join(" ");
        for part in [
            "95 %",
            "32 batches",
            "3 times",
            "± 5.0 %",
            "± 4.2 %",
            "The first 4 s",
        ] {
            assert!(full.contains(part), "{part} is missing in {full}");
        }
        assert!(precision(&sample::run())[0].contains("supports none"));
    }
}
