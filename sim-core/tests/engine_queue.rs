//! The ladder queue against its oracle, the standard heap, over swarms of random histories.

#![allow(
    clippy::disallowed_methods,
    reason = "tests read fixtures and compare with the platform's own functions"
)]

use proptest::prelude::*;
use sim_core::draw::{KeyedRng, Purpose};
use sim_core::engine::{HeapQueue, LadderQueue, Queue};
use sim_core::time::SimTime;

/// One way of choosing how far ahead an event is pushed.
#[derive(Clone, Copy, Debug)]
enum Spread {
    /// At the present instant or just after: many ties.
    Now,
    /// On a coarse grid: ties across buckets.
    Grid(u64),
    /// Up to 2^bits ahead, every power alike.
    Octaves(u32),
    /// Uniform below a bound.
    Uniform(u64),
    /// Mostly near, some far.
    Mix,
    /// At the end of time.
    Never,
}

const SPREADS: [Spread; 12] = [
    Spread::Now,
    Spread::Grid(1),
    Spread::Grid(64),
    Spread::Grid(1_000_000),
    Spread::Octaves(12),
    Spread::Octaves(40),
    Spread::Octaves(63),
    Spread::Uniform(100),
    Spread::Uniform(1 << 18),
    Spread::Uniform(10_000_000_000),
    Spread::Mix,
    Spread::Never,
];

fn ahead(spread: Spread, rng: &mut KeyedRng) -> u64 {
    let bits = rng.draw();
    match spread {
        Spread::Now => bits % 2 * (bits >> 8 & 1),
        Spread::Grid(step) => (bits % 50) * step,
        Spread::Octaves(top) => rng.draw() >> (64 - 1 - bits as u32 % top),
        Spread::Uniform(bound) => bits % bound,
        Spread::Mix if bits.is_multiple_of(2) => 1_000_000 + rng.draw() % 8_000_000,
        Spread::Mix => 25_000_000_000 + rng.draw() % 10_000_000_000,
        Spread::Never => u64::MAX,
    }
}

/// Both queues, fed and asked alike.
#[derive(Clone)]
struct Pair {
    ladder: LadderQueue<u32>,
    heap: HeapQueue<u32>,
    now: SimTime,
    pushed: u32,
}

impl Pair {
    fn new() -> Self {
        Pair {
            ladder: LadderQueue::new(),
            heap: HeapQueue::new(),
            now: SimTime::ZERO,
            pushed: 0,
        }
    }

    fn push(&mut self, ahead: u64) {
        let at = SimTime::from_nanos(self.now.as_nanos().saturating_add(ahead));
        self.ladder.push(at, self.pushed);
        self.heap.push(at, self.pushed);
        self.pushed += 1;
    }

    fn pop_until(&mut self, until: SimTime) -> bool {
        let (ladder, heap) = (self.ladder.pop_until(until), self.heap.pop_until(until));
        assert_eq!(ladder, heap);
        assert_eq!(self.ladder.len(), self.heap.len());
        self.now = heap.map_or(self.now, |(at, _)| at);
        heap.is_some()
    }

    fn peek(&self) {
        assert_eq!(self.ladder.peek_time(), self.heap.peek_time());
    }

    fn drain(&mut self) {
        while self.pop_until(SimTime::MAX) {}
        assert!(self.ladder.is_empty());
    }
}

/// A random history: growing, holding, shrinking, drained and refilled, cloned in mid-run.
fn history(seed: u64, steps: usize) {
    let mut rng = KeyedRng::new(seed, Purpose::named("test/queue"), 0, 0);
    let spreads: Vec<Spread> = (0..1 + rng.draw() % 3)
        .map(|_| SPREADS[(rng.draw() % 12) as usize])
        .collect();
    let mut pair = Pair::new();
    if rng.draw().is_multiple_of(4) {
        pair.now = SimTime::from_nanos(rng.draw() >> (rng.draw() % 64));
    }
    let mut pushes_of_8 = 4;
    for step in 0..steps {
        if step % 500 == 0 {
            pushes_of_8 = 1 + rng.draw() % 7;
        }
        match rng.draw() % 1_000 {
            0 => pair.drain(),
            1 => pair.clone().drain(),
            2 => {
                // An empty stretch, after which outsiders may push before the loaded front.
                let ahead = ahead(spreads[0], &mut rng);
                let until = SimTime::from_nanos(pair.now.as_nanos().saturating_add(ahead));
                while pair.pop_until(until) {}
                pair.now = until;
            }
            3..20 => pair.peek(),
            _ if rng.draw() % 8 < pushes_of_8 => {
                let spread = spreads[rng.draw() as usize % spreads.len()];
                pair.push(ahead(spread, &mut rng));
            }
            _ => {
                pair.pop_until(SimTime::MAX);
            }
        }
    }
    pair.drain();
}

#[test]
fn equals_the_heap_over_random_histories() {
    let (histories, steps) = if cfg!(debug_assertions) {
        (150, 4_000)
    } else {
        (1_500, 10_000)
    };
    for seed in 0..histories {
        history(seed, steps);
    }
}

#[test]
fn equals_the_heap_when_holding_many() {
    for (spread, seed) in [
        (Spread::Mix, 1),
        (Spread::Uniform(1 << 30), 2),
        (Spread::Octaves(36), 3),
    ] {
        let mut rng = KeyedRng::new(seed, Purpose::named("test/hold"), 0, 0);
        let mut pair = Pair::new();
        for _ in 0..20_000 {
            pair.push(ahead(spread, &mut rng));
        }
        for _ in 0..60_000 {
            pair.pop_until(SimTime::MAX);
            pair.push(ahead(spread, &mut rng));
        }
        pair.drain();
    }
}

#[test]
fn a_herd_at_one_instant_leaves_in_order() {
    let mut queue = LadderQueue::new();
    for event in 0..100_000_u32 {
        queue.push(SimTime::from_secs(5), event);
    }
    queue.push(SimTime::ZERO, u32::MAX);
    assert_eq!(queue.pop(), Some((SimTime::ZERO, u32::MAX)));
    for event in 0..100_000_u32 {
        assert_eq!(queue.pop(), Some((SimTime::from_secs(5), event)));
        if event < 1_000 {
            queue.push(SimTime::from_secs(5), 100_000 + event);
        }
    }
    assert_eq!(queue.len(), 1_000);
    assert_eq!(queue.pop(), Some((SimTime::from_secs(5), 100_000)));
}

proptest! {
    #[test]
    fn equals_the_heap_on_small_histories(
        steps in prop::collection::vec(prop_oneof![
            3 => (0_u64..4).prop_map(Some),
            2 => (0_u64..5_000).prop_map(Some),
            1 => any::<u64>().prop_map(Some),
            5 => Just(None),
        ], 0..400)
    ) {
        let mut pair = Pair::new();
        for step in steps {
            match step {
                Some(ahead) => pair.push(ahead),
                None => { pair.pop_until(SimTime::MAX); }
            }
            pair.peek();
        }
        pair.drain();
    }
}
