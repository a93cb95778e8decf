//! Guesses that are kept, and those of a whole room put together.
//!
//! A file of guesses names the lesson, the version of the format and, if somebody wishes, who guessed; nothing else about a person.
//! Leaves out: how the file is written (callers choose JSON) and where it lies.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Guess, Lesson, Question};

/// Guesses of one person at one lesson: a file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guesses {
    /// Of the format: 1.
    pub version: u32,
    /// The lesson: `L1`.
    pub lesson: String,
    /// Who guessed, if that was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Answers by question.
    pub answers: BTreeMap<String, Answer>,
}

/// A guess at one question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// A number.
    Number(f64),
    /// One of the answers, by its name.
    Choice(String),
}

/// Why guesses cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GuessesError {
    /// Another version of the format.
    #[error("version {0} of the guesses format is not known here; allowed: 1")]
    Version(u32),
    /// A lesson that is not there.
    #[error("there is no lesson {0:?}; there are {1}")]
    Lesson(String, String),
    /// Guesses at another lesson than the ones before.
    #[error(
        "these are guesses at {found}, the ones before at {before}; merge one lesson at a time"
    )]
    Mixed {
        /// Of this file.
        found: String,
        /// Of the files before.
        before: String,
    },
    /// A question that the lesson does not ask.
    #[error("answers.{0}: the lesson asks no such question; allowed: {1}")]
    Question(String, String),
    /// An answer that the question does not allow.
    #[error("answers.{0}: {1}")]
    Answer(String, String),
}

impl Guesses {
    /// Without any answer yet.
    #[must_use]
    pub fn of(lesson: &Lesson) -> Self {
        Self {
            version: 1,
            lesson: lesson.id.clone(),
            ..Self::default()
        }
    }

    /// The lesson that these are guesses at, and whether they can be.
    pub fn check<'a>(&self, lessons: &'a [Lesson]) -> Result<&'a Lesson, GuessesError> {
        if self.version != 1 {
            return Err(GuessesError::Version(self.version));
        }
        let Some(lesson) = lessons.iter().find(|lesson| lesson.id == self.lesson) else {
            let known: Vec<&str> = lessons.iter().map(|lesson| lesson.id.as_str()).collect();
            return Err(GuessesError::Lesson(self.lesson.clone(), known.join(", ")));
        };
        for (name, answer) in &self.answers {
            let Some(question) = lesson.questions.iter().find(|q| q.name == *name) else {
                let known: Vec<&str> = lesson.questions.iter().map(|q| q.name.as_str()).collect();
                return Err(GuessesError::Question(name.clone(), known.join(", ")));
            };
            let text = match answer {
                Answer::Number(number) => number.to_string(),
                Answer::Choice(choice) => choice.clone(),
            };
            let read = question.guess.read(&text);
            let read = read.map_err(|why| GuessesError::Answer(name.clone(), why))?;
            if read != *answer {
                let why = "a number is asked for, not one of several, or the other way round";
                return Err(GuessesError::Answer(name.clone(), why.to_owned()));
            }
        }
        Ok(lesson)
    }
}

/// How a room guessed at one question.
#[derive(Clone, Debug, PartialEq)]
pub enum Spread {
    /// Numbers, rising, and how many fall into each of equal bins (of the logarithm where factors count): bounds and count.
    Numbers {
        /// All guesses.
        sorted: Vec<f64>,
        /// From, to, guesses.
        bins: Vec<(f64, f64, usize)>,
    },
    /// Guesses per answer: name, words, count.
    Choices(Vec<(String, String, usize)>),
}

/// Bins of a distribution of numbers.
const BINS: u32 = 10;

/// Puts the guesses at a question together.
#[must_use]
pub fn spread(question: &Question, all: &[Guesses]) -> Spread {
    let answers = all
        .iter()
        .filter_map(|guesses| guesses.answers.get(&question.name));
    match &question.guess {
        Guess::Choice(choices) => {
            let mut counts: Vec<(String, String, usize)> = choices
                .iter()
                .map(|(name, words)| (name.clone(), words.clone(), 0))
                .collect();
            for answer in answers {
                let at = counts
                    .iter_mut()
                    .find(|(name, ..)| *answer == Answer::Choice(name.clone()));
                if let Some((.., count)) = at {
                    *count += 1;
                }
            }
            Spread::Choices(counts)
        }
        Guess::Number { from, to, log, .. } => {
            let mut sorted: Vec<f64> = answers
                .filter_map(|answer| match answer {
                    Answer::Number(number) => Some(*number),
                    Answer::Choice(_) => None,
                })
                .collect();
            sorted.sort_by(f64::total_cmp);
            let edge = |i: u32| {
                let share = f64::from(i) / f64::from(BINS);
                match (i, log) {
                    (0, _) => *from,
                    (BINS, _) => *to,
                    (_, true) => from * libm::pow(to / from, share),
                    (_, false) => from + (to - from) * share,
                }
            };
            let count = |i: u32| {
                let (low, high) = (edge(i), edge(i + 1));
                let inside = |n: &&f64| **n >= low && (**n < high || i + 1 == BINS);
                (low, high, sorted.iter().filter(inside).count())
            };
            let bins = (0..BINS).map(count).collect();
            Spread::Numbers { sorted, bins }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(lesson: &Lesson, answers: &[(&str, Answer)]) -> Guesses {
        let answers = answers.iter().cloned();
        Guesses {
            answers: answers
                .map(|(name, answer)| (name.into(), answer))
                .collect(),
            ..Guesses::of(lesson)
        }
    }

    #[test]
    fn a_room_is_counted_once_each() {
        let lessons = super::super::all();
        let lesson = &lessons[0];
        let room: Vec<Guesses> = [2_000.0, 1_000.0, 12_000.0, 7_000.0]
            .map(|n| guess(lesson, &[("knee", Answer::Number(n))]))
            .into();
        let question = lesson.questions.iter().find(|q| q.name == "knee").unwrap();
        let Spread::Numbers { sorted, bins } = spread(question, &room) else {
            panic!("numbers are asked for");
        };
        assert_eq!(sorted, [1_000.0, 2_000.0, 7_000.0, 12_000.0]);
        assert_eq!(bins.iter().map(|bin| bin.2).sum::<usize>(), 4);
        assert!(bins.windows(2).all(|pair| pair[0].1 == pair[1].0));
    }

    #[test]
    fn guesses_that_cannot_be_are_refused_with_the_reason() {
        let lessons = super::super::all();
        let good = guess(&lessons[0], &[("knee", Answer::Number(4_000.0))]);
        assert!(good.check(&lessons).is_ok());
        let refused = |guesses: Guesses| guesses.check(&lessons).unwrap_err().to_string();
        let with = |name: &str, answer| guess(&lessons[0], &[(name, answer)]);
        assert!(refused(with("knie", Answer::Number(1.0))).contains("answers.knie"));
        assert!(refused(with("knee", Answer::Number(9e9))).contains("out of range"));
        assert!(refused(with("knee", Answer::Choice("4000".into()))).contains("a number"));
        let mut other = good.clone();
        other.lesson = "L99".into();
        assert!(refused(other).contains("there are L1"));
        let mut newer = good;
        newer.version = 2;
        assert!(refused(newer).contains("allowed: 1"));
    }
}
