//! Making a design one's own: fields, menus of the map, files, the palette, the gallery, looks, and what is shared.

use std::collections::BTreeMap;

use session::Answers;
use sim_core::docs::probe::Limits;
use sim_core::scenario::{ScenarioError, Tier};

use super::*;
use crate::command::UiCommand;
use crate::files::{Files, Kept};
use crate::selection::Selected;
use crate::theme::Look;
use crate::views::{self, Place, View};

/// Files in memory, shared between two windows.
#[derive(Clone, Default)]
pub(super) struct Memory {
    written: Rc<RefCell<BTreeMap<String, Vec<u8>>>>,
    kept: Rc<RefCell<BTreeMap<String, String>>>,
}

impl Memory {
    fn text(&self, path: &str) -> String {
        let written = self.written.borrow();
        let bytes = written.get(path).unwrap_or_else(|| panic!("no {path}"));
        String::from_utf8(bytes.clone()).expect("it is text")
    }
}

fn loaded(path: &str, text: &str) -> Result<Draft, String> {
    let find = |_: &str, _: &str| {
        Ok(sim_core::scenario::Base {
            file_name: "preset team-chat".into(),
            text: TEAM_CHAT.into(),
        })
    };
    let sentence = |errors: Vec<ScenarioError>| errors[0].to_string();
    let loaded = load_with(text, path, &[], &find, &|_| Err(String::new())).map_err(sentence)?;
    let beginning = Beginning::File {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    Ok(Draft::new(beginning, loaded))
}

impl Files for Memory {
    fn open(&self, name: &str) -> Result<Draft, String> {
        if name == "team-chat" {
            return Ok(draft());
        }
        let there = self.written.borrow().contains_key(name);
        if !there {
            return Err(format!("there is no file {name}"));
        }
        loaded(name, &self.text(name))
    }

    fn save(&self, path: &str, text: &str) -> Result<Draft, String> {
        let draft = loaded(path, text)?;
        self.export(path, text.as_bytes())?;
        Ok(draft)
    }

    fn export(&self, path: &str, bytes: &[u8]) -> Result<(), String> {
        self.written
            .borrow_mut()
            .insert(path.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn is_there(&self, path: &str) -> bool {
        self.written.borrow().contains_key(path)
    }

    fn kept(&self, what: Kept) -> Option<String> {
        self.kept.borrow().get(&format!("{what:?}")).cloned()
    }

    fn keep(&self, what: Kept, text: &str) {
        self.kept
            .borrow_mut()
            .insert(format!("{what:?}"), text.to_owned());
    }
}

/// A session that also answers questions.
struct Answering(Scripted, Arc<Answers>);

impl Link for Answering {
    fn send(&self, command: Command) {
        self.0.send(command);
    }

    fn frame(&self) -> Arc<Frame> {
        self.0.frame()
    }

    fn answers(&self) -> Arc<Answers> {
        self.1.clone()
    }
}

fn window(
    link: impl Link + 'static,
    files: Memory,
    size: egui::Vec2,
) -> Harness<'static, Explorer> {
    let mut frame = frame(Phase::Paused);
    frame.loads = 0;
    let entry = |name: &str, title: &str| PresetEntry {
        name: name.into(),
        title: title.into(),
        scenario: scenario().into(),
        load: Box::new(|| Ok(draft())),
    };
    let presets = vec![
        entry("team-chat", "Team chat"),
        entry("other", "Another one"),
    ];
    let state = State::new(&frame, draft(), false, presets).with_files(Box::new(files), false);
    Harness::builder()
        .with_size(size)
        .with_theme(Theme::Dark)
        .with_context_setup(theme::install)
        .build_ui_state(
            |ui: &mut Ui, explorer: &mut Explorer| {
                explorer.logic(ui.ctx());
                explorer.ui(ui);
            },
            Explorer::with_state(Box::new(link), state),
        )
}

fn usual(link: &Scripted, files: &Memory) -> Harness<'static, Explorer> {
    window(link.clone(), files.clone(), vec2(1280.0, 800.0))
}

fn open(harness: &mut Harness<'_, Explorer>, view: View) {
    harness.state_mut().state.open.toggle(view);
    harness.run();
    harness.run();
}

pub(super) fn type_into(harness: &mut Harness<'_, Explorer>, label: &str, text: &str) {
    let field = harness.get_by_role_and_label(egui::accesskit::Role::TextInput, label);
    field.focus();
    harness.run();
    harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    harness.run();
    harness.event(egui::Event::Text(text.to_owned()));
    harness.run();
}

fn enter(harness: &mut Harness<'_, Explorer>) {
    harness.key_press(Key::Enter);
    harness.run();
    harness.run();
}

fn now(harness: &Harness<'_, Explorer>) -> Draft {
    harness.state().state.history.now().clone()
}

fn change(harness: &mut Harness<'_, Explorer>, path: &str, value: &str) {
    let fields = vec![(path.to_owned(), value.to_owned())];
    let explorer = harness.state_mut();
    let next = explorer
        .state
        .history
        .now()
        .with(&fields)
        .expect("it is valid");
    explorer.state.history.push(next);
}

#[test]
fn an_input_is_made_mine_and_taken_back() {
    let link = link(frame(Phase::Paused));
    let mut harness = usual(&link, &Memory::default());
    harness.get_by_label("Make it mine").click();
    harness.run();
    harness.run();
    assert!(harness.query_all_by_label("assumed").count() > 0);
    type_into(&mut harness, "Connection servers: count", "25");
    enter(&mut harness);
    let pool = |draft: &Draft| draft.scenario().design.connection_servers.count;
    assert_eq!(pool(&now(&harness)), 25);
    assert!(matches!(link.sent.borrow()[..], [Command::Load(_)]));
    harness.get_by_label("yours");
    harness.get_by_label("As in team-chat: 10").click();
    harness.run();
    assert_eq!(now(&harness), draft());
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    harness.run();
    assert_eq!(pool(&now(&harness)), 25);
}

#[test]
fn a_wrong_value_is_answered_in_place_and_changes_nothing() {
    let link = link(frame(Phase::Paused));
    let mut harness = usual(&link, &Memory::default());
    open(&mut harness, View::MakeItMine);
    type_into(&mut harness, "Connection servers: count", "many");
    enter(&mut harness);
    assert_eq!(now(&harness), draft());
    assert!(link.sent.borrow().is_empty());
    harness.get_by_label_contains("Not changed, \"many\"");
    // The sentence of the answer stays as it is.
    harness.get_by_label("First to give way: the database pool, at about 255 K users.");
}

#[test]
fn the_inputs_that_matter_most_come_first_with_what_is_allowed() {
    let scripted = link(frame(Phase::Paused));
    let guess = |path: &str, words: &str| sim_core::experiment::guesses::Guess {
        path: path.to_owned(),
        words: words.to_owned(),
        value: String::new(),
        source: String::new(),
        low: Vec::new(),
        high: Vec::new(),
    };
    let mut answers = Answers::default();
    answers.ranked = Some(vec![
        guess("channels.per_user", "channels per user"),
        guess("traffic.query.size", "size of an answer"),
    ]);
    let allowed = Limits {
        unit: None,
        allowed: Some("1 to 77 channels".into()),
    };
    answers.limits.insert("channels.per_user".into(), allowed);
    let link = Answering(scripted, Arc::new(answers));
    let mut harness = window(link, Memory::default(), vec2(1280.0, 800.0));
    open(&mut harness, View::MakeItMine);
    harness.get_by_label_contains("These guesses move the answer most.");
    let top = |label: &str| harness.get_by_label(label).rect().top();
    assert!(top("Channels per user") < top("Size of an answer"));
    harness.get_by_label_contains("Allowed: 1 to 77 channels.");
}

#[test]
fn every_field_is_found_by_its_name() {
    let link = link(frame(Phase::Paused));
    let mut harness = usual(&link, &Memory::default());
    open(&mut harness, View::MakeItMine);
    type_into(&mut harness, "All fields", "database timeout");
    harness.get_by_label("database: timeout");
    type_into(&mut harness, "All fields", "compression");
    harness.get_by_label(&crate::editor::title("traffic.publish.size"));
    type_into(&mut harness, "All fields", "no such field");
    harness.get_by_label("No field is called so.");
    // Every field that a search may show has a name and words of its own.
    for found in crate::editor::all() {
        assert!(!found.doc.is_empty(), "{}", found.path);
        assert!(!crate::editor::title(&found.path).is_empty());
    }
    assert!(crate::editor::all().len() > 100);
}

#[test]
fn a_tier_is_chosen_scaled_and_broken_from_its_menu() {
    let link = link(frame(Phase::Paused));
    let mut harness = usual(&link, &Memory::default());
    harness
        .get_by_label_contains("Connection servers, 10 ×")
        .click();
    harness.run();
    let chosen = Selected {
        tier: Tier::ConnectionServers,
        instance: None,
    };
    assert_eq!(harness.state().state.selected, Some(chosen));
    harness.get_by_label("Change connection servers").click();
    harness.run();
    harness.get_by_label("Twice as many: 20");
    harness.get_by_label("One fewer: 9");
    harness.get_by_label_contains("Smaller machine: ");
    harness.get_by_label_contains("Kill connection server 1");
    harness.get_by_label("One more: 11").click();
    harness.run();
    assert_eq!(now(&harness).scenario().design.connection_servers.count, 11);
    assert_eq!(now(&harness).changes().len(), 1);
}

#[test]
fn every_change_of_every_tier_is_a_valid_design() {
    for first in [
        vec![],
        vec![
            ("patterns.sharding", "On"),
            ("patterns.caching_and_edge", "On"),
        ],
        vec![("design.cache", "None"), ("design.shards", "None")],
    ] {
        let fields: Vec<(String, String)> = first
            .iter()
            .map(|(path, value)| ((*path).into(), (*value).into()))
            .collect();
        let draft = draft().with(&fields).expect("it is valid");
        let mut titles = Vec::new();
        for tier in Tier::ALL {
            let scenario = draft.scenario();
            let all = [
                crate::design_edits::counts(scenario, tier),
                crate::design_edits::machines(scenario, tier),
                crate::design_edits::additions(scenario, tier),
            ];
            for change in all.concat() {
                let next = draft.with(&change.fields);
                assert!(
                    next.as_ref().is_ok_and(|next| *next != draft),
                    "{change:?} {next:?}"
                );
                titles.push(change.title);
            }
        }
        let expected = match first.as_slice() {
            [] => vec!["Switch on a cache", "Add read replicas", "Switch on shards"],
            [("patterns.sharding", _), ..] => {
                vec!["Remove a cache", "Remove shards", "One more: 5"]
            }
            _ => vec!["Add a cache", "Add shards"],
        };
        for title in expected {
            assert!(
                titles.iter().any(|other| other == title),
                "{title} is not in {titles:?}"
            );
        }
    }
}

#[test]
fn the_map_is_enlarged_moved_and_fitted() {
    let link = link(frame(Phase::Paused));
    let mut harness = usual(&link, &Memory::default());
    let width = |harness: &Harness<'_, Explorer>| {
        harness
            .get_by_label_contains("Database, 1 ×")
            .rect()
            .width()
    };
    let before = width(&harness);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Plus);
    harness.run();
    assert!((harness.state().state.map.zoom - 1.25).abs() < 1e-6);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Num0);
    harness.run();
    assert_eq!(harness.state().state.map, Default::default());
    assert_eq!(width(&harness), before);
}

