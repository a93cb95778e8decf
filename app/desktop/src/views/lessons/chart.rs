//! The charts of a lesson: a number against the load with the guess in it, two storms next to each other, bars with intervals.
//!
//! Every chart has its numbers in words for who does not see it; series differ by place and words, not by colour alone.

use egui::accesskit::Role;
use egui::{
    Align2, Color32, Painter, Pos2, Rect, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2,
};
use report::lesson::{chart_rows, figure_words};
use sim_core::lesson::{Answer, Chart, Lesson, Sample};

use crate::format;
use crate::paint;
use crate::view_ctx::ViewCtx;

/// Lowest chart that still says something.
const LOWEST: f32 = 150.0;

/// Draws the chart in the room that is left.
pub fn show(ui: &mut Ui, view: &ViewCtx<'_>, lesson: &Lesson, chart: &Chart) {
    let below = if matches!(chart, Chart::OverTime { .. }) {
        50.0 * view.scale
    } else {
        4.0 * view.scale
    };
    let height = (ui.available_height() - below).max(LOWEST * view.scale);
    let (area, response) =
        ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, summary(view, lesson, chart)));
    let painter = ui.painter_at(area);
    match chart {
        Chart::AgainstLoad {
            run,
            path,
            title,
            guess,
        } => against_load(&painter, view, area, (run, path, title), guess.as_deref()),
        Chart::OverTime { runs } => over_time(&painter, view, area, lesson, runs),
        Chart::Bars {
            title,
            bars,
            log,
            guess,
        } => {
            let guess = guess.as_deref().and_then(|name| guessed(view, name));
            let drawn = Bars {
                title,
                bars,
                log: *log == Some(true),
                guess,
            };
            drawn.show(&painter, view, area, lesson);
        }
    }
}

/// The numbers in words.
fn summary(view: &ViewCtx<'_>, lesson: &Lesson, chart: &Chart) -> String {
    if let Chart::OverTime { runs } = chart {
        let at = shown_s(view);
        let say = |run: &String| {
            let samples = until(&view.state.lessons.samples(run), at);
            let about = lesson.run(run).map_or("", |run| &run.about);
            match samples.last() {
                Some(last) => format!(
                    "{about}: {} open, {} attempts",
                    format::count(last.open as f64),
                    format::count(last.attempts as f64)
                ),
                None => format!("{about}: not begun"),
            }
        };
        let all: Vec<String> = runs.iter().map(say).collect();
        return format!("After {}: {}.", format::clock(at), all.join("; "));
    }
    let Some(found) = view.state.lessons.found() else {
        return String::new();
    };
    let (head, rows) = chart_rows(lesson, chart, found);
    let rows: Vec<String> = rows.iter().map(|row| row.join(" ")).collect();
    format!("{}: {}.", head[1..].join(", "), rows.join("; "))
}

fn guessed(view: &ViewCtx<'_>, question: &str) -> Option<f64> {
    match view.state.lessons.answer(question)?? {
        Answer::Number(number) => Some(*number),
        Answer::Choice(_) => None,
    }
}

/// A scale from data to points.
struct Scale {
    from: f64,
    to: f64,
    log: bool,
    ends: (f32, f32),
}

impl Scale {
    fn at(&self, value: f64) -> f32 {
        let share = if self.log {
            (value.max(1e-9) / self.from).ln() / (self.to / self.from).ln()
        } else {
            (value - self.from) / (self.to - self.from)
        };
        let share = if share.is_finite() {
            share.clamp(0.0, 1.0)
        } else {
            0.0
        };
        self.ends.0 + (self.ends.1 - self.ends.0) * share as f32
    }
}

