//! Running on until a run says what it was asked for: to a precision, or to a verdict on every objective.
//!
//! A steady run is looked at after 1, 2, 4 … times its first length ([`LookSchedule`]); a story that ends is told again with
//! other draws, 5, 10, 20 … times. Each look works at its own confidence, so that all looks together err with 5 % at most.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use sim_core::engine::StopReason;
use sim_core::quick::audit;
use sim_core::report::{LatencyReport, RunReport};
use sim_core::scenario::Scenario;
use sim_core::statistics::replications::MIN_REPLICATIONS;
use sim_core::statistics::{CONFIDENCE, LookSchedule};
use sim_core::system::{SystemRun, replicated};
use sim_core::time::SimTime;

use crate::clock::{Deadline, Stopwatch};
use crate::execute::{ExecuteError, Reached, RunOptions, advance, contract_name, lock};

/// When a run has said enough.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Aim {
    /// At the end of its own length; a story is told once.
    #[default]
    Length,
    /// When the mean and the 99th percentile of every operation are known to this relative half-width.
    Precision(f64),
    /// When those of the main operation of a steady run are ([`RunReport::headline`]): what is rare is known less well then, and says so.
    /// For a story, as [`Aim::Precision`].
    Headline(f64),
    /// When every objective passes or fails.
    Verdicts,
}

/// Looks at a steady run: up to 64 times its first length.
pub(crate) const LOOKS: u32 = 7;
/// Tellings of a story at the first look, the fewest that have an interval, and looks at them: up to 40 tellings.
pub(crate) const TOLD: usize = MIN_REPLICATIONS;
pub(crate) const STORY_LOOKS: u32 = 4;

/// Runs a scenario until its aim is reached or cannot be.
pub(crate) fn pursue(
    scenario: &Scenario,
    options: &RunOptions,
    deadline: Deadline,
    reached: &(dyn Fn(Reached) -> bool + Sync),
) -> Result<RunReport, ExecuteError> {
    if scenario.is_steady() {
        steady(scenario, options, deadline, reached)
    } else if options.aim == Aim::Length {
        tell(scenario, options, deadline, reached)
    } else {
        story(scenario, options, deadline, reached)
    }
}

fn steady(
    scenario: &Scenario,
    options: &RunOptions,
    deadline: Deadline,
    reached: &(dyn Fn(Reached) -> bool + Sync),
) -> Result<RunReport, ExecuteError> {
    let schedule = LookSchedule::new(LOOKS);
    let watch = Stopwatch::start();
    let mut system = SystemRun::new(scenario)?;
    let setup_cpu_s = watch.cpu_s();
    let running = Stopwatch::start();
    let mut look = 1;
    loop {
        let length = scenario.run.duration * schedule.length(look);
        system.set_end(SimTime::ZERO + scenario.run.warmup + length);
        let reason = advance(&mut system, options.max_events, deadline, reached);
        let one_look = options.aim == Aim::Length;
        let confidence = if one_look {
            CONFIDENCE
        } else {
            schedule.confidence(look)
        };
        let mut report = system.report_at(confidence);
        report.stop = contract_name(&reason);
        report.engine.cpu_s = running.cpu_s();
        report.engine.setup_cpu_s = setup_cpu_s;
        report.engine.wall_s = watch.wall_s();
        note_precision(&mut report, options.aim, look);
        report.warnings.extend(audit(&report));
        let over = one_look || look == LOOKS || reason != StopReason::Finished;
        if over || is_reached(&report, options.aim) {
            return Ok(report);
        }
        look += 1;
    }
}

/// Tells a story once.
fn tell(
    scenario: &Scenario,
    options: &RunOptions,
    deadline: Deadline,
    reached: &(dyn Fn(Reached) -> bool + Sync),
) -> Result<RunReport, ExecuteError> {
    let watch = Stopwatch::start();
    let mut system = SystemRun::new(scenario)?;
    let setup_cpu_s = watch.cpu_s();
    let running = Stopwatch::start();
    let reason = advance(&mut system, options.max_events, deadline, reached);
    let mut report = system.report();
    report.stop = contract_name(&reason);
    report.engine.cpu_s = running.cpu_s();
    report.engine.setup_cpu_s = setup_cpu_s;
    report.engine.wall_s = watch.wall_s();
    report.warnings.extend(audit(&report));
    Ok(report)
}

