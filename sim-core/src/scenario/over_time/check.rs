//! From the file form of load over time to the checked one.

use super::raw::{RawArrivals, RawDay, RawFlashCrowd, RawLoop, RawShape, RawStep};
use super::{Arrivals, Day, FlashCrowd, Loop, OverTime, People, Shape, trace};
use crate::cost::DayShape;
use crate::scenario::check::Check;
use crate::scenario::error::Problem;
use crate::scenario::limits;
use crate::scenario::model::{Load, Run};
use crate::scenario::quantity::{self, count, duration, factor, number, share};
use crate::scenario::raw::{Quantity, RawLoad};
use crate::scenario::traffic::raw::{RawPublisher, RawTraffic};
use crate::time::SimDuration;

/// Most flash crowds.
const CROWDS: usize = 100;
/// Time over which a crowd comes, if nothing is said.
pub(in crate::scenario) const CROWD_WITHIN: SimDuration = SimDuration::from_secs(10);
/// Largest level, share of joiners and activity.
pub(in crate::scenario) const LEVEL: f64 = 1_000.0;

/// Checks the parts of load and traffic that say what happens when.
pub fn over_time(
    raw: (&RawLoad, &RawTraffic),
    load: &Load,
    run: &Run,
    check: &mut Check<'_>,
) -> OverTime {
    let (raw, traffic) = raw;
    let shape = raw
        .shape
        .as_ref()
        .map_or(Shape::Flat, |raw| shape(raw, check));
    let flash_crowds = raw.flash_crowds.as_deref().unwrap_or_default();
    let publish = traffic
        .publish
        .as_ref()
        .and_then(|raw| raw.arrivals.as_ref());
    let presence = traffic
        .presence
        .as_ref()
        .and_then(|raw| raw.arrivals.as_ref());
    let edit = traffic.edit.as_ref().and_then(|raw| raw.arrivals.as_ref());
    let query = traffic.query.as_ref().and_then(|raw| raw.arrivals.as_ref());
    let command = traffic
        .command
        .as_ref()
        .and_then(|raw| raw.arrivals.as_ref());
    let query_loop = traffic.query.as_ref().and_then(|raw| raw.r#loop.as_ref());
    let publish_loop = traffic.publish.as_ref().and_then(|raw| raw.r#loop.as_ref());
    let mut over_time = OverTime {
        shape,
        day: Day::default(),
        flash_crowds: crowds(flash_crowds, load, run, check),
        publish: arrivals("publish", publish, run, check),
        presence: arrivals("presence", presence, run, check),
        query: arrivals("query", query, run, check),
        command: arrivals("command", command, run, check),
        edit: arrivals("edit", edit, run, check),
        query_loop: query_loop.map_or(Loop::Open, |raw| closed("query", raw, load, check)),
        publish_loop: publish_loop.map_or(Loop::Open, |raw| closed("publish", raw, load, check)),
    };
    over_time.day = day(raw.day.as_ref(), &over_time, load, check);
    if over_time.query_loop != Loop::Open && over_time.query != Arrivals::Poisson {
        let problem = Problem::new("clients that wait for their answer ask when they have thought");
        check.problem(
            "traffic.query.arrivals",
            problem
                .allowed("Poisson, or leave it out")
                .help("loop: Open lets queries arrive by themselves"),
        );
    }
    let publish = traffic.publish.as_ref();
    let by_members = publish.is_some_and(|raw| !matches!(raw.from, Some(RawPublisher::Feed(_))));
    if over_time.publish_loop != Loop::Open
        && !(by_members && over_time.publish == Arrivals::Poisson)
    {
        let problem =
            Problem::new("only members publish in a closed loop, each when it has thought");
        check.problem(
            "traffic.publish.loop",
            problem
                .allowed("from: Members and arrivals: Poisson, or leave both out")
                .help("loop: Open lets messages arrive by themselves"),
        );
    }
    over_time
}

/// 0 to [`LEVEL`], as a number or in per cent.
fn level(path: &str, raw: &Quantity, check: &mut Check<'_>) -> f64 {
    check.take(path, factor(raw, 0.0, LEVEL), 1.0)
}

fn shape(raw: &RawShape, check: &mut Check<'_>) -> Shape {
    const AT: &str = "load.shape";
    match raw {
        RawShape::Flat => Shape::Flat,
        RawShape::Daily { peak_hour, trough } => Shape::Daily {
            peak_hour: hour("load.shape.peak_hour", peak_hour, check),
            trough: check.take("load.shape.trough", share(trough), 1.0),
        },
        RawShape::Hourly(levels) => hourly(levels, check),
        RawShape::Ramp { from, to, over } => {
            let (from, to) = (
                level("load.shape.from", from, check),
                level("load.shape.to", to, check),
            );
            if from.max(to) <= 0.0 {
                let problem = Problem::new("a ramp from nothing to nothing");
                check.problem(AT, problem.allowed("a level above 0 at one end"));
            }
            let over = duration(over, limits::SHORT, limits::LONG);
            Shape::Ramp {
                from,
                to,
                over: check.take("load.shape.over", over, limits::SHORT),
            }
        }
        RawShape::Steps(raw) => steps(raw, check),
    }
}

fn hour(path: &str, raw: &Quantity, check: &mut Check<'_>) -> f64 {
    check.take(path, number(raw, &["h"], 0.0, 24.0), 0.0)
}

fn hourly(levels: &[f64], check: &mut Check<'_>) -> Shape {
    const AT: &str = "load.shape";
    let Ok(hours) = <[f64; 24]>::try_from(levels) else {
        let problem = Problem::new(format!("{} hours are no day", levels.len()));
        check.problem(
            AT,
            problem.allowed("24 levels of 0 to 1, from midnight in local time"),
        );
        return Shape::Flat;
    };
    if let Err(problem) = DayShape::from_hourly(hours) {
        check.problem(AT, Problem::new(problem.to_string()));
        return Shape::Flat;
    }
    if hours.iter().all(|level| *level == 0.0) {
        let problem = Problem::new("all hours are 0").allowed("a level above 0 somewhere");
        check.problem(AT, problem);
    }
    Shape::Hourly(hours)
}

fn steps(raw: &[RawStep], check: &mut Check<'_>) -> Shape {
    const AT: &str = "load.shape";
    if raw.is_empty() || raw.len() > limits::ENTRIES {
        let problem = Problem::new(format!("{} steps", raw.len()));
        check.problem(AT, problem.allowed(format!("1 to {}", limits::ENTRIES)));
    }
    let mut steps: Vec<(SimDuration, f64)> = Vec::new();
    for (i, step) in raw.iter().enumerate().take(limits::ENTRIES) {
        // `Steps([(at: …)])`: the list is the one value of the choice.
        let path = format!("{AT}[0][{i}].at");
        let at = duration(&step.at, SimDuration::ZERO, limits::LONG);
        let at = check.take(&path, at, SimDuration::ZERO);
        if steps.last().is_some_and(|last| last.0 >= at) {
            let problem = Problem::new(format!("{} does not follow the step before it", step.at));
            check.problem(&path, problem.allowed("times that rise"));
        }
        steps.push((
            at,
            level(&format!("{AT}[0][{i}].level"), &step.level, check),
        ));
    }
    Shape::Steps(steps)
}

/// The clock; a run that is not told when it begins shows the busiest quarter of an hour.
fn day(raw: Option<&RawDay>, over_time: &OverTime, load: &Load, check: &mut Check<'_>) -> Day {
    const AT: &str = "load.day";
    if raw.is_some() && !over_time.shape.is_daily() {
        let problem = Problem::new("a clock, but nothing that follows it");
        let help = "add shape: Daily(peak_hour: 14, trough: \"20 %\"), or leave out load.day";
        check.problem(AT, problem.help(help));
    }
    let raw = raw.cloned().unwrap_or_default();
    let lasts = check.take_or("load.day.lasts", &raw.lasts, Day::default().lasts, |q| {
        duration(q, SimDuration::from_secs(1), limits::LONG)
    });
    let starts = match &raw.starts {
        Some(q) => hour("load.day.starts", q, check),
        None => busiest_hour(over_time, load),
    };
    Day { starts, lasts }
}

/// The UTC hour, to a quarter, at which the mix of all places is busiest.
fn busiest_hour(over_time: &OverTime, load: &Load) -> f64 {
    let mut best = (0.0, -1.0);
    for quarter in 0..96 {
        let hour = f64::from(quarter) / 4.0;
        let level = over_time.mix_at_hour(&load.places, hour);
        if level > best.1 + 1e-9 {
            best = (hour, level);
        }
    }
    best.0
}

fn crowds(raw: &[RawFlashCrowd], load: &Load, run: &Run, check: &mut Check<'_>) -> Vec<FlashCrowd> {
    const AT: &str = "load.flash_crowds";
    if raw.len() > CROWDS {
        let problem = Problem::new(format!("{} flash crowds", raw.len()));
        check.problem(AT, problem.allowed(format!("up to {CROWDS}")));
    }
    let mut people = u64::from(load.users);
    let mut crowds = Vec::new();
    for (i, raw) in raw.iter().enumerate().take(CROWDS) {
        let path = format!("{AT}[{i}]");
        check.source(&path, &raw.source);
        let crowd = crowd(raw, &path, run, check);
        people += u64::from(crowd.joins.of(load.users));
        if people > limits::USERS {
            let problem = Problem::new(format!("{} make too many people", raw.joins));
            let most = quantity::group(limits::USERS);
            check.problem(
                &format!("{path}.joins"),
                problem.allowed(format!("up to {most} users, those who join included")),
            );
        }
        crowds.push(crowd);
    }
    crowds
}

fn crowd(raw: &RawFlashCrowd, path: &str, run: &Run, check: &mut Check<'_>) -> FlashCrowd {
    let time = |q: &Quantity, low| duration(q, low, limits::LONG);
    let at_path = format!("{path}.at");
    let at = check.take(
        &at_path,
        time(&raw.at, SimDuration::ZERO),
        SimDuration::ZERO,
    );
    before_the_end(&at_path, &raw.at, at, run, check);
    let lasts = time(&raw.lasts, limits::SHORT);
    let activity = raw.activity.as_ref();
    FlashCrowd {
        at,
        lasts: check.take(&format!("{path}.lasts"), lasts, limits::SHORT),
        within: check.take_or(&format!("{path}.within"), &raw.within, CROWD_WITHIN, |q| {
            time(q, SimDuration::ZERO)
        }),
        joins: people(&format!("{path}.joins"), &raw.joins, LEVEL, check),
        activity: activity.map_or(1.0, |q| level(&format!("{path}.activity"), q, check)),
    }
}

fn end_of(run: &Run) -> SimDuration {
    let (warmup, duration) = (run.warmup.as_nanos(), run.duration.as_nanos());
    SimDuration::from_nanos(warmup.saturating_add(duration))
}

fn before_the_end(
    path: &str,
    shown: &dyn std::fmt::Display,
    at: SimDuration,
    run: &Run,
    check: &mut Check<'_>,
) {
    let end = end_of(run);
    if at >= end {
        let problem = Problem::new(format!("{shown} lies behind the end of the run"));
        let end = quantity::show_duration(end);
        let allowed = format!("before {end}, the warm-up and the duration of the run");
        check.problem(path, problem.allowed(allowed));
    }
}

/// `"50 %"`, or a number of people.
pub(in crate::scenario) fn people(
    path: &str,
    raw: &Quantity,
    most: f64,
    check: &mut Check<'_>,
) -> People {
    let is_share = matches!(raw, Quantity::Text(text) if text.trim_end().ends_with('%'));
    let people = if is_share {
        factor(raw, 0.0, most).map(People::Share)
    } else {
        let nouns = ["users", "user", "people", "clients", "client"];
        count(raw, &nouns, 1, limits::USERS)
            .map(|n| People::Count(n as u32))
            .map_err(|problem| {
                let number = problem.allowed.clone().unwrap_or_default();
                problem.allowed(format!("{number}, or a share such as \"50 %\""))
            })
    };
    if people == Ok(People::Share(0.0)) {
        let problem = Problem::new(format!("{raw} is nobody"));
        check.problem(
            path,
            problem.allowed("more than 0 %, or a number of people"),
        );
    }
    check.take(path, people, People::Count(1))
}

fn closed(kind: &str, raw: &RawLoop, load: &Load, check: &mut Check<'_>) -> Loop {
    let at = format!("traffic.{kind}.loop");
    let RawLoop::Closed {
        think_time,
        clients,
        source,
    } = raw
    else {
        return Loop::Open;
    };
    check.source(&at, source);
    let think_time = duration(think_time, limits::SHORT, limits::LONG);
    let who = format!("{at}.clients");
    let clients = people(&who, clients, 1.0, check);
    let online = libm::round(f64::from(load.users) * load.online) as u32;
    if clients.of(online) > online {
        let problem = Problem::new(format!("{} clients ask", clients.of(online)));
        check.problem(
            &who,
            problem.allowed(format!("up to {online}, those online")),
        );
    }
    Loop::Closed {
        think_time: check.take(&format!("{at}.think_time"), think_time, limits::SHORT),
        clients,
    }
}

fn arrivals(kind: &str, raw: Option<&RawArrivals>, run: &Run, check: &mut Check<'_>) -> Arrivals {
    let path = format!("traffic.{kind}.arrivals");
    match raw {
        None | Some(RawArrivals::Poisson) => Arrivals::Poisson,
        Some(RawArrivals::Bursty {
            on,
            off,
            factor: times,
            source,
        }) => {
            check.source(&path, source);
            let mut time = |name: &str, q: &Quantity| {
                let time = duration(q, limits::SHORT, limits::LONG);
                check.take(&format!("{path}.{name}"), time, limits::SHORT)
            };
            let (on, off) = (time("on", on), time("off", off));
            let times = factor(times, 1.0, LEVEL);
            Arrivals::Bursty {
                on,
                off,
                factor: check.take(&format!("{path}.factor"), times, 1.0),
            }
        }
        Some(RawArrivals::Trace {
            file,
            points,
            instants,
            source,
        }) => {
            check.source(&path, source);
            let row = |list: &'static str| move |i: usize| format!("{list}[{i}]: ");
            let read = match (file, points, instants) {
                (Some(file), None, None) => check
                    .read_file(file)
                    .and_then(|text| trace::parse(file, &text)),
                (None, Some(points), None) => trace::points(points, row("points")),
                (None, None, Some(instants)) => trace::instants(instants, row("instants")),
                _ => Err(Problem::new("a trace comes from one place")
                    .allowed("one of file, points and instants")),
            };
            let trace = check.take(&path, read, Arrivals::Poisson);
            let first = match &trace {
                Arrivals::Instants(times) => times.first().copied(),
                Arrivals::Rates(rows) => rows.first().map(|row| row.0),
                Arrivals::Poisson | Arrivals::Bursty { .. } => None,
            };
            if let Some(first) = first {
                let shown = format!("the first row, {},", quantity::show_duration(first));
                before_the_end(&path, &shown, first, run, check);
            }
            trace
        }
    }
}
