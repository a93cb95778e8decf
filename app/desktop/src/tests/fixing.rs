//! What would fix it, ghosts, kept designs, compare and evidence, with real experiments behind a hand-made frame.

use std::time::{Duration, Instant};

use egui_kittest::Node;
use session::{Found, Studies, Study};

use super::*;
use crate::views::{self, View};

/// A session that shows one frame, and answers questions by simulating.
#[derive(Clone)]
struct Studied {
    scripted: Scripted,
    studies: Rc<Studies>,
}

impl Link for Studied {
    fn send(&self, command: Command) {
        self.scripted.send(command);
    }

    fn frame(&self) -> Arc<Frame> {
        self.scripted.frame()
    }

    fn ask(&self, study: Study) {
        self.studies.ask(study);
    }

    fn found(&self) -> Arc<Found> {
        self.studies.found()
    }
}

fn studied(frame: Frame) -> Studied {
    Studied {
        scripted: link(frame),
        studies: Rc::new(Studies::start(Arc::new(|| {})).expect("a thread")),
    }
}

/// Team chat with fewer people, for as long as a test may take.
fn small() -> Draft {
    let fields = [
        ("load.users", "20000"),
        ("design.database.pool", "10"),
        ("run.warmup", "1 s"),
        ("run.duration", "4 s"),
    ];
    let fields = fields.map(|(path, value)| (path.to_owned(), value.to_owned()));
    draft().with(&fields).expect("it is valid")
}

fn window(
    link: &Studied,
    draft: Draft,
    size: egui::Vec2,
    theme: Theme,
) -> Harness<'static, Explorer> {
    Harness::builder()
        .with_size(size)
        .with_theme(theme)
        .with_context_setup(theme::install)
        .build_ui_state(
            |ui: &mut Ui, explorer: &mut Explorer| {
                explorer.logic(ui.ctx());
                explorer.ui(ui);
            },
            Explorer::new(Box::new(link.clone()), draft, false, Vec::new()),
        )
}

fn opened(draft: Draft) -> (Studied, Harness<'static, Explorer>) {
    let mut frame = frame(Phase::Paused);
    frame.scenario = draft.scenario().clone();
    let mut report = report();
    report.users = u64::from(draft.scenario().load.users);
    frame.report = Some(Arc::new(report));
    let link = studied(frame);
    let harness = window(&link, draft, vec2(1280.0, 800.0), Theme::Dark);
    (link, harness)
}