fn against_load(
    painter: &Painter,
    view: &ViewCtx<'_>,
    area: Rect,
    (run, path, title): (&str, &str, &str),
    guess: Option<&str>,
) {
    let (scale, theme) = (view.scale, view.theme);
    let lessons = &view.state.lessons;
    let (Some(lesson), Some(found)) = (lessons.lesson(), lessons.found()) else {
        return;
    };
    let curve = found.curve(run, path);
    let values = || curve.iter().filter_map(|(_, found)| found.value);
    let (Some(first), Some(last)) = (curve.first(), curve.last()) else {
        return;
    };
    let least = values().fold(f64::INFINITY, f64::min);
    let most = values().fold(0.0, f64::max);
    if !(least > 0.0 && least.is_finite()) {
        return;
    }
    let plot = Rect::from_min_max(
        area.min + vec2(74.0, 30.0) * scale,
        area.max - vec2(20.0, 34.0) * scale,
    );
    let x = Scale {
        from: first.0 as f64,
        to: last.0 as f64,
        log: true,
        ends: (plot.left(), plot.right()),
    };
    let (bottom, top) = (least / 1.25, (most * 1.3).max(least * 3.0));
    let y = Scale {
        from: bottom,
        to: top,
        log: true,
        ends: (plot.bottom(), plot.top()),
    };
    words(
        painter,
        view,
        area.min,
        Align2::LEFT_TOP,
        title,
        theme.muted,
    );
    for value in ticks(bottom, top) {
        let at = y.at(value);
        let line = [pos2(plot.left(), at), pos2(plot.right(), at)];
        painter.line_segment(line, Stroke::new(1.0, theme.line));
        let beside = pos2(plot.left() - 8.0 * scale, at);
        words(
            painter,
            view,
            beside,
            Align2::RIGHT_CENTER,
            &format::millis(value),
            theme.muted,
        );
    }
    let mut free = f32::MIN;
    for (users, _) in &curve {
        let at = x.at(*users as f64);
        let label = format::count(*users as f64);
        let wide = 26.0 * scale;
        if at - wide > free && at + wide < area.right() + 14.0 * scale {
            let below = pos2(at, plot.bottom() + 6.0 * scale);
            words(
                painter,
                view,
                below,
                Align2::CENTER_TOP,
                &label,
                theme.muted,
            );
            free = at + wide;
        }
    }
    // Where the answer lies.
    let answer = guess
        .and_then(|name| {
            lesson
                .questions
                .iter()
                .find(|question| question.name == name)
        })
        .map(|question| found.read(lesson, &question.answer));
    if let Some(sim_core::lesson::Reading::Number(answer)) = answer
        && let (Some(low), Some(high)) = (answer.low, answer.high)
    {
        let band = Rect::from_min_max(
            pos2(x.at(low), plot.top()),
            pos2(x.at(high).max(x.at(low) + 2.0), plot.bottom()),
        );
        painter.rect_filled(band, 0.0, theme.shade);
        let over = pos2(band.left() - 6.0 * scale, plot.top() + 2.0);
        words(
            painter,
            view,
            over,
            Align2::RIGHT_TOP,
            "the answer",
            theme.text,
        );
    }
    let color = theme.series(0);
    let known: Vec<(Pos2, Pos2, Pos2)> = curve
        .iter()
        .filter_map(|(users, found)| {
            let value = found.value?;
            let at = x.at(*users as f64);
            let point = |value: f64| pos2(at, y.at(value));
            let low = found.low.unwrap_or(value);
            Some((point(value), point(low), point(found.high.unwrap_or(value))))
        })
        .collect();
    for pair in known.windows(2) {
        let corners = vec![pair[0].1, pair[1].1, pair[1].2, pair[0].2];
        let band = Shape::convex_polygon(corners, color.gamma_multiply(0.25), Stroke::NONE);
        painter.add(band);
        painter.line_segment([pair[0].0, pair[1].0], Stroke::new(2.5 * scale, color));
    }
    for (point, ..) in &known {
        painter.circle_filled(*point, 4.0 * scale, color);
    }
    if let Some((users, _)) = curve.iter().find(|(_, found)| found.value.is_none()) {
        let at = pos2(x.at(*users as f64), plot.top() + 24.0 * scale);
        let end = pos2(at.x, plot.bottom());
        paint::dashed(painter, at, end, Stroke::new(1.5 * scale, theme.bad));
        words(
            painter,
            view,
            at,
            Align2::RIGHT_BOTTOM,
            "from here it grows without end  ",
            theme.bad,
        );
    }
    if let Some(guess) = guess.and_then(|name| guessed(view, name)) {
        let at = x.at(guess);
        let line = Stroke::new(2.0 * scale, theme.accent);
        paint::dashed(painter, pos2(at, plot.top()), pos2(at, plot.bottom()), line);
        let label = format!("your guess: {}", format::count(guess));
        let right = at + 150.0 * scale < plot.right();
        let (align, beside) = if right {
            (Align2::LEFT_BOTTOM, 6.0 * scale)
        } else {
            (Align2::RIGHT_BOTTOM, -6.0 * scale)
        };
        let at = pos2(at + beside, plot.bottom() - 4.0 * scale);
        words(painter, view, at, align, &label, theme.accent);
    }
}

/// 1, 2, 5 in every decade between two values; 1 alone where there are many.
fn ticks(from: f64, to: f64) -> Vec<f64> {
    let (first, last) = (from.log10().floor() as i32, to.log10().ceil() as i32);
    let digits: &[f64] = if last - first > 3 {
        &[1.0]
    } else {
        &[1.0, 2.0, 5.0]
    };
    (first..=last)
        .flat_map(|decade| digits.iter().map(move |digit| digit * 10f64.powi(decade)))
        .filter(|value| (from..=to).contains(value))
        .collect()
}

