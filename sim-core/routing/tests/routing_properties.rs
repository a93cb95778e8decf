//! Publish/subscribe across servers: precision and recall of the routing modes (C017), local delivery without
//! routing (C009), hops and servers touched (C026), broker failover (C025), wildcard subjects, and relays.

#![allow(
    clippy::disallowed_methods,
    reason = "tests read fixtures and compare with the platform's own functions"
)]

mod common;

use common::{TestRng, near, proptest_config};
use proptest::prelude::*;
use routing::pubsub::{
    Advertisement, InterestNode, Partitions, Pattern, RelayTree, Subject, SubjectTrie,
};
use routing::{
    ChannelId, ConnectionId, FanoutPlan, Hub, HubOptions, Placement, PlacementMap, RoutingMode,
    ServerId,
};
use routing::{Node, Timestamp};
use std::collections::BTreeSet;

/// A hub of 2 000 open connections, each in 3 of 300 channels.
fn hub(mode: RoutingMode, servers: u16, seed: u64) -> Hub<()> {
    let mut rng = TestRng(seed);
    let owners: Vec<u32> = (0..10).collect();
    let owners = Some(PlacementMap::new(
        Placement::Ring { virtual_nodes: 100 },
        &owners,
    ));
    let mut hub = Hub::new(
        HubOptions {
            mode,
            owners,
            ..HubOptions::default()
        },
        servers,
    );
    for connection in (0..2_000).map(ConnectionId) {
        let server = ServerId(rng.below(u64::from(servers)) as u16);
        hub.open(Timestamp(0), connection, server)
            .expect("that server is up");
        for _ in 0..3 {
            hub.join(ChannelId(rng.below(300) as u32), connection);
        }
    }
    hub
}

#[test]
fn recall_is_complete_and_interest_is_precise() {
    for seed in 0..20 {
        for mode in [
            RoutingMode::Broadcast,
            RoutingMode::Interest,
            RoutingMode::ChannelOwner,
        ] {
            let mut hub = hub(mode, 40, seed);
            let mut plan = FanoutPlan::new();
            for channel in (0..300).map(ChannelId) {
                let published = hub.publish(Timestamp(1), channel, ServerId(0), (), &mut plan);
                let with_members: BTreeSet<ServerId> = hub.directory().servers(channel).collect();
                let reached: BTreeSet<ServerId> =
                    plan.copies().iter().map(|copy| copy.server).collect();
                assert!(reached.is_superset(&with_members), "recall 1");
                assert_eq!(plan.recipients(), published.owed_live);
                for copy in plan.copies() {
                    let members = hub.directory().members_on(channel, copy.server).len();
                    assert_eq!(copy.recipients as usize, members);
                }
                if mode == RoutingMode::Broadcast {
                    assert_eq!(
                        (plan.copies().len(), plan.wasted_copies()),
                        (40, 40 - with_members.len())
                    );
                } else {
                    assert_eq!(reached, with_members, "precision 1");
                }
                assert_eq!(plan.owner().is_some(), mode == RoutingMode::ChannelOwner);
            }
        }
    }
}

#[test]
fn without_routing_half_is_lost_between_two_servers() {
    let (mut delivered, mut owed) = (0, 0);
    for seed in 0..20 {
        let mut hub = hub(RoutingMode::Local, 2, seed);
        let mut plan = FanoutPlan::new();
        for channel in (0..300).map(ChannelId) {
            owed += hub
                .publish(Timestamp(1), channel, ServerId(0), (), &mut plan)
                .owed_live;
            delivered += plan.recipients();
        }
    }
    let ratio = delivered as f64 / owed as f64;
    println!("two servers without a broker deliver {ratio:.3}");
    assert!(near(ratio, 0.5, 5.0));
}

