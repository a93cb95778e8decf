//! Tick loops and datagrams: a world that moves in steps, and clients that want its latest state only.
//!
//! *Models:* inputs that wait for the next tick and are handled together ([`TickLoop`]); a tick that takes
//! longer than its frame delays the next; datagrams that are lost, late or doubled, of which a client keeps the
//! newest per entity ([`LatestWins`]); multicast. *Formula:* an input waits half a frame on average; a state's
//! age at a client is its way plus the time to the next that arrives: with loss p and frame T on average T (1 +
//! p) / (2 (1 − p)) more than the way. Packets from the sender per publish: the receivers by unicast, 1 by
//! multicast, then one per switch link ([`packets`]). *Property:* no input is lost or handled twice; a client's
//! state never goes back. *Leaves out:* prediction and interpolation. *Source:* Riot's 128-tick servers (7.8
//! ms); RFC 1112; J. Carmack and Y. Bernier on networked games.

use crate::ids::{Seq, Timestamp};

/// A tick that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// Its number; the first is 1.
    pub number: Seq,
    /// When it was due.
    pub due: Timestamp,
    /// When it began.
    pub began: Timestamp,
}

impl Tick {
    /// How late it began.
    #[must_use]
    pub const fn late_ns(&self) -> u64 {
        self.began.since(self.due)
    }
}

/// A loop of fixed frames.
#[derive(Clone, Debug)]
pub struct TickLoop<I> {
    frame_ns: u64,
    next: Timestamp,
    number: Seq,
    /// When the work of the last tick ends.
    busy_until: Timestamp,
    waiting: Vec<(Timestamp, I)>,
    overruns: u64,
    skipped: u64,
}

impl<I> TickLoop<I> {
    /// A loop whose first tick is one frame after `start`.
    #[must_use]
    pub fn new(start: Timestamp, frame_ns: u64) -> Self {
        assert!(frame_ns > 0, "a frame takes time");
        Self {
            frame_ns,
            next: start.plus(frame_ns),
            number: Seq(0),
            busy_until: start,
            waiting: Vec::new(),
            overruns: 0,
            skipped: 0,
        }
    }

    /// An input arrives, for the next tick.
    pub fn input(&mut self, now: Timestamp, input: I) {
        self.waiting.push((now, input));
    }

    /// When the next tick begins: when it is due and the last one is done.
    #[must_use]
    pub fn next_due(&self) -> Timestamp {
        self.next.max(self.busy_until)
    }

    /// The tick that begins at `now`; its inputs are moved to `inputs`, with the time at which each came.
    /// `None` before it is time.
    pub fn poll(&mut self, now: Timestamp, inputs: &mut Vec<(Timestamp, I)>) -> Option<Tick> {
        if now < self.next_due() {
            return None;
        }
        inputs.clear();
        std::mem::swap(inputs, &mut self.waiting);
        self.number = self.number.next();
        let due = self.next;
        // Frames that have passed meanwhile are not made up for.
        let passed = now.since(due) / self.frame_ns;
        self.skipped += passed;
        self.next = due.plus((passed + 1) * self.frame_ns);
        Some(Tick {
            number: self.number,
            due,
            began: now,
        })
    }

    /// The work of the tick that began last takes this long.
    pub fn works(&mut self, tick: Tick, work_ns: u64) {
        self.busy_until = tick.began.plus(work_ns);
        self.overruns += u64::from(work_ns > self.frame_ns);
    }

    /// Ticks so far.
    #[must_use]
    pub fn ticks(&self) -> u64 {
        self.number.0
    }

    /// Ticks whose work took longer than a frame.
    #[must_use]
    pub fn overruns(&self) -> u64 {
        self.overruns
    }

    /// Frames without a tick.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.skipped
    }
}

/// What a datagram was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Datagram {
    /// The newest so far; so many before it have not come.
    Newest {
        /// Numbers passed over.
        missing: u64,
    },
    /// Older than what is there, or the same.
    Old,
}

