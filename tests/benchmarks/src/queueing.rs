//! W2: M/M/1 and M/M/16 at 80 % utilisation, one arrival and one departure event per customer.
//!
//! Models: service exp(1 ms), inter-arrival exp(1 ms / (0.8 c)), first come, first served. The
//! mean wait is 4.000 ms for one server and 0.0953 ms for 16.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Mutex;
use std::time::Duration;

use nexosim::model::{Context, schedulable};
use serde::{Deserialize, Serialize};
use sim_core::engine::{Model, Schedule, Simulation, StopCause};
use sim_core::time::{SimDuration, SimTime};

use crate::cpu_clock::ns_per_item;
use crate::random::Xoshiro;

/// What a contender took and found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// CPU time per customer.
    pub ns_per_customer: f64,
    /// Mean time in the queue.
    pub mean_wait_ms: f64,
    /// The instant of the last arrival.
    pub end_ns: u64,
}

/// One size of the workload.
#[derive(Clone, Copy, Debug)]
pub struct Queueing {
    /// Servers.
    pub servers: u32,
    /// Customers measured.
    pub customers: u64,
}

/// The queue itself, the same for every contender.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Logic {
    gaps: Xoshiro,
    services: Xoshiro,
    mean_gap: f64,
    idle: u32,
    waiting: VecDeque<u64>,
    arrived: u64,
    customers: u64,
    wait_ns: u64,
}

impl Queueing {
    /// This crate's engine.
    pub fn ours(&self) -> Outcome {
        let mut simulation = Simulation::new(Logic::new(self));
        let first = simulation.model_mut().gap();
        simulation.schedule(SimTime::from_nanos(first), Happening::Arrival);
        let ns_per_customer = ns_per_item(self.customers, || {
            simulation.run_until(SimTime::MAX);
        });
        simulation
            .model()
            .outcome(ns_per_customer, simulation.now().as_nanos())
    }

    /// SimCore (DSLab): one component; its unit of time is read as a nanosecond.
    pub fn simcore(&self) -> Outcome {
        let mut simulation = simcore::Simulation::new(0);
        let ctx = simulation.create_context("queue");
        let mut logic = Logic::new(self);
        ctx.emit_self(Arrive {}, logic.gap() as f64);
        let component = Rc::new(RefCell::new(SimcoreQueue {
            logic,
            ctx,
            end_ns: 0,
        }));
        simulation.add_handler("queue", component.clone());
        let ns_per_customer = ns_per_item(self.customers, || simulation.step_until_no_events());
        let component = component.borrow();
        component.logic.outcome(ns_per_customer, component.end_ns)
    }

    /// NeXosim on one thread with one model, run over the same simulated span.
    pub fn nexosim(&self, span: &Outcome) -> Outcome {
        let mailbox = nexosim::simulation::Mailbox::new();
        let mut bench = nexosim::simulation::SimInit::with_num_threads(1);
        let report = nexosim::ports::EventSource::new()
            .connect(NexosimQueue::report, &mailbox)
            .register(&mut bench);
        let epoch = nexosim::time::MonotonicTime::EPOCH;
        let mut simulation = bench
            .add_model(
                NexosimQueue {
                    logic: Logic::new(self),
                },
                mailbox,
                "queue",
            )
            .init(epoch)
            .expect("the bench is complete");
        let until = epoch + Duration::from_nanos(span.end_ns);
        let ns_per_customer = ns_per_item(self.customers, || {
            simulation.step_until(until).expect("the model runs");
        });
        simulation
            .process_event(&report, ())
            .expect("the model reports");
        let logic = REPORT.lock().ok().and_then(|mut report| report.take());
        logic
            .expect("the model has reported")
            .outcome(ns_per_customer, span.end_ns)
    }
}

impl Logic {
    fn new(queueing: &Queueing) -> Self {
        Logic {
            gaps: Xoshiro::new(1),
            services: Xoshiro::new(2),
            mean_gap: 1e6 / (0.8 * f64::from(queueing.servers)),
            idle: queueing.servers,
            waiting: VecDeque::new(),
            arrived: 0,
            customers: queueing.customers,
            wait_ns: 0,
        }
    }

    #[inline]
    fn gap(&mut self) -> u64 {
        self.gaps.exp(self.mean_gap)
    }

    #[inline]
    fn service(&mut self) -> u64 {
        self.services.exp(1e6)
    }

