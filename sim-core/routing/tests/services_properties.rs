//! Services: stock in a flash sale (concept C013), feeds equal to a naive model and the work of hybrid fan-out
//! (C018), notifications behind bulkheads and under overload (C020, C022), presence between servers, and
//! interest by place (C014).

mod common;

use common::{TestRng, near, proptest_config};
use proptest::prelude::*;
use routing::Timestamp;
use routing::conflict::ReplicaId;
use routing::feed::{FanOut, Feeds, MemberOfFeed, Post};
use routing::interest::{InterestIndex, MoverId};
use routing::notify::{
    Channel, Channels, Dispatcher, DispatcherOptions, Notification, Offered, Preferences, Priority,
    Provider, Queueing, Verdict,
};
use routing::presence::{Heard, PresenceOptions, PresenceServer};
use routing::shard::{Grid, Place};
use routing::stock::{StaleView, Stock, StockMode};
use std::collections::{BTreeMap, BTreeSet};

const MS: u64 = 1_000_000;

/// 1 000 units, 50 000 buyers within 10 s; a copy was made at some time before the sale. Returns units sold and
/// oversold.
fn flash_sale(mode: StockMode, seed: u64) -> (u64, u64) {
    const BEGIN: u64 = 10_000 * MS;
    let mut rng = TestRng(seed);
    let mut arrivals: Vec<u64> = (0..50_000)
        .map(|_| BEGIN + rng.below(10_000 * MS))
        .collect();
    arrivals.sort_unstable();
    let mut stock = Stock::new(1_000);
    let mut view = StaleView::new(0);
    if let StockMode::Stale { refresh_ns } = mode {
        view = StaleView::new(refresh_ns);
        view.refresh(Timestamp(BEGIN - rng.below(refresh_ns)), 1_000);
    }
    // Those who reserve pay after up to 4 s, and one in four does not.
    let mut paying: BTreeSet<(u64, u64, bool)> = BTreeSet::new();
    for at in arrivals {
        let now = Timestamp(at);
        while let Some(&(due, reservation, pays)) = paying.first().filter(|one| one.0 <= at) {
            paying.pop_first();
            if pays {
                let _too_late_or_not = stock.confirm(Timestamp(due), reservation);
            }
        }
        match mode {
            StockMode::Strong => {
                let _sold_out_or_not = stock.take(now, 1);
            }
            StockMode::Reservation { ttl_ns } => {
                if let Ok(reservation) = stock.reserve(now, 1, ttl_ns) {
                    paying.insert((at + rng.below(4_000 * MS), reservation, rng.below(4) > 0));
                }
            }
            StockMode::Stale { .. } => {
                while view.next_due() <= now {
                    let available = stock.available(now);
                    view.refresh(view.next_due(), available);
                }
                if view.shown() > 0 {
                    stock.sold_unchecked(1);
                }
            }
        }
        let stale = matches!(mode, StockMode::Stale { .. });
        assert!(stale || stock.sold() + stock.reserved() <= 1_000);
    }
    (stock.sold(), stock.oversold())
}

#[test]
fn c013_only_stale_stock_is_oversold_and_the_more_the_staler() {
    for seed in 0..20 {
        assert_eq!(flash_sale(StockMode::Strong, seed), (1_000, 0));
        let reservation = StockMode::Reservation { ttl_ns: 2_000 * MS };
        assert_eq!(flash_sale(reservation, seed).1, 0);
    }
    let mut last = 0.0;
    for refresh_ms in [50, 100, 300, 1_000, 3_000] {
        let refresh_ns = refresh_ms * MS;
        let of_seed = |seed| flash_sale(StockMode::Stale { refresh_ns }, seed).1;
        let mean = (0..50).map(of_seed).sum::<u64>() as f64 / 50.0;
        let expected = 5.0 * refresh_ms as f64 / 2.0;
        println!("a copy refreshed every {refresh_ms} ms: {mean:.0} oversold (λT/2 = {expected})");
        // 50 phases spread evenly leave a standard error of 8 % of the mean.
        assert!(mean > last && near(mean, expected, 25.0));
        last = mean;
    }
}

