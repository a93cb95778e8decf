//! Scatter-gather: one question to n shards, one answer from theirs.
//!
//! *Models:* a request to n parts that is done when enough have answered (a quorum, or all), or at its deadline
//! with what it has. *Formula:* with all parts needed, latency = maximum over the parts, so
//! P(slow) = 1 − (1 − p)ⁿ when each is slow with probability p: 1 % becomes 63 % at n = 100.
//! *Property:* it ends exactly once; a part counts once. *Leaves out:* merging the answers.
//! *Source:* Dean and Barroso, CACM 2013; partial results as in Elasticsearch's `allow_partial_search_results`.

use crate::ids::Timestamp;

/// What a scatter asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScatterOptions {
    /// How many parts are asked.
    pub parts: u32,
    /// How many answers complete it, at most `parts`.
    pub needed: u32,
    /// How many answers are worth returning when it cannot be completed; below, it fails.
    pub partial_from: u32,
    /// When it ends at the latest.
    pub deadline: Timestamp,
}

/// How a scatter ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Enough parts answered.
    Complete,
    /// Some answers are missing.
    Partial,
    /// Too few answered.
    Failed,
}

/// A scatter that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gathered {
    /// How it ended.
    pub outcome: Outcome,
    /// How many parts have answered.
    pub answered: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Asked,
    Answered,
    Failed,
}

/// A scatter under way.
#[derive(Clone, Debug)]
pub struct Scatter {
    options: ScatterOptions,
    parts: Vec<Part>,
    answered: u32,
    failed: u32,
    ended: bool,
}

impl Scatter {
    /// A scatter whose parts have all been asked.
    #[must_use]
    pub fn new(options: ScatterOptions) -> Self {
        assert!(
            (1..=options.parts).contains(&options.needed),
            "a scatter needs at least one answer and no more than it has parts"
        );
        Self {
            options,
            parts: vec![Part::Asked; options.parts as usize],
            answered: 0,
            failed: 0,
            ended: false,
        }
    }

    /// A part answered. Returns the end, if this is it.
    pub fn on_answer(&mut self, part: u32) -> Option<Gathered> {
        self.settle(part, Part::Answered)
    }

    /// A part failed for good. Returns the end, if this is it: a scatter that cannot be completed waits on only
    /// if that may still give it a partial result.
    pub fn on_failure(&mut self, part: u32) -> Option<Gathered> {
        self.settle(part, Part::Failed)
    }

    /// When [`Self::on_timeout`] is due; `None` once ended.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Timestamp> {
        (!self.ended).then_some(self.options.deadline)
    }

    /// The timer fired. Returns the end, unless it fired early or late.
    pub fn on_timeout(&mut self, now: Timestamp) -> Option<Gathered> {
        (self.next_timeout()? <= now).then(|| self.end())
    }

    /// The parts still out: what to cancel after the end.
    pub fn outstanding(&self) -> impl Iterator<Item = u32> + '_ {
        let asked = |(i, &part): (u32, &Part)| (part == Part::Asked).then_some(i);
        (0..).zip(&self.parts).filter_map(asked)
    }

    fn settle(&mut self, part: u32, outcome: Part) -> Option<Gathered> {
        let slot = self.parts.get_mut(part as usize)?;
        if self.ended || *slot != Part::Asked {
            return None;
        }
        *slot = outcome;
        match outcome {
            Part::Answered => self.answered += 1,
            Part::Asked | Part::Failed => self.failed += 1,
        }
        self.is_decided().then(|| self.end())
    }

    /// Whether more answers could change nothing.
    fn is_decided(&self) -> bool {
        let attainable = self.options.parts - self.failed;
        let out = attainable - self.answered;
        self.answered >= self.options.needed || out == 0 || attainable < self.worthwhile()
    }

    /// The least number of answers that is not a failure.
    fn worthwhile(&self) -> u32 {
        self.options.partial_from.clamp(1, self.options.needed)
    }

    fn end(&mut self) -> Gathered {
        self.ended = true;
        let outcome = if self.answered >= self.options.needed {
            Outcome::Complete
        } else if self.answered >= self.worthwhile() {
            Outcome::Partial
        } else {
            Outcome::Failed
        };
        Gathered {
            outcome,
            answered: self.answered,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scatter(parts: u32, needed: u32, partial_from: u32) -> Scatter {
        Scatter::new(ScatterOptions {
            parts,
            needed,
            partial_from,
            deadline: Timestamp(100),
        })
    }

    fn gathered(outcome: Outcome, answered: u32) -> Option<Gathered> {
        Some(Gathered { outcome, answered })
    }

    #[test]
    fn a_quorum_completes_it_and_the_rest_is_cancelled() {
        let mut scatter = scatter(3, 2, 2);
        assert_eq!(scatter.on_answer(0), None);
        assert_eq!(scatter.on_answer(0), None, "a part counts once");
        assert_eq!(scatter.on_answer(9), None, "no such part");
        assert_eq!(scatter.on_answer(2), gathered(Outcome::Complete, 2));
        assert_eq!(scatter.outstanding().collect::<Vec<_>>(), [1]);
        assert_eq!(scatter.on_answer(1), None, "it has ended");
        assert_eq!(scatter.next_timeout(), None);
        assert_eq!(scatter.on_timeout(Timestamp(100)), None);
    }

    #[test]
    fn the_deadline_returns_what_there_is() {
        let mut few = scatter(4, 4, 2);
        few.on_answer(0);
        assert_eq!(few.on_timeout(Timestamp(99)), None, "early");
        let mut enough = few.clone();
        enough.on_answer(1);
        assert_eq!(few.on_timeout(Timestamp(100)), gathered(Outcome::Failed, 1));
        assert_eq!(
            enough.on_timeout(Timestamp(100)),
            gathered(Outcome::Partial, 2)
        );
    }

    #[test]
    fn failures_end_it_as_soon_as_nothing_can_be_won() {
        let mut strict = scatter(3, 3, 3);
        assert_eq!(strict.on_failure(1), gathered(Outcome::Failed, 0));
        let mut lenient = scatter(3, 3, 1);
        assert_eq!(lenient.on_failure(1), None);
        assert_eq!(lenient.on_answer(0), None);
        assert_eq!(lenient.on_answer(2), gathered(Outcome::Partial, 2));
        let mut dead = scatter(2, 2, 1);
        dead.on_failure(0);
        assert_eq!(dead.on_failure(1), gathered(Outcome::Failed, 0));
    }
}
