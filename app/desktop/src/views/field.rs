//! One field of the scenario: what it says, what is allowed, where that is from, and a way to change it.

use egui::{ComboBox, Id, Key, RichText, TextEdit, Ui};
use sim_core::docs::{fields::Found, split_default};

use crate::command::UiCommand;
use crate::editor;
use crate::view_ctx::ViewCtx;

/// Shows a field under this title.
pub fn show(ui: &mut Ui, view: &ViewCtx<'_>, found: &Found<'static>, title: &str) {
    let editor = &view.state.editor;
    let path = found.path.as_str();
    if !editor.has_asked(path) {
        view.send(UiCommand::AskLimits(path.to_owned()));
    }
    let changed = view.state.history.now().changes();
    let is_changed = changed.iter().any(|(other, _)| {
        other == path
            || path
                .strip_prefix(other)
                .is_some_and(|rest| rest.starts_with('.'))
    });
    let (what, default) = split_default(found.doc);
    let source = view.state.history.now().scenario().source_of(path);
    let source = source.map(editor::source);
    let small = |words: String| RichText::new(words).font(view.font(12.0));
    ui.push_id(path, |ui| {
        ui.spacing_mut().item_spacing.y = 3.0 * view.scale;
        let label = ui.horizontal_wrapped(|ui| {
            let label = ui.label(RichText::new(title).font(view.strong(13.5)));
            let (word, color) = match (is_changed, source) {
                (true, _) => ("yours", view.theme.accent),
                (false, Some((word, _))) => (word, view.theme.muted),
                (false, None) => ("", view.theme.muted),
            };
            ui.label(small(word.to_owned()).color(color));
            label
        });
        let value = editor.written(path);
        input(ui, view, found, value.as_deref(), default, label.inner.id);
        if let Some(refused) = editor
            .refused
            .as_ref()
            .filter(|refused| refused.path == path)
        {
            let words = format!("Not changed, {:?}: {}", refused.value, refused.sentence);
            ui.label(small(words).color(view.theme.bad));
        }
        let limits = editor.answers.limits.get(path);
        let unit = limits.and_then(|limits| limits.unit.clone());
        let allowed = limits.and_then(|limits| limits.allowed.clone());
        let range: Vec<String> = allowed.or(unit).into_iter().collect();
        let mut words = format!("{} ", what.replace('`', ""));
        if let Some(range) = range.first() {
            words += &format!("Allowed: {range}. ");
        }
        if let Some((_, why)) = source.filter(|_| !is_changed) {
            words += &format!("From: {why}.");
        }
        ui.label(small(words.trim().to_owned()).color(view.theme.muted));
        if is_changed && changed.iter().any(|(other, _)| other == path) {
            take_back(ui, view, path);
        }
    });
    ui.add_space(9.0 * view.scale);
}

/// The value: a choice where there are only words to choose from, else a text.
fn input(
    ui: &mut Ui,
    view: &ViewCtx<'_>,
    found: &Found<'static>,
    value: Option<&str>,
    default: Option<&str>,
    label: Id,
) {
    let path = found.path.as_str();
    let choices = editor::choices(found);
    if !choices.is_empty() {
        let shown = value.or(default).unwrap_or("not said");
        let combo = ComboBox::from_id_salt("choice")
            .selected_text(shown)
            .show_ui(ui, |ui| {
                for choice in choices {
                    if ui.selectable_label(value == Some(choice), choice).clicked() {
                        send(view, path, choice);
                    }
                }
            });
        combo.response.labelled_by(label);
        return;
    }
    let id = ui.make_persistent_id("text");
    let typed = ui.data(|data| data.get_temp::<String>(id));
    let mut text = typed.unwrap_or_else(|| value.unwrap_or_default().to_owned());
    let hint = default.map_or_else(
        || "not said".to_owned(),
        |default| format!("{default} (default)"),
    );
    let field = TextEdit::singleline(&mut text)
        .id(id.with("field"))
        .font(view.font(14.0))
        .hint_text(hint)
        .desired_width(f32::INFINITY);
    let response = ui.add(field).labelled_by(label);
    if response.changed() {
        ui.data_mut(|data| data.insert_temp(id, text.clone()));
    }
    if response.lost_focus() {
        ui.data_mut(|data| data.remove::<String>(id));
        let given_up = ui.input(|input| input.key_pressed(Key::Escape));
        if !given_up && text != value.unwrap_or_default() && !text.trim().is_empty() {
            send(view, path, &text);
        }
    }
}

fn send(view: &ViewCtx<'_>, path: &str, value: &str) {
    view.send(UiCommand::Edit(vec![(path.to_owned(), value.to_owned())]));
}

/// As it was in the beginning.
fn take_back(ui: &mut Ui, view: &ViewCtx<'_>, path: &str) {
    let draft = view.state.history.now();
    let was = draft.base().written(path);
    let was = was.map_or_else(|| "not said".to_owned(), sim_core::scenario::tree::unquote);
    let name = draft.beginning().name();
    let words = format!("As in {name}: {was}");
    if ui
        .link(RichText::new(words).font(view.font(12.5)))
        .clicked()
    {
        view.send(UiCommand::TakeBack(path.to_owned()));
    }
}
