//! The notification service: the real [`Preferences`] of every user and the real [`Dispatcher`] before the providers.
//!
//! *Models:* a notification takes CPU of an instance, which asks what the user wants (channels that are off, quiet hours by the
//! user's own clock, a cap per hour), then waits for its provider in the dispatcher: three priorities, queues that drop what matters least
//! when they are full, repetitions that are recognised, providers with a rate that die, slow down and come back. A provider takes its own time until
//! the user has it. *Formula:* a provider carries at most its rate; what is dropped is what exceeds it, of the lowest priority
//! that waits. *Counted:* notifications handed over for a channel that the user has switched off.
//! *Leaves out:* receipts of providers, and what is withheld in quiet hours and told later.

use std::collections::VecDeque;

use routing::notify::{
    Channel, Channels, Dispatched, Dispatcher, DispatcherOptions, Notification, Offered,
    Preferences, Priority, Provider, Queueing, QuietHours, Verdict,
};

use crate::draw::{Draws, Purpose};
use crate::quantile::QuantileTable;
use crate::scenario::over_time::utc_offset_h;
use crate::scenario::{NotificationsTier, Notify, Scenario};
use crate::statistics::CompactHistogram;
use crate::system::backend::Nodes;
use crate::system::operation::OperationId;
use crate::system::servers::timestamp;
use crate::time::{SimDuration, SimTime};

const OFF: Purpose = Purpose::named("notify/off");
const QUIET: Purpose = Purpose::named("notify/quiet");
const CHANNEL: Purpose = Purpose::named("notify/channel");
const PRIORITY: Purpose = Purpose::named("notify/priority");
const REPEATS: Purpose = Purpose::named("notify/repeats");
/// Repetitions that are remembered at most.
const REMEMBERED: u32 = 1_000_000;
const HOUR_NS: f64 = 3.6e12;

/// Of one priority, those that were started while measuring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClassCounts {
    /// Meant for a provider: wanted by the user and not told before.
    pub offered: u64,
    /// Told.
    pub delivered: u64,
    /// Dropped from a full queue.
    pub shed: u64,
}

/// What was not told on purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Withheld {
    /// The channel is off.
    pub off: u64,
    /// In quiet hours.
    pub quiet: u64,
    /// Enough in this hour.
    pub capped: u64,
    /// Told lately.
    pub repeated: u64,
}

/// One provider.
#[derive(Clone, Debug)]
pub struct Carrier {
    /// What it is for.
    pub channel: Channel,
    /// Nanoseconds between two messages on a good day; `None`: it takes none.
    pub gap: Option<u64>,
    /// Taken by it since the start.
    pub sent: u64,
    /// Messages that wait for it.
    pub waiting: u64,
    longest: u64,
    /// Integral of that up to `since`.
    waited: u128,
    since: SimTime,
    busy_ns: u64,
    slow: f64,
    latency: Option<QuantileTable>,
}

/// The service.
#[derive(Clone, Debug)]
pub struct Notifier {
    /// Its cores.
    pub nodes: Nodes,
    /// CPU of one notification.
    pub decide: SimDuration,
    /// In the order of the scenario.
    pub carriers: Vec<Carrier>,
    /// By priority, [`Priority::ALL`].
    pub classes: [ClassCounts; 3],
    /// What was not told on purpose.
    pub withheld: Withheld,
    /// Handed over although the user has switched it off.
    pub unwanted: u64,
    /// By channel and priority.
    pub told: Vec<CompactHistogram>,
    /// When the dispatcher is looked at next.
    pub looks: Option<SimTime>,
    /// Notifications that wait, as the dispatcher has them: by queue and priority.
    waiting: Vec<[VecDeque<OperationId>; 3]>,
    dispatcher: Dispatcher,
    users: Vec<Preferences>,
    /// What each was told last.
    last: Vec<Option<(u64, Channel)>>,
    traffic: Option<Notify>,
}

/// What became of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It waits for its provider.
    Waits,
    /// So does it, and another one no longer.
    Displaces(OperationId),
    /// It found the queue full.
    Shed,
    /// It is not told.
    Withheld,
}

