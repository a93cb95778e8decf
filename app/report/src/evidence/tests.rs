//! Tests of the tables and of what is made of them.

use super::*;

fn kafkorama() -> System {
    systems().remove(0)
}

#[test]
fn every_table_parses_and_says_what_it_is() {
    for system in systems() {
        assert!(
            !system.title.is_empty() && !system.source.is_empty(),
            "{}",
            system.name
        );
        assert!(
            !system.fitted.is_empty(),
            "{}: what was fitted?",
            system.name
        );
        assert!(!system.cases.is_empty(), "{}", system.name);
    }
}

#[test]
fn what_a_case_is_held_against_exists() {
    for system in systems() {
        let known = |name: &String| system.cases.iter().any(|case| case.name == *name);
        assert!(
            system
                .baselines
                .iter()
                .all(|(case, before)| known(case) && known(before))
        );
        for row in system.cases.iter().flat_map(|case| &case.rows) {
            if let Tolerance::Above(other) = &row.tolerance {
                assert!(known(other), "{}: {other}", system.name);
            }
        }
    }
}

#[test]
fn a_perfect_model_scores_zero_and_a_copy_does_not() {
    let system = kafkorama();
    let of = |case: usize, metric: &str| {
        let row = system.cases[case]
            .rows
            .iter()
            .find(|row| row.metric == metric)?;
        row.published.number()
    };
    assert!(score(&system.cases[2], |metric| of(2, metric)) < 1e-12);
    assert!(score(&system.cases[2], |metric| of(1, metric)) > 0.05);
}

#[test]
fn tolerances_judge() {
    let number = Answer::Number;
    let holds = |tolerance: Tolerance, published: f64, predicted: f64| {
        tolerance.holds(&number(published), &number(predicted), Some(4.0))
    };
    assert_eq!(holds(Tolerance::Relative(0.15), 4.0, 4.5), Some(true));
    assert_eq!(holds(Tolerance::Millis(1.0), 3.0, 4.5), Some(false));
    assert_eq!(holds(Tolerance::AtMost, 0.75, 0.7), Some(true));
    assert_eq!(
        holds(Tolerance::Above("A".to_owned()), 0.0, 3.9),
        Some(false)
    );
    assert_eq!(holds(Tolerance::Informative, 1.0, 9.0), None);
    let words = |text: &str| Answer::Words(text.to_owned());
    assert_eq!(
        Tolerance::Exact.holds(&words("27,15"), &words("27,15"), None),
        Some(true)
    );
    assert_eq!(
        Tolerance::Exact.holds(&words("yes"), &words("no"), None),
        Some(false)
    );
}

#[test]
fn a_mechanism_is_found_by_pattern_and_side() {
    let mut system = kafkorama();
    system.missing = vec![
        ("K1 p9* low".to_owned(), "a".to_owned()),
        ("* cpu".to_owned(), "b".to_owned()),
    ];
    let row = |metric: &str| Row {
        metric: metric.to_owned(),
        ..system.cases[0].rows[0].clone()
    };
    let judged = |row: &Row, predicted: f64| -> String {
        let judged = Judged {
            row,
            predicted: Answer::Number(predicted),
            verdict: Some(false),
        };
        system.mechanism("K1", &judged).to_owned()
    };
    assert_eq!(judged(&row("p99"), 1.0), "a");
    assert_eq!(judged(&row("p99"), 1e9), "not understood");
    assert_eq!(judged(&row("cpu"), 1.0), "b");
}

#[test]
fn a_selection_keeps_what_its_cases_are_held_against() {
    let all = selected(&[]);
    assert_eq!(all.len(), TABLES.len());
    let some = selected(&["K2".to_owned()]);
    assert_eq!(some.len(), 1);
    assert_eq!(some[0].cases.len(), 1);
    assert_eq!(selected(&["redis".to_owned()])[0].name, "redis");
}