#[test]
fn what_is_edited_is_saved_and_runs_the_same() {
    let (link, files) = (link(frame(Phase::Paused)), Memory::default());
    let mut harness = usual(&link, &files);
    harness.get_by_label("Sharding").click();
    harness.run();
    change(&mut harness, "design.database.pool", "250");
    harness.key_press_modifiers(Modifiers::COMMAND, Key::S);
    harness.run();
    harness.run();
    type_into(&mut harness, "File", "mine");
    enter(&mut harness);
    let text = files.text("mine.ron");
    let again = loaded("mine.ron", &text).expect("it can be read");
    assert_eq!(again.scenario().hash(), now(&harness).scenario().hash());
    assert!(again.scenario().patterns.sharding);
    assert_eq!(now(&harness).command("run"), "plimsoll run mine.ron");
    harness.get_by_label("Saved. plimsoll run mine.ron runs the same.");
    assert!(harness.state().state.open.at(Place::Over).is_none());
    // The next save asks nothing; another file of that name is asked about.
    change(&mut harness, "design.database.pool", "300");
    harness.key_press_modifiers(Modifiers::COMMAND, Key::S);
    harness.run();
    assert!(files.text("mine.ron").contains("pool: 300"));
    files
        .export("other.ron", b"not a scenario")
        .expect("it is memory");
    open(&mut harness, View::SaveAs);
    type_into(&mut harness, "File", "other.ron");
    enter(&mut harness);
    harness.get_by_label("other.ron is already there.");
    assert_eq!(files.text("other.ron"), "not a scenario");
    harness.get_by_label("Write over it").click();
    harness.run();
    assert!(files.text("other.ron").contains("pool: 300"));
    assert_eq!(harness.state().state.desk.recent, ["other.ron", "mine.ron"]);
}

