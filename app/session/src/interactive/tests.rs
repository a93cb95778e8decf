//! The session on its own threads. Waiting has a generous limit; nothing here measures time.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use std::sync::atomic::AtomicUsize;

use sim_core::scenario::{Beginning, Draft, Problem, Tier, load_with};

use super::*;

fn scenario() -> Scenario {
    let text = include_str!("../../../../presets/team-chat.ron");
    let mut scenario =
        sim_core::scenario::load_str(text, "team-chat.ron", &[]).expect("the preset is valid");
    scenario.load.users = 1_000;
    scenario
}

fn with_users(users: u32) -> Command {
    let mut scenario = scenario();
    scenario.load.users = users;
    Command::SetUsers(Box::new(scenario))
}

fn wait_for(session: &Session, what: &str, ready: impl Fn(&Frame) -> bool) -> Arc<Frame> {
    for _ in 0..6_000 {
        let frame = session.frame();
        if ready(&frame) {
            return frame;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("never happened: {what}; last frame {:?}", session.frame());
}

fn counted(playing: bool) -> (Session, Arc<AtomicUsize>) {
    let wakes = Arc::new(AtomicUsize::new(0));
    let counter = wakes.clone();
    let session = Session::start(scenario(), playing, move || {
        counter.fetch_add(1, Ordering::SeqCst);
    });
    (session, wakes)
}

#[test]
fn a_playing_session_reports_and_says_its_speed() {
    let (session, wakes) = counted(true);
    let frame = wait_for(&session, "a report", |frame| {
        frame.report.is_some() && frame.speed > 0.0
    });
    assert_eq!(frame.phase, Phase::Running);
    assert!(frame.simulated_s > 0.0);
    assert!(wakes.load(Ordering::SeqCst) > 0);
    let later = wait_for(&session, "more frames", |later| {
        later.number > frame.number + 2
    });
    assert!(later.simulated_s > frame.simulated_s);
}

#[test]
fn paused_means_no_wake_and_no_time() {
    let (session, wakes) = counted(true);
    wait_for(&session, "running", |frame| frame.phase == Phase::Running);
    session.send(Command::Pause);
    let frame = wait_for(&session, "paused", |frame| frame.phase == Phase::Paused);
    std::thread::sleep(Duration::from_millis(50));
    let before = wakes.load(Ordering::SeqCst);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(wakes.load(Ordering::SeqCst), before);
    assert_eq!(session.frame().simulated_s, frame.simulated_s);
    session.send(Command::Play);
    wait_for(&session, "running again", |later| {
        later.simulated_s > frame.simulated_s
    });
}

#[test]
fn another_load_begins_anew_and_only_the_last_of_many_counts() {
    let (session, _) = counted(true);
    wait_for(&session, "a report", |frame| frame.report.is_some());
    // Slowly enough to see the warm-up.
    session.send(Command::SetPace(Pace::Times(20.0)));
    for users in [1_100, 1_300, 1_500] {
        session.send(with_users(users));
    }
    let frame = wait_for(&session, "a report of 1 500 users", |frame| {
        frame
            .report
            .as_ref()
            .is_some_and(|report| report.users == 1_500)
    });
    assert_eq!(frame.scenario.load.users, 1_500);
    assert!(frame.simulated_s > 0.0, "time goes on");
    assert!(frame.is_early(), "figures come before the warm-up is over");
    let warm = |frame: &Frame| frame.report.is_some() && !frame.is_early();
    wait_for(&session, "what was measured after the warm-up", warm);
    assert_eq!(frame.problem, None);
}

#[test]
fn the_load_line_grows_sorted() {
    let (session, _) = counted(true);
    let frame = wait_for(&session, "three points", |frame| frame.load_line.len() >= 3);
    assert!(
        frame
            .load_line
            .windows(2)
            .all(|pair| pair[0].users < pair[1].users)
    );
}

#[test]
fn another_scenario_replaces_the_first_and_its_line() {
    let (session, _) = counted(false);
    wait_for(&session, "built", |frame| frame.phase == Phase::Paused);
    let mut other = scenario();
    other.title = "Another".into();
    session.send(Command::Load(Box::new(other)));
    let frame = wait_for(&session, "the other", |frame| {
        frame.scenario.title == "Another" && frame.phase == Phase::Paused
    });
    assert_eq!(frame.simulated_s, 0.0);
    session.send(Command::Play);
    wait_for(&session, "its report", |frame| frame.report.is_some());
}

#[test]
fn too_many_users_are_a_sentence_and_the_run_goes_on() {
    let (session, _) = counted(true);
    wait_for(&session, "a report", |frame| frame.report.is_some());
    session.send(with_users(u32::MAX));
    let frame = wait_for(&session, "a problem", |frame| frame.problem.is_some());
    assert_ne!(frame.scenario.load.users, u32::MAX);
    session.send(with_users(1_200));
    wait_for(&session, "recovery", |frame| {
        frame.problem.is_none() && frame.scenario.load.users == 1_200
    });
}

#[test]
fn what_is_broken_now_is_a_fault_of_the_scenario_and_shows() {
    let (session, _) = counted(true);
    wait_for(&session, "a report", |frame| frame.report.is_some());
    let fault = Fault::Kill {
        tier: Tier::ConnectionServers,
        first: 1,
        instances: 1,
    };
    let lasts = Some(SimDuration::from_secs(10));
    session.send(Command::Break { fault, lasts });
    let dead = |frame: &Frame| {
        let servers = frame.heat.get("connection_servers");
        servers.is_some_and(|servers| servers.dead() == 1 && servers.each[1].is_none())
    };
    let frame = wait_for(&session, "a dead server", dead);
    let timed = &frame.scenario.faults[0];
    assert!(timed.at.as_secs_f64() <= frame.simulated_s);
    let frame = wait_for(&session, "it lives again", |frame| {
        let servers = frame.heat.get("connection_servers");
        frame.simulated_s > timed.at.as_secs_f64() + 10.0
            && servers.is_some_and(|servers| servers.dead() == 0)
    });
    assert_eq!(frame.problem, None);
    wait_for(&session, "its recovery", |frame| {
        let faults = frame.report.as_ref().map(|report| report.faults.clone());
        faults.is_some_and(|faults| faults.first().is_some_and(|f| f.recovered_s.is_some()))
    });
}

#[test]
fn what_is_not_there_cannot_be_broken() {
    let (session, _) = counted(false);
    wait_for(&session, "built", |frame| frame.phase == Phase::Paused);
    session.send(Command::Break {
        fault: Fault::LoseRegion { region: 3 },
        lasts: None,
    });
    let frame = wait_for(&session, "a problem", |frame| frame.problem.is_some());
    assert!(frame.scenario.faults.is_empty());
}

fn held_at(session: &Session, simulated_s: f64) -> Arc<Frame> {
    session.send(Command::Play);
    wait_for(session, "time", |frame| frame.simulated_s >= simulated_s);
    session.send(Command::Pause);
    wait_for(session, "paused", |frame| frame.phase == Phase::Paused)
}

fn nanoseconds(seconds: f64) -> SimTime {
    SimTime::from_nanos((seconds * 1e9).round() as u64)
}

/// A report as JSON, without what depends on the machine.
fn result(report: &RunReport) -> RunReport {
    let mut report = report.clone();
    report.engine = Default::default();
    report
}

#[test]
fn what_was_is_shown_again_as_it_was() {
    let (session, _) = counted(true);
    let seen = [
        held_at(&session, 5.0),
        held_at(&session, 14.0),
        held_at(&session, 31.0),
    ];
    session.send(Command::Play);
    // How far it has come meanwhile depends on the machine.
    let last = seen[2].simulated_s;
    wait_for(&session, "later", |frame| frame.simulated_s > last + 5.0);
    session.send(Command::Pause);
    let newest = wait_for(&session, "paused", |frame| frame.phase == Phase::Paused);
    for was in seen.iter().chain(seen.iter().rev()) {
        session.send(Command::Scrub(nanoseconds(was.simulated_s)));
        let is = wait_for(&session, "that time again", |frame| {
            frame.time.seeking.is_none() && frame.simulated_s == was.simulated_s
        });
        assert!(is.is_back());
        assert_eq!(is.phase, Phase::Paused);
        assert_eq!(is.time.reached_s, newest.simulated_s);
        let (was, is) = (was.report.as_ref().unwrap(), is.report.as_ref().unwrap());
        assert_eq!(result(is), result(was));
    }
    session.send(Command::Newest);
    let again = wait_for(&session, "the newest", |frame| !frame.is_back());
    let (was, is) = (
        newest.report.as_ref().unwrap(),
        again.report.as_ref().unwrap(),
    );
    assert_eq!(result(is), result(was));
    assert!(!again.heat.is_empty() || again.number > newest.number);
}

/// The draft of the preset with these changes, as the window makes them.
fn draft() -> Draft {
    let text = include_str!("../../../../presets/team-chat.ron");
    let nowhere = |_: &str, _: &str| Err(Problem::new("no base is looked up here"));
    let no_files = |_: &str| Err("no file is read here".to_owned());
    let loaded = load_with(text, "team-chat", &[], &nowhere, &no_files).unwrap();
    Draft::new(Beginning::Preset("team-chat".into()), loaded)
}

fn set(draft: &Draft, fields: &[(&str, &str)]) -> Draft {
    let fields = fields
        .iter()
        .map(|(path, value)| ((*path).into(), (*value).into()));
    draft.with(&fields.collect::<Vec<_>>()).unwrap()
}

/// Edit, drag, break: the command of the draft, read and run as the command line does, reports what is on screen.
#[test]
fn the_exact_command_reproduces_an_edited_session() {
    let edited = set(
        &draft(),
        &[("load.users", "1_000"), ("design.database.pool", "90")],
    );
    let session = Session::start(Scenario::clone(edited.scenario()), true, || {});
    session.send(Command::SetPace(Pace::Times(20.0)));
    wait_for(&session, "a report", |frame| frame.report.is_some());
    let edited = set(&edited, &[("load.users", "1500")]);
    session.send(Command::SetUsers(Box::new(Scenario::clone(
        edited.scenario(),
    ))));
    wait_for(&session, "the other load", |frame| {
        frame.scenario.load.users == 1_500 && frame.simulated_s > 14.0
    });
    session.send(Command::Break {
        fault: Fault::Kill {
            tier: Tier::ConnectionServers,
            first: 1,
            instances: 1,
        },
        lasts: Some(SimDuration::from_secs(10)),
    });
    let frame = wait_for(&session, "a fault", |frame| {
        !frame.scenario.faults.is_empty()
    });
    let begins = frame.scenario.faults[0].at.as_secs_f64();
    let frame = held_at(&session, begins + 5.0);
    let design = &frame.scenario.design;
    let faults = frame
        .scenario
        .faults
        .iter()
        .map(|timed| timed.written(design));
    let list = format!("[{}]", faults.collect::<Vec<_>>().join(", "));
    let edited = set(&edited, &[("faults", &list)]);
    let command = frame.command(&edited).unwrap();
    assert!(
        command.starts_with("plimsoll run team-chat --users 1500 --set "),
        "{command}"
    );
    let (_, duration) = command.split_once(" --duration ").unwrap();
    assert!(!duration.contains('.'), "whole milliseconds: {duration}");

    let typed = set(&edited, &[("run.duration", duration)]);
    let options = crate::RunOptions::default();
    let mut headless = crate::run(typed.scenario(), &options, &|_| true).unwrap();
    // The list of sources also says that the length was typed.
    let sources = headless.sources.len();
    headless
        .sources
        .retain(|source| source.path != "run.duration");
    assert_eq!(headless.sources.len(), sources - 1);
    let shown = frame.report.as_ref().unwrap();
    assert_eq!(shown.scenario.hash, headless.scenario.hash, "{command}");
    assert_eq!(result(shown), result(&headless), "{command}");
}

#[test]
fn something_else_can_happen_in_the_past() {
    let (session, _) = counted(true);
    held_at(&session, 30.0);
    session.send(Command::Scrub(SimTime::from_secs(20)));
    wait_for(&session, "back", |frame| {
        frame.is_back() && frame.time.seeking.is_none()
    });
    session.send(Command::Break {
        fault: Fault::FlushCache,
        lasts: None,
    });
    wait_for(&session, "no cache to flush", |frame| {
        frame.problem.is_some()
    });
    session.send(Command::Break {
        fault: Fault::DropConnections {
            within: SimDuration::from_secs(1),
        },
        lasts: None,
    });
    let frame = wait_for(&session, "a new present", |frame| !frame.is_back());
    assert_eq!(frame.simulated_s, 20.0);
    assert_eq!(
        frame.scenario.faults[0].at,
        SimDuration::from_millis(20_001)
    );
    session.send(Command::Step(Step::Event));
    let stepped = wait_for(&session, "an event", |frame| frame.simulated_s > 20.0);
    assert!(stepped.simulated_s < 20.1, "{}", stepped.simulated_s);
    let before_s = stepped.simulated_s;
    session.send(Command::Step(Step::Lasting(SimDuration::from_millis(100))));
    let stepped = wait_for(&session, "a step", |frame| frame.simulated_s > before_s);
    assert!((stepped.simulated_s - before_s - 0.1).abs() < 1e-6);
    assert_eq!(stepped.phase, Phase::Paused);
}

#[test]
fn half_an_hour_keeps_a_bounded_number_of_states_and_points() {
    let mut small = scenario();
    small.load.users = 50;
    let session = Session::start(small, true, || {});
    session.send(Command::SetPace(Pace::Fast));
    let frame = wait_for(&session, "half an hour", |frame| {
        frame.simulated_s >= 1_800.0
    });
    assert!(
        (2..=24).contains(&frame.time.keyframes),
        "{}",
        frame.time.keyframes
    );
    let series = frame.report.as_ref().unwrap().series.as_ref().unwrap();
    assert!((32..=128).contains(&series.connections_open.len()));
    assert!(
        series
            .operations
            .values()
            .all(|own| own.p99_ms.len() <= 128)
    );
}

#[test]
fn a_window_that_does_not_look_does_not_hold_the_simulation() {
    let (session, _) = counted(true);
    let first = session.frame();
    // Minimised: nobody takes a frame while many pass.
    std::thread::sleep(Duration::from_millis(1_500));
    let next = session.frame();
    assert!(next.number > first.number + 5, "{} frames", next.number);
    assert!(next.simulated_s > first.simulated_s);
}

#[test]
fn a_simulation_at_work_does_not_hold_the_window() {
    let mut large = scenario();
    large.load.users = 400_000;
    let session = Session::start(large, true, || {});
    let mut looked = 0;
    // Frames and commands are taken while the population is built.
    while session.frame().phase == Phase::Building {
        session.send(Command::Pause);
        looked += 1;
        if looked == 1_000 {
            break;
        }
    }
    assert_eq!(looked, 1_000, "the window waited for the simulation");
    wait_for(&session, "built", |frame| frame.phase == Phase::Paused);
}

#[test]
fn the_quick_estimate_is_there_and_near_what_is_simulated() {
    let (session, _) = counted(false);
    let frame = wait_for(&session, "an estimate and a point", |frame| {
        !frame.estimate.is_empty() && !frame.load_line.is_empty()
    });
    let point = &frame.load_line[0];
    let near = |one: u32| (f64::from(one) / f64::from(point.users)).ln().abs();
    let close = frame.estimate.iter();
    let close = close.min_by(|one, other| near(one.users).total_cmp(&near(other.users)));
    let (estimate, simulated) = (close.unwrap().p99_ms.unwrap(), point.p99_ms.unwrap());
    assert!(
        (estimate / simulated - 1.0).abs() < 0.15,
        "{estimate} and {simulated}"
    );
    assert!(
        frame.estimate.last().unwrap().p99_ms.is_none(),
        "10 M users are too many here"
    );
}

#[test]
fn dropping_ends_the_threads() {
    let (session, wakes) = counted(true);
    wait_for(&session, "running", |frame| frame.phase == Phase::Running);
    drop(session);
    for _ in 0..1_000 {
        // The driver owned the other reference to the counter.
        if Arc::strong_count(&wakes) == 1 {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("the simulation thread did not end");
}

#[test]
fn a_large_system_is_a_model_and_the_command_says_so() {
    let (session, _) = counted(true);
    session.send(with_users(600_000));
    let large = |frame: &Frame| {
        let report = frame.report.as_ref();
        report.is_some_and(|report| report.users == 600_000) && !frame.is_early()
    };
    let frame = wait_for(&session, "a report of 600 000 users", large);
    let report = frame.report.as_ref().unwrap();
    assert_eq!(report.model.unwrap().one_in, 2);
    assert_eq!(frame.scenario.run.scale, None, "what is shown is the whole");
    assert!((500_000..=600_000).contains(&report.connections.wanted));
    let command = frame.command(&draft()).unwrap();
    assert!(
        command.contains("--set run.scale=2 --duration"),
        "{command}"
    );
}
