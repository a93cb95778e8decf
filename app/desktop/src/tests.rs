//! The window without a window: hand-made frames in, commands out, no thread and no clock.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use egui::{Key, Modifiers, Theme, Ui, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use session::{Command, Frame, LoadPoint, Phase};
use sim_core::report::{
    Bottleneck, BreaksAt, CostReport, Estimate, LatencyReport, ObjectiveReport, OperationReport,
    QueueReport, RunReport, ScenarioId, TierReport, Utilization,
};
use sim_core::scenario::{Beginning, Draft, Problem, Scenario, load_with};

use crate::app::Explorer;
use crate::command::Pattern;
use crate::state::{Link, State};
use crate::view_ctx::{Outbox, ViewCtx};
use crate::{PresetEntry, panels, theme};

mod breaking;
mod edit;
mod fixing;
mod lessons;
mod story;
mod time;

const TEAM_CHAT: &str = include_str!("../../../presets/team-chat.ron");

fn scenario() -> Scenario {
    Scenario::clone(draft().scenario())
}

pub fn draft() -> Draft {
    draft_of("team-chat", TEAM_CHAT)
}

fn draft_of(name: &str, text: &str) -> Draft {
    let nowhere = |_: &str, _: &str| Err(Problem::new("no base is looked up here"));
    let no_files = |_: &str| Err("no file is read here".to_owned());
    let loaded = load_with(text, name, &[], &nowhere, &no_files).expect("the text is valid");
    Draft::new(Beginning::Preset(name.to_owned()), loaded)
}

fn latency(p99: Estimate) -> LatencyReport {
    let part = |share: f64| {
        p99.value
            .map_or(Estimate::none(), |value| Estimate::point(value * share))
    };
    LatencyReport {
        count: 10_000,
        mean: part(0.4),
        p50: part(0.35),
        p95: part(0.8),
        p99,
        p999: part(1.6),
        max: 900.0,
        buckets: Vec::new(),
    }
}

fn tier(order: u32, instances: u32, resources: &[(&str, f64)], queue: f64) -> TierReport {
    let full = |&(name, hottest): &(&str, f64)| {
        (
            name.to_owned(),
            Utilization {
                hottest,
                mean: hottest * 0.9,
                instance: 1,
            },
        )
    };
    TierReport {
        order,
        instances,
        utilization: resources.iter().map(full).collect(),
        queue: QueueReport {
            mean: queue,
            max: (queue * 8.0) as u64,
        },
        ..Default::default()
    }
}

pub fn report() -> RunReport {
    let p99 = Estimate {
        value: Some(212.0),
        low: Some(203.0),
        high: Some(221.0),
    };
    let publish = OperationReport {
        offered_per_s: 2_000.0,
        completed_per_s: 2_000.0,
        deliveries_per_s: 738_000.0,
        latency_ms: [("delivered".to_owned(), latency(p99))].into(),
        ..Default::default()
    };
    RunReport {
        schema: sim_core::report::SCHEMA,
        plimsoll: "0.1.0".into(),
        scenario: ScenarioId {
            name: "team-chat".into(),
            hash: "0".repeat(16),
        },
        seed: 7,
        population_seed: 1,
        users: 200_000,
        model: None,
        simulated_s: 60.0,
        warmup_s: 10.0,
        stop: "Finished".into(),
        operations: [("publish".to_owned(), publish)].into(),
        tiers: [
            (
                "load_balancer".to_owned(),
                tier(0, 2, &[("connections", 0.5)], 0.0),
            ),
            (
                "connection_servers".to_owned(),
                tier(1, 10, &[("cpu", 0.61), ("memory", 0.3)], 1.4),
            ),
            (
                "channel_owners".to_owned(),
                tier(2, 4, &[("cpu", 0.22)], 0.1),
            ),
            (
                "database".to_owned(),
                tier(3, 1, &[("cpu", 0.4), ("pool", 0.78)], 12.0),
            ),
        ]
        .into(),
        connections: Default::default(),
        bottleneck: Some(Bottleneck {
            tier: "database".into(),
            resource: "pool".into(),
            instance: 0,
            utilization: 0.78,
            evidence: "the pool is the fullest resource".into(),
        }),
        breaks_at: Some(BreaksAt {
            users: Estimate::point(255_000.0),
            limit: "database.pool".into(),
            estimate: true,
        }),
        cost: Some(CostReport {
            usd_per_month: 94_000.0,
            usd_per_million_messages: 17.0,
            usd_per_user_month: 0.47,
            price_book: "2026-07".into(),
            ..CostReport::default()
        }),
        objectives: vec![ObjectiveReport {
            objective: "publish.delivered.p99 < 500 ms".into(),
            verdict: "pass".into(),
            value: Some(212.0),
            low: None,
            high: None,
        }],
        precision: None,
        populations: None,
        regions: None,
        rates: Default::default(),
        faults: Vec::new(),
        series: None,
        sources: Vec::new(),
        quick_estimate: None,
        warnings: Vec::new(),
        engine: Default::default(),
    }
}

