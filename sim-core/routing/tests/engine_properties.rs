//! The matching engine against a naive book, with sequence numbers without gaps (concept C033), and tick loops and
//! datagrams (C110): the age of a state by the formula, and a stream that waits for what was lost.

#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod common;

use common::{TestRng, near, proptest_config};
use proptest::prelude::*;
use routing::matching::{EngineEvent, MatchingEngine, OrderId, OrderRequest, Side};
use routing::order::InOrder;
use routing::tick::{LatestWins, TickLoop};
use routing::{Seq, Timestamp};

/// A book as a list: every order scans it all.
#[derive(Default)]
struct NaiveBook {
    /// Name, side, price and quantity, in the order in which they came.
    resting: Vec<(OrderId, Side, u64, u64)>,
}

impl NaiveBook {
    /// The trades of an order and what is left: maker, price and quantity.
    fn order(
        &mut self,
        side: Side,
        limit: Option<u64>,
        mut quantity: u64,
    ) -> (Vec<(OrderId, u64, u64)>, u64) {
        let mut trades = Vec::new();
        while quantity > 0 {
            let met = self.resting.iter().enumerate().filter(|(_, one)| {
                one.1 == side.other()
                    && limit.is_none_or(|limit| match side {
                        Side::Buy => one.2 <= limit,
                        Side::Sell => one.2 >= limit,
                    })
            });
            // The first of those with the best price.
            let best = match side {
                Side::Buy => met.min_by_key(|(place, one)| (one.2, *place)),
                Side::Sell => met.min_by_key(|(place, one)| (u64::MAX - one.2, *place)),
            };
            let Some((place, _)) = best else { break };
            let maker = &mut self.resting[place];
            let traded = maker.3.min(quantity);
            maker.3 -= traded;
            quantity -= traded;
            trades.push((maker.0, maker.2, traded));
            if maker.3 == 0 {
                self.resting.remove(place);
            }
        }
        (trades, quantity)
    }
}

fn request() -> impl Strategy<Value = (u8, bool, u64, u64)> {
    (0u8..10, any::<bool>(), 95u64..105, 0u64..20)
}

proptest! {
    #![proptest_config(proptest_config(512))]

    #[test]
    fn c033_the_engine_equals_a_naive_book_and_numbers_without_gaps(requests in prop::collection::vec(request(), 1..200)) {
        let (mut engine, mut naive, mut said) = (MatchingEngine::new(), NaiveBook::default(), Vec::new());
        let mut known: Vec<OrderId> = Vec::new();
        let (mut ordered, mut traded, mut gone) = (0, 0, 0);
        let mut last = Seq(0);
        for (kind, buys, price, quantity) in requests {
            let side = if buys { Side::Buy } else { Side::Sell };
            said.clear();
            let request = match kind {
                0..6 => OrderRequest::Limit { side, price, quantity },
                6 | 7 => OrderRequest::Market { side, quantity },
                _ if known.is_empty() => continue,
                _ => OrderRequest::Cancel { order: known[(quantity as usize * 7 + kind as usize) % known.len()] },
            };
            engine.handle(request, &mut said);
            for (seq, _) in &said {
                prop_assert_eq!(*seq, last.next());
                last = *seq;
            }
            let trades: Vec<(OrderId, u64, u64)> = said.iter().filter_map(|(_, event)| match *event {
                EngineEvent::Trade { maker, price, quantity, .. } => Some((maker, price, quantity)),
                _ => None,
            }).collect();
            let answer = said[said.len() - 1].1;
            match request {
                OrderRequest::Cancel { order } => {
                    let place = naive.resting.iter().position(|one| one.0 == order);
                    let expected = place.map_or(EngineEvent::Rejected, |place| {
                        EngineEvent::Cancelled { order, quantity: naive.resting.remove(place).3 }
                    });
                    if let EngineEvent::Cancelled { quantity, .. } = answer { gone += quantity; }
                    prop_assert_eq!(answer, expected);
                }
                OrderRequest::Limit { quantity: 0, .. } | OrderRequest::Market { quantity: 0, .. } => {
                    prop_assert_eq!(answer, EngineEvent::Rejected);
                }
                OrderRequest::Limit { .. } | OrderRequest::Market { .. } => {
                    ordered += quantity;
                    let limit = matches!(request, OrderRequest::Limit { .. }).then_some(price);
                    let (expected, left) = naive.order(side, limit, quantity);
                    prop_assert_eq!(&trades, &expected);
                    traded += 2 * trades.iter().map(|trade| trade.2).sum::<u64>();
                    match answer {
                        EngineEvent::Filled => prop_assert_eq!(left, 0),
                        EngineEvent::Unfilled { quantity } => {
                            prop_assert_eq!((limit, quantity), (None, left));
                            gone += quantity;
                        }
                        EngineEvent::Resting { order, quantity, .. } => {
                            prop_assert_eq!(quantity, left);
                            naive.resting.push((order, side, price, left));
                            known.push(order);
                        }
                        other => prop_assert!(false, "{:?}", other),
                    }
                }
            }
            let (bid, ask) = (engine.best(Side::Buy), engine.best(Side::Sell));
            prop_assert!(bid.is_none() || ask.is_none() || bid.unwrap().0 < ask.unwrap().0, "crossed");
            prop_assert_eq!(engine.resting(), naive.resting.len());
        }
        for side in [Side::Buy, Side::Sell] {
            let mut expected: Vec<(u64, u64, OrderId)> = naive.resting.iter()
                .filter(|one| one.1 == side).map(|one| (one.2, one.3, one.0)).collect();
            expected.sort_by_key(|one| if side == Side::Buy { u64::MAX - one.0 } else { one.0 });
            prop_assert_eq!(engine.depth(side).collect::<Vec<_>>(), expected);
        }
        let resting: u64 = naive.resting.iter().map(|one| one.3).sum();
        prop_assert_eq!(ordered, traded + resting + gone, "quantity is conserved");
    }

    /// Inputs at any time, ticks of any length: each input is handled once, in order, at a tick after it.
    #[test]
    fn ticks_handle_each_input_once(steps in prop::collection::vec((0u64..300, 0u64..250), 1..200)) {
        let (mut ticks, mut inputs) = (TickLoop::new(Timestamp(0), 100), Vec::new());
        let (mut now, mut handled) = (0, Vec::new());
        let count = steps.len() as u64;
        let mut frames = 0;
        for (i, (step, work)) in (0..).zip(steps) {
            now += step;
            while ticks.next_due() <= Timestamp(now) {
                let due = ticks.next_due();
                let tick = ticks.poll(due, &mut inputs).unwrap();
                prop_assert!(tick.began >= tick.due);
                ticks.works(tick, work);
                frames = tick.due.0 / 100;
                handled.extend(inputs.iter().map(|(came, input)| { assert!(*came <= due); *input }));
            }
            ticks.input(Timestamp(now), i);
        }
        ticks.poll(Timestamp(now + 1_000), &mut inputs);
        let skipped = ticks.skipped();
        handled.extend(inputs.iter().map(|(_, input)| *input));
        prop_assert_eq!(handled, (0..count).collect::<Vec<u64>>());
        prop_assert!(skipped >= frames.saturating_sub(ticks.ticks()));
    }
}

