//! Event sourcing: replay and reads as of a time (concepts C029, C032), optimistic concurrency (C030),
//! projections at their own speeds (C031), the outbox, and transactions across stores with crashes at every
//! point (C042); the snapshot row of algorithms.md 3.5.

mod common;

use common::{TestRng, near, proptest_config};
use proptest::prelude::*;
use routing::Timestamp;
use routing::hash;
use routing::log::{Entry, LogOffset, Segments};
use routing::sourcing::{
    Aggregate, Call, CommandError, DedupeWindow, EventStore, Expected, Outbox, Outcome,
    Participant, Projection, ReadModel, Saving, Snapshots, StreamId, Transaction, TransactionId,
    TransactionMode, Version,
};

/// A stock position: buys and sells at a price, no more sold than held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Position {
    held: u64,
    last_price: u64,
    trades: u64,
}

#[derive(Clone, Copy, Debug)]
enum Order {
    Buy { quantity: u64, price: u64 },
    Sell { quantity: u64, price: u64 },
}

impl Aggregate for Position {
    type Command = Order;
    type Event = Order;
    type Refusal = u64;

    fn decide(&self, command: &Order, events: &mut Vec<Order>) -> Result<(), u64> {
        match *command {
            Order::Sell { quantity, .. } if quantity > self.held => return Err(self.held),
            order => events.push(order),
        }
        Ok(())
    }

    fn apply(&mut self, event: &Order) {
        self.trades += 1;
        match *event {
            Order::Buy { quantity, price } => {
                self.held += quantity;
                self.last_price = price;
            }
            Order::Sell { quantity, price } => {
                self.held -= quantity;
                self.last_price = price;
            }
        }
    }

    fn digest(&self) -> u64 {
        let prices = hash::hash_pair(1, self.last_price, self.trades);
        hash::hash_pair(prices, self.held, 0)
    }
}

fn order(rng: &mut TestRng) -> Order {
    let (quantity, price) = (rng.below(20), 90 + rng.below(20));
    if rng.below(2) == 0 {
        Order::Buy { quantity, price }
    } else {
        Order::Sell { quantity, price }
    }
}

/// Replay from offset 0 equals live state, and a read as of any time equals the state recorded live at that
/// time, for every aggregate in every seed.
#[test]
fn c029_c032_replay_and_as_of_equal_what_was_live() {
    for seed in 0..50 {
        let mut rng = TestRng(seed);
        let mut store = EventStore::<Position>::new([0, 1, 7, 100][seed as usize % 4]);
        let mut recorded: Vec<(Timestamp, Vec<u64>)> = Vec::new();
        let mut now = 0;
        for _ in 0..2_000 {
            now += rng.below(3);
            if rng.below(20) == 0 && recorded.last().is_none_or(|last| last.0 < Timestamp(now)) {
                // What happens at the very time of a recording belongs to it, so time moves on.
                let live = (0..store.streams() as u32)
                    .map(|stream| store.state(StreamId(stream)).unwrap().digest())
                    .collect();
                recorded.push((Timestamp(now), live));
                now += 1;
            }
            let stream = StreamId(rng.below(20) as u32);
            let _refused_or_not =
                store.execute(Timestamp(now), stream, Expected::Any, &order(&mut rng));
        }
        assert!(recorded.len() > 50 && store.counters().refused > 0);
        for (at, live) in &recorded {
            for (stream, digest) in live.iter().enumerate() {
                let then = store.as_of(StreamId(stream as u32), *at);
                assert_eq!(then.digest(), *digest, "seed {seed}, {at:?}");
            }
        }
        for stream in (0..store.streams() as u32).map(StreamId) {
            assert_eq!(store.rebuilt(stream), *store.state(stream).unwrap());
        }
        assert_eq!(store.replayed().digest(), store.digest());
    }
}

/// Streams by a Zipf law, as cumulative weights.
fn zipf(streams: u32, exponent: f64) -> Vec<f64> {
    let mut sum = 0.0;
    let weight = |rank: u32| libm::pow(f64::from(rank), -exponent);
    (1..=streams)
        .map(|rank| {
            sum += weight(rank);
            sum
        })
        .collect()
}

