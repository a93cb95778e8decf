//! The answer in words: how fast, what it costs, and what gives way first.

use egui::text::LayoutJob;
use egui::{Align, Button, Color32, FontId, Label, Layout, RichText, TextFormat, Ui, vec2};
use session::Phase;

use crate::command::UiCommand;
use crate::variants::VariantCommand;
use crate::view_ctx::ViewCtx;
use crate::{format, words};

const FIX_IT: &str = "What would fix it?";

/// Two lines, and a third when something is wrong.
pub fn show(ui: &mut Ui, view: &ViewCtx<'_>) {
    ui.spacing_mut().item_spacing.y = 2.0 * view.scale;
    ui.add(Label::new(job(&headline(view), view.strong(23.0), view.theme.text)).wrap());
    let (line, color) = second_line(view);
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            fix_button(ui, view);
            ui.add_space(8.0 * view.scale);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add(Label::new(job(&line, view.font(15.5), color)).truncate());
            });
        });
    });
}

fn fix_button(ui: &mut Ui, view: &ViewCtx<'_>) {
    let open = view.state.variants.fixing;
    let title = RichText::new(FIX_IT).font(view.font(14.0));
    let button = Button::new(title)
        .selected(open)
        .min_size(vec2(0.0, 28.0 * view.scale));
    let response = ui.add(button);
    if response.clicked() {
        view.send(UiCommand::Variant(VariantCommand::ShowFixes));
    }
    response.on_hover_text(
        "The changes that hold more users, with their price: estimated at once, simulated under the pointer.",
    );
}

fn job(text: &str, font: FontId, color: Color32) -> LayoutJob {
    LayoutJob::single_section(text.to_owned(), TextFormat::simple(font, color))
}

/// `200 K users: 99 % of messages arrive within 212 ms. $94 K a month.`
pub fn headline(view: &ViewCtx<'_>) -> String {
    let scenario = &view.frame.scenario;
    let who = format!(
        "{}, {} {}",
        scenario.title,
        format::count(f64::from(view.state.users)),
        scenario.load.unit
    );
    if view.frame.phase == Phase::Building && !view.state.stored.shown {
        return format!("{who}: taking their seats…");
    }
    let Some(report) = view.report() else {
        return format!("{who}: {}", waiting(view));
    };
    let cost = report.cost.as_ref().map_or(String::new(), |cost| {
        format!(" {} a month.", format::usd(cost.usd_per_month))
    });
    let Some(main) = words::main_latency(report) else {
        return format!("{who}: nothing measured yet.{cost}");
    };
    let p99 = main.latency.p99;
    match p99.value {
        Some(value) => {
            let within = format::millis_within(value, p99.low, p99.high);
            let rest = format!("99 % of {} within {within}", main.what);
            match words::trouble(report) {
                // What is not delivered is not billed: such a price is no bargain.
                Some(trouble) => {
                    let cost = cost.trim_end_matches('.');
                    format!("{who}: {trouble}. The rest: {rest};{cost} for that.")
                }
                None => format!("{who}: {rest}.{cost}"),
            }
        }
        None if report.stop.starts_with("Unstable")
            || report
                .bottleneck
                .as_ref()
                .is_some_and(|b| b.utilization >= 1.0) =>
        {
            format!("{who}: it cannot keep up; waits grow without end.{cost}")
        }
        None => format!("{who}: simulating…"),
    }
}

fn waiting(view: &ViewCtx<'_>) -> &'static str {
    if view.state.playing {
        "simulating…"
    } else {
        "paused before there was a result."
    }
}

fn second_line(view: &ViewCtx<'_>) -> (String, Color32) {
    let theme = view.theme;
    if let Some(problem) = view.state.problem.as_ref().or(view.frame.problem.as_ref()) {
        return (problem.clone(), theme.bad);
    }
    let Some(report) = view.any_report() else {
        return (
            "What gives way first shows as soon as messages have arrived.".into(),
            theme.muted,
        );
    };
    if let Some(missed) = view.report().and_then(words::missed) {
        let first =
            words::first_to_give_way(report, &view.frame.scenario.load.unit).unwrap_or_default();
        return (format!("{missed} {first}"), theme.warn);
    }
    match words::first_to_give_way(report, &view.frame.scenario.load.unit) {
        Some(line) => (line, theme.muted),
        None => (
            "Nothing gives way at a load this run can foresee.".into(),
            theme.muted,
        ),
    }
}
