//! The load line: how the latency grows with the users. Its axis is the slider.
//!
//! Both axes are logarithmic. Simulated points are joined; where the system is unstable there is no figure, only a cross at
//! the top. Drag, click, or use the arrow keys to set the users. A summary in words stands in for the drawing where it cannot
//! be seen.

pub mod axes;
mod estimate;
mod ghost;

use egui::accesskit::{Action, Role};
use egui::{
    Align2, EventFilter, Key, Rect, Response, Sense, Shape, Stroke, StrokeKind, Ui, WidgetInfo,
    pos2, vec2,
};

use crate::command::UiCommand;
use crate::view_ctx::ViewCtx;
use crate::{format, paint, words};
use axes::Axes;

/// The chart that is the control.
pub fn show(ui: &mut Ui, view: &ViewCtx<'_>) {
    let (area, response) = ui.allocate_exact_size(ui.available_size(), Sense::click_and_drag());
    let axes = Axes::new(view, area);
    steer(ui, view, &axes, &response);
    crate::share::remember_area(ui.ctx(), area);
    describe(ui, view, &response);

    title(ui, view, area);
    beyond_break(ui, view, &axes);
    axes.show(ui.painter(), view);
    objective(ui, view, &axes);
    estimate::line(ui, view, &axes);
    estimate::band(ui, view, &axes);
    ghost::line(ui, view, &axes);
    points(ui, view, &axes);
    handle(ui, view, &axes, &response);
    ghost::words(ui, view, &axes);
    response.on_hover_cursor(egui::CursorIcon::ResizeHorizontal);
}

/// Pointer and keys become a number of users.
fn steer(ui: &Ui, view: &ViewCtx<'_>, axes: &Axes, response: &Response) {
    if (response.clicked() || response.dragged())
        && let Some(at) = response.interact_pointer_pos()
    {
        response.request_focus();
        let users = view.state.on_axis(axes.users_at(at.x));
        if response.clicked() {
            view.send(UiCommand::SetUsers(users));
        } else if users != view.state.users {
            view.send(UiCommand::HoldUsers(users));
        }
    }
    if response.drag_stopped() {
        view.send(UiCommand::SetUsers(view.state.users));
    }
    if !response.has_focus() {
        return;
    }
    let filter = EventFilter {
        horizontal_arrows: true,
        vertical_arrows: true,
        ..Default::default()
    };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    let pressed = |key| ui.input(|input| input.num_presses(key) > 0);
    let asked = |action| ui.input(|input| input.has_accesskit_action_request(response.id, action));
    if pressed(Key::ArrowRight) || pressed(Key::ArrowUp) || asked(Action::Increment) {
        view.send(UiCommand::MoreUsers);
    }
    if pressed(Key::ArrowLeft) || pressed(Key::ArrowDown) || asked(Action::Decrement) {
        view.send(UiCommand::FewerUsers);
    }
}

fn describe(ui: &Ui, view: &ViewCtx<'_>, response: &Response) {
    let users = f64::from(view.state.users);
    response.widget_info(|| WidgetInfo::slider(true, users, summary(view)));
    let (first, last) = view.state.axis();
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_role(Role::Slider);
        node.set_min_numeric_value(f64::from(first));
        node.set_max_numeric_value(f64::from(last));
        node.add_action(Action::Increment);
        node.add_action(Action::Decrement);
    });
}

/// The chart in words.
pub fn summary(view: &ViewCtx<'_>) -> String {
    let unit = &view.frame.scenario.load.unit;
    let mut text = format!(
        "As load grows: {} {unit} now",
        format::count(f64::from(view.state.users))
    );
    if let Some(p99) = current_p99(view) {
        text += &format!(", 99 % within {}", format::millis(p99));
    } else if let Some(p99) = estimate::here(view) {
        text += &format!(
            ", 99 % within about {} by quick estimate",
            format::millis(p99)
        );
    }
    if let Some(breaks) = breaks_at(view) {
        text += &format!("; breaks at about {} {unit}", format::count(breaks));
    }
    let line: Vec<String> = view
        .frame
        .load_line
        .iter()
        .map(|point| {
            let answer = point
                .p99_ms
                .map_or_else(|| "unstable".into(), format::millis);
            format!("{} {unit}: {answer}", format::count(f64::from(point.users)))
        })
        .collect();
    let before = ghost::summary(view);
    if line.is_empty() {
        format!("{text}. No point simulated yet.{before}")
    } else {
        format!("{text}. Simulated: {}.{before}", line.join(", "))
    }
}

fn current_p99(view: &ViewCtx<'_>) -> Option<f64> {
    words::main_latency(view.report()?)?.latency.p99.value
}

fn breaks_at(view: &ViewCtx<'_>) -> Option<f64> {
    view.any_report()?.breaks_at.as_ref()?.users.value
}

fn title(ui: &Ui, view: &ViewCtx<'_>, area: Rect) {
    let (painter, half) = (ui.painter(), area.width() / 2.0);
    let words = "p99 latency as load grows";
    let title = paint::text(
        painter,
        area.left_top(),
        Align2::LEFT_TOP,
        words,
        view.strong(13.0),
        view.theme.text,
        half,
    );
    estimate::legend(ui, view, title);
    let hint = view.state.hints.words();
    let at = area.right_top() - vec2(14.0 * view.scale, 0.0);
    paint::text(
        painter,
        at,
        Align2::RIGHT_TOP,
        hint,
        view.font(12.0),
        view.theme.faint,
        half,
    );
}

