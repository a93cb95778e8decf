//! The run over time: what was, what was broken, and a cursor to go back with.
//!
//! Lanes of the report's series over one axis of simulated time; the warm-up and faults are bands with words. Drag, click or use
//! the arrow keys to go back; the state there is simulated again from the nearest keyframe, and how long that takes is said. A
//! summary in words stands in for the drawing where it cannot be seen.

mod lanes;

use egui::accesskit::{Action, Role};
use egui::{
    Align, Align2, Button, EventFilter, Key, Layout, Rect, Response, RichText, Sense, Stroke, Ui,
    WidgetInfo, pos2, remap, remap_clamp, vec2,
};
use session::{Pace, Step};

use crate::command::{TENTH, UiCommand};
use crate::view_ctx::ViewCtx;
use crate::views::View;
use crate::{faults, format, moments, paint};
use lanes::{Lane, lanes};

/// Height of the lanes together, and width of what is said beside them, on a window of 1280 × 800.
const HEIGHT: f32 = 122.0;
const BESIDE: f32 = 176.0;
/// One press of an arrow key, simulated seconds.
const ARROW_S: f64 = 1.0;
/// A cursor that moves less than this has not moved.
const STILL_S: f64 = 0.02;

/// The strip.
pub fn show(ui: &mut Ui, view: &ViewCtx<'_>) {
    buttons(ui, view);
    let size = vec2(ui.available_width(), HEIGHT * view.scale);
    let (area, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
    let axis = Axis::new(view, area);
    let lanes = lanes(view.frame);
    steer(ui, view, &axis, &response);
    describe(ui, view, &lanes, &response);
    bands(ui, view, &axis);
    ticks(ui, view, &axis);
    for (index, lane) in lanes.iter().enumerate() {
        draw(ui, view, &axis, lane, axis.lane(index, lanes.len()));
    }
    cursor(ui, view, &axis, &response);
    response.on_hover_cursor(egui::CursorIcon::ResizeHorizontal);
}

/// Steps, speed, and what is going on.
fn buttons(ui: &mut Ui, view: &ViewCtx<'_>) {
    ui.horizontal(|ui| {
        let words = |words: &str| RichText::new(words.to_owned()).font(view.font(13.0));
        let mut button = |title: &str, possible: bool, tip: &str, command: UiCommand| {
            let shown = ui.add_enabled(possible, Button::new(words(title)));
            if shown.clicked() {
                view.send(command.clone());
            }
            let typed = command.shortcut_text(ui.ctx()).unwrap_or_default();
            shown.on_hover_text(format!("{tip}  {typed}"));
        };
        let broke = moments::broke(view.frame);
        let tip = match broke {
            Some((at, what)) => format!("{}: {what}.", format::clock(at)),
            None => "Nothing has broken yet.".to_owned(),
        };
        let runs = view.frame.time.reached_s > 0.0;
        let command = UiCommand::BeforeItBroke;
        button("Before it broke", broke.is_some(), &tip, command);
        button(
            "+ 1 event",
            runs,
            "Hold, and let one thing happen.",
            UiCommand::Step(Step::Event),
        );
        button(
            "+ 100 ms",
            runs,
            "Hold, and go on by 100 ms.",
            UiCommand::Step(TENTH),
        );
        let tip = "Back to the newest time.";
        button("Newest", view.frame.is_back(), tip, UiCommand::Newest);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if ui.button(words("Close")).clicked() {
                view.send(UiCommand::Toggle(View::TimeStrip));
            }
            ui.add_space(8.0 * view.scale);
            speed(ui, view);
        });
    });
}

fn speed(ui: &mut Ui, view: &ViewCtx<'_>) {
    let now = view.frame.time.pace;
    let paces = [
        ("As fast as possible", Pace::Fast),
        ("× 10", Pace::Times(10.0)),
        ("× 1", Pace::Times(1.0)),
        ("To watch", Pace::Watch),
    ];
    for (title, pace) in paces {
        let words = RichText::new(title).font(view.font(13.0));
        if ui.selectable_label(now == pace, words).clicked() {
            view.send(UiCommand::SetPace(pace));
        }
    }
    let words = match view.frame.speed {
        speed if speed > 0.0 => format!("Speed, {}× achieved:", format::rough(speed)),
        _ => "Speed:".to_owned(),
    };
    let words = RichText::new(words).font(view.font(13.0));
    ui.label(words.color(view.theme.muted));
}

