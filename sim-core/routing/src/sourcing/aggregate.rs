//! An aggregate: the state that one command may change, as a fold of its events.
//!
//! *Formula:* state(v) = apply(state(v − 1), event v); a command is a function of state to events or a refusal,
//! and changes nothing itself. *Leaves out:* commands that span aggregates: see [`super::Transaction`].
//! *Source:* E. Evans, Domain-Driven Design (2003); J. Chassaing's decider.

/// The stream of events of one aggregate, dense from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u32);

impl StreamId {
    /// The number as an index.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// How many events an aggregate has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u64);

/// State that events make. The default is the state before the first event.
pub trait Aggregate: Clone + Default {
    /// What is asked for.
    type Command;
    /// What has happened.
    type Event: Clone;
    /// Why a command is refused.
    type Refusal;

    /// What follows from a command, pushed to `events`; state is not changed.
    fn decide(
        &self,
        command: &Self::Command,
        events: &mut Vec<Self::Event>,
    ) -> Result<(), Self::Refusal>;

    /// An event takes effect.
    fn apply(&mut self, event: &Self::Event);

    /// A hash of the state, for audits.
    fn digest(&self) -> u64;
}