impl Notifier {
    /// The service of a scenario with so many clients.
    #[must_use]
    pub fn new(tier: &NotificationsTier, scenario: &Scenario, clients: u32) -> Self {
        let carriers: Vec<Carrier> = scenario
            .design
            .providers
            .iter()
            .map(|own| Carrier {
                channel: own.channel,
                gap: (own.per_s > 0.0).then(|| libm::round(1e9 / own.per_s).max(1.0) as u64),
                sent: 0,
                waiting: 0,
                longest: 0,
                waited: 0,
                since: SimTime::ZERO,
                busy_ns: 0,
                slow: 1.0,
                latency: QuantileTable::new(own.latency).ok(),
            })
            .collect();
        let mut providers = [Provider { gap_ns: 1 }; 4];
        for carrier in &carriers {
            providers[carrier.channel.index()].gap_ns = carrier.gap.unwrap_or(1);
        }
        let mut dispatcher = Dispatcher::new(DispatcherOptions {
            queueing: tier.queueing,
            capacity: tier.queue,
            providers,
            dedupe_window_ns: tier.dedupe.as_nanos(),
            dedupe_capacity: REMEMBERED,
        });
        for carrier in &carriers {
            dispatcher.set_up(carrier.channel, carrier.gap.is_some());
        }
        let queues = match tier.queueing {
            Queueing::Bulkheads => Channel::ALL.len(),
            Queueing::Shared => 1,
        };
        Self {
            nodes: Nodes::new(tier.count, tier.machine.cores),
            decide: tier.decide,
            carriers,
            classes: Default::default(),
            withheld: Withheld::default(),
            unwanted: 0,
            told: vec![CompactHistogram::new(); Channel::ALL.len() * Priority::ALL.len()],
            looks: None,
            waiting: vec![Default::default(); queues],
            dispatcher,
            users: users(scenario, clients),
            last: vec![None; clients as usize],
            traffic: scenario.traffic.notify.clone(),
        }
    }

    /// Counts from now on.
    pub fn restart_counting(&mut self) {
        self.classes = Default::default();
        self.withheld = Withheld::default();
        self.unwanted = 0;
        self.told.fill(CompactHistogram::new());
    }

    /// What a notification says, to whom and how. One that repeats says what was said last, by the same channel.
    fn notification(&mut self, draws: &Draws, user: u32, ordinal: u64) -> Notification {
        let traffic = self.traffic.as_ref();
        let drawn = draws.unit_f64(PRIORITY, ordinal, 0);
        let (high, low) = traffic.map_or((0.0, 0.0), |own| (own.high, own.low));
        let priority = match drawn {
            drawn if drawn < high => Priority::High,
            drawn if drawn < high + low => Priority::Low,
            _ => Priority::Medium,
        };
        let mut drawn = draws.unit_f64(CHANNEL, ordinal, 0);
        let shares = traffic.map_or(&[][..], |own| &own.channels);
        let mut channel = shares.last().map_or(Channel::Push, |last| last.0);
        for &(own, share) in shares {
            if drawn < share {
                channel = own;
                break;
            }
            drawn -= share;
        }
        let repeats = traffic.map_or(0.0, |own| own.repeats);
        let last = self.last.get(user as usize).copied().flatten();
        let again = last.filter(|_| draws.chance(REPEATS, ordinal, 0, repeats));
        let (subject, channel) = again.unwrap_or((ordinal, channel));
        if let Some(known) = self.last.get_mut(user as usize) {
            *known = Some((subject, channel));
        }
        Notification {
            user,
            subject,
            priority,
            channel,
        }
    }

    /// Decides about a notification, and queues it if it is to be told.
    pub fn decide(
        &mut self,
        now: SimTime,
        draws: &Draws,
        (id, user, ordinal): (OperationId, u32, u64),
        measured: bool,
    ) -> (Fate, Notification) {
        let told = self.notification(draws, user, ordinal);
        let (at, channel) = (timestamp(now), told.channel);
        let count = u64::from(measured);
        let wants = self.users.get_mut(user as usize);
        match wants.map_or(Verdict::Tell, |own| own.decide(at, channel, told.priority)) {
            Verdict::Tell => {}
            Verdict::Off => {
                self.withheld.off += count;
                return (Fate::Withheld, told);
            }
            Verdict::Quiet(_) => {
                self.withheld.quiet += count;
                return (Fate::Withheld, told);
            }
            Verdict::Capped => {
                self.withheld.capped += count;
                return (Fate::Withheld, told);
            }
        }
        let class = class(told.priority);
        let fate = match self.dispatcher.offer(at, told) {
            Offered::Duplicate => {
                self.withheld.repeated += count;
                return (Fate::Withheld, told);
            }
            Offered::Shed => Fate::Shed,
            Offered::Queued => Fate::Waits,
            Offered::Displaced(victim) => {
                let queue = self.queue_of(victim.channel);
                let other = self.waiting[queue][self::class(victim.priority)].pop_back();
                self.waits(now, victim.channel, false);
                other.map_or(Fate::Waits, Fate::Displaces)
            }
        };
        self.classes[class].offered += count;
        if fate != Fate::Shed {
            let queue = self.queue_of(channel);
            self.waiting[queue][class].push_back(id);
            self.waits(now, channel, true);
        }
        (fate, told)
    }