/// 50 writers at a time read, decide, and append in turn: of those on one version exactly one succeeds, and
/// conflicts rise with skew.
#[test]
fn c030_one_writer_per_version_and_conflicts_rise_with_skew() {
    let mut ratios = Vec::new();
    for exponent in [0.0, 0.4, 0.8, 1.2, 1.6] {
        let weights = zipf(1_000, exponent);
        let mut rng = TestRng(1);
        let mut store = EventStore::<Position>::new(0);
        for round in 0..400 {
            let read: Vec<(StreamId, Version)> = (0..50)
                .map(|_| {
                    let at = rng.unit() * weights[weights.len() - 1];
                    let stream = StreamId(weights.partition_point(|sum| *sum < at) as u32);
                    (stream, store.version(stream))
                })
                .collect();
            let mut won = Vec::new();
            for (stream, version) in read {
                let buy = Order::Buy {
                    quantity: 1,
                    price: 1,
                };
                let expected = Expected::Exactly(version);
                match store.execute(Timestamp(round), stream, expected, &buy) {
                    Ok(_) => won.push(stream),
                    Err(CommandError::Conflict { .. }) => assert!(won.contains(&stream)),
                    Err(CommandError::Refused(_)) => panic!("buying is never refused"),
                }
            }
            won.sort_unstable();
            assert!(won.windows(2).all(|pair| pair[0] != pair[1]));
        }
        let counters = store.counters();
        let ratio = counters.conflicts as f64 / (counters.accepted + counters.conflicts) as f64;
        println!("Zipf {exponent}: {ratio:.4} of the commands conflict");
        ratios.push(ratio);
    }
    assert!(ratios.windows(2).all(|pair| pair[0] < pair[1]));
}

#[derive(Clone, Debug, Default)]
struct Count(u64);

impl ReadModel for Count {
    type Event = ();

    fn handle(&mut self, _: &Entry<()>) -> bool {
        self.0 += 1;
        true
    }
}

/// 1 000 events/s; one projection handles 2 000/s, the other 500/s.
#[test]
fn c031_a_slow_projection_grows_only_its_own_lag() {
    let mut events = Segments::new(1_000);
    let mut fast = Projection::new(Count::default(), Saving::Together, 100);
    let mut slow = Projection::new(Count::default(), Saving::Together, 100);
    let mut lags = Vec::new();
    for ms in 0..60_000u64 {
        events.append(Timestamp(ms * 1_000_000), 0, 100, ());
        fast.advance(&events, events.end(), 2);
        if ms % 2 == 0 {
            slow.advance(&events, events.end(), 1);
        }
        if ms % 1_000 == 999 {
            lags.push((fast.lag(events.end()), slow.lag(events.end())));
        }
    }
    let slope = (lags[59].1 - lags[9].1) as f64 / 50.0;
    println!("lag of the slow projection grows by {slope:.1} events/s (arrival 1000, service 500)");
    assert!(near(slope, 500.0, 2.0));
    assert!(lags.iter().all(|(fast, _)| *fast == 0));
}

/// 10 M events at 100 000 per second: 100 s without snapshots, about 0.5 s with one every 100 000.
#[test]
fn c032_recovery_with_and_without_snapshots() {
    const RATE: f64 = 100_000.0;
    const EVENTS: u64 = 10_000_000;
    let mut rng = TestRng(3);
    let mut seconds = [0.0; 2];
    for (i, every) in [0, 100_000].into_iter().enumerate() {
        let mut snapshots = Snapshots::new(every);
        for version in 1..=EVENTS {
            snapshots.offer(Timestamp(version), Version(version), &());
        }
        seconds[i] = if every == 0 {
            snapshots.recovery_events(Version(EVENTS)) as f64 / RATE
        } else {
            let crash = |_| snapshots.recovery_events(Version(rng.below(EVENTS)));
            (0..10_000).map(crash).sum::<u64>() as f64 / 10_000.0 / RATE
        };
    }
    println!(
        "recovery: {:.1} s without snapshots, {:.3} s on average with them",
        seconds[0], seconds[1]
    );
    assert!(near(seconds[0], 100.0, 0.1) && near(seconds[1], 0.5, 5.0));
}

/// One transaction over `n` stores whose coordinator crashes before it handles its `crash_at`-th input; `willing` are
/// the stores that can do it. Returns how many stores have the change in the end.
fn transact(
    mode: TransactionMode,
    willing: &[bool],
    crash_at: usize,
    lost: usize,
) -> (usize, Option<Outcome>, usize) {
    let n = willing.len();
    let id = TransactionId(9);
    let mut stores = vec![Participant::new(); n];
    let mut coordinator = Transaction::new(mode, n as u32);
    let (mut calls, mut handled, mut blocked) = (Vec::new(), 0, 0);
    let mut inputs = 0;
    coordinator.start(&mut calls);
    let mut steps = 0;
    loop {
        steps += 1;
        assert!(steps < 1_000, "a transaction ends");
        if inputs == crash_at && !coordinator.is_crashed() {
            coordinator.crash();
        }
        if handled == calls.len() {
            if coordinator.is_crashed() {
                blocked = stores
                    .iter()
                    .filter(|store| store.in_doubt().count() > 0)
                    .count();
                inputs += 1;
                coordinator.recover(&mut calls);
            } else if coordinator.outcome().is_none() {
                coordinator.timed_out(&mut calls);
            } else {
                break;
            }
            continue;
        }
        let call: Call = calls[handled];
        handled += 1;
        let store = call.participant as usize;
        let answer = stores[store].handle(Timestamp(0), id, call.step, willing[store]);
        // One answer is lost on its way.
        if handled == lost {
            continue;
        }
        inputs += 1;
        coordinator.reply(call, answer, &mut calls);
    }
    let have = stores.iter().filter(|store| store.has(id)).count();
    assert!(stores.iter().all(|store| store.in_doubt().count() == 0));
    (have, coordinator.outcome(), blocked)
}

