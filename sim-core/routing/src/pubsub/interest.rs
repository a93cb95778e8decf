//! The interest graph: servers tell each other which subjects their clients want.
//!
//! *Models:* one node per server. It holds its clients' subscriptions, counts them by pattern, and advertises
//! a pattern when the count leaves zero (RS+) and withdraws it when it returns there (RS−). *Property:* a
//! message is delivered iff some subscription matches, with one copy per remote server with interest.
//! *Leaves out:* gateways between clusters, and the delay of an advertisement, which is the caller's.
//! *Source:* NATS server route protocol.

use super::subject::{Pattern, Subject, SubjectTrie};
use crate::ids::{ConnectionId, ServerId};
use std::collections::BTreeMap;

/// What a server tells all others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advertisement {
    /// Who tells.
    pub from: ServerId,
    /// The pattern its clients want, or want no more.
    pub pattern: Pattern,
    /// RS+ (`true`) or RS− (`false`).
    pub wanted: bool,
}

/// One server's part of the graph.
#[derive(Clone, Debug)]
pub struct InterestNode {
    server: ServerId,
    local: SubjectTrie<ConnectionId>,
    counts: BTreeMap<Pattern, u32>,
    remote: SubjectTrie<ServerId>,
    known: BTreeMap<ServerId, std::collections::BTreeSet<Pattern>>,
}

impl InterestNode {
    /// A server without clients that knows of no other.
    #[must_use]
    pub fn new(server: ServerId) -> Self {
        Self {
            server,
            local: SubjectTrie::new(),
            counts: BTreeMap::new(),
            remote: SubjectTrie::new(),
            known: BTreeMap::new(),
        }
    }

    /// A client subscribes; the advertisement to send to all other servers, if it is news to them.
    pub fn subscribe(
        &mut self,
        connection: ConnectionId,
        pattern: &Pattern,
    ) -> Option<Advertisement> {
        if !self.local.insert(pattern, connection) {
            return None;
        }
        let count = self.counts.entry(pattern.clone()).or_default();
        *count += 1;
        (*count == 1).then(|| Advertisement {
            from: self.server,
            pattern: pattern.clone(),
            wanted: true,
        })
    }

    /// A client unsubscribes; the advertisement to send, if it was the last.
    pub fn unsubscribe(
        &mut self,
        connection: ConnectionId,
        pattern: &Pattern,
    ) -> Option<Advertisement> {
        if !self.local.remove(pattern, &connection) {
            return None;
        }
        let count = self.counts.get_mut(pattern)?;
        *count -= 1;
        if *count > 0 {
            return None;
        }
        self.counts.remove(pattern);
        Some(Advertisement {
            from: self.server,
            pattern: pattern.clone(),
            wanted: false,
        })
    }

    /// Another server has advertised.
    pub fn receive(&mut self, advertisement: &Advertisement) {
        let Advertisement {
            from,
            pattern,
            wanted,
        } = advertisement;
        let known = self.known.entry(*from).or_default();
        if *wanted {
            known.insert(pattern.clone());
            self.remote.insert(pattern, *from);
        } else {
            known.remove(pattern);
            self.remote.remove(pattern, from);
        }
    }

    /// A new or recovered server connects: all this one has to tell it.
    pub fn introduction(&self) -> impl Iterator<Item = Advertisement> + '_ {
        let advertise = |pattern: &Pattern| Advertisement {
            from: self.server,
            pattern: pattern.clone(),
            wanted: true,
        };
        self.counts.keys().map(advertise)
    }

    /// Another server is gone: its interest with it.
    pub fn forget(&mut self, server: ServerId) {
        for pattern in self.known.remove(&server).unwrap_or_default() {
            self.remote.remove(&pattern, &server);
        }
    }

    /// The clients here that want a message; fills `out` anew.
    pub fn local_recipients(&self, subject: &Subject, out: &mut Vec<ConnectionId>) {
        self.local.matches(subject, out);
    }

    /// The other servers that want a message, each once; fills `out` anew.
    pub fn remote_servers(&self, subject: &Subject, out: &mut Vec<ServerId>) {
        self.remote.matches(subject, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_and_the_last_subscription_are_advertised() {
        let pattern = Pattern::new("room.*").unwrap();
        let (a, b) = (ConnectionId(1), ConnectionId(2));
        let mut here = InterestNode::new(ServerId(0));
        let mut there = InterestNode::new(ServerId(1));
        let first = here.subscribe(a, &pattern).unwrap();
        assert!(here.subscribe(a, &pattern).is_none() && here.subscribe(b, &pattern).is_none());
        there.receive(&first);
        let subject = Subject::new("room.7").unwrap();
        let (mut servers, mut clients) = (Vec::new(), Vec::new());
        there.remote_servers(&subject, &mut servers);
        here.local_recipients(&subject, &mut clients);
        assert_eq!(
            (servers.as_slice(), clients.as_slice()),
            (&[ServerId(0)][..], &[a, b][..])
        );
        assert_eq!(here.introduction().collect::<Vec<_>>(), [first]);
        assert!(here.unsubscribe(a, &pattern).is_none());
        there.receive(&here.unsubscribe(b, &pattern).unwrap());
        there.remote_servers(&subject, &mut servers);
        assert!(servers.is_empty());
    }

    #[test]
    fn a_forgotten_server_gets_no_copies() {
        let mut node = InterestNode::new(ServerId(0));
        for text in [">", "a.*"] {
            let pattern = Pattern::new(text).unwrap();
            node.receive(&Advertisement {
                from: ServerId(5),
                pattern,
                wanted: true,
            });
        }
        node.forget(ServerId(5));
        let mut servers = Vec::new();
        node.remote_servers(&Subject::new("a.b").unwrap(), &mut servers);
        assert!(servers.is_empty());
    }
}