/// All followed authors' posts, the best first.
fn naive(posts: &[Post], followed: &BTreeSet<MemberOfFeed>, count: usize) -> Vec<Post> {
    let mut feed: Vec<Post> = posts
        .iter()
        .filter(|one| followed.contains(&one.author))
        .copied()
        .collect();
    feed.sort_unstable_by(|a, b| b.cmp(a));
    feed.truncate(count);
    feed
}

proptest! {
    #![proptest_config(proptest_config(256))]

    #[test]
    fn every_fan_out_shows_the_naive_feed(
        steps in prop::collection::vec((0u8..8, 0u32..12, 0u32..12, 0u64..50), 1..150),
        threshold in 0u32..6,
    ) {
        let fan_outs = [FanOut::OnWrite, FanOut::OnRead, FanOut::Hybrid { threshold }];
        let mut feeds = fan_outs.map(|fan_out| Feeds::new(fan_out, 1_000));
        let mut posts: Vec<Post> = Vec::new();
        let mut follows: BTreeMap<MemberOfFeed, BTreeSet<MemberOfFeed>> = BTreeMap::new();
        for (step, a, b, score) in steps {
            let (a, b) = (MemberOfFeed(a), MemberOfFeed(b));
            match step {
                0..3 if a != b => {
                    follows.entry(a).or_default().insert(b);
                    feeds.iter_mut().for_each(|one| one.follow(a, b));
                }
                3 => {
                    follows.entry(a).or_default().remove(&b);
                    feeds.iter_mut().for_each(|one| one.unfollow(a, b));
                }
                _ => {
                    let made = feeds.each_mut().map(|one| one.post(a, score).0);
                    posts.push(made[0]);
                }
            }
        }
        let (nobody, mut feed) = (BTreeSet::new(), Vec::new());
        for reader in (0..12).map(MemberOfFeed) {
            for count in [1, 5, 500] {
                let expected = naive(&posts, follows.get(&reader).unwrap_or(&nobody), count);
                for one in &feeds {
                    one.read(reader, count, &mut feed);
                    prop_assert_eq!(&feed, &expected);
                }
            }
        }
    }

    /// Servers that lose some broadcasts, and ask when they notice, agree after a period without losses.
    #[test]
    fn servers_agree_on_who_is_there(
        steps in prop::collection::vec((0usize..3, 0u32..8, any::<bool>(), 0u8..4), 1..120),
    ) {
        let period = PresenceOptions::default().period_ns;
        let all = [0, 1, 2].map(ReplicaId);
        let mut servers = all.map(|own| {
            let others = all.into_iter().filter(move |other| *other != own);
            PresenceServer::new(Timestamp(0), own, others, PresenceOptions::default())
        });
        let mut truth: BTreeSet<(u32, usize)> = BTreeSet::new();
        let mut now = 0;
        let exchange = |servers: &mut [PresenceServer; 3], now, loses: u8| {
            for from in 0..3 {
                let Some(told) = servers[from].poll(Timestamp(now)) else { continue };
                for to in (0..3).filter(|&to| to != from) {
                    if loses == to as u8 { continue; }
                    if servers[to].receive(Timestamp(now), &told) == Heard::Missed {
                        let state = servers[from].state();
                        servers[to].receive_state(Timestamp(now), &state);
                    }
                }
            }
        };
        for (server, user, comes, loses) in steps {
            if comes {
                truth.insert((user, server));
                servers[server].came(user);
            } else {
                truth.remove(&(user, server));
                servers[server].went(user);
            }
            now += period / 2;
            exchange(&mut servers, now, loses);
        }
        // A last change at each shows what was missed before.
        for (number, server) in servers.iter_mut().enumerate() {
            truth.insert((100, number));
            server.came(100);
        }
        exchange(&mut servers, now + period, 9);
        for server in &servers {
            let shown: BTreeSet<(u32, usize)> = server.shown().map(|one| (one.user, one.server.0 as usize)).collect();
            prop_assert_eq!(&shown, &truth);
        }
    }

    /// Whoever moves watches exactly the ring around where they are.
    #[test]
    fn subscriptions_are_the_ring(moves in prop::collection::vec((0u32..6, any::<u32>(), any::<u32>(), 0u8..8), 1..80), k in 0u32..3) {
        let grid = Grid::torus(9);
        let mut index = InterestIndex::new(grid, k);
        let mut at: BTreeMap<MoverId, u64> = BTreeMap::new();
        for (mover, x, y, action) in moves {
            let mover = MoverId(mover);
            if action == 0 {
                at.remove(&mover);
                index.left(mover);
            } else {
                at.insert(mover, index.moved_to(mover, Place { x, y }).cell);
            }
        }
        for cell in 0..grid.cells() {
            let mut watching = index.watchers(cell).to_vec();
            watching.sort_unstable();
            let expected: Vec<MoverId> = at.iter()
                .filter(|(_, own)| grid.ring(**own, k).contains(&cell)).map(|(mover, _)| *mover).collect();
            prop_assert_eq!(watching, expected);
        }
    }
}

