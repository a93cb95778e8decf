//! Two designs side by side on the same random numbers, until their differences are known well enough.

use std::sync::Mutex;

use sim_core::engine::StopReason;
use sim_core::report::CompareReport;
use sim_core::scenario::Scenario;
use sim_core::statistics::{CONFIDENCE, LookSchedule};
use sim_core::system::{SystemRun, compared, compared_stories, number, replicated};
use sim_core::time::SimTime;

use crate::aim::{Aim, LOOKS, STORY_LOOKS, TOLD, tell_more};
use crate::clock::{Deadline, Stopwatch, Throttle};
use crate::execute::{
    ExecuteError, PROGRESS_INTERVAL, Progress, Reached, RunOptions, advance, contract_name,
};

/// Compares `b` with `a`. [`Aim::Precision`] asks for differences of means and 99th percentiles to that share of `a`'s own.
pub fn compare(
    a: &Scenario,
    b: &Scenario,
    options: &RunOptions,
    progress: &(dyn Fn(Progress) -> bool + Sync),
) -> Result<CompareReport, ExecuteError> {
    let watch = Stopwatch::start();
    let deadline = Deadline::after(options.max_time);
    let throttle = Mutex::new(Throttle::every(PROGRESS_INTERVAL));
    let reached = |at: Reached| {
        !throttle
            .try_lock()
            .is_ok_and(|mut throttle| throttle.is_due())
            || progress(Progress {
                simulated_s: at.simulated_s,
                total_s: at.total_s,
                events: at.events,
                runs: (0, 1),
                elapsed_s: watch.wall_s(),
            })
    };
    if a.is_steady() && b.is_steady() {
        steady(a, b, options, deadline, &reached)
    } else {
        stories(a, b, options, deadline, &reached)
    }
}

fn steady(
    a: &Scenario,
    b: &Scenario,
    options: &RunOptions,
    deadline: Deadline,
    reached: &(dyn Fn(Reached) -> bool + Sync),
) -> Result<CompareReport, ExecuteError> {
    let schedule = LookSchedule::new(LOOKS);
    let (mut run_a, mut run_b) = (SystemRun::new(a)?, SystemRun::new(b)?);
    let length = a.run.duration.max(b.run.duration);
    let warmup = a.run.warmup.max(b.run.warmup);
    for look in 1..=LOOKS {
        let end = SimTime::ZERO + warmup + length * schedule.length(look);
        let step = |run: &mut SystemRun| {
            run.set_end(end);
            advance(run, options.max_events, deadline, reached)
        };
        let (reason_a, reason_b) = if options.thread_count(2) > 1 {
            std::thread::scope(|scope| {
                let other = scope.spawn(|| step(&mut run_b));
                let reason_a = step(&mut run_a);
                let reason_b = other.join().unwrap_or(StopReason::Interrupted);
                (reason_a, reason_b)
            })
        } else {
            (step(&mut run_a), step(&mut run_b))
        };
        let one_look = options.aim == Aim::Length;
        let confidence = if one_look {
            CONFIDENCE
        } else {
            schedule.confidence(look)
        };
        let mut report = compared(&run_a, &run_b, confidence);
        report.a.stop = contract_name(&reason_a);
        report.b.stop = contract_name(&reason_b);
        let ended = [&reason_a, &reason_b]
            .into_iter()
            .any(|reason| *reason != StopReason::Finished);
        if one_look || ended || look == LOOKS || is_known(&report, options.aim) {
            return Ok(report);
        }
    }
    unreachable!("the last look returns")
}

fn stories(
    a: &Scenario,
    b: &Scenario,
    options: &RunOptions,
    deadline: Deadline,
    reached: &(dyn Fn(Reached) -> bool + Sync),
) -> Result<CompareReport, ExecuteError> {
    let schedule = LookSchedule::new(STORY_LOOKS);
    let (mut told_a, mut told_b) = (Vec::new(), Vec::new());
    for look in 1..=STORY_LOOKS {
        let wanted = TOLD * schedule.length(look) as usize;
        let whole = tell_more(a, options, deadline, reached, &mut told_a, wanted)?
            && tell_more(b, options, deadline, reached, &mut told_b, wanted)?;
        let tellings = told_a.len().min(told_b.len());
        told_a.truncate(tellings.max(1));
        told_b.truncate(tellings.max(1));
        let confidence = schedule.confidence(look);
        let merged = (
            replicated(a, &told_a, confidence),
            replicated(b, &told_b, confidence),
        );
        let (Some(merged_a), Some(merged_b)) = merged else {
            return Err(ExecuteError::Stopped);
        };
        let report = compared_stories((merged_a, merged_b), (&told_a, &told_b), confidence);
        if !whole || look == STORY_LOOKS || is_known(&report, options.aim) {
            return Ok(report);
        }
    }
    unreachable!("the last look returns")
}

/// Whether the differences of all means and 99th percentiles of what arrives are known to the share asked for.
fn is_known(report: &CompareReport, aim: Aim) -> bool {
    let (Aim::Precision(target) | Aim::Headline(target)) = aim else {
        return true;
    };
    let asked = report.differences.iter().filter(|(path, _)| {
        (path.ends_with(".mean") || path.ends_with(".p99"))
            && !path.contains(".complete.")
            && !path.starts_with("tiers.")
    });
    asked.into_iter().all(|(path, difference)| {
        let own = number(path, &report.a).and_then(|own| own.value);
        match (own, difference.low, difference.high) {
            (Some(own), Some(low), Some(high)) => 0.5 * (high - low) <= target * own.abs(),
            _ => false,
        }
    })
}