#[test]
fn what_was_not_saved_is_here_again_after_a_crash() {
    let (link, files) = (link(frame(Phase::Paused)), Memory::default());
    let mut harness = usual(&link, &files);
    change(&mut harness, "design.database.pool", "250");
    // Some seconds pass, and the window is gone without a word.
    for _ in 0..20 {
        harness.step();
    }
    let edited = now(&harness);
    drop(harness);
    assert!(
        files
            .kept(Kept::Unsaved)
            .is_some_and(|text| text.contains("design.database.pool"))
    );
    let mut harness = usual(&link, &files);
    assert_eq!(now(&harness), edited);
    harness.get_by_label("What you did not save is here again.");
    harness.get_by_label("Discard").click();
    harness.run();
    assert_eq!(now(&harness), draft());
    drop(harness);
    let harness = usual(&link, &files);
    assert_eq!(now(&harness), draft());
    assert!(harness.query_by_label("Discard").is_none());
}

#[test]
fn a_file_is_opened_by_its_path_and_one_that_is_not_there_is_a_sentence() {
    let (link, files) = (link(frame(Phase::Paused)), Memory::default());
    let mine = "(version: 1, name: \"mine\", title: \"Mine\", extends: \"team-chat\", load: (users: 70_000))";
    files
        .export("mine.ron", mine.as_bytes())
        .expect("it is memory");
    let mut harness = usual(&link, &files);
    open(&mut harness, View::Open);
    type_into(&mut harness, "File", "gone.ron");
    enter(&mut harness);
    let sentence = "gone.ron could not be opened: there is no file gone.ron";
    assert!(harness.query_all_by_label(sentence).count() > 0);
    type_into(&mut harness, "File", "mine.ron");
    enter(&mut harness);
    assert_eq!(now(&harness).scenario().load.users, 70_000);
    assert!(matches!(link.sent.borrow()[..], [Command::Load(_)]));
    assert!(harness.state().state.open.at(Place::Over).is_none());
}