/// Passes until something is there to be heard.
#[expect(
    clippy::disallowed_methods,
    reason = "a real thread simulates, and the test waits for it"
)]
fn until(
    harness: &mut Harness<'static, Explorer>,
    what: &str,
    wanted: impl Fn(&Harness<'static, Explorer>) -> bool,
) {
    let begun = Instant::now();
    loop {
        harness.run();
        if wanted(harness) {
            return;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(120),
            "no {what}: {:?}",
            harness.state().state.found
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn chips<'h>(harness: &'h Harness<'static, Explorer>) -> Vec<Node<'h>> {
    let all = harness.query_all_by_label_contains("a month, ");
    let free = harness.query_all_by_label_contains("no extra cost, ");
    all.chain(free)
        .filter(|node| node.accesskit_node().role() == egui::accesskit::Role::Button)
        .collect()
}

fn is_complete(harness: &Harness<'static, Explorer>) -> bool {
    let fixes = harness.state().state.found.fixes.clone();
    fixes.is_some_and(|fixes| fixes.complete)
}

#[test]
fn two_actions_name_a_fix_and_its_price_and_make_it() {
    let (link, mut harness) = opened(small());
    harness.get_by_label("What would fix it?").click();
    until(&mut harness, "fixes", is_complete);
    harness.run();
    let said: Vec<String> = chips(&harness)
        .iter()
        .filter_map(|chip| chip.accesskit_node().label())
        .collect();
    assert!((2..=4).contains(&said.len()), "{said:?}");
    assert!(
        said.iter().any(|words| words.contains("a pool of")),
        "{said:?}"
    );
    assert!(
        said.iter().all(|words| words.contains("breaks at")
            || words.contains("nothing gives way")
            || words.contains("holds")),
        "{said:?}"
    );
    chips(&harness)[0].click();
    harness.run();
    let state = &harness.state().state;
    assert_ne!(state.history.now(), &small());
    assert!(!state.variants.fixing);
    assert!(matches!(
        link.scripted.sent.borrow()[..],
        [Command::Load(_)]
    ));
    assert!(heard(&harness, "before: "));
    harness.get_by_label("Undo").click();
    harness.run();
    assert_eq!(harness.state().state.history.now(), &small());
    assert!(!heard(&harness, "before: "));
}

#[test]
fn a_fix_under_the_pointer_is_simulated() {
    let (_link, mut harness) = opened(small());
    harness.get_by_label("What would fix it?").click();
    until(&mut harness, "fixes", is_complete);
    harness.run();
    chips(&harness)[0].hover();
    until(&mut harness, "simulated fix", |harness| {
        chips(harness)
            .iter()
            .filter_map(|chip| chip.accesskit_node().label())
            .any(|words| words.ends_with(" simulated") && words.contains(" to "))
    });
}

#[test]
fn both_are_kept_and_compared_on_the_same_draws() {
    let (_link, mut harness) = opened(small());
    harness.get_by_label("Sharding").click();
    harness.run();
    assert!(heard(&harness, "before: Sharding off"));
    let line = harness.get_by_role(egui::accesskit::Role::Slider);
    let summary = line.accesskit_node().label().expect("the line has words");
    assert!(
        summary.contains("Before, Sharding off: breaks at about 255 K"),
        "{summary}"
    );
    harness.get_by_label("Keep both").click();
    harness.run();
    harness.get_by_label("Compare").click();
    until(&mut harness, "differences", |harness| {
        heard(harness, "Paired differences on the same random numbers")
    });
    assert!(heard(&harness, "Latency and cost of kept designs"));
    assert!(
        heard(&harness, "p99 latency as load grows: A")
            || heard(&harness, "p99 latency as load grows. A")
    );
    harness.get_by_label("Adopt A").click();
    harness.run();
    assert_eq!(harness.state().state.history.now(), &small());
    harness.get_by_label("Discard B").click();
    harness.run();
    assert!(!harness.state().state.open.has(View::Compare));
    assert!(harness.query_by_label("Compare").is_none());
}

#[test]
fn a_chosen_tier_is_looked_into_and_all_evidence_has_words() {
    let (_link, mut harness) = opened(small());
    let tier = sim_core::scenario::Tier::Database;
    let selected = crate::selection::Selected {
        tier,
        instance: None,
    };
    harness.state_mut().state.selected = Some(selected);
    harness.run();
    assert!(heard(&harness, "Tier: Database"));
    harness.get_by_label("All evidence").click();
    harness.run();
    for (tab, words) in [
        ("Over time", "Nothing was kept over time yet."),
        ("Cost", "$94 K a month with the prices of 2026-07"),
        ("Assumptions", "This scenario names no source."),
        ("Published cases", "published tests of"),
    ] {
        harness.get_by_label(tab).click();
        harness.run();
        assert!(heard(&harness, words), "{tab}");
    }
    harness.get_by_label("Which guess matters").click();
    until(&mut harness, "guesses", |harness| {
        heard(harness, "matters most")
    });
}

#[test]
fn every_view_in_both_themes_at_every_size() {
    for listed in views::all() {
        for size in [
            vec2(1024.0, 640.0),
            vec2(1280.0, 800.0),
            vec2(2560.0, 1440.0),
        ] {
            for theme in [Theme::Dark, Theme::Light] {
                let link = link(frame(Phase::Paused));
                let mut harness = explorer_with(&link, theme, 1.0, size, Vec::new());
                let title = listed.title;
                harness.state_mut().state.open.toggle(listed.view);
                harness.run();
                harness.run();
                assert!(harness.state().state.open.has(listed.view), "{title}");
                harness.step();
                let outputs = &harness.output().viewport_output;
                let delay = outputs.values().map(|output| output.repaint_delay).min();
                assert!(
                    delay.is_some_and(|delay| delay > Duration::from_secs(3_600)),
                    "{title} asks for another pass: {delay:?}"
                );
            }
        }
    }
}
