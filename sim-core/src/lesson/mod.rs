//! Lessons: a question to guess at, simulations that answer it, and what to change next.
//!
//! A lesson is a file of `assets/lessons`: a story, questions with the figure that answers each, runs of presets (edited, at
//! fixed seeds, so that everybody sees the same), what is revealed, what explains it and changes to try. [`load`] checks it like a
//! scenario: file, line, column, field, what is allowed. A [`Figure`] is read from the [`Findings`] of the runs, with its interval;
//! sentences hold figures as `{name}`. What a figure should be stands beside it and is a test. Guesses are kept as [`Guesses`].
//!
//! Leaves out: running anything (`session`), numbers in words (`report`), and screens.

mod check;
mod findings;
mod guesses;
mod raw;

use crate::scenario::{Draft, ScenarioError};

pub use findings::{Findings, Reading, Sample, Studied};
pub use guesses::{Answer, Guesses, GuessesError, Spread, spread};
pub use raw::{Chart, Expected, Of, Show};

/// The version of the file format.
pub const VERSION: u32 = 1;

/// The lessons in the program: file names and texts.
pub const FILES: [(&str, &str); 2] = [
    ("knee.ron", include_str!("../../../assets/lessons/knee.ron")),
    (
        "reconnect-storm.ron",
        include_str!("../../../assets/lessons/reconnect-storm.ron"),
    ),
];

/// A checked lesson.
#[derive(Clone, Debug, PartialEq)]
pub struct Lesson {
    /// How it is asked for: `L1`.
    pub id: String,
    /// Its name for people.
    pub title: String,
    /// What one knows afterwards.
    pub goal: String,
    /// How long it takes.
    pub minutes: u16,
    /// What happens, before any question.
    pub story: Vec<String>,
    /// To be guessed before anything is run.
    pub questions: Vec<Question>,
    /// All simulations.
    pub runs: Vec<Run>,
    /// Numbers and words that are read from them.
    pub figures: Vec<Figure>,
    /// What answers the questions.
    pub reveal: Page,
    /// Why it is so.
    pub explain: Vec<String>,
    /// Changes to try.
    pub tries: Vec<Page>,
}

/// A question.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// Its name in kept guesses.
    pub name: String,
    /// As it is asked.
    pub ask: String,
    /// What can be answered.
    pub guess: Guess,
    /// The figure that answers it.
    pub answer: String,
}

/// What can be answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Guess {
    /// A number.
    Number {
        /// Of what: `users`.
        unit: String,
        /// Smallest.
        from: f64,
        /// Largest.
        to: f64,
        /// Whether factors count, not differences.
        log: bool,
    },
    /// One of several: name and words.
    Choice(Vec<(String, String)>),
}

/// Simulations of one design: at one load or several, with one seed or several.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Its name among the runs.
    pub name: String,
    /// In words, for legends.
    pub about: String,
    /// The preset.
    pub preset: String,
    /// Fields and values that differ.
    pub set: Vec<(String, String)>,
    /// Loads; empty: the preset's own.
    pub users: Vec<u32>,
    /// First seed.
    pub seed: u64,
    /// Seeds in all.
    pub seeds: u32,
    /// Connections and attempts are noted so often, simulated seconds; of the first seed.
    pub watch_s: Option<f64>,
}

/// A number, or words, read from the runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Its name in sentences.
    pub name: String,
    /// Where it is read.
    pub of: Of,
    /// How it is written.
    pub show: Show,
    /// What it should be.
    pub expect: Option<Expected>,
}

/// A result: what is run for it, what is drawn and what is said.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// What a button says.
    pub label: String,
    /// Names of its runs.
    pub runs: Vec<String>,
    /// What is drawn.
    pub chart: Option<Chart>,
    /// What is said; figures as `{name}`.
    pub words: Vec<String>,
}

/// One simulation of a lesson, ready to be run.
#[derive(Clone, Debug)]
pub struct Job {
    /// The run that it belongs to.
    pub run: String,
    /// Its seed.
    pub seed: u64,
    /// What is simulated.
    pub scenario: std::sync::Arc<crate::scenario::Scenario>,
    /// Connections and attempts are noted so often, simulated seconds.
    pub watch_s: Option<f64>,
}

/// Reads and checks a lesson; `file` is what errors call it.
pub fn load(text: &str, file: &str) -> Result<Lesson, Vec<ScenarioError>> {
    check::load(text, file)
}

/// All lessons of the program.
///
/// # Panics
/// If one of them is wrong: they are part of the program and tested.
#[must_use]
pub fn all() -> Vec<Lesson> {
    let read = |(file, text): (&str, &str)| {
        load(text, file).unwrap_or_else(|errors| {
            let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
            panic!("a lesson in assets/lessons is wrong:\n{}", lines.join("\n"))
        })
    };
    FILES.into_iter().map(read).collect()
}

impl Lesson {
    /// The run of a name.
    #[must_use]
    pub fn run(&self, name: &str) -> Option<&Run> {
        self.runs.iter().find(|run| run.name == name)
    }

