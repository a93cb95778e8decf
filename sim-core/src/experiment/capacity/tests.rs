//! The capacity planner against systems whose limits are known.

use super::*;
use crate::experiment::fake::{Fake, edited, execute};
use crate::experiment::{Outcome, RunRequest};
use crate::scenario::load_str;

const TEAM: &str = include_str!("../../../../presets/team-chat.ron");

fn scenario() -> Scenario {
    load_str(TEAM, "team-chat.ron", &[]).unwrap()
}

fn fake() -> Fake {
    Fake {
        full_at: vec![
            ("database", "pool", 255_000.0),
            ("connection_servers", "cpu", 400_000.0),
            ("channel_owners", "cpu", 900_000.0),
        ],
        p99_fails_at: 1e9,
    }
}

/// The fake with the edits of a request: what is enlarged holds as many times more.
fn run(fake: &Fake, request: &RunRequest) -> Outcome {
    let mut fake = fake.clone();
    for (tier, _, full_at) in &mut fake.full_at {
        let (field, was) = match *tier {
            "database" => ("design.database.pool", 100.0),
            "connection_servers" => ("design.connection_servers.count", 10.0),
            _ => ("design.channel_owners.count", 4.0),
        };
        *full_at *= edited(request, field).map_or(1.0, |now| now / was);
    }
    Outcome::Report(Box::new(fake.report(request.users.unwrap_or(200_000))))
}

#[test]
fn a_good_guess_needs_two_batches() {
    let capacity = Capacity {
        guess: Some(250_000.0),
        ..Capacity::new(scenario())
    };
    let (answer, batches) = execute(&capacity, |request| run(&fake(), request));
    let breaks = answer.breaks_at.unwrap();
    assert_eq!(breaks.limit, "database.pool");
    assert!(!breaks.estimate);
    let (low, high) = (breaks.users.low.unwrap(), breaks.users.high.unwrap());
    assert!(low < 255_000.0 && 255_000.0 <= high, "{low} to {high}");
    assert!(high <= low * 1.05 + 1.0, "{low} to {high}");
    assert_eq!(batches.len(), 2);
    assert!(batches.iter().all(|batch| batch.len() == 2));
    assert!(answer.runs.is_sorted_by_key(|run| run.users));
}

#[test]
fn bad_guesses_converge_with_any_number_of_threads() {
    for guess in [1.0, 100.0, 40_000.0, 2e6, 9e7] {
        for at_once in [1, 2, 3, 8] {
            let capacity = Capacity {
                guess: Some(guess),
                at_once,
                ..Capacity::new(scenario())
            };
            let (answer, batches) = execute(&capacity, |request| run(&fake(), request));
            let users = answer.breaks_at.unwrap().users;
            let (low, high) = (users.low.unwrap(), users.high.unwrap());
            assert!(
                low < 255_000.0 && 255_000.0 <= high && high <= low * 1.05 + 1.0,
                "guess {guess}, {at_once} at once: {low} to {high}"
            );
            assert!(
                batches.len() <= 10,
                "guess {guess}: {} batches",
                batches.len()
            );
            let largest = batches.iter().map(Vec::len).max();
            assert!(largest <= Some(at_once));
        }
    }
}

#[test]
fn what_breaks_next_is_found_with_the_first_relieved() {
    let capacity = Capacity {
        depth: 3,
        guess: Some(255_000.0),
        ..Capacity::new(scenario())
    };
    let (answer, _) = execute(&capacity, |request| run(&fake(), request));
    let limits: Vec<&str> = answer.breaks.iter().map(|b| b.limit.as_str()).collect();
    assert_eq!(
        limits,
        [
            "database.pool",
            "connection_servers.cpu",
            "channel_owners.cpu"
        ]
    );
    for (found, at) in answer.breaks.iter().zip([255_000.0, 400_000.0, 900_000.0]) {
        let off = found.users as f64 / at;
        assert!((1.0..1.12).contains(&off), "{found:?}");
    }
    assert!(answer.runs.iter().all(|run| run.users < 300_000));
    assert!(
        answer.notes.iter().any(|note| note.contains("4 times")),
        "{:?}",
        answer.notes
    );
}

#[test]
fn an_objective_without_a_resource_behind_it_is_set_aside() {
    let slow = Fake {
        p99_fails_at: 50_000.0,
        ..fake()
    };
    let capacity = Capacity {
        depth: 2,
        ..Capacity::new(scenario())
    };
    let (answer, _) = execute(&capacity, |request| run(&slow, request));
    assert_eq!(answer.breaks[0].limit, "publish.delivered.p99 < 500 ms");
    assert_eq!(answer.breaks[1].limit, "database.pool");
    assert!(answer.notes.iter().any(|note| note.contains("set aside")));
}

