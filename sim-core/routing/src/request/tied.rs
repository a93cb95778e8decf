//! Tied requests: two copies in two queues, of which the one that starts first cancels the other.
//!
//! *Models:* a server's side of one copy. The client's side is a [`super::Hedged`] with a delay of about twice the
//! network's (1 ms within a data centre), so that twins that find idle servers do not start together.
//! *Property:* both run only if the second starts before the word of the first has arrived; the client counts one
//! answer anyhow. *Formula:* P(both run) ≤ P(their starts are less than one network delay apart).
//! *Leaves out:* stopping a copy that runs. *Source:* Dean and Barroso, CACM 2013.

/// What a server does with a copy that has come to the head of its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Started {
    /// Run it, and tell the server of its twin.
    Run,
    /// Its twin runs elsewhere: drop it.
    Skip,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Queued,
    Started,
    Cancelled,
}

/// One copy of a tied request, in the queue of its server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TiedCopy {
    state: State,
}

impl TiedCopy {
    /// A copy that waits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The copy has come to the head of the queue.
    pub fn on_started(&mut self) -> Started {
        match self.state {
            State::Cancelled => Started::Skip,
            State::Queued | State::Started => {
                self.state = State::Started;
                Started::Run
            }
        }
    }

    /// Word arrives that the twin has started. Returns whether the copy was waiting, and so leaves the queue; one
    /// that runs goes on.
    pub fn on_twin_started(&mut self) -> bool {
        let waiting = self.state == State::Queued;
        if waiting {
            self.state = State::Cancelled;
        }
        waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_twin_of_one_that_started_is_skipped() {
        let (mut a, mut b) = (TiedCopy::new(), TiedCopy::new());
        assert_eq!(a.on_started(), Started::Run);
        assert!(b.on_twin_started() && !b.on_twin_started());
        assert_eq!(b.on_started(), Started::Skip);
    }

    #[test]
    fn both_run_when_word_crosses() {
        let (mut a, mut b) = (TiedCopy::new(), TiedCopy::new());
        assert_eq!(
            (a.on_started(), b.on_started()),
            (Started::Run, Started::Run)
        );
        assert!(!a.on_twin_started() && !b.on_twin_started());
    }
}
