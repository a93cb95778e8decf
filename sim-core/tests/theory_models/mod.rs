//! Textbook models built from the shipped simulation, stations and balancer, with the shipped statistics.
//!
//! Models: Poisson arrivals at a mean service time of 1 ms, recorded like operations: one message with one delivery each.
//! Leaves out: everything else a scenario has.

use routing::{Backend, Balancer, LoadBalancer, Options, Policy, ServerId, Timestamp};
use sim_core::draw::{KeyedRng, Purpose};
use sim_core::engine::{Model, Schedule, Simulation, StopCause};
use sim_core::histogram::{bucket_of, units_of};
use sim_core::quantile::{Distribution, QuantileTable};
use sim_core::station::{Admission, FastFifo, Lane, Station, StationConfig, Wake};
use sim_core::statistics::SlotSeries;
use sim_core::time::{SimDuration, SimTime};

/// The mean service time of every model.
pub const SERVICE: SimDuration = SimDuration::from_millis(1);
const SERVICE_S: f64 = 1e-3;
const SLOT: SimDuration = SimDuration::from_millis(250);
const DRAWS: Purpose = Purpose::named("test/theory");

/// Enters an operation that lasted `latency` as one message with one delivery.
fn enter(series: &mut SlotSeries, published: SimTime, latency: SimDuration) {
    if let Some(slot) = series.slot_index_of(published) {
        let units = units_of(latency);
        series.record(slot, bucket_of(units) as u16, units);
        series.record_message(slot, units);
    }
}

/// Exponential times by table: 32 bits each, whatever the mean.
#[derive(Clone, Debug)]
pub struct Luck {
    rng: KeyedRng,
    unit: QuantileTable,
}

impl Luck {
    pub fn new(seed: u64) -> Self {
        let mean = SimDuration::from_secs(1);
        Luck {
            rng: KeyedRng::new(seed, DRAWS, 0, 0),
            unit: QuantileTable::new(Distribution::Exponential { mean }).unwrap(),
        }
    }

    /// Two independent exponential numbers of mean 1, in billionths.
    fn pair(&mut self) -> (SimDuration, SimDuration) {
        let bits = self.rng.draw();
        (
            self.unit.sample(bits as u32),
            self.unit.sample((bits >> 32) as u32),
        )
    }

    fn exponential(&mut self, mean: SimDuration) -> SimDuration {
        self.pair().0.scaled(mean.as_secs_f64())
    }
}

/// Service of mean 1 ms and a given squared coefficient of variation.
#[derive(Clone, Copy, Debug)]
pub enum Service {
    Constant,
    Exponential,
    /// A mixture of two exponentials of balanced means: the share of the short one, and both means.
    Hyper(f64, f64, f64),
}

impl Service {
    pub fn of_scv(scv: f64) -> Self {
        if scv == 0.0 {
            return Service::Constant;
        }
        if scv == 1.0 {
            return Service::Exponential;
        }
        let short = 0.5 * (1.0 + ((scv - 1.0) / (scv + 1.0)).sqrt());
        Service::Hyper(short, 0.5 / short, 0.5 / (1.0 - short))
    }

    #[inline]
    fn demand(self, luck: &mut Luck, exponential: SimDuration) -> SimDuration {
        let factor = match self {
            Service::Constant => return SERVICE,
            Service::Exponential => 1.0,
            Service::Hyper(share, short, long) => {
                let unit = luck.rng.draw() as f64 / 18_446_744_073_709_551_616.0;
                if unit < share { short } else { long }
            }
        };
        exponential.scaled(factor * SERVICE_S)
    }
}

/// The series that the warm-up is found in.
#[derive(Clone, Debug, Default)]
pub struct PerSecond {
    pub means_ns: Vec<f64>,
    count: u64,
    sum_ns: u64,
}

impl PerSecond {
    fn note(&mut self, at: SimTime, latency: SimDuration) {
        if at >= SimTime::from_secs(self.means_ns.len() as u64 + 1) {
            self.means_ns
                .push(self.sum_ns as f64 / self.count.max(1) as f64);
            (self.count, self.sum_ns) = (0, 0);
        }
        self.count += 1;
        self.sum_ns += latency.as_nanos();
    }
}

