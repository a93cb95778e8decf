//! Bytes per membership and per connection, with channels of every size and hundreds of servers.
//!
//! The heavy case takes about 3 GB: `cargo test -p routing --release --test directory_memory -- --ignored`.
#![expect(
    clippy::disallowed_methods,
    reason = "prints how long building and storms take"
)]

mod common;

use common::TestRng;
use routing::session::ConnectionTable;
use routing::{ChannelId, ConnectionId, DirectoryBuilder, ServerId};
use std::time::Instant;

/// Channel sizes: mostly conversations and teams, some large rooms, a few huge ones.
fn size(rng: &mut TestRng, largest: u32) -> u32 {
    let x = 2.0 / libm::pow(1.0 - rng.unit(), 1.0 / 1.1);
    (x as u32).clamp(2, largest)
}

fn measure(connections: u32, per_connection: u64, servers: u64) {
    let mut rng = TestRng(42);
    let server_of: Vec<ServerId> = (0..connections)
        .map(|_| ServerId(rng.below(servers) as u16))
        .collect();
    let goal = u64::from(connections) * per_connection;
    let start = Instant::now();
    let mut drawing = 0.0;
    let mut builder = DirectoryBuilder::new(connections);
    let (mut members, mut pushed) = (Vec::new(), 0);
    while pushed < goal {
        let drawn = Instant::now();
        let size = size(&mut rng, connections / 10);
        members.clear();
        members.extend((0..size).map(|_| ConnectionId(rng.below(u64::from(connections)) as u32)));
        members.sort_unstable();
        members.dedup();
        drawing += drawn.elapsed().as_secs_f64();
        builder.push_channel(&members, &server_of);
        pushed += members.len() as u64;
    }
    let finishing = Instant::now();
    let mut directory = builder.finish();
    let (finish_s, build_s) = (
        finishing.elapsed().as_secs_f64(),
        start.elapsed().as_secs_f64() - drawing,
    );
    let table = ConnectionTable::open_on(&server_of);
    let memberships = directory.memberships() as f64;
    let per_membership = directory.membership_bytes() as f64 / memberships;
    let per_connection =
        (directory.connection_bytes() + table.memory_bytes()) as f64 / f64::from(connections);
    println!(
        "{connections} connections, {} channels, {memberships} memberships",
        directory.channel_count()
    );
    println!("{per_membership:.2} B per membership, {per_connection:.2} B per connection");
    println!("built in {build_s:.1} s of which {finish_s:.1} s for the reverse index");
    assert!(
        per_membership <= 20.0,
        "{per_membership} bytes per membership"
    );
    assert!(
        per_connection <= 64.0,
        "{per_connection} bytes per connection"
    );

    let clone = Instant::now();
    let copy = directory.clone();
    println!("clone {:.0} µs", clone.elapsed().as_secs_f64() * 1e6);
    let down = Instant::now();
    let lost = directory.server_down(ServerId(1));
    println!(
        "server down: {lost} memberships in {:.2} s",
        down.elapsed().as_secs_f64()
    );
    let back = Instant::now();
    let mut returned = 0;
    for (i, _) in server_of
        .iter()
        .enumerate()
        .filter(|(_, server)| **server == ServerId(1))
    {
        returned += directory.come_back(ConnectionId(i as u32), ServerId(1), ServerId(2)) as u64;
    }
    println!(
        "come back: {returned} memberships in {:.2} s",
        back.elapsed().as_secs_f64()
    );
    assert_eq!(lost, returned);
    assert_eq!(copy.memberships(), directory.memberships());
    assert!(copy.groups(ChannelId(0)).next().is_some());
    let after = directory.membership_bytes() as f64 / memberships;
    println!("{after:.2} B per membership after the storm");
}

#[test]
fn bounds_hold_for_a_hundred_thousand() {
    measure(100_000, 12, 100);
}

#[test]
#[ignore = "10 million connections: about 3 GB and a minute; run in release"]
fn bounds_hold_for_ten_million() {
    measure(10_000_000, 12, 400);
}
