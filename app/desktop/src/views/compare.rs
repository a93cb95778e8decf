//! Two kept designs side by side on the same random numbers, and what all kept ones cost and how fast they are.

use egui::accesskit::Role;
use egui::{
    Align2, ComboBox, Label, RichText, ScrollArea, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2,
};
use report::sheets;

use super::{View, heading, pareto, sheet};
use crate::command::UiCommand;
use crate::panels::load_line::axes::Axes;
use crate::variants::{self, Variant, VariantCommand};
use crate::view_ctx::ViewCtx;
use crate::{format, paint, words};

/// Rows of differences that are shown.
const ROWS: usize = 24;

/// In place of map and line.
pub fn show(ui: &mut Ui, view: &ViewCtx<'_>) {
    heading(
        ui,
        view,
        View::Compare,
        "on the same random numbers, at the load that is set",
    );
    let Some((a, b)) = variants::beside(view.state) else {
        ui.label("Change the design and press “Keep both”: two designs can be compared then.");
        return;
    };
    ui.add_space(4.0 * view.scale);
    let gap = 28.0 * view.scale;
    let (height, left) = (
        ui.available_height(),
        ui.available_width() * 0.42 - gap / 2.0,
    );
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = gap;
        ui.allocate_ui(vec2(left, height), |ui| {
            ui.vertical(|ui| {
                ui.set_width(left);
                column(ui, "designs", |ui| designs(ui, view));
            });
        });
        ui.vertical(|ui| column(ui, "differences", |ui| pair(ui, view, a, b)));
    });
}

fn column(ui: &mut Ui, name: &str, add: impl FnOnce(&mut Ui)) {
    ScrollArea::vertical()
        .id_salt(name)
        .auto_shrink([false, false])
        .show(ui, |ui| {
            ui.spacing_mut().item_spacing.x = 8.0;
            add(ui);
        });
}

/// All kept designs, and what they cost and how fast they are.
fn designs(ui: &mut Ui, view: &ViewCtx<'_>) {
    let now = view.state.history.now();
    for (index, variant) in view.state.variants.kept.iter().enumerate() {
        let shown = variants::same_design(&variant.draft, now);
        ui.horizontal(|ui| {
            ui.label(RichText::new(&variant.name).font(view.strong(15.0)));
            let words = RichText::new(&variant.words).font(view.font(13.5));
            ui.add(Label::new(words).truncate());
        });
        let figures = RichText::new(figures(variant)).font(view.font(12.5));
        ui.add(Label::new(figures.color(view.theme.muted)).wrap());
        ui.horizontal(|ui| {
            if shown {
                ui.weak("This one is shown.");
            } else {
                button(
                    ui,
                    view,
                    &variant.name,
                    "Adopt",
                    VariantCommand::Adopt(index),
                );
            }
            button(
                ui,
                view,
                &variant.name,
                "Discard",
                VariantCommand::Discard(index),
            );
        });
        ui.add_space(6.0 * view.scale);
    }
    pareto::show(ui, view, 220.0 * view.scale);
}

fn button(ui: &mut Ui, view: &ViewCtx<'_>, name: &str, what: &str, command: VariantCommand) {
    let response = ui.button(RichText::new(what).font(view.font(12.5)));
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("{what} {name}")));
    if response.clicked() {
        view.send(UiCommand::Variant(command));
    }
}

/// `99 % within 212 ms, $94 K a month, breaks at 255 K.`
fn figures(variant: &Variant) -> String {
    let Some(report) = variant.report.as_deref() else {
        return "Not measured yet: adopt it to see it run.".to_owned();
    };
    let mut parts = Vec::new();
    match words::main_latency(report).and_then(|main| main.latency.p99.value) {
        Some(p99) => parts.push(format!("99 % within {}", format::millis(p99))),
        None => parts.push("no 99th percentile".to_owned()),
    }
    if let Some(cost) = &report.cost {
        parts.push(format!("{} a month", format::usd(cost.usd_per_month)));
    }
    let breaks = report
        .breaks_at
        .as_ref()
        .and_then(|breaks| breaks.users.value);
    parts.extend(breaks.map(|users| format!("breaks at about {}", format::count(users))));
    let users = format::count(report.users as f64);
    format!("{} (at {users} users).", parts.join(", "))
}