/// Pointer and keys become a time.
fn steer(ui: &Ui, view: &ViewCtx<'_>, axis: &Axis, response: &Response) {
    let shown_s = view.frame.simulated_s;
    let go = |to_s: f64| {
        let to_s = to_s.clamp(0.0, axis.until_s);
        let already = view.state.scrubbed_s.unwrap_or(shown_s);
        if (to_s - already).abs() > STILL_S {
            view.send(UiCommand::Scrub(to_s));
        }
    };
    if (response.clicked() || response.dragged())
        && let Some(at) = response.interact_pointer_pos()
    {
        response.request_focus();
        go(axis.time(at.x));
    }
    if !response.has_focus() {
        return;
    }
    let filter = EventFilter {
        horizontal_arrows: true,
        ..Default::default()
    };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    let pressed = |key| ui.input(|input| input.num_presses(key) as f64);
    let asked = |action| ui.input(|input| input.has_accesskit_action_request(response.id, action));
    let once = |action| f64::from(u8::from(asked(action)));
    let forth = pressed(Key::ArrowRight) + once(Action::Increment);
    let back = pressed(Key::ArrowLeft) + once(Action::Decrement);
    if forth != back {
        let from_s = view.state.scrubbed_s.unwrap_or(shown_s);
        go(from_s + (forth - back) * ARROW_S);
    }
}

fn describe(ui: &Ui, view: &ViewCtx<'_>, lanes: &[Lane], response: &Response) {
    let (shown_s, reached_s) = (view.frame.simulated_s, view.frame.time.reached_s);
    response.widget_info(|| WidgetInfo::slider(true, shown_s, summary(view, lanes)));
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_role(Role::Slider);
        node.set_min_numeric_value(0.0);
        node.set_max_numeric_value(reached_s);
        node.add_action(Action::Increment);
        node.add_action(Action::Decrement);
    });
}

/// The strip in words.
fn summary(view: &ViewCtx<'_>, lanes: &[Lane]) -> String {
    let frame = view.frame;
    let (shown, reached) = (frame.simulated_s, frame.time.reached_s);
    let mut text = format!(
        "Time strip: {} of {}",
        format::clock(shown),
        format::clock(reached)
    );
    for lane in lanes {
        if let Some(value) = lane.at(shown) {
            text += &format!(", {} {}", lane.title, (lane.words)(value));
        }
    }
    for timed in &frame.scenario.faults {
        let (words, from, until) = faults::band(&frame.scenario, timed, reached);
        if from <= reached {
            let (from, until) = (format::clock(from), format::clock(until));
            text += &format!(". {words} from {from} to {until}");
        }
    }
    text + "."
}

/// Simulated time across the window.
struct Axis {
    plot: Rect,
    until_s: f64,
}

impl Axis {
    fn new(view: &ViewCtx<'_>, area: Rect) -> Self {
        let scale = view.scale;
        let plot = Rect::from_min_max(
            area.min + vec2(BESIDE * scale, 2.0 * scale),
            area.max - vec2(8.0 * scale, 16.0 * scale),
        );
        let until_s = view.frame.time.reached_s.max(view.frame.simulated_s);
        Self {
            plot,
            until_s: until_s.max(1.0),
        }
    }

    fn x(&self, time_s: f64) -> f32 {
        let share = remap_clamp(time_s, 0.0..=self.until_s, 0.0..=1.0);
        self.plot.left() + self.plot.width() * share as f32
    }

    fn time(&self, x: f32) -> f64 {
        let (left, right) = (f64::from(self.plot.left()), f64::from(self.plot.right()));
        remap(f64::from(x), left..=right, 0.0..=self.until_s)
    }

    fn lane(&self, index: usize, count: usize) -> Rect {
        let height = self.plot.height() / count.max(1) as f32;
        let top = self.plot.top() + height * index as f32;
        Rect::from_x_y_ranges(self.plot.x_range(), top..=top + height)
    }
}

/// The warm-up, and what was broken.
fn bands(ui: &Ui, view: &ViewCtx<'_>, axis: &Axis) {
    let (theme, scale) = (view.theme, view.scale);
    let painter = ui.painter().with_clip_rect(axis.plot);
    let band = |from: f64, until: f64, words: &str, fill, color| {
        let width = (axis.x(until) - axis.x(from)).max(2.0 * scale);
        let rect = Rect::from_min_size(
            pos2(axis.x(from), axis.plot.top()),
            vec2(width, axis.plot.height()),
        );
        painter.rect_filled(rect, 0.0, fill);
        let at = rect.left_top() + vec2(4.0, 1.0) * scale;
        let room = axis.plot.right() - at.x;
        // Beside a narrow band there may be room all the same.
        paint::text_if_room(
            &painter,
            at,
            Align2::LEFT_TOP,
            words,
            view.font(11.5),
            color,
            room,
        );
    };
    let warm = view.frame.scenario.run.warmup.as_secs_f64();
    band(
        0.0,
        warm.min(axis.until_s),
        "warm-up",
        theme.surface,
        theme.faint,
    );
    for timed in &view.frame.scenario.faults {
        let (words, from, until) = faults::band(&view.frame.scenario, timed, axis.until_s);
        if from <= axis.until_s {
            band(from, until, &words, theme.shade, theme.bad);
        }
    }
}

