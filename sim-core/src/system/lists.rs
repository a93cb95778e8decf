//! Recipient lists of operations that are not addressed to one channel: a status change goes to all distinct co-members.

use routing::{ConnectionId, FanoutPlan, ServerId};

/// Recipients grouped by server.
#[derive(Clone, Debug, Default)]
struct List {
    /// (server, start, end) into `members`, by server.
    groups: Vec<(ServerId, u32, u32)>,
    members: Vec<ConnectionId>,
}

/// Lists by index, with free places reused.
#[derive(Clone, Debug, Default)]
pub struct Lists {
    places: Vec<List>,
    free: Vec<u32>,
}

impl Lists {
    /// Keeps the recipients `pairs` (sorted here by server) and plans one copy per server.
    pub fn insert(&mut self, pairs: &mut [(ServerId, ConnectionId)], plan: &mut FanoutPlan) -> u32 {
        pairs.sort_unstable();
        let id = self.free.pop().unwrap_or_else(|| {
            self.places.push(List::default());
            (self.places.len() - 1) as u32
        });
        let list = &mut self.places[id as usize];
        list.groups.clear();
        list.members.clear();
        for &(server, member) in &*pairs {
            let at = list.members.len() as u32;
            match list.groups.last_mut() {
                Some((last, _, end)) if *last == server => *end = at + 1,
                _ => list.groups.push((server, at, at + 1)),
            }
            list.members.push(member);
        }
        plan.clear();
        for &(server, start, end) in &list.groups {
            plan.push(server, end - start);
        }
        id
    }

    /// Recipients on one server.
    #[must_use]
    pub fn on(&self, id: u32, server: ServerId) -> &[ConnectionId] {
        let list = &self.places[id as usize];
        match list.groups.binary_search_by_key(&server, |group| group.0) {
            Ok(index) => {
                let (_, start, end) = list.groups[index];
                &list.members[start as usize..end as usize]
            }
            Err(_) => &[],
        }
    }

    /// Frees a list's place.
    pub fn remove(&mut self, id: u32) {
        self.free.push(id);
    }
}
