//! The run over time: the strip, going back, following a message, and the estimate in hand.

use egui::accesskit::Role;
use session::{Pace, Seeking, Step, TimeFrame};
use sim_core::quick::CurvePoint;
use sim_core::report::{OperationSeries, SeriesReport, TierSeries};
use sim_core::scenario::{Fault, Tier, TimedFault};
use sim_core::system::{Trace, TraceSpan};
use sim_core::time::{SimDuration, SimTime};

use super::*;

fn timed(phase: Phase) -> Frame {
    let mut frame = frame(phase);
    let mut report = report();
    let steps = 50;
    let p99 = |step: usize| Some(if step < 40 { 212.0 } else { 900.0 });
    let own = OperationSeries {
        offered_per_s: vec![2_000.0; steps],
        deliveries_per_s: vec![738_000.0; steps],
        mean_ms: vec![Some(90.0); steps],
        p50_ms: vec![Some(74.0); steps],
        p99_ms: (0..steps).map(p99).collect(),
    };
    let queue = TierSeries {
        cpu: vec![0.4; steps],
        queue: vec![12.0; steps],
        ..TierSeries::default()
    };
    report.series = Some(SeriesReport {
        start_s: 10.0,
        step_s: 1.0,
        operations: [("publish".to_owned(), own)].into(),
        tiers: [("database".to_owned(), queue)].into(),
        connections_open: vec![200_000; steps],
    });
    frame.simulated_s = 60.0;
    frame.time = TimeFrame {
        reached_s: 60.0,
        newest: Some(Arc::new(report)),
        keyframes: 12,
        ..TimeFrame::default()
    };
    frame
}

fn killed(mut frame: Frame) -> Frame {
    let mut scenario = Scenario::clone(&frame.scenario);
    scenario.faults.push(TimedFault {
        at: SimDuration::from_millis(37_001),
        lasts: Some(SimDuration::from_secs(10)),
        fault: Fault::Kill {
            tier: Tier::ConnectionServers,
            first: 2,
            instances: 1,
        },
    });
    frame.scenario = scenario.into();
    frame
}

fn with_strip(link: &Scripted) -> Harness<'static, Explorer> {
    let mut harness = explorer(link);
    harness.key_press(Key::T);
    harness.run();
    harness
}

fn strip(harness: &Harness<'_, Explorer>) -> (String, egui::Rect) {
    let all = harness.get_all_by_role(Role::Slider);
    let node = all
        .into_iter()
        .find(|node| {
            let label = node.accesskit_node().label();
            label.is_some_and(|label| label.starts_with("Time strip"))
        })
        .expect("the strip is there");
    (
        node.accesskit_node().label().expect("in words"),
        node.rect(),
    )
}

fn scrubs(link: &Scripted) -> Vec<f64> {
    let sent = link.sent.borrow();
    let to = sent.iter().filter_map(|command| match command {
        Command::Scrub(to) => Some(to.as_secs_f64()),
        _ => None,
    });
    to.collect()
}

#[test]
fn the_strip_opens_when_time_is_held_and_when_something_breaks() {
    let mut harness = explorer(&link(timed(Phase::Running)));
    assert!(harness.query_by_label("Before it broke").is_none());
    harness.key_press(Key::Space);
    harness.run();
    harness.get_by_label("Before it broke");
    harness.get_by_label("Close").click();
    harness.run();
    assert!(harness.query_by_label("Before it broke").is_none());
    harness.get_by_label("Faults").click();
    harness.run();
    harness.get_by_label("Drop all connections").click();
    harness.run();
    harness.get_by_label("Before it broke");
}

#[test]
fn the_strip_can_be_heard() {
    let (words, _) = strip(&with_strip(&link(killed(timed(Phase::Paused)))));
    assert!(
        words.starts_with("Time strip: 1 min 00 s of 1 min 00 s, "),
        "{words}"
    );
    assert!(words.contains("p99 and median 900 ms"), "{words}");
    assert!(words.contains("delivered 738 K/s"), "{words}");
    assert!(words.contains("connections 200 K"), "{words}");
    assert!(words.contains("database queue 12"), "{words}");
    let fault = "Connection server 3 was dead from 37 s to 47 s.";
    assert!(words.ends_with(fault), "{words}");
}

#[test]
fn time_goes_back_by_drag_and_by_keys() {
    let link = link(timed(Phase::Paused));
    let mut harness = with_strip(&link);
    let (_, rect) = strip(&harness);
    harness.drag_at(rect.center());
    harness.run();
    harness.hover_at(rect.center() + vec2(40.0, 0.0));
    harness.run();
    let dragged = scrubs(&link);
    assert!(!dragged.is_empty(), "a drag goes back");
    assert!(
        dragged.iter().all(|to| (10.0..58.0).contains(to)),
        "{dragged:?}"
    );
    harness.drop_at(rect.center() + vec2(40.0, 0.0));
    harness.run();
    link.sent.borrow_mut().clear();
    harness.key_press(Key::ArrowLeft);
    harness.run();
    let last = dragged.last().expect("it moved") - 1.0;
    assert!(
        (scrubs(&link)[0] - last).abs() < 0.05,
        "{:?}",
        scrubs(&link)
    );
    assert!(!harness.state().state.playing);
}

