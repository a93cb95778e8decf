//! Credit: a consumer says how much it will take, and its producer sends no more.
//!
//! *Models:* units that the consumer grants in advance and gives back as it handles what came. *Formula:* what
//! is sent and not handled never exceeds the window, so at an arrival rate λ above the service rate μ the queue
//! stays at the window and λ − μ is held back at the producer; without credit it grows by λ − μ. *Property:*
//! sent − handled ≤ window. *Leaves out:* credit lost with a connection: make a new one. *Source:* Elixir's
//! GenStage (demand); AMQP 1.0 link credit.

/// The credit of one producer at one consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credit {
    window: u64,
    outstanding: u64,
    refused: u64,
}

impl Credit {
    /// A consumer that takes `window` units in advance.
    #[must_use]
    pub const fn new(window: u64) -> Self {
        Self {
            window,
            outstanding: 0,
            refused: 0,
        }
    }

    /// The producer wants to send units: whether it may, all or none.
    pub fn take(&mut self, units: u64) -> bool {
        let may = units <= self.left();
        if may {
            self.outstanding += units;
        } else {
            self.refused += 1;
        }
        may
    }

    /// The consumer has handled units.
    pub fn handled(&mut self, units: u64) {
        assert!(
            units <= self.outstanding,
            "{units} units are handled and {} were sent",
            self.outstanding
        );
        self.outstanding -= units;
    }

    /// Units that may be sent now.
    #[must_use]
    pub const fn left(&self) -> u64 {
        self.window - self.outstanding
    }

    /// Units sent and not handled.
    #[must_use]
    pub const fn outstanding(&self) -> u64 {
        self.outstanding
    }

    /// Attempts to send without credit.
    #[must_use]
    pub const fn refused(&self) -> u64 {
        self.refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1 500 per second come, 1 000 are handled: with a window of 50 the queue stays at 50 and 500 per second
    /// are held back.
    #[test]
    fn a_queue_stays_within_its_credit_and_grows_without() {
        let (mut bounded, mut unbounded) = (Credit::new(50), Credit::new(u64::MAX));
        for ms in 0..20_000u64 {
            for _ in 0..1 + ms % 2 {
                bounded.take(1);
                unbounded.take(1);
            }
            for credit in [&mut bounded, &mut unbounded] {
                credit.handled(1);
            }
            assert!(bounded.outstanding() <= 50);
        }
        assert_eq!(unbounded.outstanding(), 20 * 500);
        assert_eq!(
            (bounded.outstanding() + bounded.refused(), bounded.left()),
            (20 * 500, 1)
        );
    }
}
