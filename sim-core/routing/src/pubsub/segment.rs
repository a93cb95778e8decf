//! One channel's cells: members from the front, grouped by home; group records from the back.
//!
//! *Models:* `[member … member | free | group n-1 … group 0]` in one run of 32-bit cells. A group record is
//! a home and the exclusive end of its members: one cell (17 + 15 bits) in a segment of up to 32 767 cells,
//! two cells in a larger one. Groups are ordered by home and never empty.
//! *Formula:* a member enters or leaves a group by moving all that follow by one cell, so that everybody else keeps the
//! order in which copies are written, O(members); finding a member scans its group. *Leaves out:* growth, which is the directory's.

use super::directory::Home;
use crate::ids::{ConnectionId, ServerId};

const NARROW: usize = 0x7fff;

/// Cells taken by one group record in a segment of `cap` cells.
pub(super) const fn record_width(cap: usize) -> usize {
    if cap > NARROW { 2 } else { 1 }
}

/// The sort key of a home: groups of one server are neighbours, live before away.
pub(super) const fn key_of(home: Home) -> u32 {
    match home {
        Home::Live(server) => (server.0 as u32) << 1,
        Home::Away(server) => (server.0 as u32) << 1 | 1,
    }
}

pub(super) const fn home_of(key: u32) -> Home {
    let server = ServerId((key >> 1) as u16);
    if key & 1 == 0 {
        Home::Live(server)
    } else {
        Home::Away(server)
    }
}

/// The key and the exclusive end of group `i`.
#[inline]
pub(super) fn group(cells: &[ConnectionId], i: usize) -> (u32, usize) {
    let cap = cells.len();
    if cap > NARROW {
        (cells[cap - 2 * i - 2].0, cells[cap - 2 * i - 1].0 as usize)
    } else {
        let word = cells[cap - i - 1].0;
        (word >> 15, (word & NARROW as u32) as usize)
    }
}

/// Writes group `i`.
#[inline]
pub(super) fn set_group(cells: &mut [ConnectionId], i: usize, key: u32, end: usize) {
    let cap = cells.len();
    if cap > NARROW {
        cells[cap - 2 * i - 2].0 = key;
        cells[cap - 2 * i - 1].0 = end as u32;
    } else {
        cells[cap - i - 1].0 = key << 15 | end as u32;
    }
}

/// The first member of group `i`.
#[inline]
pub(super) fn start(cells: &[ConnectionId], i: usize) -> usize {
    if i == 0 { 0 } else { group(cells, i - 1).1 }
}

/// The group with `key`: `Ok` where it is, `Err` where it would be.
pub(super) fn find(cells: &[ConnectionId], groups: usize, key: u32) -> Result<usize, usize> {
    let (mut low, mut high) = (0, groups);
    while low < high {
        let middle = low.midpoint(high);
        match group(cells, middle).0.cmp(&key) {
            std::cmp::Ordering::Equal => return Ok(middle),
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    Err(low)
}

/// Makes room for an empty group `i` with `key`; the caller fills it at once.
pub(super) fn insert_group(cells: &mut [ConnectionId], groups: usize, i: usize, key: u32) {
    let (cap, width) = (cells.len(), record_width(cells.len()));
    let from = cap - width * groups;
    cells.copy_within(from..cap - width * i, from - width);
    let at = start(cells, i);
    set_group(cells, i, key, at);
}

/// Drops the record of group `i`; its members, if any, fall to group `i + 1`.
pub(super) fn remove_group(cells: &mut [ConnectionId], groups: usize, i: usize) {
    let (cap, width) = (cells.len(), record_width(cells.len()));
    let from = cap - width * groups;
    cells.copy_within(from..cap - width * (i + 1), from + width);
}

/// Adds a member at the end of group `i`; all others keep their order.
pub(super) fn insert_member(
    cells: &mut [ConnectionId],
    groups: usize,
    i: usize,
    member: ConnectionId,
) {
    let (at, all) = (group(cells, i).1, group(cells, groups - 1).1);
    cells.copy_within(at..all, at + 1);
    cells[at] = member;
    for shifted in i..groups {
        let (key, end) = group(cells, shifted);
        set_group(cells, shifted, key, end + 1);
    }
}

/// Takes the member at `position` out of group `i`; all others keep their order.
pub(super) fn remove_member(cells: &mut [ConnectionId], groups: usize, i: usize, position: usize) {
    let all = group(cells, groups - 1).1;
    cells.copy_within(position + 1..all, position);
    for shifted in i..groups {
        let (key, end) = group(cells, shifted);
        set_group(cells, shifted, key, end - 1);
    }
}
