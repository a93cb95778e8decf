//! Queues before the providers.
//!
//! *Models:* per provider a rate (one message per gap), up or down; messages in three queues by priority,
//! either per provider ([`Queueing::Bulkheads`]) or all together ([`Queueing::Shared`], where the first in line
//! is sent next or nobody). A full queue sheds the youngest of the lowest priority that is below the one
//! offered, or the one offered. Repetitions within a window are dropped. *Property:* accepted = sent + queued +
//! shed. *Formula:* a queue of capacity c before a provider of rate r delays what it accepts by at most c / r.
//! *Leaves out:* retries of what a provider refused. *Source:* as [`super`].

use super::{Channel, Notification, Priority};
use crate::hash;
use crate::ids::Timestamp;
use crate::sourcing::DedupeWindow;
use std::collections::VecDeque;

/// How messages queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Queueing {
    /// Each provider has its own queue.
    #[default]
    Bulkheads,
    /// One queue for all.
    Shared,
}

/// One provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Nanoseconds between two messages.
    pub gap_ns: u64,
}

/// Settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DispatcherOptions {
    /// How messages queue.
    pub queueing: Queueing,
    /// Messages in each queue, at most (all priorities together).
    pub capacity: u32,
    /// Providers by channel.
    pub providers: [Provider; 4],
    /// The same subject is told once within this time, in nanoseconds.
    pub dedupe_window_ns: u64,
    /// Subjects remembered at most.
    pub dedupe_capacity: u32,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offered {
    /// It is in a queue.
    Queued,
    /// It is in a queue, and this one is no longer.
    Displaced(Notification),
    /// The queue is full of what matters at least as much.
    Shed,
    /// It was told lately.
    Duplicate,
}

/// A message on its way to its provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dispatched {
    /// When it was offered.
    pub offered: Timestamp,
    /// The message.
    pub notification: Notification,
}

/// Waiting messages by priority, [`Priority::ALL`].
type Queues = [VecDeque<Dispatched>; 3];

/// Queues and providers.
#[derive(Clone, Debug)]
pub struct Dispatcher {
    options: DispatcherOptions,
    /// One set per channel, or one.
    queues: Vec<Queues>,
    up: [bool; 4],
    /// When each provider takes the next.
    free_at: [Timestamp; 4],
    window: DedupeWindow,
    /// By priority, as [`Priority::ALL`].
    shed: [u64; 3],
}

impl Dispatcher {
    /// Empty queues; all providers are up.
    #[must_use]
    pub fn new(options: DispatcherOptions) -> Self {
        let sets = match options.queueing {
            Queueing::Bulkheads => Channel::ALL.len(),
            Queueing::Shared => 1,
        };
        Self {
            options,
            queues: vec![Queues::default(); sets],
            up: [true; 4],
            free_at: [Timestamp::ZERO; 4],
            window: DedupeWindow::new(options.dedupe_window_ns, options.dedupe_capacity),
            shed: [0; 3],
        }
    }

    /// A message for a provider.
    pub fn offer(&mut self, now: Timestamp, notification: Notification) -> Offered {
        let whom = u64::from(notification.user) << 2 | notification.channel as u64;
        let key = hash::hash_pair(hash::DEFAULT_SEED, whom, notification.subject);
        if !self.window.first_time(now, key) {
            return Offered::Duplicate;
        }
        let set = self.set_of(notification.channel);
        let queues = &mut self.queues[set];
        let class = class(notification.priority);
        let full =
            queues.iter().map(VecDeque::len).sum::<usize>() >= self.options.capacity as usize;
        let displaced = if full {
            // Queues beyond the own class matter less; the last of them least.
            let less = (class + 1..3)
                .rev()
                .find(|&other| !queues[other].is_empty());
            let victim = less.and_then(|other| queues[other].pop_back());
            let Some(victim) = victim else {
                self.shed[class] += 1;
                return Offered::Shed;
            };
            Some(victim.notification)
        } else {
            None
        };
        queues[class].push_back(Dispatched {
            offered: now,
            notification,
        });
        match displaced {
            Some(victim) => {
                self.shed[self::class(victim.priority)] += 1;
                Offered::Displaced(victim)
            }
            None => Offered::Queued,
        }
    }