fn words(
    painter: &Painter,
    view: &ViewCtx<'_>,
    at: Pos2,
    align: Align2,
    words: &str,
    color: Color32,
) {
    paint::text(
        painter,
        at,
        align,
        words,
        view.font(14.0),
        color,
        f32::INFINITY,
    );
}

/// The simulated second that is shown.
fn shown_s(view: &ViewCtx<'_>) -> f64 {
    let lessons = &view.state.lessons;
    let reached = lessons.reached_s().unwrap_or(0.0);
    lessons.shown_s.map_or(reached, |shown| shown.min(reached))
}

fn until(samples: &[Sample], at_s: f64) -> Vec<Sample> {
    let shown = samples.iter().take_while(|sample| sample.at_s <= at_s);
    shown.copied().collect()
}

/// One column per run: connections open above, attempts per client below, on the same axes.
fn over_time(painter: &Painter, view: &ViewCtx<'_>, area: Rect, lesson: &Lesson, runs: &[String]) {
    let lessons = &view.state.lessons;
    let at = shown_s(view);
    let all: Vec<Vec<Sample>> = runs.iter().map(|run| lessons.samples(run)).collect();
    let end = all
        .iter()
        .filter_map(|samples| samples.last())
        .map(|sample| sample.at_s)
        .fold(1.0, f64::max);
    let users = all
        .iter()
        .flatten()
        .map(|sample| sample.open)
        .max()
        .unwrap_or(1)
        .max(1) as f64;
    let most = all
        .iter()
        .flatten()
        .map(|sample| sample.attempts as f64 / users)
        .fold(1.0, f64::max);
    let gap = 28.0 * view.scale;
    let count = runs.len().max(1) as f32;
    let width = (area.width() - gap * (count - 1.0)) / count;
    for (index, samples) in all.iter().enumerate() {
        let left = area.left() + (width + gap) * index as f32;
        let column = Rect::from_min_size(pos2(left, area.top()), vec2(width, area.height()));
        let about = lesson.run(&runs[index]).map_or("", |run| &run.about);
        let storm = Storm {
            about,
            samples: until(samples, at),
            color: view.theme.series(index),
            end,
            users,
            most,
        };
        storm.show(painter, view, column);
    }
}

struct Storm<'a> {
    about: &'a str,
    samples: Vec<Sample>,
    color: Color32,
    end: f64,
    users: f64,
    most: f64,
}

impl Storm<'_> {
    fn show(&self, painter: &Painter, view: &ViewCtx<'_>, column: Rect) {
        let scale = view.scale;
        let title = capital(self.about);
        let width = column.width();
        let font = view.strong(16.0);
        paint::text(
            painter,
            column.min,
            Align2::LEFT_TOP,
            &title,
            font,
            self.color,
            width,
        );
        let last = self.samples.last().copied().unwrap_or_default();
        let body = Rect::from_min_max(column.min + vec2(0.0, 24.0 * scale), column.max);
        let (above, below) = body.split_top_bottom_at_fraction(0.5);
        let open = format!("open: {}", format::count(last.open as f64));
        let points = |value: &dyn Fn(&Sample) -> f64| -> Vec<(f64, f64)> {
            let all = self.samples.iter();
            all.map(|sample| (sample.at_s, value(sample))).collect()
        };
        self.plot(
            painter,
            view,
            above,
            &open,
            self.users,
            &points(&|s| s.open as f64),
        );
        let each = last.attempts as f64 / self.users;
        let attempts = format!("attempts per client: {each:.1}");
        let users = self.users;
        let tried = points(&|s| s.attempts as f64 / users);
        self.plot(painter, view, below, &attempts, self.most, &tried);
    }

    fn plot(
        &self,
        painter: &Painter,
        view: &ViewCtx<'_>,
        area: Rect,
        title: &str,
        most: f64,
        points: &[(f64, f64)],
    ) {
        let (scale, theme) = (view.scale, view.theme);
        let plot = Rect::from_min_max(
            area.min + vec2(48.0, 24.0) * scale,
            area.max - vec2(6.0, 22.0) * scale,
        );
        let x = Scale {
            from: 0.0,
            to: self.end,
            log: false,
            ends: (plot.left(), plot.right()),
        };
        let y = Scale {
            from: 0.0,
            to: most * 1.05,
            log: false,
            ends: (plot.bottom(), plot.top()),
        };
        let over = pos2(area.left(), area.top() + 2.0 * scale);
        words(painter, view, over, Align2::LEFT_TOP, title, theme.text);
        for share in [0.0, 0.5, 1.0] {
            let value = most * share;
            let at = y.at(value);
            let line = [pos2(plot.left(), at), pos2(plot.right(), at)];
            painter.line_segment(line, Stroke::new(1.0, theme.line));
            let beside = pos2(plot.left() - 6.0 * scale, at);
            let label = format::count(value);
            words(
                painter,
                view,
                beside,
                Align2::RIGHT_CENTER,
                &label,
                theme.muted,
            );
        }
        for share in [0.0, 0.5, 1.0] {
            let at_s = self.end * share;
            let align = match share {
                0.0 => Align2::LEFT_TOP,
                1.0 => Align2::RIGHT_TOP,
                _ => Align2::CENTER_TOP,
            };
            let below = pos2(x.at(at_s), plot.bottom() + 3.0 * scale);
            words(
                painter,
                view,
                below,
                align,
                &format::clock(at_s),
                theme.muted,
            );
        }
        let line: Vec<Pos2> = points
            .iter()
            .map(|(at_s, value)| pos2(x.at(*at_s), y.at(*value)))
            .collect();
        if let Some(last) = line.last().copied() {
            painter.add(Shape::line(line, Stroke::new(2.5 * scale, self.color)));
            painter.circle_filled(last, 4.5 * scale, self.color);
        }
    }
}