/// 128 ticks/s, 20 ms on the way, 1 % lost: the age of the state at a client, by datagrams and by a stream that
/// waits for what was lost and sent again 200 ms later (assumed). Returns the mean and the p99 in ms.
fn ages(loss: f64, stream: bool) -> (f64, f64) {
    const FRAME: u64 = 7_812_500;
    const WAY: u64 = 20_000_000;
    const AGAIN: u64 = 200_000_000;
    let mut rng = TestRng(6);
    let mut arrivals: Vec<(u64, u64, u64)> = Vec::new();
    for seq in 1..=40_000u64 {
        let sent = seq * FRAME;
        let lost = rng.unit() < loss;
        if !lost {
            arrivals.push((sent + WAY, seq, sent));
        } else if stream {
            arrivals.push((sent + WAY + AGAIN, seq, sent));
        }
    }
    arrivals.sort_unstable();
    let (mut client, mut waiting) = (LatestWins::new(), InOrder::new(Seq(1), u64::MAX));
    let (mut ages, mut next) = (Vec::new(), arrivals.into_iter().peekable());
    for i in 0..200_000u64 {
        let now = FRAME * 100 + i * 1_500_013;
        while let Some((at, seq, sent)) = next.next_if(|one| one.0 <= now) {
            if stream {
                waiting.arrive(Timestamp(at), Seq(seq), sent);
                while let Some(shown) = waiting.poll(Timestamp(at)) {
                    client.receive(0, shown.seq, Timestamp(shown.item));
                }
            } else {
                client.receive(0, Seq(seq), Timestamp(sent));
            }
        }
        ages.push(client.age_ns(Timestamp(now), 0).unwrap() as f64 / 1e6);
    }
    ages.sort_unstable_by(f64::total_cmp);
    let mean = ages.iter().sum::<f64>() / ages.len() as f64;
    (mean, ages[ages.len() * 99 / 100])
}

#[test]
fn c110_datagrams_do_not_wait_for_what_was_lost() {
    for loss in [0.0, 0.01, 0.1, 0.3] {
        let (mean, p99) = ages(loss, false);
        let expected = 20.0 + 7.8125 * (1.0 + loss) / (2.0 * (1.0 - loss));
        println!(
            "datagrams, loss {loss}: age {mean:.2} ms (formula {expected:.2}), p99 {p99:.1} ms"
        );
        assert!(near(mean, expected, 1.0));
    }
    let (datagrams, stream) = (ages(0.01, false), ages(0.01, true));
    println!("1 % loss: datagrams {datagrams:.1?} ms, stream {stream:.1?} ms (mean, p99)");
    assert!(stream.1 > 5.0 * datagrams.1);
}