/// A standard normal quantile by bisection.
fn normal_quantile(p: f64) -> f64 {
    let (mut low, mut high) = (-10.0, 10.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        let below = 0.5 * libm::erfc(-middle / std::f64::consts::SQRT_2);
        if below < p {
            low = middle
        } else {
            high = middle
        }
    }
    (low + high) / 2.0
}

/// Followers lognormal with median 25, sigma 2.6 and at most 1e8, equal post rates: 2 M authors at evenly
/// spread quantiles.
#[test]
fn c018_hybrid_at_10_000_followers_removes_most_timeline_writes() {
    const AUTHORS: u64 = 200_000;
    let hybrid = FanOut::Hybrid { threshold: 10_000 };
    let (mut all, mut removed, mut fetched) = (0.0, 0.0, 0u64);
    for i in 0..AUTHORS {
        let z = normal_quantile((i as f64 + 0.5) / AUTHORS as f64);
        let followers = (25.0 * libm::exp(2.6 * z)).min(1e8);
        all += followers;
        if hybrid.is_fetched(followers as u64) {
            removed += followers;
            fetched += 1;
        }
    }
    let (share, authors) = (
        removed / all * 100.0,
        fetched as f64 / AUTHORS as f64 * 100.0,
    );
    println!(
        "hybrid at 10 000: {share:.1} % of the writes removed, {authors:.2} % of the authors, mean {:.0}",
        all / AUTHORS as f64
    );
    assert!((share - 62.0).abs() < 5.0 && (authors - 1.06).abs() < 0.05);
}

/// 100 urgent pushes and 100 text messages a second for 60 s; text messages stop at 10 s. Returns the p99 wait
/// of pushes offered from then on, in ms, where what is never sent waits until the end.
fn push_wait_ms(queueing: Queueing, sms_stops: bool) -> f64 {
    let mut dispatcher = Dispatcher::new(DispatcherOptions {
        queueing,
        capacity: 1_000_000,
        providers: [Provider { gap_ns: 2 * MS }; 4],
        dedupe_window_ns: 0,
        dedupe_capacity: 0,
    });
    let mut waits = Vec::new();
    let mut offered = 0;
    for ms in 0..60_000u64 {
        let now = Timestamp(ms * MS);
        if ms == 10_000 && sms_stops {
            dispatcher.set_up(Channel::Sms, false);
        }
        if ms % 10 == 0 {
            for channel in [Channel::Sms, Channel::Push] {
                let priority = Priority::High;
                let notification = Notification {
                    user: 1,
                    subject: ms,
                    priority,
                    channel,
                };
                dispatcher.offer(now, notification);
            }
            offered += u64::from(ms >= 10_000);
        }
        while let Some(sent) = dispatcher.poll(now) {
            if sent.notification.channel == Channel::Push && sent.offered >= Timestamp(10_000 * MS)
            {
                waits.push(now.since(sent.offered) / MS);
            }
        }
    }
    waits.sort_unstable();
    let rank = (offered * 99 / 100) as usize;
    waits.get(rank).map_or(50_000.0, |wait| *wait as f64)
}

#[test]
fn c020_a_bulkhead_keeps_a_dead_provider_from_the_others() {
    let normal = push_wait_ms(Queueing::Bulkheads, false);
    let behind_bulkhead = push_wait_ms(Queueing::Bulkheads, true);
    let shared = push_wait_ms(Queueing::Shared, true);
    println!(
        "p99 wait of pushes: {normal} ms; text messages stopped: bulkheads {behind_bulkhead} ms, shared {shared} ms"
    );
    assert_eq!(behind_bulkhead, normal);
    assert!(shared > 10.0 * (normal + 1.0));
}

