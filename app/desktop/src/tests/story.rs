//! The whole way once, with a real session behind the window: open, drag until it breaks, fix, compare, break, go back, save.

use std::time::{Duration, Instant};

use egui::accesskit::Role;
use session::{Inquiry, Session};
use sim_core::scenario::{Fault, TimedFault};

use super::edit::{Memory, type_into};
use super::*;
use crate::files::Files;
use crate::state::Live;
use crate::views::View;

/// Window on a real session that runs.
fn shipped(files: &Memory, draft: Draft) -> Harness<'static, Explorer> {
    let session = Session::start(Scenario::clone(draft.scenario()), true, || {});
    let inquiry = Inquiry::start(|| {});
    let state = State::of(draft, true, Vec::new()).with_files(Box::new(files.clone()), true);
    Harness::builder()
        .with_size(vec2(1280.0, 800.0))
        .with_theme(Theme::Dark)
        .with_context_setup(theme::install)
        .build_ui_state(
            |ui: &mut Ui, explorer: &mut Explorer| {
                explorer.logic(ui.ctx());
                explorer.ui(ui);
            },
            Explorer::with_state(Box::new(Live { session, inquiry }), state),
        )
}

/// Passes until it is so.
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
        harness.step();
        if wanted(harness) {
            harness.step();
            println!("{what}: {:.1} s", begun.elapsed().as_secs_f64());
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(240), "no {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn click(harness: &mut Harness<'static, Explorer>, label: &str) {
    harness.get_by_role_and_label(Role::Button, label).click();
    harness.step();
    harness.step();
}

fn shown(harness: &Harness<'static, Explorer>) -> Arc<Frame> {
    harness.state().frame.clone()
}

fn measured_for(users: u32) -> impl Fn(&Harness<'static, Explorer>) -> bool {
    move |harness| {
        let frame = shown(harness);
        let report = frame.report.as_ref();
        report.is_some_and(|report| report.users == u64::from(users)) && !frame.is_early()
    }
}

#[test]
fn from_the_first_look_to_a_saved_design() {
    let files = Memory::default();
    let mut harness = shipped(&files, draft());
    until(&mut harness, "an answer", measured_for(200_000));
    assert!(heard(&harness, "99 % of messages arrive within"));
    assert!(heard(&harness, "First to give way: the database pool"));

    // Drag until it breaks.
    let line = harness.get_by_role(Role::Slider).rect();
    let mut at = line.center();
    harness.drag_at(at);
    while harness.state().state.users < 1_000_000 {
        at.x += 4.0;
        assert!(at.x < line.right(), "the axis reaches a million");
        harness.hover_at(at);
        harness.step();
    }
    harness.drop_at(at);
    harness.step();
    let users = harness.state().state.users;
    assert!((1_000_000..1_200_000).contains(&users), "{users}");
    until(
        &mut harness,
        "the answer for a million",
        measured_for(users),
    );
    assert!(heard(&harness, "find no place"), "it is broken");

    // What would fix it, and at what price: two actions.
    click(&mut harness, "What would fix it?");
    let complete = |harness: &Harness<'static, Explorer>| {
        let fixes = harness.state().state.found.fixes.clone();
        fixes.is_some_and(|fixes| fixes.complete)
    };
    until(&mut harness, "fixes", complete);
    harness.step();
    let chips = harness.query_all_by_label_contains("a month, ");
    let chip = chips
        .into_iter()
        .find(|node| node.accesskit_node().role() == Role::Button)
        .expect("a fix with its price");
    println!("{:?}", chip.accesskit_node().label());
    chip.click();
    harness.step();
    harness.step();
    let fixed = harness.state().state.history.now().clone();
    assert_ne!(&fixed, &draft());
    assert!(heard(&harness, "before: "));

    // Both are kept and compared on the same draws.
    harness.get_by_label("Keep both").click();
    harness.step();
    harness.step();
    click(&mut harness, "Compare");
    until(&mut harness, "differences", |harness| {
        heard(harness, "Paired differences on the same random numbers")
    });
    assert!(heard(&harness, "Latency and cost of kept designs"));
    click(&mut harness, "Compare");
    assert!(!harness.state().state.open.has(View::Compare));

    // Kill a server, watch it, and go back to before.
    until(&mut harness, "the fixed design", measured_for(users));
    click(&mut harness, "Faults");
    let kill = harness.query_all_by_label_contains("Kill").next();
    kill.expect("the menu can kill").click();
    harness.step();
    harness.step();
    let server = harness
        .query_all_by_label_contains("connection server ")
        .next();
    server.expect("a server to kill").click();
    until(&mut harness, "the fault", |harness| {
        let faults = &harness.state().state.history.now().scenario().faults;
        matches!(
            faults[..],
            [TimedFault {
                fault: Fault::Kill { .. },
                ..
            }]
        )
    });
    let began = harness.state().state.history.now().scenario().faults[0]
        .at
        .as_secs_f64();
    until(&mut harness, "a second after", |harness| {
        shown(harness).simulated_s > began + 1.0
    });
    click(&mut harness, "Before it broke");
    until(&mut harness, "the second before it broke", |harness| {
        let frame = shown(harness);
        frame.time.seeking.is_none() && frame.simulated_s < began
    });
    assert!(shown(&harness).simulated_s >= began - 2.0);

    // Save it, and open the same again.
    harness.key_press_modifiers(Modifiers::COMMAND, Key::S);
    harness.step();
    harness.step();
    type_into(&mut harness, "File", "mine");
    harness.key_press(Key::Enter);
    harness.step();
    harness.step();
    let edited = harness.state().state.history.now().clone();
    drop(harness);
    let saved = files.open("mine.ron").expect("it was saved");
    assert_eq!(saved.scenario().hash(), edited.scenario().hash());
    assert_eq!(saved.scenario().load.users, users);
    let mut again = shipped(&files, saved);
    until(&mut again, "the same again", measured_for(users));
    let now = again.state().state.history.now();
    assert_eq!(now.scenario().hash(), edited.scenario().hash());
    assert_eq!(now.command("run"), "plimsoll run mine.ron");
}