/// The newest state of each entity, dense from 0.
#[derive(Clone, Debug, Default)]
pub struct LatestWins {
    /// The newest number, and when its state was true at the sender.
    newest: Vec<(Seq, Timestamp)>,
    old: u64,
    missing: u64,
}

impl LatestWins {
    /// Nothing has come.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A datagram with the state that an entity had at `sent`.
    pub fn receive(&mut self, entity: u32, seq: Seq, sent: Timestamp) -> Datagram {
        let index = entity as usize;
        if self.newest.len() <= index {
            self.newest.resize(index + 1, (Seq(0), Timestamp::ZERO));
        }
        let (newest, at) = &mut self.newest[index];
        if seq <= *newest {
            self.old += 1;
            return Datagram::Old;
        }
        let missing = seq.0 - newest.0 - 1;
        (*newest, *at) = (seq, sent);
        self.missing += missing;
        Datagram::Newest { missing }
    }

    /// How old an entity's state is at `now`, in nanoseconds; `None` if there is none.
    #[must_use]
    pub fn age_ns(&self, now: Timestamp, entity: u32) -> Option<u64> {
        let (seq, at) = self.newest.get(entity as usize)?;
        (seq.0 > 0).then(|| now.since(*at))
    }

    /// Datagrams that were of no use.
    #[must_use]
    pub fn old(&self) -> u64 {
        self.old
    }

    /// Numbers passed over: lost, or late and then counted as old too.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.missing
    }
}

/// How one message reaches many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Casting {
    /// A packet for each receiver.
    Unicast,
    /// One packet, copied by the switches on its way.
    Multicast,
}

/// Packets of one publish: those that the sender sends, and those that enter the switches behind `switches` links.
#[must_use]
pub const fn packets(casting: Casting, receivers: u64, switches: u64) -> (u64, u64) {
    match casting {
        Casting::Unicast => (receivers, receivers),
        Casting::Multicast if receivers == 0 => (0, 0),
        Casting::Multicast => (1, switches),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_wait_for_their_tick_and_an_overrun_skips_a_frame() {
        let (mut ticks, mut inputs) = (TickLoop::new(Timestamp(0), 100), Vec::new());
        ticks.input(Timestamp(30), 'a');
        ticks.input(Timestamp(99), 'b');
        assert_eq!(ticks.poll(Timestamp(99), &mut inputs), None);
        let first = ticks.poll(Timestamp(100), &mut inputs).unwrap();
        assert_eq!(inputs, [(Timestamp(30), 'a'), (Timestamp(99), 'b')]);
        ticks.works(first, 250);
        assert_eq!((ticks.next_due(), ticks.overruns()), (Timestamp(350), 1));
        let second = ticks.poll(Timestamp(350), &mut inputs).unwrap();
        assert_eq!(
            (second.number, second.late_ns(), inputs.len()),
            (Seq(2), 150, 0)
        );
        assert_eq!((ticks.skipped(), ticks.next_due()), (1, Timestamp(400)));
    }

    #[test]
    fn a_state_never_goes_back() {
        let mut client = LatestWins::new();
        let got = [1, 4, 3, 4, 5].map(|seq| client.receive(2, Seq(seq), Timestamp(seq * 10)));
        let newest = |missing| Datagram::Newest { missing };
        assert_eq!(
            got,
            [
                newest(0),
                newest(2),
                Datagram::Old,
                Datagram::Old,
                newest(0)
            ]
        );
        assert_eq!((client.missing(), client.old()), (2, 2));
        assert_eq!(
            (
                client.age_ns(Timestamp(57), 2),
                client.age_ns(Timestamp(57), 0)
            ),
            (Some(7), None)
        );
    }

    #[test]
    fn multicast_sends_one_packet_whoever_listens() {
        assert_eq!(packets(Casting::Multicast, 5_000, 12), (1, 12));
        assert_eq!(packets(Casting::Unicast, 5_000, 12), (5_000, 5_000));
        assert_eq!(packets(Casting::Multicast, 0, 12), (0, 0));
    }
}
