//! What a user wants to be told, how and when.
//!
//! *Models:* channels switched on and off; quiet hours by the user's own clock, which may pass midnight; at
//! most so many notifications per hour, urgent ones not counted. *Formula:* a cap is a window of whole hours
//! since the first notification in it. *Leaves out:* preferences by subject; summer time within a run.

use super::Priority;
use crate::ids::Timestamp;

const HOUR_NS: u64 = 3_600_000_000_000;
const DAY_NS: u64 = 24 * HOUR_NS;

/// A way to reach somebody; each has its provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// To a phone, by its maker's service.
    Push,
    /// By mail.
    Email,
    /// By text message.
    Sms,
    /// In the application, while it is open.
    InApp,
}

impl Channel {
    /// All.
    pub const ALL: [Self; 4] = [Self::Push, Self::Email, Self::Sms, Self::InApp];

    /// The number as an index.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// A set of channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Channels(u8);

impl Channels {
    /// All of them.
    pub const ALL: Self = Self(0b1111);
    /// None.
    pub const NONE: Self = Self(0);

    /// With one more.
    #[must_use]
    pub const fn with(self, channel: Channel) -> Self {
        Self(self.0 | 1 << channel as u8)
    }

    /// With one less.
    #[must_use]
    pub const fn without(self, channel: Channel) -> Self {
        Self(self.0 & !(1 << channel as u8))
    }

    /// Whether one is in it.
    #[must_use]
    pub const fn contains(self, channel: Channel) -> bool {
        self.0 >> channel as u8 & 1 == 1
    }
}

/// Hours of the day in which only urgent things are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct QuietHours {
    /// Beginning, in nanoseconds after the user's midnight.
    pub from_ns: u64,
    /// End; before the beginning if they pass midnight.
    pub to_ns: u64,
    /// How far the user's clock is ahead of the caller's, in nanoseconds.
    pub ahead_ns: u64,
}

/// What a user wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preferences {
    /// Channels that are on.
    pub channels: Channels,
    /// When to be quiet.
    pub quiet: Option<QuietHours>,
    /// Notifications per hour, at most; `None` for no cap.
    pub hourly_cap: Option<u32>,
    /// When the present hour of the cap began, and how many came in it.
    hour: (Timestamp, u32),
}

/// Whether somebody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    Tell,
    /// The channel is off.
    Off,
    /// It is quiet until then.
    Quiet(Timestamp),
    /// There were enough in this hour.
    Capped,
}

impl Default for Preferences {
    /// Everything, at any time.
    fn default() -> Self {
        Self::new(Channels::ALL, None, None)
    }
}

impl Preferences {
    /// A user's preferences.
    #[must_use]
    pub const fn new(
        channels: Channels,
        quiet: Option<QuietHours>,
        hourly_cap: Option<u32>,
    ) -> Self {
        Self {
            channels,
            quiet,
            hourly_cap,
            hour: (Timestamp::ZERO, 0),
        }
    }

    /// Whether the user is told something now; if so, it counts for the cap.
    pub fn decide(&mut self, now: Timestamp, channel: Channel, priority: Priority) -> Verdict {
        if !self.channels.contains(channel) {
            return Verdict::Off;
        }
        if priority == Priority::High {
            return Verdict::Tell;
        }
        if let Some(end) = self.quiet.and_then(|quiet| quiet.until(now)) {
            return Verdict::Quiet(end);
        }
        if let Some(cap) = self.hourly_cap {
            if now.since(self.hour.0) >= HOUR_NS || self.hour.1 == 0 {
                self.hour = (now, 0);
            }
            if self.hour.1 >= cap {
                return Verdict::Capped;
            }
            self.hour.1 += 1;
        }
        Verdict::Tell
    }
}

impl QuietHours {
    /// When the quiet hours end in which `now` lies; `None` if it lies in none.
    #[must_use]
    pub fn until(&self, now: Timestamp) -> Option<Timestamp> {
        let clock = now.0.wrapping_add(self.ahead_ns) % DAY_NS;
        let after = (clock + DAY_NS - self.from_ns % DAY_NS) % DAY_NS;
        let length = (self.to_ns % DAY_NS + DAY_NS - self.from_ns % DAY_NS) % DAY_NS;
        (after < length).then(|| now.plus(length - after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_hours_pass_midnight_and_urgent_things_break_them() {
        let quiet = QuietHours {
            from_ns: 22 * HOUR_NS,
            to_ns: 7 * HOUR_NS,
            ahead_ns: HOUR_NS,
        };
        let channels = Channels::ALL.without(Channel::Sms);
        let mut user = Preferences::new(channels, Some(quiet), None);
        let mut at =
            |hour, channel, priority| user.decide(Timestamp(hour * HOUR_NS), channel, priority);
        assert_eq!(at(20, Channel::Push, Priority::Low), Verdict::Tell);
        let end = Verdict::Quiet(Timestamp(30 * HOUR_NS));
        assert_eq!(at(21, Channel::Push, Priority::Medium), end);
        assert_eq!(at(29, Channel::Push, Priority::Low), end);
        assert_eq!(at(29, Channel::Push, Priority::High), Verdict::Tell);
        assert_eq!(at(30, Channel::Push, Priority::Low), Verdict::Tell);
        assert_eq!(at(30, Channel::Sms, Priority::High), Verdict::Off);
        assert!(!Channels::NONE.with(Channel::Sms).contains(Channel::Push));
    }

    #[test]
    fn a_cap_counts_by_the_hour() {
        let mut user = Preferences::new(Channels::ALL, None, Some(2));
        let verdicts = [0, 10, 20, HOUR_NS, HOUR_NS + 1, HOUR_NS + 2]
            .map(|now| user.decide(Timestamp(now), Channel::Email, Priority::Low));
        use Verdict::{Capped, Tell};
        assert_eq!(verdicts, [Tell, Tell, Capped, Tell, Tell, Capped]);
    }
}