/// The break: a line with words, and everything beyond it in shade.
fn beyond_break(ui: &Ui, view: &ViewCtx<'_>, axes: &Axes) {
    let Some(users) = breaks_at(view).filter(|&users| axes.shows(users)) else {
        return;
    };
    let (plot, theme, scale) = (axes.plot, view.theme, view.scale);
    let x = axes.x(users);
    ui.painter()
        .rect_filled(plot.with_min_x(x), 0.0, theme.shade);
    paint::dashed(
        ui.painter(),
        pos2(x, plot.top()),
        pos2(x, plot.bottom()),
        Stroke::new(1.6 * scale, theme.bad),
    );
    let words = format!("breaks here: {}", format::count(users));
    let room = plot.right() - x;
    let wanted = 170.0 * scale;
    let (at, align) = if room > wanted {
        (x + 7.0 * scale, Align2::LEFT_TOP)
    } else {
        (x - 7.0 * scale, Align2::RIGHT_TOP)
    };
    paint::text(
        ui.painter(),
        pos2(at, plot.top() + 5.0 * scale),
        align,
        &words,
        view.font(12.5),
        theme.bad,
        wanted,
    );
}

fn objective(ui: &Ui, view: &ViewCtx<'_>, axes: &Axes) {
    let Some(objective) = words::latency_objective(&view.frame.scenario) else {
        return;
    };
    let (plot, theme, scale) = (axes.plot, view.theme, view.scale);
    let y = axes.y(objective.limit);
    paint::dashed(
        ui.painter(),
        pos2(plot.left(), y),
        pos2(plot.right(), y),
        Stroke::new(1.2 * scale, theme.good),
    );
    let words = format!("objective: {}", format::millis(objective.limit));
    let at = pos2(plot.left() + 8.0 * scale, y - 4.0 * scale);
    paint::text(
        ui.painter(),
        at,
        Align2::LEFT_BOTTOM,
        &words,
        view.font(12.0),
        theme.good,
        plot.width() / 2.0,
    );
}

fn points(ui: &Ui, view: &ViewCtx<'_>, axes: &Axes) {
    let (theme, scale, painter) = (
        view.theme,
        view.scale,
        ui.painter().with_clip_rect(axes.plot.expand(6.0)),
    );
    let color = theme.series(0);
    let line = &view.frame.load_line;
    let stable: Vec<_> = line
        .iter()
        .filter(|point| axes.shows(f64::from(point.users)))
        .filter_map(|point| Some(pos2(axes.x(f64::from(point.users)), axes.y(point.p99_ms?))))
        .collect();
    painter.add(Shape::line(stable.clone(), Stroke::new(2.2 * scale, color)));
    for at in stable {
        painter.circle(
            at,
            3.6 * scale,
            theme.background,
            Stroke::new(1.8 * scale, color),
        );
    }
    for point in line
        .iter()
        .filter(|point| point.p99_ms.is_none() && axes.shows(f64::from(point.users)))
    {
        let at = pos2(
            axes.x(f64::from(point.users)),
            axes.plot.top() + 32.0 * scale,
        );
        let arm = 4.0 * scale;
        for direction in [vec2(arm, arm), vec2(arm, -arm)] {
            painter.line_segment(
                [at - direction, at + direction],
                Stroke::new(1.8 * scale, theme.bad),
            );
        }
        let beside = at + vec2(arm + 5.0 * scale, 0.0);
        paint::text(
            &painter,
            beside,
            Align2::LEFT_CENTER,
            "unstable",
            view.font(11.5),
            theme.bad,
            80.0 * scale,
        );
    }
}

/// The line to take hold of: where the system runs now.
fn handle(ui: &Ui, view: &ViewCtx<'_>, axes: &Axes, response: &Response) {
    let (theme, scale, plot, painter) = (view.theme, view.scale, axes.plot, ui.painter());
    let x = axes.x(f64::from(view.state.users));
    let held = response.dragged() || response.has_focus();
    let width = if held || response.hovered() { 2.6 } else { 2.0 };
    painter.line_segment(
        [pos2(x, plot.top()), pos2(x, plot.bottom())],
        Stroke::new(width * scale, theme.accent),
    );
    if let Some(p99) = current_p99(view) {
        let at = pos2(x, axes.y(p99));
        painter.circle(
            at,
            5.5 * scale,
            theme.accent,
            Stroke::new(2.0 * scale, theme.background),
        );
    } else {
        estimate::at_handle(ui, view, axes);
    }
    let words = format!(
        "{} {}",
        format::count(f64::from(view.state.users)),
        view.frame.scenario.load.unit
    );
    let galley = painter.layout_no_wrap(words, view.strong(13.0), theme.on_accent);
    let size = galley.size() + vec2(40.0, 8.0) * scale;
    let center = x.clamp(
        plot.left() + size.x / 2.0 - 20.0 * scale,
        plot.right() - size.x / 2.0,
    );
    let pill = Rect::from_center_size(pos2(center, plot.bottom() + 15.0 * scale), size);
    let outline = if held {
        Stroke::new(2.0 * scale, theme.text)
    } else {
        Stroke::NONE
    };
    painter.rect(
        pill,
        pill.height() / 2.0,
        theme.accent,
        outline,
        StrokeKind::Outside,
    );
    painter.galley(pill.center() - galley.size() / 2.0, galley, theme.on_accent);
    for side in [-1.0, 1.0] {
        let tip = pos2(
            pill.center().x + side * (size.x / 2.0 - 7.0 * scale),
            pill.center().y,
        );
        let (back, half) = (-side * 5.0 * scale, 3.6 * scale);
        let triangle = vec![tip, tip + vec2(back, half), tip + vec2(back, -half)];
        painter.add(Shape::convex_polygon(
            triangle,
            theme.on_accent,
            Stroke::NONE,
        ));
    }
}
