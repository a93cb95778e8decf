//! What the window costs: CPU of a pass, CPU of an event with the window open beside that of a run alone, memory, and how soon
//! figures are there: `cargo run --profile bench -p desktop --example cost -- presets/team-chat.ron [USERS…]`.
//!
//! CPU times are those of the threads themselves, as the kernel counts them; wall times depend on what else the machine does.

#![expect(
    clippy::disallowed_methods,
    reason = "no window here that could be held up"
)]

use std::time::{Duration, Instant};

use desktop::Probe;
use session::{Command, Frame, Pace};
use sim_core::engine::Interrupt;
use sim_core::scenario::{Beginning, Draft, Edit, Problem, Scenario, load_with};
use sim_core::system::SystemRun;
use sim_core::time::SimTime;

/// How long the window is watched, wall seconds.
const WATCHED: Duration = Duration::from_secs(12);
/// A run alone is watched for at least so many seconds of CPU.
const LEAST_CPU_S: f64 = 1.0;
/// How long is waited for what is there in the end, wall seconds.
const LONGEST: Duration = Duration::from_secs(120);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let file = words
        .first()
        .map_or("presets/team-chat.ron", String::as_str);
    let loads = words.get(1..).unwrap_or_default();
    for users in loads {
        report(&read(file, users)?);
    }
    Ok(())
}

