use std::time::{Duration, Instant};

use sim_core::scenario::{Beginning, Problem, load_with};

use super::*;

const SMALL: &str = include_str!("../../../../presets/p1-mvp.ron");

fn draft() -> Draft {
    let nowhere = |_: &str, _: &str| Err(Problem::new("no base is looked up here"));
    let no_files = |_: &str| Err("no file is read here".to_owned());
    let loaded = load_with(SMALL, "p1-mvp", &[], &nowhere, &no_files).unwrap();
    let begun = Draft::new(Beginning::Preset("p1-mvp".to_owned()), loaded);
    let short = [("run.duration", "20 s"), ("run.warmup", "1 s")];
    let short = short.map(|(path, value)| (path.to_owned(), value.to_owned()));
    begun.with(&short).unwrap()
}

fn other() -> Draft {
    let pool = ("design.database.pool".to_owned(), "40".to_owned());
    draft().with(&[pool]).unwrap()
}

/// Waits until what was found is as wanted.
fn until(studies: &Studies, wanted: impl Fn(&Found) -> bool) -> Arc<Found> {
    let begun = Instant::now();
    loop {
        let found = studies.found();
        if wanted(&found) {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "{found:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn is_complete(fixes: &Option<Arc<Fixes>>) -> bool {
    fixes.as_ref().is_some_and(|fixes| fixes.complete)
}

#[test]
fn fixes_are_estimated_then_simulated_with_an_interval() {
    let studies = Studies::start(Arc::new(|| {})).unwrap();
    studies.ask(Study::Fixes(draft()));
    let found = until(&studies, |found| is_complete(&found.fixes));
    let fixes = found.fixes.as_ref().unwrap();
    assert_eq!(fixes.of, draft().scenario().hash());
    assert!((1..=4).contains(&fixes.fixes.len()), "{fixes:?}");
    let before = fixes.base.breaks_at.unwrap();
    for fix in &fixes.fixes {
        assert!(
            fix.forecast.breaks_at.is_none_or(|after| after > before),
            "{fix:?}"
        );
        assert!(fix.delta_usd.is_some(), "{fix:?}");
    }
    let edits = fixes.fixes[0].edits.clone();
    studies.ask(Study::Simulate(draft(), edits));
    let simulated = |found: &Found| found.fixes.as_ref()?.fixes[0].simulated.clone();
    let found = until(&studies, |found| simulated(found).is_some());
    let breaks_at = simulated(&found).unwrap().breaks_at.unwrap();
    assert!(!breaks_at.estimate && breaks_at.users.low.is_some());
    let base = found.fixes.as_ref().unwrap().breaks_at.clone().unwrap();
    assert!(
        base.users.value < breaks_at.users.value,
        "{base:?} {breaks_at:?}"
    );
}

#[test]
fn the_newest_question_of_a_kind_is_answered_and_the_urgent_one_first() {
    let studies = Studies::start(Arc::new(|| {})).unwrap();
    studies.ask(Study::Guesses(draft()));
    studies.ask(Study::Compare(draft(), draft()));
    studies.ask(Study::Compare(draft(), other()));
    studies.ask(Study::Fixes(other()));
    let found = until(&studies, |found| is_complete(&found.fixes));
    assert!(
        found
            .guesses
            .as_ref()
            .is_none_or(|guesses| !guesses.complete)
    );
    let compared = |found: &Found| found.compared.as_ref().is_some_and(|c| !c.running);
    let found = until(&studies, compared);
    let compared = found.compared.as_ref().unwrap();
    assert_eq!(compared.of.1, other().scenario().hash());
    let report = compared.report.as_ref().unwrap();
    assert!(report.a.same_draws(&report.b) && !report.differences.is_empty());
    let found = until(&studies, |found| {
        found
            .guesses
            .as_ref()
            .is_some_and(|guesses| guesses.complete)
    });
    let rows = &found.guesses.as_ref().unwrap().rows;
    let swings: Vec<f64> = rows.iter().map(|row| row.breaks_at_swing).collect();
    assert!(
        !swings.is_empty() && swings.is_sorted_by(|a, b| a >= b),
        "{swings:?}"
    );
}

#[test]
fn ending_it_ends_what_it_does() {
    let woken = Arc::new(AtomicU64::new(0));
    let counted = woken.clone();
    let studies = Studies::start(Arc::new(move || {
        counted.fetch_add(1, Ordering::Relaxed);
    }))
    .unwrap();
    studies.ask(Study::Fixes(draft()));
    until(&studies, |found| is_complete(&found.fixes));
    assert!(woken.load(Ordering::Relaxed) > 1);
    drop(studies);
}
