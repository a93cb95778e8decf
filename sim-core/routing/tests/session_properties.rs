//! Sessions: resuming without gap or duplicate (C010), what is owed, outbound queues within their limits,
//! presence fan-out, and one trace with one digest.

#![allow(
    clippy::disallowed_methods,
    reason = "tests read fixtures and compare with the platform's own functions"
)]

mod common;

use common::{TestRng, near, proptest_config};
use proptest::prelude::*;
use routing::session::{
    Offer, OutboundLimits, OutboundQueue, PresenceAudience, PresenceTracker, SlowConsumer, Status,
};
use routing::{
    ChannelId, ConnectionId, ConnectionState, FanoutPlan, Hub, HubError, HubOptions, ReplayLimits,
};
use routing::{ReplayRing, Resume, RoutingMode, Seq, ServerId, Timestamp};
use std::collections::BTreeMap;

const SECOND: u64 = 1_000_000_000;

proptest! {
    #![proptest_config(proptest_config(300))]

    /// Against a plain list of everything ever published.
    #[test]
    fn resume_is_gap_free_and_dup_free(
        steps in prop::collection::vec((0u64..50, 1u32..4), 1..80),
        seen in 0u64..200, wait in 0u64..200, window_ns in 0u64..300, max_entries in 0u32..60,
    ) {
        let limits = ReplayLimits { window_ns, max_entries };
        let (mut ring, mut history, mut now) = (ReplayRing::new(), Vec::new(), Timestamp(0));
        for (gap, burst) in steps {
            now = now.plus(gap);
            for _ in 0..burst {
                history.push(now);
                prop_assert_eq!(ring.publish(now, history.len() as u64, limits), Seq(history.len() as u64));
            }
        }
        now = now.plus(wait);
        let last = history.len() as u64;
        let held = |seq: u64| {
            window_ns > 0 && now.since(history[seq as usize - 1]) <= window_ns && last - seq < u64::from(max_entries)
        };
        let (from, missed) = match ring.resume(Seq(seen), now, limits) {
            Resume::Complete(range) => {
                prop_assert_eq!(range.end, last + 1);
                (range.start, 0)
            }
            Resume::Gap { first_available, missed } => {
                prop_assert!(missed > 0);
                (first_available.0, missed)
            }
        };
        prop_assert_eq!(from, (seen + 1).min(last + 1) + missed, "no gap that is not told, no duplicate");
        for seq in 1..=last {
            if seq >= from {
                prop_assert!(held(seq));
                prop_assert_eq!(ring.get(Seq(seq)).map(|(at, payload)| (at, *payload)), Some((history[seq as usize - 1], seq)));
            } else if seq > seen {
                prop_assert!(!held(seq), "what is told missing is gone");
            }
        }
    }

    #[test]
    fn outbound_queues_keep_their_limits(
        policy in prop_oneof![
            Just(SlowConsumer::Disconnect), Just(SlowConsumer::DropOldest), Just(SlowConsumer::DropNewest),
            Just(SlowConsumer::ConflateByKey), Just(SlowConsumer::Block),
        ],
        steps in prop::collection::vec((0u64..5, 1u32..60, prop::bool::weighted(0.7)), 1..200),
    ) {
        let mut queue = OutboundQueue::new(policy, OutboundLimits { max_entries: 6, max_bytes: 150 });
        let (mut offered, mut popped, mut blocked) = (0u64, Vec::new(), 0);
        let mut latest = BTreeMap::new();
        for (key, bytes, offer) in steps {
            if offer {
                let outcome = queue.offer(key, bytes, (key, offered));
                if outcome == Offer::Blocked {
                    blocked += 1;
                } else {
                    latest.insert(key, offered);
                }
                offered += 1;
            } else {
                popped.extend(queue.pop());
            }
            prop_assert!(queue.len() <= 6 && queue.bytes() <= 150);
        }
        popped.extend(std::iter::from_fn(|| queue.pop()));
        prop_assert_eq!(offered, popped.len() as u64 + queue.dropped() + blocked, "conserved");
        prop_assert_eq!(queue.bytes(), 0);
        if policy == SlowConsumer::Block {
            prop_assert_eq!(queue.dropped(), 0);
        }
        if policy == SlowConsumer::ConflateByKey {
            for key in 0..5 {
                let of_key: Vec<u64> = popped.iter().filter(|(k, _)| *k == key).map(|(_, order)| *order).collect();
                prop_assert!(of_key.is_sorted(), "a key never goes back");
            }
        } else {
            prop_assert!(popped.is_sorted_by_key(|(_, order)| *order), "in order");
        }
    }
}