    /// The next message that a provider takes at `now`.
    pub fn poll(&mut self, now: Timestamp) -> Option<Dispatched> {
        for set in 0..self.queues.len() {
            let Some((class, channel)) = self.head(set) else {
                continue;
            };
            if !self.up[channel.index()] || self.free_at[channel.index()] > now {
                continue;
            }
            let gap = self.options.providers[channel.index()].gap_ns;
            self.free_at[channel.index()] = now.plus(gap);
            return self.queues[set][class].pop_front();
        }
        None
    }

    /// When the next message can go: `None` while nothing waits but for providers that are down.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        (0..self.queues.len())
            .filter_map(|set| self.head(set))
            .filter(|(_, channel)| self.up[channel.index()])
            .map(|(_, channel)| self.free_at[channel.index()])
            .min()
    }

    /// A provider stops or comes back.
    pub fn set_up(&mut self, channel: Channel, up: bool) {
        self.up[channel.index()] = up;
    }

    /// A provider takes its messages this far apart from now on.
    pub fn set_gap(&mut self, channel: Channel, gap_ns: u64) {
        self.options.providers[channel.index()].gap_ns = gap_ns;
    }

    /// Messages that wait for a channel.
    #[must_use]
    pub fn queued(&self, channel: Channel) -> usize {
        let of_set = self.queues[self.set_of(channel)].iter().flatten();
        of_set
            .filter(|waiting| waiting.notification.channel == channel)
            .count()
    }

    /// Messages shed, by priority as in [`Priority::ALL`].
    #[must_use]
    pub fn shed(&self) -> [u64; 3] {
        self.shed
    }

    /// Repetitions dropped.
    #[must_use]
    pub fn duplicates(&self) -> u64 {
        self.window.duplicates()
    }

    fn set_of(&self, channel: Channel) -> usize {
        channel.index().min(self.queues.len() - 1)
    }

    /// The class and channel of the first in line.
    fn head(&self, set: usize) -> Option<(usize, Channel)> {
        let queues = &self.queues[set];
        let class = queues.iter().position(|queue| !queue.is_empty())?;
        let first = queues[class].front()?;
        Some((class, first.notification.channel))
    }
}

/// The place of a priority in [`Priority::ALL`].
const fn class(priority: Priority) -> usize {
    match priority {
        Priority::High => 0,
        Priority::Medium => 1,
        Priority::Low => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(queueing: Queueing) -> DispatcherOptions {
        DispatcherOptions {
            queueing,
            capacity: 3,
            providers: [Provider { gap_ns: 10 }; 4],
            dedupe_window_ns: 1_000,
            dedupe_capacity: 100,
        }
    }

    fn about(subject: u64, channel: Channel, priority: Priority) -> Notification {
        Notification {
            user: 1,
            subject,
            priority,
            channel,
        }
    }

    #[test]
    fn a_full_queue_sheds_what_matters_least() {
        let mut dispatcher = Dispatcher::new(options(Queueing::Bulkheads));
        let mut offer = |subject, priority| {
            dispatcher.offer(Timestamp(0), about(subject, Channel::Push, priority))
        };
        offer(1, Priority::Low);
        offer(2, Priority::Low);
        offer(3, Priority::High);
        assert_eq!(offer(3, Priority::High), Offered::Duplicate);
        assert_eq!(offer(4, Priority::Low), Offered::Shed);
        let second = about(2, Channel::Push, Priority::Low);
        assert_eq!(offer(5, Priority::Medium), Offered::Displaced(second));
        let order: Vec<u64> = (0..4)
            .filter_map(|i| dispatcher.poll(Timestamp(i * 10)))
            .map(|sent| sent.notification.subject)
            .collect();
        assert_eq!((order, dispatcher.shed()), (vec![3, 5, 1], [0, 0, 2]));
    }

    #[test]
    fn a_provider_that_stands_still_stops_a_shared_queue() {
        for (queueing, sent) in [(Queueing::Bulkheads, 1), (Queueing::Shared, 0)] {
            let mut dispatcher = Dispatcher::new(options(queueing));
            dispatcher.set_up(Channel::Sms, false);
            dispatcher.offer(Timestamp(0), about(1, Channel::Sms, Priority::High));
            dispatcher.offer(Timestamp(0), about(1, Channel::Push, Priority::High));
            let out = std::iter::from_fn(|| dispatcher.poll(Timestamp(50))).count();
            assert_eq!((out, dispatcher.queued(Channel::Sms)), (sent, 1));
            assert_eq!(dispatcher.next_due(), None);
            dispatcher.set_up(Channel::Sms, true);
            assert!(dispatcher.poll(Timestamp(60)).is_some());
        }
    }
}
