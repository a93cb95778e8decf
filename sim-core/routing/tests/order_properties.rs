//! Ordering: what each promise shows a receiver when messages take two ways of different latency (concept C011), and
//! hybrid logical clocks over random histories with skewed clocks.

#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod common;

use common::{TestRng, proptest_config};
use proptest::prelude::*;
use routing::order::{
    CausalBuffer, Hlc, HlcClock, InOrder, OrderCheck, OrderStamp, Ordering, SenderId, Stamper,
};
use routing::{ChannelId, Seq, Timestamp};
use std::collections::BTreeMap;

const SENDERS: u32 = 4;
const SLOW_NS: u64 = 50_000;
const FAST_NS: u64 = 5_000;

#[derive(Clone, Copy, Debug)]
struct Message {
    arrives: u64,
    sender: SenderId,
    stamp: OrderStamp,
    cause: Option<OrderStamp>,
}

/// 400 messages in two channels, half of them answers to the last message their sender has seen, over two paths.
/// A sequencer, where there is one, numbers a message when it gets it.
fn messages(ordering: Ordering, seed: u64) -> Vec<Message> {
    let mut rng = TestRng(seed);
    let mut stamper = Stamper::new(ordering);
    let mut clocks: Vec<HlcClock> = (0..SENDERS)
        .map(|node| HlcClock::new(node, rng.below(20_000) as i64 - 10_000, u64::MAX))
        .collect();
    let mut sent: Vec<Message> = Vec::new();
    for i in 0..400u64 {
        let now = Timestamp(100_000 + i * 3_000);
        let sender = SenderId(rng.below(u64::from(SENDERS)) as u32);
        let clock = &mut clocks[sender.0 as usize];
        // A sender sees what was sent at least one fast way ago.
        let seen = sent.len().saturating_sub(2);
        let cause = (seen > 0 && rng.below(2) == 0).then(|| sent[seen - 1].stamp);
        if let Some(cause) = cause.filter(|_| ordering == Ordering::Causal) {
            clock.observe(now, cause.hlc).unwrap();
        }
        let channel = ChannelId(rng.below(2) as u32);
        let clock = (ordering == Ordering::Causal).then_some(clock);
        let stamp = stamper.stamp(now, channel, sender, clock);
        let way = if rng.below(2) == 0 { SLOW_NS } else { FAST_NS };
        sent.push(Message {
            arrives: now.0 + way,
            sender,
            stamp,
            cause,
        });
    }
    sent.sort_by_key(|message| message.arrives);
    sent
}

/// What a receiver without buffers and one with the buffers of the promise are shown.
fn receive(ordering: Ordering, seed: u64) -> (OrderCheck, OrderCheck) {
    let mut raw = OrderCheck::new();
    let mut shown = OrderCheck::new();
    let mut streams: BTreeMap<u64, InOrder<Message>> = BTreeMap::new();
    let mut causal = CausalBuffer::new((0..SENDERS).map(SenderId), 2 * SLOW_NS);
    let show = |shown: &mut OrderCheck, message: &Message| {
        shown.show(message.stamp, message.cause);
    };
    let mut end = 0;
    for message in messages(ordering, seed) {
        end = message.arrives;
        show(&mut raw, &message);
        if ordering == Ordering::None {
            show(&mut shown, &message);
            continue;
        }
        let stream = streams
            .entry(message.stamp.stream)
            .or_insert_with(|| InOrder::new(Seq(1), u64::MAX));
        let now = Timestamp(message.arrives);
        stream.arrive(now, message.stamp.seq, message);
        while let Some(released) = stream.poll(now) {
            let message = released.item;
            if ordering == Ordering::Causal {
                causal.arrive(now, message.sender, message.stamp.hlc, message);
            } else {
                show(&mut shown, &message);
            }
        }
        while let Some(held) = causal.poll(now) {
            show(&mut shown, &held.item);
        }
    }
    while let Some(held) = causal.poll(Timestamp(end + 2 * SLOW_NS)) {
        show(&mut shown, &held.item);
    }
    (raw, shown)
}