/// A killed server, an outage of `outage_s`, and a replay window; ten messages per second to one channel of
/// 1 000 members on ten servers. Returns messages lost and received more than once.
fn killed(window_s: u64, outage_s: u64, seed: u64) -> (u64, u64) {
    let mut rng = TestRng(seed);
    let replay = ReplayLimits {
        window_ns: window_s * SECOND,
        max_entries: 10_000,
    };
    let mut hub = Hub::new(
        HubOptions {
            replay,
            ..HubOptions::default()
        },
        10,
    );
    let channel = ChannelId(0);
    for connection in (0..1_000).map(ConnectionId) {
        hub.open(Timestamp(0), connection, ServerId(rng.below(10) as u16))
            .expect("that server is up");
        hub.join(channel, connection);
    }
    let mut received: BTreeMap<ConnectionId, Vec<u64>> =
        (0..1_000).map(|c| (ConnectionId(c), Vec::new())).collect();
    let mut plan = FanoutPlan::new();
    let mut slices = Vec::new();
    let messages = 10 * (outage_s + 20);
    for i in 0..messages {
        let now = Timestamp(i * SECOND / 10);
        if i == 100 {
            hub.server_down(now, ServerId(3));
        }
        if i == 100 + 10 * outage_s {
            let away = |c: &ConnectionId| hub.connections().state(*c) == ConnectionState::Away;
            let away: Vec<ConnectionId> = (0..1_000).map(ConnectionId).filter(away).collect();
            for connection in away {
                let seen = received[&connection].last().copied().unwrap_or(0);
                let server = ServerId(rng.below(3) as u16);
                let list = received.entry(connection).or_default();
                match hub.resume(
                    now,
                    connection,
                    server,
                    &[(channel, Seq(seen))],
                    &mut slices,
                ) {
                    Ok(()) => slices
                        .iter()
                        .for_each(|slice| list.extend(slice.from.0..slice.to.0)),
                    Err(HubError::NotResumable(_)) => hub
                        .open(now, connection, server)
                        .expect("that server is up"),
                    Err(HubError::ServerDown(_)) => unreachable!("that server is up"),
                }
            }
        }
        let published = hub.publish(now, channel, ServerId(0), (), &mut plan);
        for copy in plan.copies() {
            for member in hub.directory().members_on(channel, copy.server) {
                received.entry(*member).or_default().push(published.seq.0);
            }
        }
    }
    let lost = received
        .values()
        .map(|list| messages - list.len() as u64)
        .sum();
    let unordered = received
        .values()
        .map(|list| list.windows(2).filter(|pair| pair[0] >= pair[1]).count() as u64)
        .sum();
    (lost, unordered)
}

#[test]
fn a_window_longer_than_the_outage_loses_nothing() {
    for seed in 0..20 {
        assert_eq!(killed(30, 20, seed), (0, 0), "window beyond the outage");
        let (lost, repeated) = killed(0, 20, seed);
        assert_eq!(repeated, 0);
        let away = 100.0;
        assert!(
            near(lost as f64, 10.0 * 20.0 * away, 35.0),
            "rate × outage × subscribers there: {lost}"
        );
    }
    let mean = (0..20)
        .map(|seed| killed(0, 20, seed).0 as f64)
        .sum::<f64>()
        / 20.0;
    println!("without replay {mean} messages are lost of 10/s × 20 s × 100 members = 20 000");
    assert!(near(mean, 20_000.0, 5.0));
}

#[test]
fn owed_counts_live_and_resumable_members() {
    let replay = ReplayLimits {
        window_ns: 100,
        max_entries: 10,
    };
    let mut hub = Hub::new(
        HubOptions {
            replay,
            ..HubOptions::default()
        },
        3,
    );
    let (channel, mut plan) = (ChannelId(5), FanoutPlan::new());
    for connection in (0..6).map(ConnectionId) {
        hub.open(
            Timestamp(0),
            connection,
            ServerId((connection.0 % 3) as u16),
        )
        .unwrap();
        assert!(hub.join(channel, connection) && !hub.join(channel, connection));
    }
    assert_eq!(hub.server_down(Timestamp(10), ServerId(1)), 2);
    hub.close(Timestamp(20), ConnectionId(0), true);
    hub.close(Timestamp(20), ConnectionId(2), false);
    let mut owed = |hub: &mut Hub<char>, at| {
        let published = hub.publish(Timestamp(at), channel, ServerId(0), 'x', &mut plan);
        (published.owed_live, published.owed_away)
    };
    assert_eq!(owed(&mut hub, 110), (2, 3));
    assert_eq!(owed(&mut hub, 111), (2, 1));
    assert_eq!(owed(&mut hub, 121), (2, 0));
    assert!(
        hub.expire(Timestamp(121), ConnectionId(0)) && !hub.expire(Timestamp(121), ConnectionId(0))
    );
    assert_eq!(
        hub.open(Timestamp(130), ConnectionId(0), ServerId(1)),
        Err(HubError::ServerDown(ServerId(1)))
    );
    hub.server_up(Timestamp(130), ServerId(1));
    hub.open(Timestamp(130), ConnectionId(0), ServerId(1))
        .unwrap();
    assert_eq!(owed(&mut hub, 131), (3, 0));
    assert_eq!(
        hub.directory().members_on(channel, ServerId(1)),
        [ConnectionId(0)]
    );
    assert!(hub.leave(channel, ConnectionId(1)) && !hub.leave(channel, ConnectionId(1)));
    assert_eq!(hub.directory().len(channel), 5);
}

