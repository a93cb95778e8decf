//! The directory against a naive map, under random sequences of operations and clones.

#![allow(
    clippy::disallowed_methods,
    reason = "tests read fixtures and compare with the platform's own functions"
)]

use proptest::prelude::*;
use routing::{ChannelId, ConnectionId, Directory, DirectoryBuilder, Home, ServerId};
use std::collections::{BTreeMap, BTreeSet};

const CONNECTIONS: u32 = 40;
const CHANNELS: u32 = 8;
const SERVERS: u16 = 6;

type Model = BTreeMap<(ChannelId, ConnectionId), Home>;

#[derive(Clone, Debug)]
enum Op {
    Join(u32, u32, u16),
    Leave(u32, u32),
    ServerDown(u16),
    SetAway(u32, u16),
    ComeBack(u32, u16, u16),
    Rehome(u32, u16, u16),
    Fork,
}

fn op() -> impl Strategy<Value = Op> {
    let (channel, connection, server) = (0..CHANNELS, 0..CONNECTIONS, 0..SERVERS);
    prop_oneof![
        8 => (channel.clone(), connection.clone(), server.clone()).prop_map(|(a, b, c)| Op::Join(a, b, c)),
        3 => (channel, connection.clone()).prop_map(|(a, b)| Op::Leave(a, b)),
        1 => server.clone().prop_map(Op::ServerDown),
        2 => (connection.clone(), server.clone()).prop_map(|(a, b)| Op::SetAway(a, b)),
        3 => (connection.clone(), server.clone(), server.clone()).prop_map(|(a, b, c)| Op::ComeBack(a, b, c)),
        1 => (connection, server.clone(), server).prop_map(|(a, b, c)| Op::Rehome(a, b, c)),
        1 => Just(Op::Fork),
    ]
}

fn rehome(model: &mut Model, connection: ConnectionId, from: Home, to: Home) -> usize {
    let homes = model
        .iter_mut()
        .filter(|((_, member), home)| *member == connection && **home == from);
    homes.map(|(_, home)| *home = to).count()
}

fn apply(directory: &mut Directory, model: &mut Model, op: &Op) {
    match *op {
        Op::Join(channel, connection, server) => {
            let (channel, connection) = (ChannelId(channel), ConnectionId(connection));
            let joined = directory.join(channel, connection, ServerId(server));
            assert_eq!(joined, !model.contains_key(&(channel, connection)));
            model
                .entry((channel, connection))
                .or_insert(Home::Live(ServerId(server)));
        }
        Op::Leave(channel, connection) => {
            let key = (ChannelId(channel), ConnectionId(connection));
            assert_eq!(directory.leave(key.0, key.1), model.remove(&key).is_some());
        }
        Op::ServerDown(server) => {
            let server = ServerId(server);
            let homes = model
                .values_mut()
                .filter(|home| **home == Home::Live(server));
            let expected = homes.map(|home| *home = Home::Away(server)).count();
            assert_eq!(directory.server_down(server), expected as u64);
        }
        Op::SetAway(connection, server) => {
            let (connection, server) = (ConnectionId(connection), ServerId(server));
            let expected = rehome(model, connection, Home::Live(server), Home::Away(server));
            assert_eq!(directory.set_away(connection, server), expected);
        }
        Op::ComeBack(connection, old, new) => {
            let (connection, old, new) = (ConnectionId(connection), ServerId(old), ServerId(new));
            let expected = rehome(model, connection, Home::Away(old), Home::Live(new));
            assert_eq!(directory.come_back(connection, old, new), expected);
        }
        Op::Rehome(connection, from, to) => {
            let (connection, from, to) = (
                ConnectionId(connection),
                Home::Live(ServerId(from)),
                ServerId(to),
            );
            let expected = rehome(model, connection, from, Home::Live(to));
            assert_eq!(directory.rehome(connection, from, Home::Live(to)), expected);
        }
        Op::Fork => {}
    }
}