fn pair(ui: &mut Ui, view: &ViewCtx<'_>, a: &Variant, b: &Variant) {
    ui.horizontal(|ui| {
        choose(ui, view, "First design", a, true);
        ui.label(RichText::new("and").font(view.font(13.5)));
        choose(ui, view, "Second design", b, false);
    });
    lines(ui, view, a, b);
    let found = view.state.found.compared.as_deref();
    let asked = variants::compared(view.state);
    let Some(found) = found.filter(|found| Some(found.of) == asked) else {
        ui.weak("Both are being simulated…");
        return;
    };
    if let Some(problem) = &found.problem {
        ui.label(problem);
        return;
    }
    let Some(report) = &found.report else {
        ui.weak("Both are being simulated…");
        return;
    };
    for sentence in sheets::compared(report) {
        let text = RichText::new(plain(&sentence)).font(view.font(13.5));
        ui.add(Label::new(text).wrap());
    }
    if found.running {
        ui.weak("A first look; the intervals get narrower.");
    }
    ui.add_space(6.0 * view.scale);
    let names = (a.name.as_str(), b.name.as_str());
    ScrollArea::horizontal().id_salt("wide").show(ui, |ui| {
        ui.vertical(|ui| {
            sheet::show(ui, view, &sheets::limits(report, names), ROWS);
            ui.add_space(6.0 * view.scale);
            if let Some(grid) = sheets::differences(report, names) {
                sheet::show(ui, view, &grid, ROWS);
            }
        });
    });
}

/// Without the marks of a page.
fn plain(sentence: &str) -> String {
    sentence.replace('`', "")
}

fn choose(ui: &mut Ui, view: &ViewCtx<'_>, name: &str, chosen: &Variant, first: bool) {
    let (one, other) = view.state.variants.beside;
    let words = |variant: &Variant| format!("{}: {}", variant.name, variant.words);
    let response = ComboBox::from_id_salt(name)
        .selected_text(RichText::new(words(chosen)).font(view.font(13.0)))
        .width(190.0 * view.scale)
        .truncate()
        .show_ui(ui, |ui| {
            for (index, variant) in view.state.variants.kept.iter().enumerate() {
                let pair = if first { (index, other) } else { (one, index) };
                let current = pair == (one, other);
                let label = ui.selectable_label(current, words(variant));
                if label.clicked() && pair.0 != pair.1 {
                    let command = VariantCommand::Beside(pair.0, pair.1);
                    view.send(UiCommand::Variant(command));
                }
            }
        });
    let said = format!("{name}: {}", words(chosen));
    response
        .response
        .widget_info(|| WidgetInfo::labeled(Role::ComboBox, true, said.clone()));
}

/// Both load lines in one chart; the first dashed.
fn lines(ui: &mut Ui, view: &ViewCtx<'_>, a: &Variant, b: &Variant) {
    let (theme, scale) = (view.theme, view.scale);
    let size = vec2(ui.available_width(), 190.0 * scale);
    let (area, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, line_words(a, b)));
    let axes = Axes::of_lines(view, area, &[&a.line, &b.line]);
    axes.show(ui.painter(), view);
    let painter = ui.painter().with_clip_rect(axes.plot.expand(6.0));
    for (variant, dashed) in [(a, true), (b, false)] {
        let shown = variant
            .line
            .iter()
            .filter(|p| axes.shows(f64::from(p.users)));
        let points: Vec<_> = shown
            .filter_map(|p| Some(pos2(axes.x(f64::from(p.users)), axes.y(p.p99_ms?))))
            .collect();
        let color = theme.series(usize::from(dashed));
        let stroke = Stroke::new(2.2 * scale, color);
        if dashed {
            painter.extend(Shape::dashed_line(
                &points,
                stroke,
                6.0 * scale,
                4.0 * scale,
            ));
        } else {
            painter.add(Shape::line(points.clone(), stroke));
        }
    }
    let title = format!(
        "p99 latency as load grows: {} dashed, {} whole",
        a.name, b.name
    );
    let (at, font) = (area.left_top(), view.strong(13.0));
    paint::text(
        ui.painter(),
        at,
        Align2::LEFT_TOP,
        &title,
        font,
        theme.text,
        area.width(),
    );
}

fn line_words(a: &Variant, b: &Variant) -> String {
    let of = |variant: &Variant| {
        let points: Vec<String> = variant
            .line
            .iter()
            .map(|point| {
                let p99 = point
                    .p99_ms
                    .map_or_else(|| "unstable".into(), format::millis);
                format!("{} {p99}", format::count(f64::from(point.users)))
            })
            .collect();
        format!("{}: {}", variant.name, points.join(", "))
    };
    format!("p99 latency as load grows. {}. {}.", of(a), of(b))
}