/// A random history of every call.
fn history(seed: u64, steps: u64, mode: RoutingMode) -> Hub<u64> {
    let mut rng = TestRng(seed);
    let replay = ReplayLimits {
        window_ns: 500,
        max_entries: 8,
    };
    let mut hub = Hub::new(
        HubOptions {
            mode,
            replay,
            owners: None,
        },
        6,
    );
    let (mut plan, mut out) = (FanoutPlan::new(), Vec::new());
    for step in 0..steps {
        let now = Timestamp(step * 3);
        let (connection, channel) = (
            ConnectionId(rng.below(60) as u32),
            ChannelId(rng.below(12) as u32),
        );
        let server = ServerId(rng.below(6) as u16);
        match rng.below(20) {
            0..=3 => _ = hub.open(now, connection, server),
            4 => hub.close(now, connection, true),
            5 => hub.close(now, connection, false),
            6..=9 => _ = hub.join(channel, connection),
            10 => _ = hub.leave(channel, connection),
            11..=15 => _ = hub.publish(now, channel, server, step, &mut plan),
            16 | 17 => {
                _ = hub.resume(
                    now,
                    connection,
                    server,
                    &[(channel, Seq(rng.below(30)))],
                    &mut out,
                )
            }
            18 => _ = hub.server_down(now, server),
            _ => hub.server_up(now, server),
        }
    }
    hub
}

#[test]
fn directory_and_connections_agree_after_any_history() {
    for seed in 0..40 {
        let hub = history(seed, 3_000, RoutingMode::Interest);
        for channel in (0..12).map(ChannelId) {
            for (home, members) in hub.directory().groups(channel) {
                for &member in members {
                    let (state, server) = (
                        hub.connections().state(member),
                        hub.connections().server(member),
                    );
                    let expected = match state {
                        ConnectionState::Open => routing::Home::Live(server),
                        _ => routing::Home::Away(server),
                    };
                    assert_eq!(home, expected, "seed {seed}");
                }
            }
        }
        let open: u32 = (0..6)
            .map(|id| hub.connections().open_count_on(ServerId(id)))
            .sum();
        assert_eq!(open, hub.connections().open_count());
    }
}

#[test]
fn one_trace_has_one_digest() {
    for mode in [
        RoutingMode::Local,
        RoutingMode::Broadcast,
        RoutingMode::Interest,
        RoutingMode::ChannelOwner,
    ] {
        let (a, b) = (history(1, 2_000, mode), history(1, 2_000, mode));
        assert_eq!((a.digest(), a.decisions()), (b.digest(), b.decisions()));
        assert_ne!(a.digest(), history(2, 2_000, mode).digest());
        let mut fork = a.clone();
        fork.server_up(Timestamp(9_999), ServerId(0));
        assert_ne!(a.digest(), fork.digest());
    }
    let pinned = 3_122_602_928_748_533_226;
    assert_eq!(
        history(7, 1_000, RoutingMode::Interest).digest(),
        pinned,
        "the same for ever"
    );
}

#[test]
fn presence_costs_members_squared_times_changes() {
    for g in [10u32, 100, 400] {
        let mut hub = Hub::<()>::new(HubOptions::default(), 8);
        for connection in (0..g).map(ConnectionId) {
            hub.open(
                Timestamp(0),
                connection,
                ServerId((connection.0 % 8) as u16),
            )
            .unwrap();
            hub.join(ChannelId(0), connection);
            hub.join(ChannelId(1), connection);
        }
        let (mut tracker, mut audience, mut plan) = (
            PresenceTracker::new(0),
            PresenceAudience::new(),
            FanoutPlan::new(),
        );
        let (mut deliveries, changes) = (0, 4);
        for change in 0..changes {
            for connection in (0..g).map(ConnectionId) {
                let status = if change % 2 == 0 {
                    Status::Online
                } else {
                    Status::Idle
                };
                tracker.change(Timestamp(change), connection, status);
            }
            while let Some((connection, _)) = tracker.poll(Timestamp(change)) {
                deliveries += audience.of(hub.directory(), connection, &mut plan).len() as u64;
                assert!(plan.copies().len() <= 8, "one copy per server");
            }
        }
        assert_eq!(
            deliveries,
            u64::from(g) * u64::from(g - 1) * changes,
            "each co-member once, whatever the channels"
        );
    }
}

#[test]
fn a_coalescing_window_caps_presence() {
    let (members, window, seconds) = (200u32, 10 * SECOND, 1_000u64);
    let mut rng = TestRng(3);
    let (mut tracker, mut announced) = (PresenceTracker::new(window), 0u64);
    for step in 0..seconds * 20 {
        let now = Timestamp(step * SECOND / 20);
        for _ in 0..members / 20 {
            let status = [Status::Offline, Status::Idle, Status::Online][rng.below(3) as usize];
            tracker.change(
                now,
                ConnectionId(rng.below(u64::from(members)) as u32),
                status,
            );
        }
        while tracker.poll(now).is_some() {
            announced += 1;
        }
    }
    // About 1 change per second and member is offered; at most one per window gets through.
    let per_window = announced as f64 / f64::from(members) / (seconds as f64 / 10.0);
    println!("{per_window:.2} announcements per member and window");
    assert!(per_window <= 1.0 && per_window > 0.5);
}
