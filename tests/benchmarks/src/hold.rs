//! W1: hold (PHOLD) with N pending events, the classic test of an event queue.
//!
//! Models: N logical processes of 16 bytes; each event counts at its process and sends one to a
//! random process after a random delay. `s = 31·s + (t ^ p)` must be the same for every contender.

use std::cell::RefCell;
use std::hint::black_box;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nexosim::model::{Context, schedulable};
use serde::{Deserialize, Serialize};
use sim_core::engine::{
    HeapQueue, Interrupt, Limits, Model, Queue, Schedule, Simulation, prefetch,
};
use sim_core::time::{SimDuration, SimTime};

use crate::cpu_clock::ns_per_item;
use crate::random::Xoshiro;

/// How far ahead events are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Delay {
    /// Exponential, mean 1 s.
    Exp,
    /// Half near (1 ms + exponential 4 ms), half far (25 to 35 s).
    Mix,
}

/// What a contender took, and proof that it did the work.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// CPU time per event.
    pub ns_per_event: f64,
    /// The rolling checksum over warm-up and measurement.
    pub checksum: u64,
    /// The instant of the last warm-up event.
    pub warm_ns: u64,
    /// The instant of the last event.
    pub end_ns: u64,
}

/// One size and delay of the workload.
#[derive(Clone, Copy, Debug)]
pub struct Hold {
    /// Pending events.
    pub pending: u64,
    /// How far ahead events are sent.
    pub delay: Delay,
    /// Events before the measurement.
    pub warm_up: u64,
    /// Events measured.
    pub events: u64,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Process {
    count: u64,
    last: u64,
}

/// The work of one event, the same for every contender.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Work {
    processes: Vec<Process>,
    rng: Xoshiro,
    delay: Delay,
    checksum: u64,
}

impl Hold {
    /// The workload with `pending` events.
    pub fn new(pending: u64, delay: Delay, events: u64) -> Self {
        Hold {
            pending,
            delay,
            warm_up: (2 * pending).clamp(20_000, 1_500_000),
            events,
        }
    }

    /// This crate's engine.
    pub fn ours(&self) -> Outcome {
        let (work, first) = Work::new(self);
        let mut simulation = Simulation::new(work);
        for (process, delay) in first.into_iter().enumerate() {
            simulation.schedule(SimTime::from_nanos(delay), process as u32);
        }
        let mut run = |events| {
            let limits = Limits {
                until: SimTime::MAX,
                max_events: Some(events),
            };
            simulation.run(limits, &mut |_, _| Interrupt::Continue);
            simulation.now().as_nanos()
        };
        let warm_ns = run(self.warm_up);
        let mut end_ns = 0;
        let ns_per_event = ns_per_item(self.events, || end_ns = run(self.events));
        let checksum = simulation.model().finish();
        Outcome {
            ns_per_event,
            checksum,
            warm_ns,
            end_ns,
        }
    }

    /// The standard heap in a bare loop.
    pub fn std_heap(&self) -> Outcome {
        let (mut work, first) = Work::new(self);
        let mut queue = HeapQueue::new();
        for (process, delay) in first.into_iter().enumerate() {
            queue.push(SimTime::from_nanos(delay), process as u32);
        }
        let mut run = |events| {
            let mut last = SimTime::ZERO;
            for _ in 0..events {
                let Some((at, process)) = queue.pop() else {
                    break;
                };
                let (to, delay) = work.handle(at.as_nanos(), process);
                queue.push(at + SimDuration::from_nanos(delay), to);
                last = at;
            }
            last.as_nanos()
        };
        let warm_ns = run(self.warm_up);
        let mut end_ns = 0;
        let ns_per_event = ns_per_item(self.events, || end_ns = run(self.events));
        Outcome {
            ns_per_event,
            checksum: work.finish(),
            warm_ns,
            end_ns,
        }
    }

    /// SimCore (DSLab): one component; its unit of time is read as a nanosecond.
    pub fn simcore(&self) -> Outcome {
        let (work, first) = Work::new(self);
        let mut simulation = simcore::Simulation::new(0);
        let ctx = simulation.create_context("hold");
        for (process, delay) in first.into_iter().enumerate() {
            ctx.emit_self(
                Hop {
                    process: process as u32,
                },
                delay as f64,
            );
        }
        let component = Rc::new(RefCell::new(SimcoreHold { work, ctx }));
        simulation.add_handler("hold", component.clone());
        simulation.steps(self.warm_up);
        let warm_ns = simulation.time() as u64;
        let ns_per_event = ns_per_item(self.events, || {
            simulation.steps(self.events);
        });
        let checksum = component.borrow().work.finish();
        Outcome {
            ns_per_event,
            checksum,
            warm_ns,
            end_ns: simulation.time() as u64,
        }
    }