/// First-come-first-served queues of which each departure is known at the arrival: M/G/c alone, or `ways` of them that a job
/// visits all at once (fork–join).
#[derive(Clone, Debug)]
pub struct Fast {
    luck: Luck,
    gap_s: f64,
    service: Service,
    stations: Vec<FastFifo>,
    left: u64,
    pub series: SlotSeries,
    /// Mean latency by second of arrival, in ns, if it is kept.
    pub per_second: Option<PerSecond>,
}

impl Fast {
    /// Runs `customers` at utilisation `rho`. Nothing of the first fiftieth is recorded.
    pub fn run(seed: u64, rho: f64, service: Service, ways: u32, customers: u64) -> Self {
        let warm_up_s = SERVICE_S / rho * customers as f64 / 50.0;
        let start = SimTime::from_secs_f64(warm_up_s).unwrap();
        Self::new(seed, rho, service, ways, customers, start, None).simulated()
    }

    /// M/M/1 recorded from the start, with the series that a warm-up is found in.
    pub fn run_uncut(seed: u64, rho: f64, customers: u64) -> Self {
        let per_second = Some(PerSecond::default());
        Self::new(
            seed,
            rho,
            Service::Exponential,
            1,
            customers,
            SimTime::ZERO,
            per_second,
        )
        .simulated()
    }

    fn new(
        seed: u64,
        rho: f64,
        service: Service,
        ways: u32,
        customers: u64,
        start: SimTime,
        per_second: Option<PerSecond>,
    ) -> Self {
        Fast {
            luck: Luck::new(seed),
            gap_s: SERVICE_S / rho,
            service,
            stations: (0..ways).map(|way| FastFifo::new(way, 1)).collect(),
            left: customers,
            series: SlotSeries::new(start, SLOT),
            per_second,
        }
    }

    fn simulated(self) -> Self {
        let mut simulation = Simulation::new(self);
        simulation.schedule(SimTime::ZERO, ());
        simulation.run_until(SimTime::MAX);
        simulation.into_model()
    }
}

impl Model for Fast {
    type Event = ();

    #[inline]
    fn handle(&mut self, at: SimTime, (): (), out: &mut Schedule<'_, ()>) {
        let (gap, mut exponential) = self.luck.pair();
        let mut done = at;
        for way in 0..self.stations.len() {
            if way > 0 {
                exponential = self.luck.pair().0;
            }
            let demand = self.service.demand(&mut self.luck, exponential);
            done = done.max(self.stations[way].arrive(at, demand).unwrap().at);
        }
        enter(&mut self.series, at, done - at);
        if let Some(series) = &mut self.per_second {
            series.note(at, done - at);
        }
        self.left -= 1;
        if self.left > 0 {
            out.after(gap.scaled(self.gap_s), ());
        }
    }
}

/// One station with several servers and perhaps a bounded queue: M/M/c and M/M/c/K.
#[derive(Clone, Debug)]
pub struct Many {
    luck: Luck,
    gap: SimDuration,
    station: Station<()>,
    wakes: Vec<Wake>,
    left: u64,
    pub series: SlotSeries,
    /// 128 ns for everyone turned away, nothing for the others: its mean is the share.
    pub rejected: SlotSeries,
}

#[derive(Clone, Copy, Debug)]
pub enum Happening {
    Arrival,
    Wake(Wake),
}

impl Many {
    pub fn run(seed: u64, rho: f64, servers: u32, room: Option<u32>, customers: u64) -> Self {
        let gap = SERVICE.scaled(1.0 / (rho * f64::from(servers)));
        let start = SimTime::ZERO + gap * (customers / 50);
        let mut config = StationConfig::fifo(servers);
        if let Some(room) = room {
            config.capacity = (room - servers) as usize;
        }
        let mut simulation = Simulation::new(Many {
            luck: Luck::new(seed),
            gap,
            station: Station::new(config),
            wakes: Vec::new(),
            left: customers,
            series: SlotSeries::new(start, SLOT),
            rejected: SlotSeries::new(start, SLOT),
        });
        simulation.schedule(SimTime::ZERO, Happening::Arrival);
        simulation.run_until(SimTime::MAX);
        simulation.into_model()
    }
}

impl Model for Many {
    type Event = Happening;

