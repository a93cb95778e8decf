//! Every field of the scenario, by section or by what is searched for.

use egui::{CollapsingHeader, RichText, TextEdit, Ui};
use sim_core::docs::fields::Found;
use sim_core::scenario::tree;

use super::dialog::Typed;
use super::field;
use crate::editor;
use crate::view_ctx::ViewCtx;

/// Fields shown of a search.
const MOST_FOUND: usize = 12;

/// The search, and the sections.
pub fn show(ui: &mut Ui, view: &ViewCtx<'_>) {
    ui.separator();
    let label = ui.label(RichText::new("All fields").font(view.strong(15.0)));
    let typed = Typed::new("search of fields");
    let mut text = typed.get(ui, String::new);
    let search = TextEdit::singleline(&mut text)
        .hint_text("Search")
        .font(view.font(14.0))
        .desired_width(f32::INFINITY);
    if ui.add(search).labelled_by(label.id).changed() {
        typed.set(ui, text.clone());
    }
    ui.add_space(6.0 * view.scale);
    if text.trim().is_empty() {
        sections(ui, view);
    } else {
        ui.push_id("found", |ui| found(ui, view, &text.to_lowercase()));
    }
}

fn found(ui: &mut Ui, view: &ViewCtx<'_>, wanted: &str) {
    let words: Vec<&str> = wanted.split_whitespace().collect();
    let holds = |found: &Found<'_>| {
        let (path, also) = (found.path.replace('_', " "), also_called(&found.path));
        let text = format!("{path} {also} {}", found.doc).to_lowercase();
        words
            .iter()
            .all(|word| text.contains(word) || found.path.contains(word))
    };
    let mut all = view.state.editor.fields(holds);
    // What is called so comes before what only speaks of it.
    all.sort_by_key(|found| !words.iter().all(|word| found.path.contains(word)));
    if all.is_empty() {
        ui.weak("No field is called so.");
    }
    for found in all.iter().take(MOST_FOUND) {
        field::show(ui, view, found, &editor::title(&found.path));
    }
    if all.len() > MOST_FOUND {
        ui.weak(format!(
            "And {} more: type another word.",
            all.len() - MOST_FOUND
        ));
    }
}

/// What people look for who mean this field.
fn also_called(path: &str) -> &'static str {
    match path {
        "traffic.publish.size" | "traffic.presence.size" | "traffic.query.size" => {
            "compression egress bytes bandwidth cheaper"
        }
        "traffic.presence.coalesce" => "batching egress cheaper",
        "run.price_book" => "egress cost money cheaper discount",
        _ => "",
    }
}

/// `load`, `traffic`, `design: database` …
fn section(path: &str) -> String {
    match tree::steps(path).as_slice() {
        ["design", tier, _, ..] => format!("design: {}", tier.replace('_', " ")),
        [first, ..] => first.replace('_', " "),
        [] => String::new(),
    }
}

fn sections(ui: &mut Ui, view: &ViewCtx<'_>) {
    let all = view.state.editor.fields(|_| true);
    let mut names: Vec<String> = Vec::new();
    for found in &all {
        let name = section(&found.path);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let changes = view.state.history.now().changes();
    for name in names {
        let changed = changes
            .iter()
            .filter(|(path, _)| section(path) == name)
            .count();
        let title = match changed {
            0 => name.clone(),
            count => format!("{name}, {count} changed"),
        };
        CollapsingHeader::new(RichText::new(title).font(view.font(14.0)))
            .id_salt(&name)
            .show(ui, |ui| {
                for found in all.iter().filter(|found| section(&found.path) == name) {
                    field::show(ui, view, found, &editor::title(&found.path));
                }
            });
    }
}