fn frame(phase: Phase) -> Frame {
    let point = |users, p99_ms, utilization| LoadPoint {
        users,
        p99_ms,
        p99_between_ms: p99_ms.map(|p99: f64| (p99 * 0.96, p99 * 1.04)),
        utilization,
    };
    Frame {
        number: 1,
        loads: 0,
        phase,
        simulated_s: 65.0,
        speed: if phase == Phase::Running { 12.0 } else { 0.0 },
        scenario: Arc::new(scenario()),
        report: Some(Arc::new(report())),
        heat: Arc::default(),
        estimate: Arc::default(),
        time: session::TimeFrame::default(),
        load_line: Arc::new(vec![
            point(1_000, Some(171.0), 0.01),
            point(10_000, Some(172.0), 0.05),
            point(100_000, Some(180.0), 0.4),
            point(200_000, Some(212.0), 0.78),
            point(500_000, None, 1.9),
        ]),
        problem: None,
    }
}

/// A session that shows one frame and remembers what it was told.
#[derive(Clone)]
struct Scripted {
    frame: Arc<Frame>,
    sent: Rc<RefCell<Vec<Command>>>,
}

impl Link for Scripted {
    fn send(&self, command: Command) {
        self.sent.borrow_mut().push(command);
    }

    fn frame(&self) -> Arc<Frame> {
        self.frame.clone()
    }
}

fn link(frame: Frame) -> Scripted {
    Scripted {
        frame: Arc::new(frame),
        sent: Rc::default(),
    }
}

fn explorer(link: &Scripted) -> Harness<'static, Explorer> {
    explorer_with(link, Theme::Dark, 1.0, vec2(1280.0, 800.0), Vec::new())
}

fn explorer_with(
    link: &Scripted,
    theme: Theme,
    pixels: f32,
    size: egui::Vec2,
    presets: Vec<PresetEntry>,
) -> Harness<'static, Explorer> {
    let playing = link.frame.phase != Phase::Paused;
    let draft = match link.frame.scenario.name.as_str() {
        "world" => draft_of("world", breaking::WORLD),
        _ => draft(),
    };
    Harness::builder()
        .with_size(size)
        .with_pixels_per_point(pixels)
        .with_theme(theme)
        .with_context_setup(theme::install)
        .build_ui_state(
            |ui: &mut Ui, explorer: &mut Explorer| {
                explorer.logic(ui.ctx());
                explorer.ui(ui);
            },
            Explorer::new(Box::new(link.clone()), draft, playing, presets),
        )
}

/// Whether some label holds this.
fn heard(harness: &Harness<'static, Explorer>, part: &str) -> bool {
    harness.query_all_by_label_contains(part).next().is_some()
}

fn sent_users(link: &Scripted) -> Option<u32> {
    link.sent
        .borrow()
        .iter()
        .rev()
        .find_map(|command| match command {
            Command::SetUsers(scenario) => Some(scenario.load.users),
            _ => None,
        })
}