fn ticks(ui: &Ui, view: &ViewCtx<'_>, axis: &Axis) {
    let step = step_for(axis.until_s);
    let hairline = Stroke::new(1.0, view.theme.line);
    let mut time = 0.0;
    while time <= axis.until_s {
        let x = axis.x(time);
        let ends = [pos2(x, axis.plot.top()), pos2(x, axis.plot.bottom())];
        ui.painter().line_segment(ends, hairline);
        let align = if x + 40.0 * view.scale > axis.plot.right() {
            Align2::RIGHT_TOP
        } else {
            Align2::LEFT_TOP
        };
        paint::text(
            ui.painter(),
            pos2(x, axis.plot.bottom() + 2.0),
            align,
            &format::clock(time),
            view.font(11.5),
            view.theme.faint,
            90.0 * view.scale,
        );
        time += step;
    }
}

/// Seconds between two ticks: at most eight of them.
fn step_for(until_s: f64) -> f64 {
    let steps = [
        1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0,
    ];
    let fits = |step: &f64| until_s / step <= 8.0;
    steps.into_iter().find(fits).unwrap_or(3_600.0)
}

fn draw(ui: &Ui, view: &ViewCtx<'_>, axis: &Axis, lane: &Lane, rect: Rect) {
    let (theme, scale, painter) = (view.theme, view.scale, ui.painter());
    let bottom = [rect.left_bottom(), rect.right_bottom()];
    painter.line_segment(bottom, Stroke::new(1.0, theme.line));
    let beside = pos2(rect.left() - BESIDE * scale, rect.center().y);
    let width = BESIDE * scale - 10.0 * scale;
    let value = lane
        .at(view.frame.simulated_s)
        .map(|value| (lane.words)(value));
    let value = paint::text(
        painter,
        pos2(rect.left() - 10.0 * scale, rect.center().y),
        Align2::RIGHT_CENTER,
        value.as_deref().unwrap_or("–"),
        view.strong(12.0),
        theme.text,
        width * 0.6,
    );
    paint::text(
        painter,
        beside,
        Align2::LEFT_CENTER,
        &lane.title,
        view.font(12.0),
        theme.muted,
        width - (value.width() + 4.0 * scale),
    );
    let inside = rect.shrink2(vec2(0.0, 3.0 * scale));
    let top = lane.most().max(f64::MIN_POSITIVE);
    for (index, line) in lane.lines.iter().enumerate() {
        let stroke = Stroke::new(1.6 * scale, theme.series(lane.color + index));
        for stretch in line.split(|value| value.is_none()) {
            let first = stretch.as_ptr() as usize - line.as_ptr() as usize;
            let first = first / size_of::<Option<f64>>();
            let at = |(step, value): (usize, &Option<f64>)| {
                let time = lane.start_s + (step as f64 + 0.5) * lane.step_s;
                let share = (value.unwrap_or_default() / top).clamp(0.0, 1.0);
                pos2(
                    axis.x(time),
                    inside.bottom() - inside.height() * share as f32,
                )
            };
            let steps = stretch.iter().enumerate();
            let points = steps.map(|(step, value)| at((first + step, value)));
            painter.line(points.collect(), stroke);
        }
    }
}

fn cursor(ui: &Ui, view: &ViewCtx<'_>, axis: &Axis, response: &Response) {
    let x = axis.x(view.frame.simulated_s);
    let held = response.dragged() || response.has_focus();
    let stroke = Stroke::new(if held { 2.6 } else { 1.8 } * view.scale, view.theme.accent);
    let ends = [pos2(x, axis.plot.top()), pos2(x, axis.plot.bottom())];
    ui.painter().line_segment(ends, stroke);
    let grip = pos2(x, axis.plot.bottom());
    ui.painter()
        .circle_filled(grip, 4.0 * view.scale, view.theme.accent);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_few_and_round() {
        for until in [1.0, 9.0, 65.0, 700.0, 1_800.0, 9_000.0] {
            let count = until / step_for(until);
            assert!((0.5..=8.0).contains(&count), "{until}: {count}");
        }
    }
}
