//! What was measured, and how it reads.
//!
//! *Models:* latency of a delivery = time of receipt − *intended* send time of its message, so that a late generator counts
//! against the system (no coordinated omission); counts of the messages whose intended time lies in the measured window; the
//! generator's own lateness = time of the write − intended time. *Formula:* lost = owed − received once the drain has ended; a
//! percentile p is given when at least 5 messages lie beyond it. *Leaves out:* intervals, and the prediction beside.
//! *Source:* Tene's wrk2 for intended times; hdrhistogram to 3 digits.

use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;
use routing::{ChannelId, Seq, Timestamp};

use crate::owner::Audit;

/// Latencies beyond this are counted as this.
const LONGEST_NS: u64 = 3_600_000_000_000;
/// Messages that must lie beyond a percentile.
const BEYOND: f64 = 5.0;
/// The generator is too late when its p99 is more than this share of the measured median.
const LATE_SHARE: f64 = 0.25;

/// A distribution of times.
#[derive(Clone, Debug)]
pub struct Times {
    histogram: Histogram<u64>,
}

impl Default for Times {
    fn default() -> Self {
        let histogram = Histogram::new_with_bounds(1, LONGEST_NS, 3);
        Self {
            histogram: histogram.expect("1 ns to an hour in three digits is a valid histogram"),
        }
    }
}

impl Times {
    /// Adds a time.
    pub fn record(&mut self, ns: u64) {
        self.histogram.saturating_record(ns.clamp(1, LONGEST_NS));
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// The mean, in milliseconds.
    #[must_use]
    pub fn mean_ms(&self) -> f64 {
        self.histogram.mean() / 1e6
    }

    /// The longest, in milliseconds.
    #[must_use]
    pub fn max_ms(&self) -> f64 {
        self.histogram.max() as f64 / 1e6
    }

    /// The time that a share `p` of all do not exceed, in milliseconds.
    #[must_use]
    pub fn quantile_ms(&self, p: f64) -> f64 {
        self.histogram.value_at_quantile(p) as f64 / 1e6
    }
}

/// Counts kept by the clients while they run.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    window: (Timestamp, Timestamp),
    /// Latency of deliveries.
    pub latency: Times,
    /// Lateness of publishes.
    pub lateness: Times,
    /// Publishes written to sockets.
    pub published: u64,
    /// Publishes that found their client's queue full or its connection lost.
    pub unsent: u64,
    /// Publishes numbered.
    pub acknowledged: u64,
    /// Publishes refused.
    pub refused: u64,
    /// Deliveries owed to live members, and to members that may resume.
    pub owed: u64,
    /// Deliveries received, each once.
    pub received: u64,
    /// Deliveries received again.
    pub duplicated: u64,
    /// Connections lost before the end, in the window or not.
    pub disconnected: u64,
}

impl Recorder {
    /// Counts messages whose intended time lies in `from..to`.
    #[must_use]
    pub fn new(from: Timestamp, to: Timestamp) -> Self {
        Self {
            window: (from, to),
            ..Self::default()
        }
    }

    /// A publish that was meant for `stamp` is written `now`.
    pub fn publish(&mut self, stamp: Timestamp, now: Timestamp) {
        if self.counts(stamp) {
            self.published += 1;
            self.lateness.record(now.since(stamp));
        }
    }

    /// A publish could not be written.
    pub fn unsent(&mut self, stamp: Timestamp) {
        self.unsent += u64::from(self.counts(stamp));
    }

    /// A publish was numbered.
    pub fn acknowledge(&mut self, stamp: Timestamp, owed: u64) {
        if self.counts(stamp) {
            self.acknowledged += 1;
            self.owed += owed;
        }
    }

    /// A publish was refused.
    pub fn refuse(&mut self, stamp: Timestamp) {
        self.refused += u64::from(self.counts(stamp));
    }

    /// A message was received, for the first time or again.
    pub fn receive(&mut self, stamp: Timestamp, now: Timestamp, is_first: bool) {
        match (self.counts(stamp), is_first) {
            (false, _) => {}
            (true, false) => self.duplicated += 1,
            (true, true) => {
                self.received += 1;
                self.latency.record(now.since(stamp));
            }
        }
    }