    /// The figure of a name.
    #[must_use]
    pub fn figure(&self, name: &str) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.name == name)
    }

    /// The simulations of a page, largest loads last; `preset` gives a preset, or says why not.
    pub fn jobs(
        &self,
        page: &Page,
        preset: &dyn Fn(&str) -> Result<Draft, String>,
    ) -> Result<Vec<Job>, String> {
        let mut jobs = Vec::new();
        for run in page.runs.iter().filter_map(|name| self.run(name)) {
            let draft = preset(&run.preset)
                .map_err(|why| format!("lesson {}, runs.{}.preset: {why}", self.id, run.name))?;
            for seed in run.seed..run.seed + u64::from(run.seeds) {
                run.of_seed(seed, &draft, &mut jobs)
                    .map_err(|why| format!("lesson {}, runs.{}.set: {why}", self.id, run.name))?;
            }
        }
        self.numbers_are_known(&jobs)?;
        Ok(jobs)
    }
}

impl Run {
    /// Its simulations of one seed.
    fn of_seed(&self, seed: u64, draft: &Draft, jobs: &mut Vec<Job>) -> Result<(), String> {
        let loads: Vec<Option<u32>> = match self.users.as_slice() {
            [] => vec![None],
            loads => loads.iter().copied().map(Some).collect(),
        };
        for load in loads {
            let mut set = self.set.clone();
            set.extend(load.map(|users| ("load.users".to_owned(), users.to_string())));
            set.push(("run.seed".to_owned(), seed.to_string()));
            let edited = draft.with(&set).map_err(|errors| {
                let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
                lines.join("; ")
            })?;
            jobs.push(Job {
                run: self.name.clone(),
                seed,
                scenario: edited.scenario().clone(),
                watch_s: self.watch_s.filter(|_| seed == self.seed),
            });
        }
        Ok(())
    }
}

impl Guess {
    /// Whether this answers the question, and if not, what would.
    pub fn read(&self, text: &str) -> Result<Answer, String> {
        match self {
            Guess::Choice(all) => {
                let wanted = text.trim();
                let by_number = wanted.parse::<usize>().ok();
                let found = all
                    .iter()
                    .enumerate()
                    .find(|(index, (name, _))| name == wanted || by_number == Some(index + 1));
                let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
                found
                    .map(|(_, (name, _))| Answer::Choice(name.clone()))
                    .ok_or_else(|| {
                        format!(
                            "{wanted:?} is none of the answers; allowed: 1 to {}, or {}",
                            all.len(),
                            names.join(", ")
                        )
                    })
            }
            Guess::Number { from, to, unit, .. } => {
                let number = number(text)
                    .ok_or_else(|| format!("{:?} is not a number, as 4000 or 4K", text.trim()))?;
                if (*from..=*to).contains(&number) {
                    Ok(Answer::Number(number))
                } else {
                    Err(format!(
                        "{number} is out of range; allowed: {from} to {to} {unit}"
                    ))
                }
            }
        }
    }

    /// The words of an answer, if it is one of several.
    #[must_use]
    pub fn words(&self, name: &str) -> Option<&str> {
        match self {
            Guess::Choice(all) => all
                .iter()
                .find(|(other, _)| other == name)
                .map(|(_, words)| words.as_str()),
            Guess::Number { .. } => None,
        }
    }
}

/// `4000`, `4_000`, `4K`, `1.5 M`.
fn number(text: &str) -> Option<f64> {
    let plain: String = text.chars().filter(|c| !matches!(c, ' ' | '_')).collect();
    let (digits, factor) = match plain.chars().last()? {
        'k' | 'K' => (&plain[..plain.len() - 1], 1e3),
        'M' => (&plain[..plain.len() - 1], 1e6),
        _ => (plain.as_str(), 1.0),
    };
    let value = digits.parse::<f64>().ok()? * factor;
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lesson_of_the_program_is_valid_and_has_its_own_name() {
        let all = all();
        for (index, lesson) in all.iter().enumerate() {
            assert!(all[..index].iter().all(|other| other.id != lesson.id));
            assert!(lesson.figures.iter().any(|figure| figure.expect.is_some()));
        }
    }

    #[test]
    fn guesses_are_read_as_people_write_them() {
        let users = Guess::Number {
            unit: "users".into(),
            from: 1e3,
            to: 1e4,
            log: true,
        };
        for text in ["4000", "4K", " 4 k", "4_000"] {
            assert_eq!(users.read(text), Ok(Answer::Number(4_000.0)), "{text}");
        }
        assert!(users.read("many").unwrap_err().contains("4K"));
        assert!(users.read("40K").unwrap_err().contains("1000 to 10000"));
        let choice = Guess::Choice(vec![("a".into(), "A".into()), ("b".into(), "B".into())]);
        assert_eq!(choice.read("2"), Ok(Answer::Choice("b".into())));
        assert_eq!(choice.read("a"), Ok(Answer::Choice("a".into())));
        assert!(choice.read("3").unwrap_err().contains("1 to 2, or a, b"));
    }
}
