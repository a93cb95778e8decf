//! The finished presets as cards: what each is about, how large it is, and what it shows.

use egui::accesskit::Role;
use egui::text::LayoutJob;
use egui::{
    Align, Galley, Layout, RichText, ScrollArea, Sense, Stroke, StrokeKind, TextFormat, Ui,
    WidgetInfo, vec2,
};
use std::sync::Arc;

use crate::command::{Pattern, UiCommand};
use crate::view_ctx::ViewCtx;
use crate::views::View;
use crate::{PresetEntry, format};

/// Shows the cards in place of map and line.
pub fn show(ui: &mut Ui, view: &ViewCtx<'_>) {
    ui.horizontal(|ui| {
        ui.label(RichText::new("Start from one of these").font(view.strong(17.0)));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if ui.button("Close").clicked() {
                view.send(UiCommand::Toggle(View::Gallery));
            }
        });
    });
    ui.add_space(6.0 * view.scale);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        let (gap, wanted) = (14.0 * view.scale, 290.0 * view.scale);
        let room = ui.available_width() - 4.0;
        let columns = ((room + gap) / (wanted + gap)).floor().max(1.0);
        let width = (room - gap * (columns - 1.0)) / columns;
        ui.spacing_mut().item_spacing = vec2(gap, gap);
        let cards: Vec<Card> = view
            .state
            .presets
            .iter()
            .map(|preset| Card::of(ui, view, preset, width - 28.0 * view.scale))
            .collect();
        for (row, cards) in cards.chunks(columns as usize).enumerate() {
            let tallest = cards
                .iter()
                .map(|card| card.height(view))
                .fold(0.0, f32::max);
            ui.horizontal(|ui| {
                for (column, card) in cards.iter().enumerate() {
                    let index = row * columns as usize + column;
                    card.show(ui, view, index, vec2(width, tallest));
                }
            });
        }
    });
}

/// The words of a card, laid out.
struct Card {
    title: String,
    lines: [Arc<Galley>; 4],
}

impl Card {
    fn of(ui: &Ui, view: &ViewCtx<'_>, preset: &PresetEntry, width: f32) -> Self {
        let scenario = &preset.scenario;
        let line = |words: String, font, color| {
            let mut job = LayoutJob::single_section(words, TextFormat::simple(font, color));
            job.wrap.max_width = width;
            ui.painter().layout_job(job)
        };
        let users = format::count(f64::from(scenario.load.users));
        let theme = view.theme;
        Self {
            title: preset.title.clone(),
            lines: [
                line(preset.title.clone(), view.strong(15.0), theme.text),
                line(
                    format!("{users} {}", scenario.load.unit),
                    view.font(13.0),
                    theme.muted,
                ),
                line(scenario.story.clone(), view.font(13.0), theme.text),
                line(shows(preset), view.font(12.5), theme.muted),
            ],
        }
    }

    fn height(&self, view: &ViewCtx<'_>) -> f32 {
        let words: f32 = self.lines.iter().map(|line| line.size().y).sum();
        words + (28.0 + 3.0 * 5.0) * view.scale
    }

    fn show(&self, ui: &mut Ui, view: &ViewCtx<'_>, index: usize, size: egui::Vec2) {
        let (rect, response) = ui.allocate_exact_size(size, Sense::click());
        response.widget_info(|| {
            let words: Vec<&str> = self.lines.iter().map(|line| line.text()).collect();
            WidgetInfo::labeled(Role::Button, true, format!("Open {}", words.join(". ")))
        });
        let theme = view.theme;
        let (fill, outline) = match (response.hovered(), response.has_focus()) {
            (_, true) => (theme.hovered, Stroke::new(2.0, theme.accent)),
            (true, false) => (theme.hovered, Stroke::new(1.0, theme.line)),
            (false, false) => (theme.surface, Stroke::new(1.0, theme.line)),
        };
        let painter = ui.painter();
        painter.rect(rect, 8.0 * view.scale, fill, outline, StrokeKind::Inside);
        let mut at = rect.min + vec2(14.0, 14.0) * view.scale;
        for line in &self.lines {
            painter.galley(at, Arc::clone(line), theme.text);
            at.y += line.size().y + 5.0 * view.scale;
        }
        if response.has_focus() {
            response.scroll_to_me(None);
        }
        if response.clicked() {
            view.send(UiCommand::OpenPreset(index));
        }
    }
}

impl std::fmt::Debug for Card {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.title)
    }
}

/// `Shows: sharding, caching & edge, 2 faults.`
fn shows(preset: &PresetEntry) -> String {
    let scenario = &preset.scenario;
    let on = Pattern::ALL
        .into_iter()
        .filter(|pattern| pattern.is_on(scenario));
    let mut parts: Vec<String> = on.map(|pattern| pattern.title().to_lowercase()).collect();
    match scenario.faults.len() {
        0 => {}
        1 => parts.push("a fault".into()),
        count => parts.push(format!("{count} faults")),
    }
    if parts.is_empty() {
        return "One small system, no pattern.".into();
    }
    format!("Shows: {}.", parts.join(", "))
}