fn check(directory: &Directory, model: &Model) {
    assert_eq!(directory.memberships(), model.len() as u64);
    let mut found = Model::new();
    for channel in (0..CHANNELS).map(ChannelId) {
        let mut last = None;
        let mut servers = BTreeSet::new();
        for (home, members) in directory.groups(channel) {
            assert!(!members.is_empty(), "no empty groups");
            assert_eq!(directory.members_at(channel, home), members);
            let order = match home {
                Home::Live(server) => (server, 0),
                Home::Away(server) => (server, 1),
            };
            assert!(last < Some(order), "groups by server, live before away");
            last = Some(order);
            if let Home::Live(server) = home {
                servers.insert(server);
            }
            found.extend(members.iter().map(|&member| ((channel, member), home)));
        }
        assert_eq!(directory.servers(channel).collect::<BTreeSet<_>>(), servers);
        assert_eq!(
            directory.len(channel),
            model.keys().filter(|key| key.0 == channel).count()
        );
    }
    assert_eq!(&found, model);
    for connection in (0..CONNECTIONS).map(ConnectionId) {
        let mut channels = directory.channels_of(connection).to_vec();
        channels.sort_unstable();
        let expected = model
            .keys()
            .filter(|key| key.1 == connection)
            .map(|key| key.0);
        assert_eq!(channels, expected.collect::<Vec<_>>());
    }
}

fn built(members: &[BTreeSet<u32>], server_of: &[ServerId]) -> (Directory, Model) {
    let mut builder = DirectoryBuilder::new(CONNECTIONS);
    let mut model = Model::new();
    for members in members {
        let members: Vec<ConnectionId> = members.iter().copied().map(ConnectionId).collect();
        let channel = builder.push_channel(&members, server_of);
        for member in members {
            let server = server_of[member.0 as usize];
            let home = if server == ServerId::NOWHERE {
                Home::Away(server)
            } else {
                Home::Live(server)
            };
            model.insert((channel, member), home);
        }
    }
    (builder.finish(), model)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_directory_agrees_with_a_map(
        members in prop::collection::vec(prop::collection::btree_set(0..CONNECTIONS, 0..30), CHANNELS as usize),
        servers in prop::collection::vec(prop_oneof![9 => (0..SERVERS).prop_map(ServerId), 1 => Just(ServerId::NOWHERE)], CONNECTIONS as usize),
        ops in prop::collection::vec(op(), 1..150),
        from_empty: bool,
    ) {
        let (mut directory, mut model) =
            if from_empty { (Directory::new(), Model::new()) } else { built(&members, &servers) };
        check(&directory, &model);
        let mut fork = None;
        for op in &ops {
            if matches!(op, Op::Fork) {
                fork = Some((directory.clone(), model.clone()));
            }
            apply(&mut directory, &mut model, op);
        }
        check(&directory, &model);
        if let Some((directory, model)) = fork {
            check(&directory, &model);
        }
    }
}

/// Segments with two-cell group records (above 32 767 cells), with chunks of their own (above 65 536), and the
/// way from one to the other.
#[test]
fn large_channels_agree_with_a_map() {
    for initial in [32_700u32, 40_000, 65_500, 200_000] {
        let count = initial + 400;
        let servers = 50u32;
        let server_of: Vec<ServerId> = (0..count)
            .map(|c| ServerId((c * 7 % servers) as u16))
            .collect();
        let members: Vec<ConnectionId> = (0..initial).rev().map(ConnectionId).collect();
        let mut builder = DirectoryBuilder::new(count);
        let channel = builder.push_channel(&members, &server_of);
        let mut directory = builder.finish();
        for (at, (home, members)) in directory.groups(channel).enumerate() {
            assert_eq!(home, Home::Live(ServerId(at as u16)));
            assert!(members.is_sorted(), "a bulk build leaves ids ascending");
        }
        let before = directory.clone();
        for connection in (initial..count).map(ConnectionId) {
            assert!(directory.join(channel, connection, server_of[connection.index()]));
        }
        assert_eq!(before.len(channel), initial as usize);
        directory.server_down(ServerId(3));
        for connection in (0..count).map(ConnectionId).filter(|c| c.0 % 3 == 0) {
            directory.come_back(connection, ServerId(3), ServerId(60));
        }
        let mut expected = BTreeMap::<Home, BTreeSet<ConnectionId>>::new();
        for c in 0..count {
            let home = match server_of[c as usize] {
                ServerId(3) if c % 3 == 0 => Home::Live(ServerId(60)),
                ServerId(3) => Home::Away(ServerId(3)),
                server => Home::Live(server),
            };
            expected.entry(home).or_default().insert(ConnectionId(c));
        }
        let found: BTreeMap<Home, BTreeSet<ConnectionId>> = directory
            .groups(channel)
            .map(|(home, members)| (home, members.iter().copied().collect()))
            .collect();
        assert_eq!(found, expected);
        for connection in (0..count).map(ConnectionId).filter(|c| c.0 % 5 == 0) {
            assert!(directory.leave(channel, connection));
        }
        assert_eq!(directory.len(channel), (count - count.div_ceil(5)) as usize);
    }
}