#[test]
fn c042_a_crash_between_writes_is_partial_only_without_coordination() {
    let mut partial = [0; 3];
    let mut blocked = [0; 3];
    let modes = [
        TransactionMode::None,
        TransactionMode::TwoPhase,
        TransactionMode::Saga,
    ];
    for (i, mode) in modes.into_iter().enumerate() {
        for crash_at in 0..8 {
            let (have, _, waiting) = transact(mode, &[true; 3], crash_at, usize::MAX);
            partial[i] += usize::from(have != 0 && have != 3);
            blocked[i] += usize::from(waiting > 0);
        }
    }
    println!(
        "partial commits of 8 crash points: none {}, 2PC {}, saga {}",
        partial[0], partial[1], partial[2]
    );
    println!("crash points at which stores were in doubt: {blocked:?}");
    assert!(partial[0] > 0 && partial[1..] == [0, 0]);
    assert!(blocked[1] > 0 && blocked[0] + blocked[2] == 0);
}

proptest! {
    #![proptest_config(proptest_config(512))]

    #[test]
    fn all_or_nothing_whatever_crashes_refuses_or_is_lost(
        willing in prop::collection::vec(prop::bool::weighted(0.8), 1..6),
        crash_at in 0usize..20,
        lost in 0usize..20,
        saga: bool,
    ) {
        let mode = if saga { TransactionMode::Saga } else { TransactionMode::TwoPhase };
        let (have, outcome, _) = transact(mode, &willing, crash_at, lost);
        let expected = match outcome {
            Some(Outcome::Committed) => willing.len(),
            _ => 0,
        };
        prop_assert_eq!(have, expected, "{:?}", outcome);
        prop_assert_ne!(outcome, Some(Outcome::Partial));
        prop_assert!(willing.iter().all(|will| *will) || have == 0);
    }

    /// A change and its message are one; the relay crashes at random between its two steps.
    #[test]
    fn an_outbox_publishes_what_was_committed_and_nothing_else(steps in prop::collection::vec(0u8..4, 1..300)) {
        let mut outbox = Outbox::new();
        let mut window = DedupeWindow::new(u64::MAX, 10_000);
        let (mut committed, mut published, mut visible) = (0u64, Vec::new(), Vec::new());
        let mut claimed = None;
        let mut publish = |id: u64, published: &mut Vec<u64>| {
            published.push(id);
            if window.first_time(Timestamp(0), id) {
                visible.push(id);
            }
        };
        for step in steps {
            match step {
                0 => committed = outbox.commit(Timestamp(0), ()) + 1,
                1 => if let Some(message) = outbox.claim() {
                    publish(message.id, &mut published);
                    claimed = Some(message.id);
                },
                2 => if let Some(id) = claimed.take() {
                    outbox.confirm(id);
                },
                _ => {
                    outbox.relay_crashed();
                    claimed = None;
                }
            }
        }
        outbox.relay_crashed();
        while let Some(message) = outbox.claim() {
            publish(message.id, &mut published);
            outbox.confirm(message.id);
        }
        prop_assert_eq!(visible, (0..committed).collect::<Vec<_>>());
        prop_assert!(published.len() as u64 <= committed + outbox.republished());
    }

    /// As-of reads at every version, with every spacing of snapshots.
    #[test]
    fn a_version_is_the_same_from_any_snapshot(every in 0u64..20, seed: u64, events in 1u64..200) {
        let mut rng = TestRng(seed);
        let stream = StreamId(0);
        let mut with = EventStore::<Position>::new(every);
        let mut without = EventStore::<Position>::new(0);
        for now in 0..events {
            let order = order(&mut rng);
            let a = with.execute(Timestamp(now), stream, Expected::Any, &order);
            let b = without.execute(Timestamp(now), stream, Expected::Any, &order);
            prop_assert_eq!(a, b);
        }
        for version in 0..=with.version(stream).0 {
            let version = Version(version);
            prop_assert_eq!(with.at_version(stream, version), without.at_version(stream, version));
        }
        prop_assert!(every == 0 || with.recovery_events(stream) < every);
        prop_assert_eq!(with.events().end(), LogOffset(with.version(stream).0));
    }
}
