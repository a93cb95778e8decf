//! Projections: read models that follow the events at their own speed.
//!
//! *Models:* a position (the next event to handle), a checkpoint every so many events, and a model that is
//! saved with the checkpoint ([`Saving::Together`]) or in a store of its own before it ([`Saving::Apart`]).
//! After a crash the first repeats work and nothing else; in the second events between the checkpoint and the
//! crash take effect twice unless the model skips what it has seen. *Formula:* lag grows at λ − μ while events
//! come faster than they are handled; a read Δ after a write is stale with probability e^(−Δ/L) for exponential
//! lag of mean L. *Property:* models do not wait for each other. *Leaves out:* filters: a model ignores what
//! does not concern it. *Source:* as [`super`].

use crate::log::{Entry, LogOffset, Segments};

/// A model that events make for one kind of query.
pub trait ReadModel: Clone {
    /// What it follows.
    type Event;

    /// An event takes effect, by its place in the log. Returns whether it concerned this model.
    fn handle(&mut self, event: &Entry<Self::Event>) -> bool;
}

/// How a model and its checkpoint are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Saving {
    /// In one transaction.
    Together,
    /// The model at once, the checkpoint now and then.
    Apart,
}

/// A model on its way through the log.
#[derive(Clone, Debug)]
pub struct Projection<M> {
    model: M,
    position: u64,
    checkpoint: u64,
    /// The model as it was saved with the checkpoint.
    saved: Option<M>,
    every: u64,
    handled: u64,
    concerned: u64,
    repeated: u64,
}

impl<M: ReadModel> Projection<M> {
    /// A projection at the beginning of the log, with a checkpoint every `every` events (at least one).
    #[must_use]
    pub fn new(model: M, saving: Saving, every: u64) -> Self {
        Self {
            saved: (saving == Saving::Together).then(|| model.clone()),
            model,
            position: 0,
            checkpoint: 0,
            every: every.max(1),
            handled: 0,
            concerned: 0,
            repeated: 0,
        }
    }

    /// Handles at most `max` of the events before `end`, what consumers may read. Returns how many it handled.
    pub fn advance(&mut self, events: &Segments<M::Event>, end: LogOffset, max: u64) -> u64
    where
        M::Event: Clone,
    {
        let before = self.handled;
        let waiting = events.read(LogOffset(self.position));
        for entry in waiting.take(max as usize) {
            if entry.offset >= end {
                break;
            }
            self.concerned += u64::from(self.model.handle(entry));
            self.handled += 1;
            self.position = entry.offset.0 + 1;
            if self.position - self.checkpoint >= self.every {
                self.save();
            }
        }
        self.handled - before
    }

    /// A checkpoint now.
    pub fn save(&mut self) {
        self.checkpoint = self.position;
        if let Some(saved) = &mut self.saved {
            saved.clone_from(&self.model);
        }
    }

    /// The projector crashes and starts again at its checkpoint. Returns how many events it will handle again.
    pub fn crashed(&mut self) -> u64 {
        let again = self.position - self.checkpoint;
        self.repeated += again;
        self.position = self.checkpoint;
        if let Some(saved) = &self.saved {
            self.model.clone_from(saved);
        }
        again
    }

    /// The model is made anew from offset 0.
    pub fn rebuild(&mut self, empty: M) {
        self.position = 0;
        self.model = empty;
        self.save();
    }

    /// What queries read.
    #[must_use]
    pub fn model(&self) -> &M {
        &self.model
    }

    /// The next event to handle; a reader that wrote the event before `offset` sees it once the position has
    /// reached it.
    #[must_use]
    pub fn position(&self) -> LogOffset {
        LogOffset(self.position)
    }

    /// Where it starts after a crash.
    #[must_use]
    pub fn checkpoint(&self) -> LogOffset {
        LogOffset(self.checkpoint)
    }

    /// Offsets between its position and the end of the log.
    #[must_use]
    pub fn lag(&self, end: LogOffset) -> u64 {
        end.0.saturating_sub(self.position)
    }

    /// Events handled, repetitions included.
    #[must_use]
    pub fn handled(&self) -> u64 {
        self.handled
    }

    /// Those of them that concerned the model.
    #[must_use]
    pub fn concerned(&self) -> u64 {
        self.concerned
    }

    /// Events handled again after crashes.
    #[must_use]
    pub fn repeated(&self) -> u64 {
        self.repeated
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Timestamp;

    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    struct Sum {
        total: u64,
        seen: Option<u64>,
        skips: bool,
    }

    impl ReadModel for Sum {
        type Event = u64;

        fn handle(&mut self, event: &Entry<u64>) -> bool {
            if self.skips && self.seen >= Some(event.offset.0) {
                return false;
            }
            self.seen = Some(event.offset.0);
            self.total += event.value;
            true
        }
    }

    #[test]
    fn a_crash_counts_twice_only_what_is_saved_apart_and_not_skipped() {
        let mut events = Segments::new(10);
        for i in 0..100 {
            events.append(Timestamp(i), 0, 1, 1);
        }
        let totals = [
            (Saving::Together, false),
            (Saving::Apart, false),
            (Saving::Apart, true),
        ]
        .map(|(saving, skips)| {
            let model = Sum {
                skips,
                ..Sum::default()
            };
            let mut projection = Projection::new(model, saving, 20);
            assert_eq!(projection.advance(&events, LogOffset(90), 47), 47);
            assert_eq!(
                (projection.crashed(), projection.lag(events.end())),
                (7, 60)
            );
            while projection.advance(&events, LogOffset(90), 11) > 0 {}
            assert_eq!(projection.handled(), 97);
            projection.model().total
        });
        assert_eq!(totals, [90, 97, 90]);
    }
}