fn report(draft: &Draft) {
    let users = draft.scenario().load.users;
    println!("{} users", users);
    let started = Instant::now();
    let views = ["Time strip"];
    let mut probe = Probe::new(draft.clone(), &views);
    probe.send(Command::SetPace(Pace::Fast));
    let wait = |what: &str, ready: &dyn Fn(&Frame) -> bool| {
        while !ready(&probe.frame()) && started.elapsed() < LONGEST {
            std::thread::sleep(Duration::from_millis(5));
        }
        println!("  {what}: {:.2} s", started.elapsed().as_secs_f64());
    };
    wait("quick estimate", &|frame| !frame.estimate.is_empty());
    wait("first p99", &|frame| p99(frame).is_some());
    wait("p99 with an interval", &|frame| half_width(frame).is_some());
    wait("p99 to ± 5 %", &|frame| {
        half_width(frame).is_some_and(|half| half <= 0.05)
    });
    let frame = probe.frame();
    let reached = frame.simulated_s;
    let shown =
        |value: Option<f64>, unit: f64| value.map_or("none".into(), |v| format!("{:.1}", v * unit));
    println!(
        "  then: {reached:.1} s simulated, p99 {} ms ± {} %",
        shown(p99(&frame), 1.0),
        shown(half_width(&frame), 100.0)
    );
    // The load line is computed once; what is watched is what goes on.
    let mut points = (0, Instant::now());
    while points.1.elapsed() < Duration::from_secs(3) && started.elapsed() < LONGEST {
        let now = probe.frame().load_line.len();
        if now != points.0 {
            points = (now, Instant::now());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    println!(
        "  load line of {} points: {:.2} s",
        points.0,
        points.1.duration_since(started).as_secs_f64()
    );
    let from_s = probe.frame().simulated_s;
    let (events, simulation) = fresh(&probe);
    let window = cpu_s("cost");
    let mut passes = Vec::new();
    let watched = Instant::now();
    while watched.elapsed() < WATCHED {
        let before = cpu_s("cost");
        let triangles = probe.pass();
        passes.push((cpu_s("cost") - before, triangles));
        std::thread::sleep(Duration::from_millis(16));
    }
    passes.sort_by(|one, other| one.0.total_cmp(&other.0));
    let at = |share: f64| passes[((passes.len() - 1) as f64 * share) as usize];
    println!(
        "  pass of the window: {:.2} ms CPU (median), {:.2} ms (99 %), {} triangles, {} passes, {:.1} % of a core",
        at(0.5).0 * 1e3,
        at(0.99).0 * 1e3,
        at(0.5).1,
        passes.len(),
        100.0 * (cpu_s("cost") - window) / WATCHED.as_secs_f64()
    );
    let (handled, spent) = fresh(&probe);
    let frame = probe.frame();
    let beside = (spent - simulation) / handled.saturating_sub(events).max(1) as f64;
    println!(
        "  {} keyframes, {:.0} MB resident",
        frame.time.keyframes,
        resident_mb()
    );
    drop(probe);
    let mut scenario = Scenario::clone(draft.scenario());
    let model = frame.report.as_ref().and_then(|report| report.model);
    scenario.run.scale = model.map(|model| model.one_in);
    if let Some(model) = model {
        println!("  a model of one in {}", model.one_in);
    }
    let alone = alone(&scenario, from_s, frame.simulated_s.max(from_s + 1.0));
    println!(
        "  CPU per event: {:.0} ns beside the window, {:.0} ns alone: {:+.1} %",
        beside * 1e9,
        alone * 1e9,
        100.0 * (beside / alone - 1.0)
    );
}

/// Events up to a report that has just come, and the CPU seconds of the simulation then.
fn fresh(probe: &Probe) -> (u64, f64) {
    let before = events(&probe.frame());
    let asked = Instant::now();
    while events(&probe.frame()) == before && asked.elapsed() < LONGEST {
        std::thread::sleep(Duration::from_millis(1));
    }
    (events(&probe.frame()), cpu_s("simulation"))
}

/// CPU seconds per event of a run by itself, between two simulated seconds.
fn alone(scenario: &Scenario, from_s: f64, to_s: f64) -> f64 {
    let Ok(mut run) = SystemRun::new(scenario) else {
        return f64::NAN;
    };
    let at = |seconds: f64| SimTime::from_nanos((seconds * 1e9) as u64);
    let mut on = |to_s: f64| {
        run.set_end(at(to_s));
        let _ = run.advance(at(to_s), None, &mut |_, _| Interrupt::Continue);
        (run.work().0, cpu_s("cost"))
    };
    let before = on(from_s);
    let mut after = on(to_s);
    for more in 1.. {
        if after.1 - before.1 >= LEAST_CPU_S {
            break;
        }
        after = on(to_s + f64::from(more) * (to_s - from_s));
    }
    (after.1 - before.1) / (after.0 - before.0).max(1) as f64
}

fn p99(frame: &Frame) -> Option<f64> {
    let report = frame.report.as_ref()?;
    report
        .operations
        .get("publish")?
        .latency_ms
        .get("delivered")?
        .p99
        .value
}

fn half_width(frame: &Frame) -> Option<f64> {
    let report = frame.report.as_ref()?;
    let p99 = &report
        .operations
        .get("publish")?
        .latency_ms
        .get("delivered")?
        .p99;
    p99.relative_half_width()
}

fn events(frame: &Frame) -> u64 {
    frame
        .report
        .as_ref()
        .map_or(0, |report| report.engine.events)
}

/// CPU seconds of this process' threads of a name.
fn cpu_s(name: &str) -> f64 {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else {
        return f64::NAN;
    };
    let of = |task: std::fs::DirEntry| {
        let read = |file: &str| std::fs::read_to_string(task.path().join(file)).unwrap_or_default();
        let ours = read("comm").trim() == name;
        let ns = read("schedstat")
            .split(' ')
            .next()
            .and_then(|ns| ns.parse::<f64>().ok());
        if ours {
            ns.unwrap_or_default() / 1e9
        } else {
            0.0
        }
    };
    tasks.flatten().map(of).sum()
}

fn resident_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kb = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kb.unwrap_or(f64::NAN) / 1024.0
}

fn read(file: &str, users: &str) -> Result<Draft, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    let nowhere = |_: &str, _: &str| Err(Problem::new("no base is looked up here"));
    let no_files = |_: &str| Err("no file is read here".to_owned());
    let edits = [Edit::Users(users.to_owned())];
    let loaded = load_with(&text, file, &edits, &nowhere, &no_files)
        .map_err(|errors| errors.iter().map(ToString::to_string).collect::<String>())?;
    Ok(Draft::new(Beginning::Preset(file.to_owned()), loaded))
}