/// With a capital first letter.
fn capital(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

/// Figures as bars, the interval as a line over the end.
struct Bars<'a> {
    title: &'a str,
    bars: &'a [(String, String)],
    log: bool,
    guess: Option<f64>,
}

impl Bars<'_> {
    fn show(&self, painter: &Painter, view: &ViewCtx<'_>, area: Rect, lesson: &Lesson) {
        let (scale, theme) = (view.scale, view.theme);
        let Some(found) = view.state.lessons.found() else {
            return;
        };
        words(
            painter,
            view,
            area.min,
            Align2::LEFT_TOP,
            self.title,
            theme.muted,
        );
        let read = |name: &str| found.read(lesson, name);
        let rows: Vec<_> = self.bars.iter().map(|(_, name)| read(name)).collect();
        let values = || rows.iter().filter_map(|row| row.value()).chain(self.guess);
        let most = values().fold(0.0, f64::max);
        let least = values().filter(|v| *v > 0.0).fold(f64::INFINITY, f64::min);
        if most <= 0.0 {
            return;
        }
        let left = area.left() + 190.0 * scale;
        let right = area.right() - 270.0 * scale;
        let x = Scale {
            from: if self.log { least / 2.0 } else { 0.0 },
            to: most,
            log: self.log,
            ends: (left, right),
        };
        let top = area.top() + 28.0 * scale;
        let each = ((area.bottom() - top) / (rows.len() as f32 + 0.6)).min(58.0 * scale);
        for (index, (reading, (about, name))) in rows.iter().zip(self.bars).enumerate() {
            let middle = top + each * (index as f32 + 0.5);
            let beside = pos2(left - 10.0 * scale, middle);
            words(
                painter,
                view,
                beside,
                Align2::RIGHT_CENTER,
                about,
                theme.text,
            );
            let Some(value) = reading.value() else {
                continue;
            };
            let end = x.at(value);
            let half = (each * 0.28).max(3.0);
            let bar = Rect::from_min_max(pos2(left, middle - half), pos2(end, middle + half));
            painter.rect_filled(bar, 2.0, theme.series(index));
            if let sim_core::lesson::Reading::Number(found) = reading
                && let (Some(low), Some(high)) = (found.low, found.high)
            {
                let line = [pos2(x.at(low), middle), pos2(x.at(high), middle)];
                painter.line_segment(line, Stroke::new(3.0 * scale, theme.text));
            }
            if let Some(figure) = lesson.figure(name) {
                let said = figure_words(lesson, figure, found);
                let at = pos2(end + 10.0 * scale, middle);
                words(painter, view, at, Align2::LEFT_CENTER, &said, theme.text);
            }
        }
        if let Some(guess) = self.guess {
            let at = x.at(guess);
            let bottom = top + each * rows.len() as f32;
            let line = Stroke::new(2.0 * scale, theme.accent);
            paint::dashed(painter, pos2(at, top), pos2(at, bottom), line);
            let label = format!("your guess: {}", format::count(guess));
            let below = pos2(at, bottom + 2.0 * scale);
            words(
                painter,
                view,
                below,
                Align2::CENTER_TOP,
                &label,
                theme.accent,
            );
        }
    }
}