    /// Whether everything published is answered and everything owed received.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.acknowledged + self.refused == self.published && self.received == self.owed
    }

    fn counts(&self, stamp: Timestamp) -> bool {
        (self.window.0..self.window.1).contains(&stamp)
    }
}

/// The last number seen in each channel of one client.
#[derive(Clone, Debug, Default)]
pub struct LastSeen {
    /// Few channels per client, so a list.
    channels: Vec<(ChannelId, Seq)>,
}

impl LastSeen {
    /// Notes a message; `false` if it, or one after it, was seen before.
    pub fn note(&mut self, channel: ChannelId, seq: Seq) -> bool {
        match self
            .channels
            .iter_mut()
            .find(|(known, _)| *known == channel)
        {
            None => {
                self.channels.push((channel, seq));
                true
            }
            Some((_, last)) => {
                let is_new = seq > *last;
                *last = seq.max(*last);
                is_new
            }
        }
    }
}

/// The result of a deployment.
#[derive(Clone, Debug)]
pub struct Measured {
    /// What was deployed.
    pub name: String,
    /// Users connected.
    pub users: u32,
    /// Time it took to connect them.
    pub connecting: Duration,
    /// Time before measuring.
    pub warmup: Duration,
    /// Time measured.
    pub duration: Duration,
    /// What the clients counted.
    pub clients: Recorder,
    /// What the server decided, from start to end.
    pub server: Audit,
}

impl Measured {
    /// Deliveries owed and not received when the drain ended.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.clients.owed.saturating_sub(self.clients.received)
    }

    /// Publishes that were neither numbered nor refused.
    #[must_use]
    pub fn unanswered(&self) -> u64 {
        let answered = self.clients.acknowledged + self.clients.refused;
        self.clients.published.saturating_sub(answered)
    }

    /// Whether the generator was too late, beside the latency it measured, for the latency to be the system's.
    #[must_use]
    pub fn is_noisy(&self) -> bool {
        let Recorder {
            latency, lateness, ..
        } = &self.clients;
        latency.count() > 0 && lateness.quantile_ms(0.99) > LATE_SHARE * latency.quantile_ms(0.5)
    }

    /// A percentile of the latency, if there are messages enough.
    fn percentile(&self, p: f64) -> String {
        let messages = self.clients.acknowledged;
        let needed = (BEYOND / (1.0 - p)).round();
        if messages as f64 >= needed {
            format!("{:>10.2} ms", self.clients.latency.quantile_ms(p))
        } else {
            format!("         – needs {needed} messages, there were {messages}")
        }
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.sentence())?;
        self.latency_table(f)?;
        self.count_table(f)?;
        self.server_table(f)?;
        self.verdict(f)
    }
}

impl Measured {
    fn sentence(&self) -> String {
        format!(
            "{}, measured: {} users on one connection server over loopback WebSockets (no distance), {} s after {} s of warm-up.",
            self.name,
            self.users,
            self.duration.as_secs_f64(),
            self.warmup.as_secs_f64(),
        )
    }