#[test]
fn everything_is_a_few_letters_away() {
    let link = link(frame(Phase::Paused));
    let mut harness = usual(&link, &Memory::default());
    harness.key_press_modifiers(Modifiers::COMMAND, Key::K);
    harness.run();
    harness.run();
    harness.event(egui::Event::Text("flush".to_owned()));
    harness.run();
    assert!(harness.query_by_label("Flush the caches").is_none());
    harness.key_press(Key::Escape);
    harness.run();
    assert!(harness.state().state.open.at(Place::Over).is_none());
    harness.key_press_modifiers(Modifiers::COMMAND, Key::K);
    harness.run();
    harness.run();
    harness.event(egui::Event::Text("drop con".to_owned()));
    harness.run();
    enter(&mut harness);
    assert!(
        matches!(link.sent.borrow()[..], [Command::Break { .. }]),
        "{:?}",
        link.sent.borrow()
    );
    assert!(harness.state().state.open.at(Place::Over).is_none());
}

#[test]
fn the_palette_holds_every_command_view_and_preset() {
    let link = link(frame(Phase::Paused));
    let mut harness = usual(&link, &Memory::default());
    open(&mut harness, View::Palette);
    let mut wanted: Vec<String> = UiCommand::listed()
        .iter()
        .map(|l| l.title.to_owned())
        .collect();
    wanted.extend(["Open Another one", "Colours: projector", "Switch sharding"].map(str::to_owned));
    for title in wanted {
        harness.event(egui::Event::Text(title.clone()));
        harness.run();
        harness.run();
        let found = harness.query_all_by_label_contains(&title).count();
        assert!(found >= 1, "{title}");
        harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
        harness.run();
    }
}