    fn handle(&mut self, at: SimTime, event: Happening, out: &mut Schedule<'_, Happening>) {
        match event {
            Happening::Arrival => {
                let (gap, exponential) = self.luck.pair();
                let demand = exponential.scaled(SERVICE_S);
                let admission = self
                    .station
                    .arrive(at, (), demand, Lane::Inbox, &mut self.wakes);
                let rejected = u64::from(admission == Admission::Rejected);
                enter(
                    &mut self.rejected,
                    at,
                    SimDuration::from_nanos(128 * rejected),
                );
                self.left -= 1;
                if self.left > 0 {
                    out.after(gap.scaled(self.gap.as_secs_f64()), Happening::Arrival);
                }
            }
            Happening::Wake(wake) => {
                let done = self
                    .station
                    .complete(at, wake.core, wake.stamp, &mut self.wakes);
                if let Some(done) = done {
                    enter(&mut self.series, done.arrived, at - done.arrived);
                }
            }
        }
        for wake in self.wakes.drain(..) {
            out.at(wake.at, Happening::Wake(wake));
        }
    }
}

/// Stations in a row.
#[derive(Clone, Debug)]
pub struct Tandem {
    luck: Luck,
    gap_s: f64,
    stations: Vec<(FastFifo, SimDuration)>,
    left: u64,
    pub series: SlotSeries,
}

#[derive(Clone, Copy, Debug)]
pub struct AtStation {
    station: u32,
    born: SimTime,
}

impl Tandem {
    /// `rate` arrivals per ms through single servers of these mean service times.
    pub fn run(seed: u64, rate: f64, services: &[SimDuration], customers: u64) -> Self {
        let gap_s = 1e-3 / rate;
        let start = SimDuration::from_secs_f64(gap_s * customers as f64 / 50.0).unwrap();
        let mut simulation = Simulation::new(Tandem {
            luck: Luck::new(seed),
            gap_s,
            stations: services
                .iter()
                .map(|&service| (FastFifo::new(0, 1), service))
                .collect(),
            left: customers,
            series: SlotSeries::new(SimTime::ZERO + start, SLOT),
        });
        let first = AtStation {
            station: 0,
            born: SimTime::ZERO,
        };
        simulation.schedule(SimTime::ZERO, first);
        simulation.run_until(SimTime::MAX);
        simulation.into_model()
    }
}

impl Model for Tandem {
    type Event = AtStation;

    fn handle(&mut self, at: SimTime, event: AtStation, out: &mut Schedule<'_, AtStation>) {
        if event.station == 0 {
            self.left -= 1;
            if self.left > 0 {
                let gap = self
                    .luck
                    .exponential(SimDuration::from_secs(1))
                    .scaled(self.gap_s);
                let born = at + gap;
                out.at(born, AtStation { station: 0, born });
            }
        }
        let (station, service) = &mut self.stations[event.station as usize];
        let demand = self.luck.exponential(*service);
        let done = station.arrive(at, demand).unwrap().at;
        let next = event.station + 1;
        if (next as usize) < self.stations.len() {
            out.at(
                done,
                AtStation {
                    station: next,
                    ..event
                },
            );
        } else {
            enter(&mut self.series, event.born, done - event.born);
        }
    }
}

/// Jobs that think, then visit every station once, round and round.
#[derive(Clone, Debug)]
pub struct Closed {
    luck: Luck,
    think: SimDuration,
    stations: Vec<(Station<SimTime>, SimDuration)>,
    wakes: Vec<Wake>,
    left: u64,
    pub series: SlotSeries,
    pub rounds: u64,
    pub ended: SimTime,
}

#[derive(Clone, Copy, Debug)]
pub enum Round {
    Begins,
    Wake(u32, Wake),
}

impl Closed {
    pub fn run(
        seed: u64,
        jobs: u32,
        think: SimDuration,
        services: &[SimDuration],
        rounds: u64,
    ) -> Self {
        let stations = services
            .iter()
            .map(|&service| (Station::new(StationConfig::fifo(1)), service));
        let mut simulation = Simulation::new(Closed {
            luck: Luck::new(seed),
            think,
            stations: stations.collect(),
            wakes: Vec::new(),
            left: rounds,
            series: SlotSeries::new(SimTime::from_secs(10), SLOT),
            rounds: 0,
            ended: SimTime::ZERO,
        });
        for _ in 0..jobs {
            let at = simulation.model_mut().luck.exponential(think);
            simulation.schedule(SimTime::ZERO + at, Round::Begins);
        }
        simulation.run_until(SimTime::MAX);
        simulation.into_model()
    }

