//! Notifications: whether, when and how somebody is told something.
//!
//! *Models:* what a user wants ([`Preferences`]: channels, quiet hours, a cap per hour), one queue per provider
//! or one for all ([`Dispatcher`]), three priorities, providers with a rate that fail and come back, and the
//! recognition of repetitions. *Property:* nobody is told over a channel that they switched off, nor in quiet
//! hours unless it is urgent; with a queue per provider one that stands still stops nothing else; what is shed
//! is of the lowest priority there. *Formula:* a provider sends at most its rate; with one queue for all the
//! first message for a provider that stands still stops everybody. *Leaves out:* what a provider does with a
//! message. *Source:* M. Nygard, Release It! (2007), bulkheads.

mod dispatcher;
mod preferences;

pub use dispatcher::{Dispatched, Dispatcher, DispatcherOptions, Offered, Provider, Queueing};
pub use preferences::{Channel, Channels, Preferences, QuietHours, Verdict};

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Shed first.
    Low,
    /// In between.
    Medium,
    /// Never waits for the others, and breaks quiet hours.
    High,
}

impl Priority {
    /// All, the most important first.
    pub const ALL: [Self; 3] = [Self::High, Self::Medium, Self::Low];
}

/// Something to tell somebody over one channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Whom.
    pub user: u32,
    /// What it is about: the same thing is told once per user and channel.
    pub subject: u64,
    /// How much it matters.
    pub priority: Priority,
    /// How.
    pub channel: Channel,
}