#[test]
fn a_preset_is_opened_from_its_card_by_keyboard() {
    let link = link(frame(Phase::Paused));
    let mut harness = usual(&link, &Memory::default());
    harness.key_press_modifiers(Modifiers::COMMAND, Key::G);
    harness.run();
    harness.run();
    harness
        .get_by_label_contains("Open Another one. 200 K users.")
        .focus();
    harness.run();
    enter(&mut harness);
    assert!(matches!(link.sent.borrow()[..], [Command::Load(_)]));
    assert!(harness.state().state.open.at(Place::Whole).is_none());
}

#[test]
fn a_look_is_worn_and_remembered() {
    let (link, files) = (link(frame(Phase::Paused)), Memory::default());
    let mut harness = usual(&link, &files);
    harness.get_by_label("More").click();
    harness.run();
    harness.get_by_label("Projector").click();
    harness.run();
    assert_eq!(harness.state().state.look, Look::Projector);
    assert!(!harness.ctx.global_style().visuals.dark_mode);
    drop(harness);
    assert_eq!(usual(&link, &files).state().state.look, Look::Projector);
}

#[test]
fn what_is_on_screen_is_written_for_others() {
    let (link, files) = (link(frame(Phase::Paused)), Memory::default());
    let mut harness = usual(&link, &files);
    change(&mut harness, "design.database.pool", "250");
    open(&mut harness, View::Share);
    harness.get_by_label("plimsoll run team-chat --set design.database.pool=250");
    for title in [
        "Decision page, HTML",
        "Decision page, Markdown",
        "All numbers, JSON",
        "Load line, SVG",
        "Load line, CSV",
    ] {
        harness.get_by_label(title).click();
        harness.run();
    }
    let html = files.text("team-chat.html");
    assert!(html.contains("plimsoll run team-chat --set design.database.pool=250"));
    assert!(files.text("team-chat.md").contains("```mermaid"));
    assert!(files.text("team-chat.json").starts_with('{'));
    assert!(
        files
            .text("team-chat-load-line.svg")
            .starts_with("<svg xmlns")
    );
    assert!(
        files
            .text("team-chat-load-line.csv")
            .contains("200000,212\n")
    );
    let sentence = "team-chat-load-line.csv is written.";
    assert!(harness.query_all_by_label(sentence).count() > 0);
}

#[test]
fn every_view_fits_in_every_look_and_size() {
    for size in [
        vec2(1024.0, 640.0),
        vec2(1280.0, 800.0),
        vec2(2560.0, 1440.0),
    ] {
        for look in Look::ALL {
            for listed in views::all() {
                let link = link(frame(Phase::Paused));
                let mut harness = window(link, Memory::default(), size);
                let ctx = harness.ctx.clone();
                look.wear(&ctx);
                harness.state_mut().state.look = look;
                open(&mut harness, listed.view);
                let cut = breaking::cut_short(&harness);
                let what = format!("{} at {size} in {look:?}", listed.title);
                assert!(cut.is_empty(), "{what}: cut short: {cut:?}");
            }
        }
    }
}