#[test]
fn c020_nobody_is_told_over_a_channel_they_switched_off() {
    let mut rng = TestRng(2);
    let mut off = 0;
    for _ in 0..1_000 {
        let mut channels = Channels::ALL;
        for channel in Channel::ALL {
            if rng.below(2) == 0 {
                channels = channels.without(channel);
            }
        }
        let mut user = Preferences::new(channels, None, None);
        for channel in Channel::ALL {
            let priority = Priority::ALL[rng.below(3) as usize];
            let told = user.decide(Timestamp(0), channel, priority) == Verdict::Tell;
            assert_eq!(told, channels.contains(channel));
            off += u64::from(!told);
        }
    }
    assert!(off > 1_000);
}

/// Twice what a provider takes, a third of each priority.
#[test]
fn c022_overload_sheds_what_matters_least() {
    let mut dispatcher = Dispatcher::new(DispatcherOptions {
        queueing: Queueing::Bulkheads,
        capacity: 100,
        providers: [Provider { gap_ns: MS }; 4],
        dedupe_window_ns: 0,
        dedupe_capacity: 0,
    });
    let mut rng = TestRng(8);
    let mut offered = [0u64; 3];
    let mut sent = 0;
    for half_ms in 0..120_000u64 {
        let now = Timestamp(half_ms * MS / 2);
        let class = rng.below(3) as usize;
        offered[class] += 1;
        let notification = Notification {
            user: 1,
            subject: half_ms,
            priority: Priority::ALL[class],
            channel: Channel::Push,
        };
        let offered = dispatcher.offer(now, notification);
        assert_ne!(offered, Offered::Duplicate);
        sent += u64::from(dispatcher.poll(now).is_some());
    }
    let shed = dispatcher.shed();
    let ratio = [0, 1, 2].map(|class| shed[class] as f64 / offered[class] as f64);
    println!(
        "shed at twice the capacity: high {:.4}, medium {:.4}, low {:.4}",
        ratio[0], ratio[1], ratio[2]
    );
    assert!(1.0 - ratio[0] >= 0.999 && ratio[2] > ratio[1] && ratio[1] > ratio[0]);
    let queued = dispatcher.queued(Channel::Push) as u64;
    assert_eq!(
        sent + queued + shed.iter().sum::<u64>(),
        offered.iter().sum::<u64>()
    );
}

/// 20 000 users on 300 × 300 cells, interested in what is within a cell's width.
#[test]
fn c014_interest_by_place_against_broadcast() {
    const USERS: u32 = 20_000;
    let mut rng = TestRng(4);
    let mut index = InterestIndex::new(Grid::torus(300), 1);
    let width = (1u64 << 32) / 300;
    let mut places: Vec<Place> = Vec::new();
    for user in 0..USERS {
        let place = Place {
            x: rng.below(1 << 32) as u32,
            y: rng.below(1 << 32) as u32,
        };
        index.moved_to(MoverId(user), place);
        places.push(place);
    }
    let apart = |a: u32, b: u32| u64::from(a.wrapping_sub(b).min(b.wrapping_sub(a)));
    let (mut told, mut near_by, mut recalled) = (0u64, 0u64, 0u64);
    const MOVES: u32 = 300;
    for user in 0..MOVES {
        // A small step.
        let place = &mut places[user as usize];
        place.x = place.x.wrapping_add((width / 4) as u32);
        let cell = index.moved_to(MoverId(user), *place).cell;
        let watchers: BTreeSet<MoverId> = index.watchers(cell).iter().copied().collect();
        told += watchers.len() as u64;
        let place = places[user as usize];
        for (other, there) in places.iter().enumerate() {
            if apart(place.x, there.x) <= width && apart(place.y, there.y) <= width {
                near_by += 1;
                recalled += u64::from(watchers.contains(&MoverId(other as u32)));
            }
        }
    }
    let (factor, recall) = (
        f64::from(USERS * MOVES) / told as f64,
        recalled as f64 / near_by as f64,
    );
    println!("{factor:.0} times fewer deliveries than broadcast, recall {recall:.4}");
    assert!(factor >= 100.0 && recall >= 0.99);
    assert!(near(
        told as f64,
        f64::from(MOVES) * (1.0 + 9.0 * f64::from(USERS) / 90_000.0),
        10.0
    ));
}
