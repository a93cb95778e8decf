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
    /// Counts, then next places, by server; reused.
    next: Vec<u32>,
}

impl Lists {
    /// Keeps the recipients `pairs`, grouped here by server, and plans one copy per server.
    pub fn insert(&mut self, pairs: &[(ServerId, ConnectionId)], plan: &mut FanoutPlan) -> u32 {
        let id = self.free.pop().unwrap_or_else(|| {
            self.places.push(List::default());
            (self.places.len() - 1) as u32
        });
        self.next.clear();
        for &(server, _) in pairs {
            let slot = server.index();
            if self.next.len() <= slot {
                self.next.resize(slot + 1, 0);
            }
            self.next[slot] += 1;
        }
        let list = &mut self.places[id as usize];
        list.groups.clear();
        plan.clear();
        let mut start = 0;
        for (slot, next) in self.next.iter_mut().enumerate() {
            let count = core::mem::replace(next, start);
            if count > 0 {
                list.groups
                    .push((ServerId(slot as u16), start, start + count));
                plan.push(ServerId(slot as u16), count);
                start += count;
            }
        }
        list.members.clear();
        list.members.resize(pairs.len(), ConnectionId(0));
        for &(server, member) in pairs {
            let next = &mut self.next[server.index()];
            list.members[*next as usize] = member;
            *next += 1;
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

    /// Frees a list's place. A place keeps no more memory than an ordinary list needs: sizes have a long tail.
    pub fn remove(&mut self, id: u32) {
        const KEPT: usize = 1024;
        let members = &mut self.places[id as usize].members;
        members.clear();
        members.shrink_to(KEPT);
        self.free.push(id);
    }
}