    fn visit(&mut self, at: SimTime, station: u32, born: SimTime) {
        let (place, service) = &mut self.stations[station as usize];
        let demand = self.luck.exponential(*service);
        place.arrive(at, born, demand, Lane::Inbox, &mut self.wakes);
    }

    fn call(&mut self, station: u32, out: &mut Schedule<'_, Round>) {
        for wake in self.wakes.drain(..) {
            out.at(wake.at, Round::Wake(station, wake));
        }
    }
}

impl Model for Closed {
    type Event = Round;

    fn handle(&mut self, at: SimTime, event: Round, out: &mut Schedule<'_, Round>) {
        let (station, wake) = match event {
            Round::Begins => {
                self.visit(at, 0, at);
                return self.call(0, out);
            }
            Round::Wake(station, wake) => (station, wake),
        };
        let place = &mut self.stations[station as usize].0;
        let done = place.complete(at, wake.core, wake.stamp, &mut self.wakes);
        self.call(station, out);
        let Some(done) = done else { return };
        let next = station + 1;
        if (next as usize) < self.stations.len() {
            self.visit(at, next, done.job);
            return self.call(next, out);
        }
        enter(&mut self.series, done.job, at - done.job);
        self.rounds += 1;
        self.ended = at;
        self.left -= 1;
        if self.left == 0 {
            return out.stop(StopCause::Finished);
        }
        let think = self.luck.exponential(self.think);
        out.after(think, Round::Begins);
    }
}

/// Many servers behind the shipped balancer with `choices` draws.
#[derive(Clone, Debug)]
pub struct Supermarket {
    luck: Luck,
    gap_s: f64,
    balancer: LoadBalancer,
    servers: Vec<FastFifo>,
    left: u64,
    pub series: SlotSeries,
}

#[derive(Clone, Copy, Debug)]
pub enum Shopper {
    Comes,
    Leaves(u16),
}

impl Supermarket {
    pub fn run(seed: u64, rho: f64, servers: u16, choices: u32, customers: u64) -> Self {
        let backends: Vec<Backend> = (0..servers).map(|id| Backend::new(ServerId(id))).collect();
        let policy = Policy::Choices { d: choices };
        let gap_s = SERVICE_S / (rho * f64::from(servers));
        let start = SimDuration::from_secs_f64(gap_s * customers as f64 / 10.0).unwrap();
        let mut simulation = Simulation::new(Supermarket {
            luck: Luck::new(seed),
            gap_s,
            balancer: LoadBalancer::new(policy, Options::default(), &backends),
            servers: (0..servers).map(|id| FastFifo::new(id.into(), 1)).collect(),
            left: customers,
            series: SlotSeries::new(SimTime::ZERO + start, SLOT / 10),
        });
        simulation.schedule(SimTime::ZERO, Shopper::Comes);
        simulation.run_until(SimTime::MAX);
        simulation.into_model()
    }
}

impl Model for Supermarket {
    type Event = Shopper;

    fn handle(&mut self, at: SimTime, event: Shopper, out: &mut Schedule<'_, Shopper>) {
        let now = Timestamp(at.as_nanos());
        if let Shopper::Leaves(server) = event {
            return self.balancer.on_closed(now, ServerId(server));
        }
        let server = self
            .balancer
            .pick(now, self.left, &mut self.luck.rng)
            .unwrap();
        self.balancer.on_opened(now, server);
        let (gap, exponential) = self.luck.pair();
        let demand = exponential.scaled(SERVICE_S);
        let done = self.servers[server.index()].arrive(at, demand).unwrap().at;
        enter(&mut self.series, at, done - at);
        out.at(done, Shopper::Leaves(server.0));
        self.left -= 1;
        if self.left > 0 {
            out.after(gap.scaled(self.gap_s), Shopper::Comes);
        }
    }
}