#[test]
fn stopping_early_leaves_the_bracket_so_far() {
    let capacity = Capacity {
        guess: Some(250_000.0),
        ..Capacity::new(scenario())
    };
    let mut results = Results::default();
    assert_eq!(capacity.partial(&results).breaks_at, None);
    let Next::Runs(runs) = capacity.next(&results) else {
        panic!("it needs runs");
    };
    for request in runs {
        results.push(request.clone(), run(&fake(), &request));
    }
    let answer = capacity.partial(&results);
    let users = answer.breaks_at.unwrap().users;
    assert!(users.low < users.high && users.high.unwrap() < 270_000.0);
    assert_eq!(answer.runs.len(), 2);
    assert!(
        answer
            .notes
            .iter()
            .any(|note| note.contains("stopped early"))
    );
}

#[test]
fn nothing_fails_and_everything_fails_are_said_in_words() {
    let never = Fake {
        full_at: vec![("database", "pool", 1e12)],
        p99_fails_at: 1e12,
    };
    let capacity = Capacity {
        most: 1_000_000,
        ..Capacity::new(scenario())
    };
    let (answer, _) = execute(&capacity, |request| run(&never, request));
    assert_eq!(answer.breaks_at, None);
    assert_eq!(answer.runs.last().map(|run| run.users), Some(1_000_000));

    let always = Fake {
        full_at: vec![("database", "pool", 0.5)],
        p99_fails_at: 0.1,
    };
    let (answer, batches) = execute(&capacity, |request| run(&always, request));
    let breaks = answer.breaks_at.unwrap();
    assert_eq!(
        (breaks.users.low, breaks.users.high),
        (Some(0.0), Some(1.0))
    );
    assert!(
        answer.notes.iter().any(|note| note.contains("single user")),
        "{:?}",
        answer.notes
    );
    assert!(batches.len() < 12, "{}", batches.len());
}

#[test]
fn a_noisy_limit_keeps_the_bracket_monotone_and_says_so() {
    let capacity = Capacity {
        guess: Some(250_000.0),
        ..Capacity::new(scenario())
    };
    let (answer, _) = execute(&capacity, |request| {
        // Some loads below the limit fail, and some above it pass.
        let users = request.users.unwrap();
        let lucky = users > 250_000 && users < 275_000;
        let mut report = match run(&fake(), request) {
            Outcome::Report(report) => report,
            Outcome::Failed(_) => unreachable!(),
        };
        if lucky {
            *report = fake().report(200_000);
            report.users = users.into();
        } else if users > 230_000 {
            *report = fake().report(300_000);
            report.users = users.into();
        }
        Outcome::Report(report)
    });
    let users = answer.breaks_at.unwrap().users;
    assert!(users.low < users.high, "{users:?}");
    assert!(users.high.unwrap() <= 240_000.0, "{users:?}");
    assert!(
        answer.notes.iter().any(|note| note.contains("by luck")),
        "{:?}",
        answer.notes
    );
}

#[test]
fn a_load_without_a_verdict_is_run_longer() {
    let capacity = Capacity {
        guess: Some(250_000.0),
        ..Capacity::new(scenario())
    };
    let (answer, batches) = execute(&capacity, |request| {
        let Outcome::Report(mut report) = run(&fake(), request) else {
            unreachable!()
        };
        if request.length_factor < 2 && request.users < Some(255_000) {
            report.objectives[0].verdict = "inconclusive".to_owned();
        }
        Outcome::Report(report)
    });
    assert!(
        batches
            .iter()
            .flatten()
            .any(|request| request.length_factor == 2)
    );
    let users = answer.breaks_at.unwrap().users;
    assert!(users.low.unwrap() > 240_000.0 && users.high.unwrap() < 270_000.0);
}

#[test]
fn what_the_simulator_cannot_hold_ends_the_search_in_words() {
    let never = Fake {
        full_at: vec![("database", "pool", 1e12)],
        p99_fails_at: 1e12,
    };
    let (answer, _) = execute(&Capacity::new(scenario()), |request| {
        if request.users > Some(5_000_000) {
            Outcome::Failed("channel memberships need more than there may be".to_owned())
        } else {
            run(&never, request)
        }
    });
    assert_eq!(answer.breaks_at, None);
    assert!(
        answer.notes.iter().any(|note| note.contains("memberships")),
        "{:?}",
        answer.notes
    );
}