    /// NeXosim on one thread with one model, run over the same simulated span.
    pub fn nexosim(&self, span: &Outcome) -> Outcome {
        let (work, first) = Work::new(self);
        let mailbox = nexosim::simulation::Mailbox::new();
        let mut bench = nexosim::simulation::SimInit::with_num_threads(1);
        let report = nexosim::ports::EventSource::new()
            .connect(NexosimHold::report, &mailbox)
            .register(&mut bench);
        let epoch = nexosim::time::MonotonicTime::EPOCH;
        let mut simulation = bench
            .add_model(NexosimHold { work, first }, mailbox, "hold")
            .init(epoch)
            .expect("the bench is complete");
        let mut run = |until_ns| {
            let until = epoch + Duration::from_nanos(until_ns);
            simulation.step_until(until).expect("the model runs");
        };
        run(span.warm_ns);
        let ns_per_event = ns_per_item(self.events, || run(span.end_ns));
        simulation
            .process_event(&report, ())
            .expect("the model reports");
        Outcome {
            ns_per_event,
            checksum: CHECKSUM.load(Ordering::Relaxed),
            ..*span
        }
    }
}

impl Work {
    /// The work, and the delays of the first events.
    fn new(hold: &Hold) -> (Self, Vec<u64>) {
        let mut work = Work {
            processes: vec![Process::default(); hold.pending as usize],
            rng: Xoshiro::new(42),
            delay: hold.delay,
            checksum: 0,
        };
        let first = (0..hold.pending).map(|_| work.draw_delay()).collect();
        (work, first)
    }

    #[inline]
    fn handle(&mut self, at: u64, process: u32) -> (u32, u64) {
        let here = &mut self.processes[process as usize];
        here.count += 1;
        here.last = at;
        self.checksum = self
            .checksum
            .wrapping_mul(31)
            .wrapping_add(at ^ u64::from(process));
        let to = self.rng.below(self.processes.len() as u64) as u32;
        (to, self.draw_delay())
    }

    #[inline]
    fn draw_delay(&mut self) -> u64 {
        match self.delay {
            Delay::Exp => self.rng.exp(1e9),
            Delay::Mix if self.rng.next() & 1 == 0 => 1_000_000 + self.rng.exp(4e6),
            Delay::Mix => 25_000_000_000 + (self.rng.unit() * 1e10) as u64,
        }
    }

    fn finish(&self) -> u64 {
        black_box(&self.processes);
        self.checksum
    }
}

impl Model for Work {
    type Event = u32;

    #[inline]
    fn handle(&mut self, at: SimTime, process: u32, out: &mut Schedule<'_, u32>) {
        let (to, delay) = Work::handle(self, at.as_nanos(), process);
        out.after(SimDuration::from_nanos(delay), to);
    }

    #[inline]
    fn anticipate(&self, process: &u32) {
        prefetch(&self.processes, *process as usize);
    }
}

#[derive(Clone, Serialize)]
struct Hop {
    process: u32,
}

struct SimcoreHold {
    work: Work,
    ctx: simcore::SimulationContext,
}

impl simcore::EventHandler for SimcoreHold {
    fn on(&mut self, event: simcore::Event) {
        simcore::cast!(match event.data {
            Hop { process } => {
                let (to, delay) = self.work.handle(event.time as u64, process);
                self.ctx.emit_self(Hop { process: to }, delay as f64);
            }
        })
    }
}

/// Where the NeXosim model leaves its checksum.
static CHECKSUM: AtomicU64 = AtomicU64::new(0);

#[derive(Serialize, Deserialize)]
struct NexosimHold {
    work: Work,
    first: Vec<u64>,
}

#[nexosim::model::Model]
impl NexosimHold {
    #[nexosim(init)]
    async fn init(&mut self, cx: &Context<Self>) {
        for (process, delay) in std::mem::take(&mut self.first).into_iter().enumerate() {
            let delay = Duration::from_nanos(delay.max(1));
            cx.schedule_event(delay, schedulable!(Self::hop), process as u32)
                .expect("a delay is positive");
        }
    }

    #[nexosim(schedulable)]
    fn hop(&mut self, process: u32, cx: &Context<Self>) {
        let at = cx
            .time()
            .duration_since(nexosim::time::MonotonicTime::EPOCH);
        let (to, delay) = self.work.handle(at.as_nanos() as u64, process);
        cx.schedule_event(
            Duration::from_nanos(delay.max(1)),
            schedulable!(Self::hop),
            to,
        )
        .expect("a delay is positive");
    }

    fn report(&mut self) {
        CHECKSUM.store(self.work.finish(), Ordering::Relaxed);
    }
}