#[test]
fn broadcast_skips_dead_servers_and_reaches_new_ones() {
    let mut hub = hub(RoutingMode::Broadcast, 5, 1);
    let mut plan = FanoutPlan::new();
    hub.server_down(Timestamp(5), ServerId(2));
    hub.server_up(Timestamp(5), ServerId(9));
    hub.publish(Timestamp(6), ChannelId(3), ServerId(0), (), &mut plan);
    let servers: Vec<u16> = plan.copies().iter().map(|copy| copy.server.0).collect();
    assert_eq!(servers, [0, 1, 3, 4, 9]);
}

#[test]
fn one_of_a_hundred_and_one_channel_owners_takes_its_share() {
    let nodes: Vec<u32> = (0..100).collect();
    let mut share = 0.0;
    for seed in 0..20 {
        let nodes: Vec<Node> = nodes.iter().copied().map(Node::new).collect();
        let placement = Placement::Ring { virtual_nodes: 100 };
        let mut owners = PlacementMap::with_weights(placement, &nodes, seed);
        let before: Vec<Option<u32>> = (0..20_000).map(|channel| owners.owner(channel)).collect();
        owners.add(Node::new(100));
        let moved = (0..20_000)
            .filter(|&channel| owners.owner(channel) != before[channel as usize])
            .count();
        share += moved as f64 / 20_000.0 / 20.0;
    }
    println!("adding one of 100 channel owners moves {share:.5}");
    assert!(near(share, 1.0 / 101.0, 20.0));
}

#[test]
fn a_broker_of_three_dies() {
    let (count, detection) = (300, 6_000_000_000);
    for (replication, lost) in [(1, 100), (2, 0), (3, 0)] {
        let mut partitions = Partitions::new(count, 3, replication, detection);
        partitions.broker_down(Timestamp(0), 0);
        assert_eq!(
            partitions.unavailable(),
            100,
            "a third is without a leader until detection"
        );
        partitions.poll(Timestamp(detection));
        assert_eq!(partitions.unavailable(), lost);
        let keys = (0..30_000)
            .filter(|&key| partitions.leader(partitions.partition_of(key)).is_none())
            .count();
        assert!(near(keys as f64, 30_000.0 * f64::from(lost) / 300.0, 8.0));
        for partition in 0..count {
            assert!(
                partitions
                    .leader(partition)
                    .is_none_or(|leader| partitions.replicas(partition).any(|r| r == leader))
            );
        }
    }
}

proptest! {
    #![proptest_config(proptest_config(200))]

    /// With r replicas, any r - 1 dead brokers leave every partition available after detection.
    #[test]
    fn partitions_survive_all_but_one_replica(
        brokers in 2u32..8, replication in 2u32..5, dead in prop::collection::vec(0u32..8, 0..4),
    ) {
        let mut partitions = Partitions::new(64, brokers, replication, 10);
        let replication = replication.min(brokers);
        let dead: BTreeSet<u32> = dead.into_iter().filter(|&broker| broker < brokers).take(replication as usize - 1).collect();
        for (i, &broker) in dead.iter().enumerate() {
            partitions.broker_down(Timestamp(i as u64), broker);
        }
        while let Some(at) = partitions.next_failover_at() {
            prop_assert!(!partitions.poll(at).is_empty());
        }
        for partition in 0..64 {
            prop_assert!(partitions.leader(partition).is_some_and(|leader| partitions.is_up(leader)));
        }
    }

    #[test]
    fn a_relay_tree_keeps_its_limit(sessions in 0u64..5_000, limit in 1u32..400, leaves in prop::collection::vec(any::<u32>(), 0..100)) {
        let mut tree = RelayTree::new(sessions, limit);
        prop_assert_eq!(tree.relays() as u64, sessions.div_ceil(u64::from(limit)));
        if tree.depth() == 2 {
            prop_assert_eq!(tree.root_sends(), sessions.div_ceil(u64::from(limit)));
        }
        for leave in leaves {
            if leave % 3 == 0 {
                tree.join();
            } else if tree.relays() > 0 {
                tree.leave(leave % tree.relays() as u32);
            }
            prop_assert!(tree.loads().iter().all(|&load| load <= limit));
            prop_assert_eq!(tree.loads().iter().map(|&load| u64::from(load)).sum::<u64>(), tree.sessions());
        }
    }
}