#[test]
fn every_panel_in_both_themes_at_both_scales() {
    for (name, show) in panels::all() {
        for theme in [Theme::Dark, Theme::Light] {
            for pixels in [1.0, 2.0] {
                for phase in [Phase::Building, Phase::Running, Phase::Paused] {
                    let mut frame = frame(phase);
                    if phase == Phase::Building {
                        frame.report = None;
                        frame.load_line = Arc::default();
                    }
                    let state = State::new(&frame, draft(), true, Vec::new());
                    let panel = move |ui: &mut Ui| {
                        let outbox = Outbox::default();
                        let dark = ui.visuals().dark_mode;
                        let theme = theme::Theme::of(dark);
                        show(
                            ui,
                            &ViewCtx {
                                frame: &frame,
                                state: &state,
                                theme,
                                scale: 1.0,
                                outbox: &outbox,
                            },
                        );
                        assert!(
                            outbox.take().is_empty(),
                            "{name} asks for something by itself"
                        );
                    };
                    Harness::builder()
                        .with_size(vec2(1200.0, 320.0))
                        .with_pixels_per_point(pixels)
                        .with_theme(theme)
                        .with_context_setup(theme::install)
                        .build_ui(panel)
                        .run();
                }
            }
        }
    }
}

#[test]
fn the_whole_window_at_every_size() {
    let link = link(frame(Phase::Running));
    for size in [
        vec2(1024.0, 640.0),
        vec2(1280.0, 800.0),
        vec2(3840.0, 2160.0),
    ] {
        for theme in [Theme::Dark, Theme::Light] {
            explorer_with(&link, theme, 1.0, size, Vec::new()).run();
        }
    }
}

#[test]
fn the_sentence_says_how_fast_what_it_costs_and_what_gives_way() {
    let harness = explorer(&link(frame(Phase::Paused)));
    harness.get_by_label(
        "Team chat, 200 K users: 99 % of messages arrive within 212 ± 9 ms. $94 K a month.",
    );
    harness.get_by_label("First to give way: the database pool, at about 255 K users.");
}

#[test]
fn without_a_result_it_says_so() {
    let mut frame = frame(Phase::Running);
    frame.report = None;
    explorer(&link(frame.clone())).get_by_label("Team chat, 200 K users: simulating…");
    frame.phase = Phase::Building;
    explorer(&link(frame)).get_by_label("Team chat, 200 K users: taking their seats…");
}

#[test]
fn an_old_report_is_not_shown_for_a_new_load() {
    let mut frame = frame(Phase::Running);
    let mut scenario = scenario();
    scenario.load.users = 300_000;
    frame.scenario = Arc::new(scenario);
    explorer(&link(frame)).get_by_label("Team chat, 300 K users: simulating…");
}

#[test]
fn an_unstable_system_gets_no_percentile() {
    let mut frame = frame(Phase::Running);
    let mut report = report();
    report.stop = "Unstable{database}".into();
    report.operations.insert(
        "publish".into(),
        OperationReport {
            latency_ms: [("delivered".to_owned(), latency(Estimate::none()))].into(),
            ..Default::default()
        },
    );
    frame.report = Some(Arc::new(report));
    let link = link(frame);
    let harness = explorer(&link);
    harness.get_by_label(
        "Team chat, 200 K users: it cannot keep up; waits grow without end. $94 K a month.",
    );
}

#[test]
fn a_problem_is_a_sentence_in_place() {
    let mut frame = frame(Phase::Paused);
    frame.problem = Some("load.users needs 90, more than the 10 this simulator handles.".into());
    explorer(&link(frame))
        .get_by_label("load.users needs 90, more than the 10 this simulator handles.");
}

#[test]
fn the_map_and_the_line_can_be_heard() {
    let harness = explorer(&link(frame(Phase::Paused)));
    harness.get_by_label_contains("pool 78 %, busy, queue 12, the fullest tier");
    harness.get_by_label_contains("us-east-1: 120 K users");
    let line = harness.get_by_role(egui::accesskit::Role::Slider);
    let summary = line.accesskit_node().label().expect("the line has words");
    assert!(summary.contains("breaks at about 255 K users"), "{summary}");
    assert!(summary.contains("500 K users: unstable"), "{summary}");
}

#[test]
fn dragging_the_line_sets_the_users() {
    let link = link(frame(Phase::Paused));
    let mut harness = explorer(&link);
    let rect = harness.get_by_role(egui::accesskit::Role::Slider).rect();
    harness.drag_at(rect.center());
    harness.run();
    harness.hover_at(rect.center() + vec2(60.0, 0.0));
    harness.run();
    let first = sent_users(&link).expect("a drag sets the users");
    harness.hover_at(rect.center() + vec2(200.0, 0.0));
    harness.run();
    let second = sent_users(&link).expect("a drag sets the users");
    harness.drop_at(rect.center() + vec2(200.0, 0.0));
    harness.run();
    assert!(second > first, "{second} is right of {first}");
    assert_eq!(harness.state().state.users, second);
}

