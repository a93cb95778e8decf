//! One message on its way through the tiers, as a waterfall: tier, cause, milliseconds.
//!
//! The session follows one delivery in so many; of those of the last seconds one of the slowest 1 %, or one like most, is shown.

use egui::accesskit::Role;
use egui::{Align2, Rect, RichText, ScrollArea, Sense, Ui, WidgetInfo, pos2, vec2};
use sim_core::system::Trace;

use crate::command::UiCommand;
use crate::view_ctx::ViewCtx;
use crate::{format, paint, words};

/// Height of a part, on a window of 1280 × 800.
const ROW: f32 = 36.0;

/// Which message is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Followed {
    /// One of the slowest 1 %; otherwise one like most.
    pub slow: bool,
    /// Which of them.
    pub nth: usize,
}

impl Default for Followed {
    fn default() -> Self {
        Self { slow: true, nth: 0 }
    }
}

/// The way of one message.
pub fn show(ui: &mut Ui, view: &ViewCtx<'_>) {
    ui.label(RichText::new("Follow one message").font(view.strong(16.0)));
    let now = view.state.followed;
    ui.horizontal_wrapped(|ui| {
        let mut choice = |title: &str, chosen: bool, followed: Followed| {
            let title = RichText::new(title.to_owned()).font(view.font(13.0));
            if ui.selectable_label(chosen, title).clicked() {
                view.send(UiCommand::FollowMessage(followed));
            }
        };
        choice("Slowest 1 %", now.slow, Followed { slow: true, nth: 0 });
        choice(
            "Typical",
            !now.slow,
            Followed {
                slow: false,
                nth: 0,
            },
        );
        let nth = now.nth + 1;
        choice("Another", false, Followed { nth, ..now });
    });
    let traces = &view.frame.time.traces;
    let Some((trace, of)) = pick(traces, now) else {
        let words = RichText::new("Waiting for messages to arrive; let time run.");
        ui.label(words.font(view.font(13.0)).color(view.theme.muted));
        return;
    };
    ui.label(RichText::new(sentence(trace, now, of)).font(view.font(13.5)));
    ui.add_space(4.0 * view.scale);
    ScrollArea::vertical().show(ui, |ui| rows(ui, view, trace));
}

/// The message to be shown, and among how many it was chosen.
fn pick(traces: &[Trace], followed: Followed) -> Option<(&Trace, usize)> {
    let kinds = [
        "publish",
        "query",
        "presence",
        "command",
        "connect",
        "fetch_asset",
        "edit",
        "order",
        "reserve",
        "notify",
    ];
    let of = |kind: &str| {
        traces
            .iter()
            .filter(|trace| trace.operation == kind)
            .collect()
    };
    let mut own: Vec<&Trace> = kinds
        .into_iter()
        .map(of)
        .find(|own: &Vec<_>| !own.is_empty())?;
    own.sort_by_key(|trace| (trace.latency, trace.started));
    let count = own.len();
    let chosen = if followed.slow {
        &own[count - count.div_ceil(100)..]
    } else {
        &own[count * 9 / 20..(count * 11 / 20).max(count * 9 / 20 + 1)]
    };
    // From the slowest down.
    let nth = chosen.len() - 1 - followed.nth % chosen.len();
    Some((chosen[nth], count))
}

/// `A message sent at 37.20 s arrived after 812 ms: one of the slowest 1 % of 512 that were followed.`
fn sentence(trace: &Trace, followed: Followed, of: usize) -> String {
    let (what, arrived) = match trace.operation {
        "publish" => ("A message sent", "arrived"),
        "presence" => ("A status change", "arrived"),
        "edit" => ("An edit", "arrived"),
        "query" => ("A question", "was answered"),
        "command" => ("A command", "was answered"),
        "connect" => ("A connection", "was open"),
        _ => ("A request", "was answered"),
    };
    let share = if followed.slow {
        "one of the slowest 1 %"
    } else {
        "one like most"
    };
    format!(
        "{what} at {:.2} s {arrived} after {}: {share} of {of} that were followed.",
        trace.started.as_secs_f64(),
        format::millis(trace.latency.as_secs_f64() * 1e3),
    )
}

fn rows(ui: &mut Ui, view: &ViewCtx<'_>, trace: &Trace) {
    ui.spacing_mut().item_spacing.y = 0.0;
    let (theme, scale) = (view.theme, view.scale);
    let all = trace.latency.as_secs_f64().max(1e-9);
    let longest = trace.spans.iter().map(|span| span.lasts).max();
    let mut before = 0.0;
    for span in &trace.spans {
        let lasts = span.lasts.as_secs_f64();
        let size = vec2(ui.available_width(), ROW * scale);
        let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
        let ms = format::millis(lasts * 1e3);
        let tier = words::capitalized(&words::tier_title(span.tier));
        let name = format!("{tier}: {}", span.cause);
        let after = format::millis(before * 1e3);
        response.widget_info(|| {
            let share = format::percent(lasts / all);
            WidgetInfo::labeled(
                Role::Label,
                true,
                format!("{name}, {ms}, {share}, from {after} on"),
            )
        });
        let painter = ui.painter();
        let value = paint::text(
            painter,
            rect.right_top(),
            Align2::RIGHT_TOP,
            &ms,
            view.strong(12.5),
            theme.text,
            rect.width() * 0.3,
        );
        paint::text(
            painter,
            rect.left_top(),
            Align2::LEFT_TOP,
            &name,
            view.font(12.5),
            theme.muted,
            rect.width() - value.width() - 8.0 * scale,
        );
        let bar = |from: f64, to: f64| {
            let x = |share: f64| rect.left() + rect.width() * share.clamp(0.0, 1.0) as f32;
            let top = rect.top() + 19.0 * scale;
            let (left, right) = (x(from / all), x(to / all));
            let right = right.max(left + 1.5 * scale).min(rect.right());
            Rect::from_min_max(
                pos2(left.min(right - 1.0), top),
                pos2(right, top + 8.0 * scale),
            )
        };
        painter.rect_filled(bar(0.0, all), 3.0, theme.raised);
        let most = Some(span.lasts) == longest;
        let color = if most { theme.warn } else { theme.series(0) };
        painter.rect_filled(bar(before, before + lasts), 3.0, color);
        before += lasts;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim_core::time::{SimDuration, SimTime};

    #[test]
    fn the_slowest_and_the_typical_are_picked_by_latency() {
        let trace = |ms: u64| Trace {
            operation: "publish",
            started: SimTime::ZERO,
            latency: SimDuration::from_millis(ms),
            spans: Vec::new(),
        };
        let traces: Vec<Trace> = (1..=300).rev().map(trace).collect();
        let picked = |slow, nth| {
            let (trace, of) = pick(&traces, Followed { slow, nth }).expect("there are some");
            assert_eq!(of, 300);
            trace.latency.as_nanos() / 1_000_000
        };
        assert_eq!(
            [picked(true, 0), picked(true, 1), picked(true, 3)],
            [300, 299, 300]
        );
        assert!((136..=165).contains(&picked(false, 0)));
        assert!(pick(&[], Followed::default()).is_none());
        assert!(
            pick(
                &traces[..1],
                Followed {
                    slow: false,
                    nth: 7
                }
            )
            .is_some()
        );
    }
}