#[test]
fn c011_each_promise_is_kept_and_none_is_not() {
    println!("promise: reordered and acausal as they arrive, as they are shown");
    for ordering in [
        Ordering::None,
        Ordering::PerSender,
        Ordering::PerChannel,
        Ordering::Causal,
        Ordering::Total,
    ] {
        let mut totals = [0; 4];
        for seed in 0..20 {
            let (raw, shown) = receive(ordering, seed);
            assert_eq!(shown.counts().messages, 400, "nothing is lost");
            assert_eq!((shown.missing(), shown.counts().duplicates), (0, 0));
            let counts = [raw.counts(), shown.counts()];
            totals[0] += counts[0].reordered;
            totals[1] += counts[0].acausal;
            totals[2] += counts[1].reordered;
            totals[3] += counts[1].acausal;
        }
        println!(
            "{ordering:?}: {} {}, {} {}",
            totals[0], totals[1], totals[2], totals[3]
        );
        assert!(totals[0] > 0, "two ways of different latency reorder");
        assert_eq!(totals[2] == 0, ordering != Ordering::None);
        // Per-sender and per-channel order say nothing of causes in other streams.
        let causal = matches!(ordering, Ordering::Causal | Ordering::Total);
        assert_eq!(totals[3] == 0, causal, "{ordering:?}");
    }
}

/// A node, nanoseconds since the last event, and which earlier event it has received.
type Event = (u32, u64, Option<usize>);

/// Events of five nodes with skewed clocks: a local event, or the receipt of an earlier one.
fn history() -> impl Strategy<Value = (Vec<i64>, Vec<Event>)> {
    let skews = prop::collection::vec(-1_000i64..1_000, 5);
    let event = (0u32..5, 0u64..300, prop::option::of(0usize..1_000));
    (skews, prop::collection::vec(event, 1..200))
}

proptest! {
    #![proptest_config(proptest_config(256))]

    #[test]
    fn clocks_respect_causes_and_stay_within_the_skew((skews, events) in history()) {
        let mut clocks: Vec<HlcClock> = skews
            .iter()
            .zip(0..)
            .map(|(&skew, node)| HlcClock::new(node, skew, u64::MAX))
            .collect();
        let mut now = 10_000;
        let mut stamps: Vec<Hlc> = Vec::new();
        let mut last: [Hlc; 5] = [Hlc::default(); 5];
        for (node, step, received) in events {
            now += step;
            let clock = &mut clocks[node as usize];
            let cause = received.and_then(|i| stamps.get(i % stamps.len().max(1)).copied());
            if let Some(cause) = cause {
                clock.observe(Timestamp(now), cause).unwrap();
            }
            let stamp = clock.tick(Timestamp(now));
            prop_assert!(stamp > last[node as usize]);
            prop_assert!(cause.is_none_or(|cause| stamp > cause));
            // The spread of the clocks is below 2 000.
            prop_assert!(stamp.wall.0.abs_diff(now) <= 2_000);
            last[node as usize] = stamp;
            stamps.push(stamp);
        }
    }

    #[test]
    fn a_buffer_shows_each_number_once_in_order(
        arrivals in prop::collection::vec((0u64..100, 1u64..60), 1..200),
        patience in 0u64..500,
    ) {
        let mut buffer = InOrder::new(Seq(1), patience);
        let (mut now, mut shown, mut given_up) = (0, Vec::new(), 0);
        let count = arrivals.len() as u64;
        for (step, seq) in arrivals {
            now += step;
            buffer.arrive(Timestamp(now), Seq(seq), ());
            while let Some(released) = buffer.poll(Timestamp(now)) {
                shown.push(released.seq.0);
                given_up += released.given_up;
                prop_assert!(now - released.arrived.0 < patience + 100);
            }
        }
        prop_assert!(shown.windows(2).all(|pair| pair[0] < pair[1]));
        let kept = shown.len() as u64 + buffer.held() as u64;
        prop_assert_eq!(kept + buffer.duplicates() + buffer.too_late(), count);
        prop_assert_eq!(given_up, buffer.given_up());
    }
}