    /// The next message that a provider takes: which, and what.
    pub fn next(&mut self, now: SimTime) -> Option<(OperationId, Dispatched)> {
        let sent = self.dispatcher.poll(timestamp(now))?;
        let channel = sent.notification.channel;
        let queue = self.queue_of(channel);
        let class = class(sent.notification.priority);
        let id = self.waiting[queue][class].pop_front()?;
        self.waits(now, channel, false);
        let wants = self.users.get(sent.notification.user as usize);
        let unwanted = wants.is_some_and(|own| !own.channels.contains(channel));
        self.unwanted += u64::from(unwanted);
        if let Some(carrier) = self.carrier(channel) {
            carrier.sent += 1;
            let gap = carrier.gap.unwrap_or_default() as f64 * carrier.slow;
            carrier.busy_ns += libm::round(gap) as u64;
        }
        Some((id, sent))
    }

    /// When the dispatcher has something again, if nothing changes.
    #[must_use]
    pub fn next_due(&self) -> Option<SimTime> {
        self.dispatcher
            .next_due()
            .map(|at| SimTime::from_nanos(at.0))
    }

    /// How long a provider takes until the user has it.
    #[must_use]
    pub fn latency(&self, channel: Channel, bits: u32) -> SimDuration {
        let carrier = self.carriers.iter().find(|own| own.channel == channel);
        let table = carrier.and_then(|own| own.latency.as_ref());
        table.map_or(SimDuration::ZERO, |table| table.sample(bits))
    }

    /// A provider stops, or comes back.
    pub fn set_up(&mut self, provider: u32, up: bool) {
        if let Some(carrier) = self.carriers.get(provider as usize) {
            let up = up && carrier.gap.is_some();
            self.dispatcher.set_up(carrier.channel, up);
        }
    }

    /// A provider takes so many times as long for each.
    pub fn slow_down(&mut self, provider: u32, factor: f64) {
        if let Some(carrier) = self.carriers.get_mut(provider as usize)
            && let Some(gap) = carrier.gap
        {
            carrier.slow = factor;
            let gap = libm::round(gap as f64 * factor) as u64;
            self.dispatcher.set_gap(carrier.channel, gap);
        }
    }

    fn carrier(&mut self, channel: Channel) -> Option<&mut Carrier> {
        self.carriers.iter_mut().find(|own| own.channel == channel)
    }

    /// One message more or less waits for a channel.
    fn waits(&mut self, now: SimTime, channel: Channel, more: bool) {
        if let Some(carrier) = self.carrier(channel) {
            carrier.waited = carrier.queue_ns(now);
            carrier.since = now;
            carrier.waiting = if more {
                carrier.waiting + 1
            } else {
                carrier.waiting - 1
            };
            carrier.longest = carrier.longest.max(carrier.waiting);
        }
    }

    /// The longest queue before one provider so far.
    #[must_use]
    pub fn longest(&self) -> u64 {
        self.carriers
            .iter()
            .map(|own| own.longest)
            .max()
            .unwrap_or_default()
    }

    fn queue_of(&self, channel: Channel) -> usize {
        channel.index().min(self.waiting.len() - 1)
    }

    /// Bytes held by what grows with users.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.users.len() * (size_of::<Preferences>() + size_of::<Option<(u64, Channel)>>())
    }
}

impl Carrier {
    /// The integral of what waits for it, up to `now`.
    #[must_use]
    pub fn queue_ns(&self, now: SimTime) -> u128 {
        let since = now.saturating_since(self.since).as_nanos();
        self.waited + u128::from(self.waiting) * u128::from(since)
    }

    /// Time in which it took messages.
    #[must_use]
    pub fn busy_ns(&self) -> u64 {
        self.busy_ns
    }
}

/// The place of a priority in [`Priority::ALL`].
#[must_use]
pub fn class(priority: Priority) -> usize {
    match priority {
        Priority::High => 0,
        Priority::Medium => 1,
        Priority::Low => 2,
    }
}

/// What everybody wants.
fn users(scenario: &Scenario, clients: u32) -> Vec<Preferences> {
    let Some(notify) = &scenario.traffic.notify else {
        return Vec::new();
    };
    let wishes = &notify.preferences;
    let draws = Draws::new(scenario.run.population_seed);
    // Who has everything at any time looks the same for all.
    let place = scenario.load.places.first().map(|(place, _)| place);
    let starts = scenario.over_time.day.starts + place.map_or(0.0, utc_offset_h);
    let ahead_ns = libm::round((starts + 48.0) * HOUR_NS) as u64;
    let of = |user: u32| {
        let mut channels = Channels::ALL;
        for &(channel, share) in &wishes.off {
            if draws.chance(OFF, user.into(), channel as u64, share) {
                channels = channels.without(channel);
            }
        }
        let quiet = wishes
            .quiet
            .filter(|(share, ..)| draws.chance(QUIET, user.into(), 0, *share));
        let quiet = quiet.map(|(_, from, to)| QuietHours {
            from_ns: from.as_nanos(),
            to_ns: to.as_nanos(),
            ahead_ns,
        });
        Preferences::new(channels, quiet, wishes.hourly_cap)
    };
    (0..clients).map(of).collect()
}
