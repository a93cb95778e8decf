//! The simulation loop: limits, reasons to stop, clones, and the timer wheel.

#![allow(
    clippy::disallowed_methods,
    reason = "tests read fixtures and compare with the platform's own functions"
)]

use sim_core::draw::{Draws, Purpose};
use sim_core::engine::{
    Interrupt, Limits, Model, Schedule, Simulation, StopCause, StopReason, TimerWheel,
};
use sim_core::time::{SimDuration, SimTime};

const DELAY: Purpose = Purpose::named("test/delay");

/// Events that hop about; a rolling checksum of everything that happened.
#[derive(Clone)]
struct Hopper {
    draws: Draws,
    hops: u64,
    checksum: u64,
    stop_at: u64,
}

impl Model for Hopper {
    type Event = u32;

    fn handle(&mut self, at: SimTime, event: u32, out: &mut Schedule<'_, u32>) {
        self.hops += 1;
        self.checksum = self
            .checksum
            .wrapping_mul(31)
            .wrapping_add(at.as_nanos() ^ u64::from(event));
        if self.hops == self.stop_at {
            out.stop(StopCause::Unstable {
                tier: "broker".into(),
            });
        }
        let mean = SimDuration::from_millis(1);
        out.after(
            self.draws.exp(DELAY, u64::from(event), self.hops, mean),
            event,
        );
    }
}

fn hoppers(count: u32) -> Simulation<Hopper> {
    let model = Hopper {
        draws: Draws::new(7),
        hops: 0,
        checksum: 0,
        stop_at: 0,
    };
    let mut simulation = Simulation::new(model);
    for event in 0..count {
        simulation.schedule(SimTime::ZERO, event);
    }
    simulation
}

#[test]
fn a_clone_goes_on_alike() {
    let mut first = hoppers(300);
    first.run_until(SimTime::from_millis(20));
    let mut second = first.clone();
    first.run_until(SimTime::from_millis(80));
    for ms in 21..=80 {
        second.run_until(SimTime::from_millis(ms));
    }
    assert_eq!(first.model().checksum, second.model().checksum);
    assert_eq!(first.events(), second.events());
    assert_eq!(second.now(), SimTime::from_millis(80));
}

#[test]
fn a_run_ends_for_a_reason() {
    let until = SimTime::from_secs(1);
    let go_on = &mut |_: SimTime, _: u64| Interrupt::Continue;
    let mut simulation = hoppers(300);
    let budget = Limits {
        until,
        max_events: Some(10_001),
    };
    assert_eq!(simulation.run(budget, go_on), StopReason::EventBudget);
    assert_eq!(simulation.events(), 10_001);
    assert_eq!(
        simulation.run(Limits::until(until), go_on),
        StopReason::Finished
    );
    assert_eq!(
        simulation.run(Limits::until(SimTime::MAX), &mut |_, _| Interrupt::Stop),
        StopReason::Interrupted
    );
    assert_eq!(
        simulation.run(Limits::until(SimTime::MAX), &mut |_, _| {
            Interrupt::OutOfTime
        }),
        StopReason::TimeBudget
    );
    simulation.model_mut().stop_at = simulation.model().hops + 5;
    let events = simulation.events();
    assert_eq!(
        simulation.run(Limits::until(SimTime::MAX), go_on),
        StopReason::Unstable {
            tier: "broker".into()
        }
    );
    assert_eq!(simulation.events(), events + 5);
    assert_eq!(hoppers(0).run_until(until), StopReason::QueueEmpty);
}

#[test]
fn reasons_read_back_from_their_text() {
    let reasons = [
        StopReason::Finished,
        StopReason::EventBudget,
        StopReason::TimeBudget,
        StopReason::Interrupted,
        StopReason::Unstable {
            tier: "event log".into(),
        },
        StopReason::QueueEmpty,
    ];
    for reason in reasons {
        assert_eq!(reason.to_string().parse(), Ok(reason));
    }
    assert!("bored".parse::<StopReason>().is_err());
}

#[test]
fn timers_fire_once_and_never_early() {
    let resolution = SimDuration::from_millis(100);
    let mut wheel = TimerWheel::new(resolution, 64);
    let draws = Draws::new(3);
    let mut slots = std::collections::BTreeSet::new();
    let mut set_for = std::collections::BTreeMap::new();
    let purpose = Purpose::named("test/timer");
    let set = |wheel: &mut TimerWheel, slots: &mut std::collections::BTreeSet<_>, entity, at| {
        if let Some(slot) = wheel.schedule(entity, at) {
            assert!(slots.insert(slot), "a slot asked for twice");
        }
    };
    for entity in 0..5_000_u32 {
        let at = SimTime::from_nanos(draws.below(purpose, entity.into(), 0, 20_000_000_000));
        set(&mut wheel, &mut slots, entity, at);
        set_for.insert(entity, at);
    }
    for entity in (0..5_000).step_by(7) {
        wheel.cancel(entity);
        set_for.remove(&entity);
    }
    let mut again = 0;
    let mut fired = Vec::new();
    while let Some(slot) = slots.pop_first() {
        fired.clear();
        wheel.due(slot, &mut fired);
        for &entity in &fired {
            let at = set_for.remove(&entity).expect("fired twice or cancelled");
            assert!(at <= slot && slot < at + resolution);
            again += 1;
            if again < 20_000 {
                let ahead = draws.below(purpose, entity.into(), again, 10_000_000_000);
                let next = slot + SimDuration::from_nanos(ahead + 1);
                set(&mut wheel, &mut slots, entity, next);
                set_for.insert(entity, next);
            }
        }
    }
    assert!(set_for.is_empty());
    assert_eq!(wheel.entries(), 0);
}