    /// The service of the arriving customer, if it starts at once.
    #[inline]
    fn arrive(&mut self, now: u64) -> Option<u64> {
        self.arrived += 1;
        if self.idle == 0 {
            self.waiting.push_back(now);
            return None;
        }
        self.idle -= 1;
        Some(self.service())
    }

    /// The service of the next customer, if one waits.
    #[inline]
    fn depart(&mut self, now: u64) -> Option<u64> {
        let Some(arrived) = self.waiting.pop_front() else {
            self.idle += 1;
            return None;
        };
        self.wait_ns += now - arrived;
        Some(self.service())
    }

    fn is_done(&self) -> bool {
        self.arrived == self.customers
    }

    fn outcome(&self, ns_per_customer: f64, end_ns: u64) -> Outcome {
        let served = (self.arrived - self.waiting.len() as u64) as f64;
        Outcome {
            ns_per_customer,
            mean_wait_ms: self.wait_ns as f64 / served / 1e6,
            end_ns,
        }
    }
}

#[derive(Clone, Copy)]
enum Happening {
    Arrival,
    Departure,
}

impl Model for Logic {
    type Event = Happening;

    #[inline]
    fn handle(&mut self, at: SimTime, event: Happening, out: &mut Schedule<'_, Happening>) {
        let service = match event {
            Happening::Arrival => {
                let service = self.arrive(at.as_nanos());
                if self.is_done() {
                    return out.stop(StopCause::Finished);
                }
                out.after(SimDuration::from_nanos(self.gap()), Happening::Arrival);
                service
            }
            Happening::Departure => self.depart(at.as_nanos()),
        };
        if let Some(service) = service {
            out.after(SimDuration::from_nanos(service), Happening::Departure);
        }
    }
}

#[derive(Clone, Serialize)]
struct Arrive {}

#[derive(Clone, Serialize)]
struct Depart {}

struct SimcoreQueue {
    logic: Logic,
    ctx: simcore::SimulationContext,
    end_ns: u64,
}

impl simcore::EventHandler for SimcoreQueue {
    fn on(&mut self, event: simcore::Event) {
        let now = event.time as u64;
        if self.end_ns > 0 {
            return;
        }
        simcore::cast!(match event.data {
            Arrive {} => {
                let service = self.logic.arrive(now);
                if self.logic.is_done() {
                    self.end_ns = now;
                    return;
                }
                self.ctx.emit_self(Arrive {}, self.logic.gap() as f64);
                self.serve(service);
            }
            Depart {} => {
                let service = self.logic.depart(now);
                self.serve(service);
            }
        });
    }
}

impl SimcoreQueue {
    #[inline]
    fn serve(&self, service: Option<u64>) {
        if let Some(service) = service {
            self.ctx.emit_self(Depart {}, service as f64);
        }
    }
}

/// Where the NeXosim model leaves its state.
static REPORT: Mutex<Option<Logic>> = Mutex::new(None);

#[derive(Serialize, Deserialize)]
struct NexosimQueue {
    logic: Logic,
}

#[nexosim::model::Model]
impl NexosimQueue {
    #[nexosim(init)]
    async fn init(&mut self, cx: &Context<Self>) {
        let gap = Duration::from_nanos(self.logic.gap().max(1));
        cx.schedule_event(gap, schedulable!(Self::arrive), ())
            .expect("a gap is positive");
    }

    #[nexosim(schedulable)]
    fn arrive(&mut self, _: (), cx: &Context<Self>) {
        let service = self.logic.arrive(now_ns(cx));
        if !self.logic.is_done() {
            let gap = Duration::from_nanos(self.logic.gap().max(1));
            cx.schedule_event(gap, schedulable!(Self::arrive), ())
                .expect("a gap is positive");
        }
        self.serve(service, cx);
    }

    #[nexosim(schedulable)]
    fn depart(&mut self, _: (), cx: &Context<Self>) {
        let service = self.logic.depart(now_ns(cx));
        self.serve(service, cx);
    }

    fn report(&mut self) {
        if let Ok(mut report) = REPORT.lock() {
            *report = Some(self.logic.clone());
        }
    }

    #[inline]
    fn serve(&self, service: Option<u64>, cx: &Context<Self>) {
        if let Some(service) = service {
            let service = Duration::from_nanos(service.max(1));
            cx.schedule_event(service, schedulable!(Self::depart), ())
                .expect("a service is positive");
        }
    }
}

fn now_ns(cx: &Context<NexosimQueue>) -> u64 {
    cx.time()
        .duration_since(nexosim::time::MonotonicTime::EPOCH)
        .as_nanos() as u64
}
