//! Everything that can be done, by name: type some letters of some words, Enter does it.

use egui::{Key, Modifiers, RichText, ScrollArea, TextEdit, Ui};

use super::dialog::{self, Typed};
use crate::command::{Pattern, UiCommand};
use crate::faults;
use crate::theme::Look;
use crate::view_ctx::ViewCtx;
use crate::views::{self, View};

/// Something that can be done.
pub struct Item {
    /// In words.
    pub title: String,
    /// How it is typed.
    pub shortcut: String,
    /// What is done.
    pub command: UiCommand,
}

/// All of it: commands, views, patterns, looks, presets, files, faults.
pub fn items(ui: &Ui, view: &ViewCtx<'_>) -> Vec<Item> {
    let item = |title: String, command: UiCommand| Item {
        shortcut: command.shortcut_text(ui.ctx()).unwrap_or_default(),
        title,
        command,
    };
    let mut items: Vec<Item> = UiCommand::listed()
        .into_iter()
        .map(|listed| item(listed.title.to_owned(), listed.command))
        .collect();
    let mut add = |title: String, command: UiCommand| {
        let there = items.iter().any(|other| other.command == command);
        if !there {
            items.push(item(title, command));
        }
    };
    for listed in views::all() {
        add(listed.title.to_owned(), UiCommand::Toggle(listed.view));
    }
    let scenario = &view.frame.scenario;
    for pattern in Pattern::ALL {
        if pattern.obstacle(scenario).is_none() {
            let title = format!("Switch {}", pattern.title().to_lowercase());
            add(title, UiCommand::TogglePattern(pattern));
        }
    }
    for look in Look::ALL {
        add(
            format!("Colours: {}", look.title().to_lowercase()),
            UiCommand::Dress(look),
        );
    }
    for (index, preset) in view.state.presets.iter().enumerate() {
        add(
            format!("Open {}", preset.title),
            UiCommand::OpenPreset(index),
        );
    }
    for path in &view.state.desk.recent {
        add(format!("Open {path}"), UiCommand::Open(path.clone()));
    }
    add("Copy the command line".into(), UiCommand::CopyCommand);
    for group in faults::offered(scenario, &view.frame.heat) {
        for offer in group.offers {
            let title = match group.title {
                "" => offer.title,
                of => format!("{of}: {}", offer.title),
            };
            add(title, UiCommand::Break(offer.fault));
        }
    }
    items
}

/// How well a title fits what is typed: every word must be the beginning of a word (0), part of one (1), or its letters stand
/// in the title in this order (2); the sum of that. `None`: it does not fit.
pub fn fits(title: &str, typed: &str) -> Option<u32> {
    let title = title.to_lowercase();
    let one = |word: &str| {
        if title
            .split_whitespace()
            .any(|other| other.starts_with(word))
        {
            return Some(0);
        }
        if title.contains(word) {
            return Some(1);
        }
        let mut letters = title.chars();
        let in_order = word
            .chars()
            .all(|wanted| letters.any(|letter| letter == wanted));
        in_order.then_some(2)
    };
    typed.to_lowercase().split_whitespace().map(one).sum()
}

/// What people type who mean this.
fn also_called(command: &UiCommand) -> &'static str {
    match command {
        UiCommand::Toggle(View::Evidence) => "cost price money bill cheaper expensive why",
        UiCommand::Toggle(View::MakeItMine) => "edit change fields settings numbers",
        _ => "",
    }
}

/// Shows it.
pub fn show(ui: &mut Ui, view: &ViewCtx<'_>) {
    let (query, chosen) = (Typed::new("command"), Typed::new("chosen command"));
    let fresh = dialog::is_fresh(ui, View::Palette);
    if fresh {
        query.clear(ui);
        chosen.clear(ui);
    }
    dialog::show(ui, view, View::Palette, 560.0, |ui| {
        let steer = |key| ui.input_mut(|input| input.consume_key(Modifiers::NONE, key));
        let (up, down, enter) = (
            steer(Key::ArrowUp),
            steer(Key::ArrowDown),
            steer(Key::Enter),
        );
        let mut text = query.get(ui, String::new);
        let field = TextEdit::singleline(&mut text)
            .hint_text("Type what you want to do")
            .font(view.font(15.0))
            .desired_width(f32::INFINITY);
        let response = ui.add(field);
        response.widget_info(|| {
            egui::WidgetInfo::labeled(egui::accesskit::Role::TextInput, true, "Command")
        });
        response.request_focus();
        let mut found: Vec<(u32, Item)> = items(ui, view)
            .into_iter()
            .filter_map(|item| {
                let meant = || fits(also_called(&item.command), &text).filter(|fit| *fit == 0);
                let fit = fits(&item.title, &text).or_else(|| Some(meant()? + 1))?;
                Some((fit, item))
            })
            .collect();
        found.sort_by_key(|(fit, _)| *fit);
        let mut index: usize = chosen.get(ui, String::new).parse().unwrap_or(0);
        if response.changed() {
            query.set(ui, text);
            index = 0;
        }
        let last = found.len().saturating_sub(1);
        index = match (up, down) {
            (true, _) => index.min(last).saturating_sub(1),
            (_, true) => (index + 1).min(last),
            _ => index.min(last),
        };
        chosen.set(ui, index.to_string());
        let mut done = found
            .get(index)
            .filter(|_| enter)
            .map(|(_, item)| item.command.clone());
        ui.add_space(4.0 * view.scale);
        let height = 330.0 * view.scale;
        ScrollArea::vertical()
            .max_height(height)
            .auto_shrink([false, true])
            .show(ui, |ui| {
                if found.is_empty() {
                    ui.weak("Nothing is called so.");
                }
                for (row, (_, item)) in found.iter().enumerate() {
                    let title = RichText::new(&item.title).font(view.font(14.0));
                    let button = egui::Button::selectable(row == index, title)
                        .shortcut_text(item.shortcut.as_str())
                        .min_size(egui::vec2(ui.available_width(), 0.0));
                    let response = ui.add(button);
                    if row == index && (up || down) {
                        response.scroll_to_me(None);
                    }
                    if response.clicked() {
                        done = Some(item.command.clone());
                    }
                }
            });
        if let Some(command) = done {
            if command != UiCommand::Toggle(View::Palette) {
                view.send(UiCommand::Toggle(View::Palette));
            }
            view.send(command);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn words_are_found_by_their_beginnings_parts_and_letters() {
        assert_eq!(fits("Kill: database", "data kill"), Some(0));
        assert_eq!(fits("Kill: database", "base"), Some(1));
        assert_eq!(fits("Switch sharding", "shdg"), Some(2));
        assert_eq!(fits("Switch sharding", "cache"), None);
        assert_eq!(fits("Anything", ""), Some(0));
    }
}