#[test]
fn arrow_keys_and_page_keys_step_along_the_axis() {
    let link = link(frame(Phase::Paused));
    let mut harness = explorer(&link);
    harness.get_by_role(egui::accesskit::Role::Slider).focus();
    harness.run();
    harness.key_press(Key::ArrowRight);
    harness.run();
    assert_eq!(sent_users(&link), Some(250_000));
    harness.key_press(Key::ArrowLeft);
    harness.run();
    assert_eq!(sent_users(&link), Some(200_000));
    harness.key_press(Key::PageUp);
    harness.run();
    assert_eq!(sent_users(&link), Some(250_000));
    harness.key_press(Key::Home);
    harness.run();
    assert_eq!(sent_users(&link), Some(200_000));
}

#[test]
fn play_and_pause_by_button_and_by_key() {
    let link = link(frame(Phase::Paused));
    let mut harness = explorer(&link);
    harness.get_by_label("Play").click();
    harness.run();
    assert!(matches!(link.sent.borrow()[..], [Command::Play]));
    harness.key_press(Key::Space);
    harness.run();
    assert!(matches!(
        link.sent.borrow()[..],
        [Command::Play, Command::Pause]
    ));
    harness.get_by_label("Play");
}

#[test]
fn paused_asks_for_no_repaint() {
    for phase in [Phase::Paused, Phase::Running] {
        let mut harness = explorer(&link(frame(phase)));
        harness.run();
        // Between two frames of the session nothing asks for another pass either.
        harness.step();
        let delay = harness
            .output()
            .viewport_output
            .values()
            .map(|output| output.repaint_delay)
            .min();
        assert!(
            delay.is_some_and(|delay| delay > std::time::Duration::from_secs(3_600)),
            "{phase:?}: {delay:?}"
        );
    }
}

#[test]
fn a_preset_is_opened_from_the_menu() {
    let link = link(frame(Phase::Paused));
    let entry = |name: &str, title: &str, result: fn() -> Result<Draft, String>| PresetEntry {
        name: name.into(),
        title: title.into(),
        scenario: scenario().into(),
        load: Box::new(result),
    };
    let presets = vec![
        entry("team-chat", "Team chat", || Ok(draft())),
        entry("broken", "Broken preset", || {
            Err("line 3: no such field".into())
        }),
    ];
    let mut harness = explorer_with(&link, Theme::Dark, 1.0, vec2(1280.0, 800.0), presets);
    harness.get_by_label("Scenario: Team chat").click();
    harness.run();
    harness.get_by_label("Broken preset").click();
    harness.run();
    harness.get_by_label("Broken preset could not be opened: line 3: no such field");
    assert!(link.sent.borrow().is_empty());
    harness.get_by_label("Scenario: Team chat").click();
    harness.run();
    harness.get_by_label("Team chat").click();
    harness.run();
    assert!(matches!(link.sent.borrow()[..], [Command::Load(_)]));
}