fn token() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("a".to_owned()),
        Just("b".to_owned()),
        Just("c".to_owned())
    ]
}

fn pattern() -> impl Strategy<Value = Pattern> {
    let tokens = prop::collection::vec(prop_oneof![3 => token(), 1 => Just("*".to_owned())], 1..4);
    (tokens, any::<bool>()).prop_map(|(mut tokens, tail)| {
        if tail {
            tokens.push(">".to_owned());
        }
        Pattern::new(&tokens.join(".")).expect("valid tokens")
    })
}

fn subject() -> impl Strategy<Value = Subject> {
    prop::collection::vec(token(), 1..5)
        .prop_map(|tokens| Subject::new(&tokens.join(".")).expect("valid tokens"))
}

proptest! {
    #![proptest_config(proptest_config(300))]

    #[test]
    fn the_trie_matches_as_each_pattern_does(
        changes in prop::collection::vec((pattern(), 0u32..6, prop::bool::weighted(0.7)), 0..60),
        subjects in prop::collection::vec(subject(), 1..20),
    ) {
        let (mut trie, mut model, mut found) = (SubjectTrie::new(), BTreeSet::new(), Vec::new());
        for (pattern, subscriber, add) in changes {
            if add {
                prop_assert_eq!(trie.insert(&pattern, subscriber), model.insert((pattern, subscriber)));
            } else {
                prop_assert_eq!(trie.remove(&pattern, &subscriber), model.remove(&(pattern, subscriber)));
            }
        }
        prop_assert_eq!(trie.len(), model.len());
        for subject in subjects {
            trie.matches(&subject, &mut found);
            let expected: BTreeSet<u32> = model.iter().filter(|(p, _)| p.matches(&subject)).map(|(_, s)| *s).collect();
            prop_assert_eq!(&found, &expected.into_iter().collect::<Vec<_>>());
        }
    }

    /// A message reaches a client iff some subscription of it matches, with one copy per remote server.
    #[test]
    fn interest_delivers_iff_subscribed(
        changes in prop::collection::vec((pattern(), 0u32..12, prop::bool::weighted(0.7)), 0..80),
        subjects in prop::collection::vec((subject(), 0u16..4), 1..20),
    ) {
        let mut nodes: Vec<InterestNode> = (0..4).map(|id| InterestNode::new(ServerId(id))).collect();
        let mut model = BTreeSet::new();
        for (pattern, connection, add) in changes {
            let (server, connection) = ((connection % 4) as usize, ConnectionId(connection));
            let advertisement: Option<Advertisement> = if add {
                model.insert((pattern.clone(), connection));
                nodes[server].subscribe(connection, &pattern)
            } else {
                model.remove(&(pattern.clone(), connection));
                nodes[server].unsubscribe(connection, &pattern)
            };
            for (id, node) in nodes.iter_mut().enumerate() {
                if let Some(advertisement) = advertisement.as_ref().filter(|_| id != server) {
                    node.receive(advertisement);
                }
            }
        }
        for (subject, origin) in subjects {
            let (mut servers, mut clients) = (Vec::new(), Vec::new());
            nodes[usize::from(origin)].remote_servers(&subject, &mut servers);
            prop_assert!(servers.windows(2).all(|pair| pair[0] < pair[1]), "one copy each");
            prop_assert!(!servers.contains(&ServerId(origin)));
            servers.push(ServerId(origin));
            let mut reached = BTreeSet::new();
            for server in servers {
                nodes[server.index()].local_recipients(&subject, &mut clients);
                prop_assert!(server == ServerId(origin) || !clients.is_empty(), "no copy without interest");
                reached.extend(clients.iter().copied());
            }
            let expected: BTreeSet<ConnectionId> = model.iter().filter(|(p, _)| p.matches(&subject)).map(|(_, c)| *c).collect();
            prop_assert_eq!(reached, expected);
        }
    }
}
