//! The session on its own threads. Waiting has a generous limit; nothing here measures time.

use std::sync::atomic::AtomicUsize;

use sim_core::scenario::Tier;

use super::*;

fn scenario() -> Scenario {
    let text = include_str!("../../../../presets/team-chat.ron");
    let mut scenario =
        sim_core::scenario::load_str(text, "team-chat.ron", &[]).expect("the preset is valid");
    scenario.load.users = 1_000;
    scenario
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
fn users_change_in_place_and_only_the_last_of_many_counts() {
    let (session, _) = counted(true);
    wait_for(&session, "a report", |frame| frame.report.is_some());
    for users in [1_100, 1_300, 1_500] {
        session.send(Command::SetUsers(users));
    }
    let frame = wait_for(&session, "a report of 1 500 users", |frame| {
        frame
            .report
            .as_ref()
            .is_some_and(|report| report.users == 1_500)
    });
    assert_eq!(frame.scenario.load.users, 1_500);
    assert!(frame.simulated_s > 0.0, "time goes on");
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
    session.send(Command::SetUsers(u32::MAX));
    let frame = wait_for(&session, "a problem", |frame| frame.problem.is_some());
    assert_ne!(frame.scenario.load.users, u32::MAX);
    session.send(Command::SetUsers(1_200));
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
