//! Fan-out plans: which servers get a copy of a message, and for how many recipients.
//!
//! *Models:* the routing step between the server where a message enters and the servers where its recipients
//! are. *Formula:* copies = 1 (local), all live servers (broadcast), servers with a live member (interest and
//! channel owner). Precision = servers with a member / copies; recall is 1 but for local routing.
//! *Leaves out:* the time a copy takes. *Source:* NATS interest graph; Slack channel servers; Discord Manifold.

use crate::ids::ServerId;

/// How a message finds the servers of its recipients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RoutingMode {
    /// No routing between servers: only members on the server where the message entered receive it.
    Local,
    /// Every live server gets a copy, with or without members.
    Broadcast,
    /// Servers advertise interest; only those with a member get a copy, straight from the origin.
    #[default]
    Interest,
    /// As interest, but every message goes through the server that owns the channel.
    ChannelOwner,
}

/// One copy of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copy {
    /// The server it goes to.
    pub server: ServerId,
    /// Live members of the channel there (0 when a broadcast is wasted).
    pub recipients: u32,
}

/// The copies of one message. Reuse one plan for all messages: it keeps its buffer.
#[derive(Clone, Debug, Default)]
pub struct FanoutPlan {
    copies: Vec<Copy>,
    owner: Option<u32>,
}

impl FanoutPlan {
    /// An empty plan.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets the last message.
    pub fn clear(&mut self) {
        self.copies.clear();
        self.owner = None;
    }

    /// Adds a copy. Servers must come in ascending order, each at most once.
    pub fn push(&mut self, server: ServerId, recipients: u32) {
        assert!(
            self.copies.last().is_none_or(|last| last.server < server),
            "one copy per server, in order"
        );
        self.copies.push(Copy { server, recipients });
    }

    /// Names the channel owner that the message passes through.
    pub fn set_owner(&mut self, owner: Option<u32>) {
        self.owner = owner;
    }

    /// The copies, by server; the origin's own is among them if it has members.
    #[must_use]
    pub fn copies(&self) -> &[Copy] {
        &self.copies
    }

    /// The owner node the message passes through, in [`RoutingMode::ChannelOwner`] with owners placed.
    #[must_use]
    pub fn owner(&self) -> Option<u32> {
        self.owner
    }

    /// Copies that leave `origin`.
    #[must_use]
    pub fn remote_copies(&self, origin: ServerId) -> usize {
        self.copies
            .iter()
            .filter(|copy| copy.server != origin)
            .count()
    }

    /// Copies to servers without a member.
    #[must_use]
    pub fn wasted_copies(&self) -> usize {
        self.copies
            .iter()
            .filter(|copy| copy.recipients == 0)
            .count()
    }

    /// Deliveries over all copies.
    #[must_use]
    pub fn recipients(&self) -> u64 {
        self.copies
            .iter()
            .map(|copy| u64::from(copy.recipients))
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_counts_its_copies_and_keeps_its_buffer() {
        let mut plan = FanoutPlan::new();
        plan.push(ServerId(1), 3);
        plan.push(ServerId(4), 0);
        assert_eq!(
            (
                plan.remote_copies(ServerId(1)),
                plan.wasted_copies(),
                plan.recipients()
            ),
            (1, 1, 3)
        );
        let capacity = plan.copies.capacity();
        plan.clear();
        assert!(plan.copies().is_empty() && plan.copies.capacity() == capacity);
    }
}