    fn latency_table(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nPublish, delivered (from intended send to receipt)")?;
        if self.clients.latency.count() == 0 {
            return writeln!(f, "  nothing was delivered in the measured window");
        }
        writeln!(
            f,
            "  mean        {:>10.2} ms",
            self.clients.latency.mean_ms()
        )?;
        for (name, p) in [("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("p99.9", 0.999)] {
            writeln!(f, "  {name:<12}{}", self.percentile(p))?;
        }
        writeln!(
            f,
            "  max         {:>10.2} ms",
            self.clients.latency.max_ms()
        )
    }

    fn count_table(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clients = &self.clients;
        let per_s = |n: u64| n as f64 / self.duration.as_secs_f64();
        writeln!(f, "\nCounts")?;
        let rows = [
            ("published", clients.published),
            ("refused", clients.refused),
            ("unanswered", self.unanswered()),
            ("unsent", clients.unsent),
            ("owed", clients.owed),
            ("received", clients.received),
            ("lost", self.lost()),
            ("duplicated", clients.duplicated),
            ("disconnected", clients.disconnected),
        ];
        for (name, count) in rows {
            write!(f, "  {name:<12}{count:>10}")?;
            match name {
                "published" | "received" => writeln!(f, "    {:.1}/s", per_s(count))?,
                _ => writeln!(f)?,
            }
        }
        Ok(())
    }

    fn server_table(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let server = &self.server;
        writeln!(f, "\nServer, warm-up included")?;
        writeln!(
            f,
            "  decisions   {:>10}    digest {:016x}",
            server.decisions, server.digest
        )?;
        writeln!(f, "  slow clients{:>10}", server.slow)?;
        if server.store.queries > 0 {
            let mean_ms = |total: Duration| total.as_secs_f64() * 1e3 / server.store.queries as f64;
            writeln!(
                f,
                "  queries     {:>10}    mean {:.2} ms held ({:.2} ms asked), {:.2} ms waited for the pool",
                server.store.queries,
                mean_ms(server.store.held),
                mean_ms(server.store.asked),
                mean_ms(server.store.waited),
            )?;
        }
        Ok(())
    }

    fn verdict(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lateness = &self.clients.lateness;
        writeln!(f, "\nLoad generator")?;
        writeln!(
            f,
            "  connected   {:>10.0} ms",
            self.connecting.as_secs_f64() * 1e3
        )?;
        if lateness.count() == 0 {
            return writeln!(f, "  nothing was published in the measured window");
        }
        let (p50, p99, max) = (
            lateness.quantile_ms(0.5),
            lateness.quantile_ms(0.99),
            lateness.max_ms(),
        );
        writeln!(
            f,
            "  late        {p50:>10.2} ms at p50, {p99:.2} ms at p99, {max:.2} ms at most"
        )?;
        if self.is_noisy() {
            writeln!(
                f,
                "\ninconclusive: noisy host (the generator's p99 lateness is more than a quarter of the measured median)"
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured() -> Measured {
        let mut clients = Recorder::new(Timestamp(1_000), Timestamp(2_000));
        clients.publish(Timestamp(999), Timestamp(1_500));
        clients.publish(Timestamp(1_000), Timestamp(1_200));
        clients.acknowledge(Timestamp(1_000), 3);
        clients.receive(Timestamp(999), Timestamp(5_000), true);
        for is_first in [true, true, false] {
            clients.receive(Timestamp(1_000), Timestamp(101_000), is_first);
        }
        Measured {
            name: "two".to_owned(),
            users: 2,
            connecting: Duration::from_millis(3),
            warmup: Duration::from_secs(1),
            duration: Duration::from_secs(1),
            clients,
            server: Audit::default(),
        }
    }

    #[test]
    fn only_the_window_counts_and_losses_are_named() {
        let measured = measured();
        assert_eq!(
            (measured.clients.published, measured.clients.received),
            (1, 2)
        );
        assert_eq!((measured.lost(), measured.clients.duplicated), (1, 1));
        assert!(!measured.clients.is_complete());
        let text = measured.to_string();
        assert!(text.contains("needs 500 messages, there were 1"), "{text}");
        assert!(!text.contains("inconclusive"), "{text}");
    }

    #[test]
    fn a_late_generator_makes_it_inconclusive() {
        let mut measured = measured();
        measured
            .clients
            .publish(Timestamp(1_001), Timestamp(30_000));
        assert!(measured.is_noisy());
        assert!(measured.to_string().contains("inconclusive: noisy host"));
    }

    #[test]
    fn what_was_seen_is_not_new() {
        let mut seen = LastSeen::default();
        let notes = [(1, 1), (2, 1), (1, 2), (1, 2), (1, 1), (1, 4)];
        let new = notes.map(|(channel, seq)| seen.note(ChannelId(channel), Seq(seq)));
        assert_eq!(new, [true, true, true, false, false, true]);
    }
}