#[test]
fn a_pattern_is_switched_where_the_scenario_names_what_it_switches_on() {
    let mut bare = frame(Phase::Paused).scenario.as_ref().clone();
    assert!(Pattern::EventSourcing.obstacle(&bare).is_none());
    bare.design.sourcing = None;
    assert!(Pattern::EventSourcing.obstacle(&bare).is_some());
    let link = link(frame(Phase::Paused));
    let mut harness = explorer(&link);
    for label in [
        "Pooling & balancing",
        "Sharding",
        "Caching & edge",
        "Event sourcing",
    ] {
        harness.get_by_label(label).click();
        harness.run();
    }
    let sent = link.sent.borrow();
    let switched: Vec<[bool; 4]> = sent
        .iter()
        .map(|command| match command {
            Command::Load(scenario) => Pattern::ALL.map(|pattern| pattern.is_on(scenario)),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [
        [false, false, false, false],
        [false, false, true, false],
        [false, false, true, true],
        [false, true, true, true],
    ];
    assert_eq!(switched, expected);
}

#[test]
fn every_edit_is_undone_and_made_again() {
    let link = link(frame(Phase::Paused));
    let mut harness = explorer(&link);
    harness.get_by_label("Sharding").click();
    harness.run();
    harness.key_press(Key::PageUp);
    harness.run();
    let now = |harness: &Harness<'_, Explorer>| {
        let scenario = harness.state().state.history.now().scenario().clone();
        (scenario.patterns.sharding, scenario.load.users)
    };
    assert_eq!(now(&harness), (true, 250_000));
    let mut seen = Vec::new();
    for modifiers in [Modifiers::COMMAND, Modifiers::COMMAND | Modifiers::SHIFT] {
        for _ in 0..3 {
            harness.key_press_modifiers(modifiers, Key::Z);
            harness.run();
            seen.push(now(&harness));
        }
    }
    let (first, second, third) = ((false, 200_000), (true, 200_000), (true, 250_000));
    assert_eq!(seen, [second, first, first, second, third, third]);
    // Another number of users is taken while running, a switch begins anew.
    let kinds: Vec<bool> = link
        .sent
        .borrow()
        .iter()
        .map(|c| matches!(c, Command::Load(_)))
        .collect();
    assert_eq!(kinds, [true, false, false, true, true, false]);
}

#[test]
fn a_fault_that_the_session_took_is_a_step_of_the_draft() {
    let mut broken = frame(Phase::Paused);
    let mut scenario = scenario();
    scenario.faults.push(sim_core::scenario::TimedFault {
        at: sim_core::time::SimDuration::from_millis(37_001),
        lasts: Some(sim_core::time::SimDuration::from_secs(30)),
        fault: sim_core::scenario::Fault::FlushCache,
    });
    scenario.patterns.caching_and_edge = true;
    broken.scenario = scenario.into();
    let mut state = State::new(&broken, draft(), false, Vec::new());
    let cached = [("patterns.caching_and_edge".to_owned(), "On".to_owned())];
    state
        .history
        .push(draft().with(&cached).expect("it is valid"));
    crate::command_handling::adopt(&broken, &mut state);
    assert_eq!(state.problem, None);
    assert_eq!(
        state.history.now().scenario().faults,
        broken.scenario.faults
    );
    // A frame about an earlier scenario is not asked.
    state.loads += 1;
    assert!(state.history.undo());
    crate::command_handling::adopt(&broken, &mut state);
    assert!(state.history.now().scenario().faults.is_empty());
}

#[test]
fn without_shards_there_is_nothing_to_switch_on() {
    let mut frame = frame(Phase::Paused);
    let mut bare = Scenario::clone(&frame.scenario);
    bare.design.shards = None;
    frame.scenario = bare.into();
    let link = link(frame);
    let mut harness = explorer(&link);
    harness.get_by_label("Sharding").click();
    harness.run();
    assert!(link.sent.borrow().is_empty());
}

#[test]
fn the_opening_view_is_calm() {
    let harness = explorer(&link(frame(Phase::Paused)));
    use egui::accesskit::Role;
    let interactive = [
        Role::Button,
        Role::Slider,
        Role::Switch,
        Role::CheckBox,
        Role::TextInput,
        Role::Link,
    ];
    let controls = harness
        .root()
        .children_recursive()
        .filter(|node| interactive.contains(&node.accesskit_node().role()))
        .count();
    assert!((5..=12).contains(&controls), "{controls} controls");
    let words: usize = harness
        .root()
        .children_recursive()
        .filter(|node| node.accesskit_node().role() == Role::Label && node.rect().height() < 40.0)
        .filter_map(|node| {
            node.accesskit_node()
                .value()
                .or_else(|| node.accesskit_node().label())
        })
        .map(|text| {
            text.split_whitespace()
                .filter(|word| word.chars().any(char::is_alphabetic))
                .count()
        })
        .sum();
    assert!(words <= 60, "{words} words");
}

#[test]
fn help_lists_every_shortcut() {
    let mut harness = explorer(&link(frame(Phase::Paused)));
    harness.key_press(Key::F1);
    harness.run();
    for listed in crate::command::UiCommand::listed() {
        assert!(
            harness.query_all_by_label(listed.title).count() >= 1,
            "{}",
            listed.title
        );
    }
}