fn story(
    scenario: &Scenario,
    options: &RunOptions,
    deadline: Deadline,
    reached: &(dyn Fn(Reached) -> bool + Sync),
) -> Result<RunReport, ExecuteError> {
    let schedule = LookSchedule::new(STORY_LOOKS);
    let aim = match options.aim {
        Aim::Headline(target) => Aim::Precision(target),
        other => other,
    };
    let watch = Stopwatch::start();
    let mut told: Vec<RunReport> = Vec::new();
    for look in 1..=STORY_LOOKS {
        let wanted = TOLD * schedule.length(look) as usize;
        let complete = tell_more(scenario, options, deadline, reached, &mut told, wanted)?;
        let merged = replicated(scenario, &told, schedule.confidence(look));
        let Some(mut report) = merged else {
            // Stopped before the first telling ended: what there is of it.
            return tell(scenario, options, deadline, reached);
        };
        report.engine.wall_s = watch.wall_s();
        note_precision(&mut report, aim, look);
        let finished = contract_name(&StopReason::Finished);
        if !complete || report.stop != finished || is_reached(&report, aim) || look == STORY_LOOKS {
            return Ok(report);
        }
    }
    unreachable!("the last look returns")
}

/// Tells a story until it has been told `wanted` times, several at a time; `false` when stopped before.
pub(crate) fn tell_more(
    scenario: &Scenario,
    options: &RunOptions,
    deadline: Deadline,
    reached: &(dyn Fn(Reached) -> bool + Sync),
    told: &mut Vec<RunReport>,
    wanted: usize,
) -> Result<bool, ExecuteError> {
    let first = told.len();
    let next = AtomicUsize::new(first);
    let stopped = AtomicBool::new(false);
    let slots: Vec<Mutex<Option<Result<RunReport, ExecuteError>>>> =
        (first..wanted).map(|_| Mutex::new(None)).collect();
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= wanted || stopped.load(Ordering::Relaxed) || deadline.has_passed() {
                return;
            }
            let mut scenario = scenario.clone();
            scenario.run.seed = scenario.run.seed.wrapping_add(number as u64);
            let outcome = tell(&scenario, options, deadline, &|at| {
                let go_on = reached(at);
                if !go_on {
                    stopped.store(true, Ordering::Relaxed);
                }
                go_on
            });
            *lock(&slots[number - first]) = Some(outcome);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..options.thread_count(wanted - first) {
            scope.spawn(work);
        }
        work();
    });
    for slot in slots {
        match slot
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
        {
            Some(Ok(report)) if crate::execute::is_finished(&report) => told.push(report),
            Some(Err(error)) => return Err(error),
            _ => return Ok(false),
        }
    }
    Ok(true)
}

fn is_reached(report: &RunReport, aim: Aim) -> bool {
    match aim {
        Aim::Length => true,
        Aim::Precision(target) | Aim::Headline(target) => {
            widest(report, aim).is_some_and(|widest| widest <= target)
        }
        Aim::Verdicts => report
            .objectives
            .iter()
            .all(|objective| objective.verdict != "inconclusive"),
    }
}

/// The widest relative half-width of the means and 99th percentiles of what was delivered and answered, as far as the aim is
/// about them; `None` where one has no interval.
fn widest(report: &RunReport, aim: Aim) -> Option<f64> {
    let only = match aim {
        Aim::Headline(_) => report.headline(),
        _ => None,
    };
    let latencies = report
        .operations
        .iter()
        .filter(|(name, _)| only.is_none_or(|only| only == *name))
        .flat_map(|(_, operation)| &operation.latency_ms)
        .filter(|(name, _)| matches!(name.as_str(), "delivered" | "answered"))
        .filter(|(_, latency)| latency.count > 0)
        .map(|(_, latency)| latency);
    let asked = |latency: &LatencyReport| [latency.mean, latency.p99];
    let mut widest = 0.0_f64;
    for estimate in latencies.flat_map(asked) {
        widest = widest.max(estimate.relative_half_width()?);
    }
    Some(widest)
}

fn note_precision(report: &mut RunReport, aim: Aim, looks: u32) {
    let reached = widest(report, aim);
    let of = match aim {
        Aim::Headline(_) => report.headline().map(str::to_owned),
        _ => None,
    };
    if let Some(precision) = &mut report.precision {
        precision.looks = looks;
        precision.reached = reached;
        if let Aim::Precision(target) | Aim::Headline(target) = aim {
            precision.asked = Some(target);
            precision.of = of;
        }
    }
}