#[test]
fn before_it_broke_is_a_second_before_the_first_fault_or_the_objective() {
    for (frame, to) in [
        (timed(Phase::Paused), 49.0),
        (killed(timed(Phase::Paused)), 36.001),
    ] {
        let link = link(frame);
        let mut harness = with_strip(&link);
        harness.get_by_label("Before it broke").click();
        harness.run();
        assert_eq!(scrubs(&link), [to]);
    }
    let link = link(frame(Phase::Paused));
    let mut harness = with_strip(&link);
    harness.get_by_label("Before it broke").click();
    harness.run();
    assert!(scrubs(&link).is_empty(), "nothing broke");
}

#[test]
fn steps_speed_and_the_way_back() {
    let mut back = timed(Phase::Paused);
    back.simulated_s = 20.0;
    let link = link(back.clone());
    let mut harness = with_strip(&link);
    harness.get_by_label("20 s of 1 min 00 s, paused");
    for label in [
        "+ 1 event",
        "+ 100 ms",
        "Newest",
        "As fast as possible",
        "× 1",
    ] {
        harness.get_by_label(label).click();
        harness.run();
    }
    let tenth = SimDuration::from_millis(100);
    assert!(matches!(
        link.sent.borrow()[..],
        [
            Command::Step(Step::Event),
            Command::Step(Step::Lasting(lasts)),
            Command::Newest,
            Command::SetPace(Pace::Fast),
            Command::SetPace(Pace::Times(1.0)),
        ] if lasts == tenth
    ));
    back.time.seeking = Some(Seeking {
        to_s: 20.0,
        wait_s: 2.2,
    });
    explorer(&super::link(back)).get_by_label("going to 20 s: about 3 s");
}

#[test]
fn one_message_is_followed_while_somebody_looks() {
    let mut frame = timed(Phase::Paused);
    let span = |tier, cause, ms| TraceSpan {
        tier,
        cause,
        lasts: SimDuration::from_millis(ms),
    };
    frame.time.traces = Arc::new(vec![Trace {
        operation: "publish",
        started: SimTime::from_secs(37),
        latency: SimDuration::from_millis(800),
        spans: vec![
            span("network", "uplink", 50),
            span("database", "queue", 700),
            span("network", "downlink", 50),
        ],
    }]);
    let link = link(frame);
    let mut harness = explorer(&link);
    harness.key_press(Key::M);
    harness.run();
    assert!(matches!(link.sent.borrow()[..], [Command::Follow(true)]));
    harness.get_by_label(
        "A message sent at 37.00 s arrived after 800 ms: one of the slowest 1 % of 1 that were followed.",
    );
    harness.get_by_label("Database: queue, 700 ms, 87 %, from 50 ms on");
    harness.get_by_label("Typical").click();
    harness.run();
    harness.get_by_label_contains("one like most");
    harness.key_press(Key::M);
    harness.run();
    assert!(matches!(
        link.sent.borrow()[..],
        [Command::Follow(true), Command::Follow(false)]
    ));
}

#[test]
fn the_estimate_is_said_where_nothing_is_simulated_yet() {
    let mut frame = timed(Phase::Running);
    frame.report = None;
    let point = |users, p99_ms| CurvePoint { users, p99_ms };
    frame.estimate = Arc::new(vec![
        point(100_000, Some(180.0)),
        point(400_000, Some(405.0)),
        point(600_000, None),
    ]);
    let harness = explorer(&link(frame));
    let line = harness.get_by_role(Role::Slider);
    let words = line.accesskit_node().label().expect("the line has words");
    assert!(
        words.contains("99 % within about 270 ms by quick estimate"),
        "{words}"
    );
}

#[test]
fn the_views_of_time_fit_into_small_and_large_windows_in_both_themes() {
    let link = link(killed(timed(Phase::Paused)));
    for size in [
        vec2(1024.0, 640.0),
        vec2(1280.0, 800.0),
        vec2(2560.0, 1440.0),
    ] {
        for theme in [Theme::Dark, Theme::Light] {
            let mut harness = explorer_with(&link, theme, 1.0, size, Vec::new());
            harness.key_press(Key::T);
            harness.key_press(Key::M);
            harness.run();
            let cut = breaking::cut_short(&harness);
            assert!(cut.is_empty(), "{size}: cut short: {cut:?}");
        }
    }
}
