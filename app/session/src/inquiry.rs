//! Questions about a scenario that take longer than a window may wait: which inputs move its answer most, and what is allowed
//! in a field.
//!
//! One thread answers them one after the other, the newest scenario's only. Inputs are ranked by the quick estimate: each
//! assumed number lower and higher, by what that does to the load at which it breaks, then to p99
//! ([`sim_core::experiment::Tornado`]). What is allowed is asked of the validation ([`sim_core::docs::probe`]).
//!
//! Leaves out: numbers that are no guess (somebody decided them), and those that cannot be set by one path.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use crossbeam_channel::{Receiver, Sender, unbounded};
use sim_core::docs::probe::{Limits, Probe};
use sim_core::docs::{self, fields};
use sim_core::experiment::guesses::{Guess, guesses};
use sim_core::experiment::tornado::Ends;
use sim_core::experiment::{Forecaster, Recipe, Tornado};
use sim_core::scenario::Edit;

/// What is known so far of one scenario.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answers {
    /// The assumed numbers, the one that moves the answer most first; `None`: not ranked yet, or it cannot be.
    pub ranked: Option<Vec<Guess>>,
    /// What is allowed in a field, by its path.
    pub limits: BTreeMap<String, Limits>,
    /// Which of the scenarios that were asked about.
    subject: u64,
}

/// A question.
enum Question {
    Rank(Box<Recipe>),
    Limits { path: String, text: Arc<str> },
}

/// A thread that answers; dropping it ends the thread without waiting.
pub struct Inquiry {
    questions: Sender<(u64, Question)>,
    answers: Arc<ArcSwap<Answers>>,
    /// The scenario that is asked about now: questions about an earlier one are not answered any more.
    subject: Arc<AtomicU64>,
}

impl Inquiry {
    /// Starts the thread; `wake` is called once per answer. Without a thread there are no answers.
    pub fn start(wake: impl Fn() + Send + 'static) -> Self {
        let (questions, inbox) = unbounded();
        let (answers, subject) = (Arc::default(), Arc::new(AtomicU64::new(0)));
        let desk = Desk {
            inbox,
            answers: Arc::clone(&answers),
            subject: Arc::clone(&subject),
            wake: Box::new(wake),
        };
        // Answers that do not come are shown as unknown; there is nothing else to say.
        let _ = std::thread::Builder::new()
            .name("inquiry".into())
            .spawn(move || desk.attend());
        Self {
            questions,
            answers,
            subject,
        }
    }

    /// From now on questions are about another scenario; ranks its inputs.
    pub fn about(&self, recipe: Recipe) {
        let subject = self.subject.fetch_add(1, Ordering::Relaxed) + 1;
        self.ask(subject, Question::Rank(Box::new(recipe)));
    }

    /// Asks what is allowed in a field of a text.
    pub fn limits(&self, path: &str, text: &Arc<str>) {
        let path = path.to_owned();
        let text = Arc::clone(text);
        let subject = self.subject.load(Ordering::Relaxed);
        self.ask(subject, Question::Limits { path, text });
    }

    fn ask(&self, subject: u64, question: Question) {
        // A thread that has ended answers nothing.
        let _ = self.questions.send((subject, question));
    }

    /// What is known; never blocks.
    #[must_use]
    pub fn answers(&self) -> Arc<Answers> {
        let answers = self.answers.load_full();
        let now = self.subject.load(Ordering::Relaxed);
        if answers.subject == now {
            answers
        } else {
            Arc::default()
        }
    }
}

impl Drop for Inquiry {
    fn drop(&mut self) {
        self.subject.store(u64::MAX, Ordering::Relaxed);
    }
}

/// What the thread owns.
struct Desk {
    inbox: Receiver<(u64, Question)>,
    answers: Arc<ArcSwap<Answers>>,
    subject: Arc<AtomicU64>,
    wake: Box<dyn Fn() + Send>,
}

impl Desk {
    /// Answers until nobody can ask any more. Short questions go before the long one.
    fn attend(self) {
        let mut later = None;
        loop {
            let next = match self.inbox.try_recv() {
                Ok(next) => next,
                Err(_) => match later.take().map_or_else(|| self.inbox.recv(), Ok) {
                    Ok(next) => next,
                    Err(_) => return,
                },
            };
            let (subject, question) = next;
            if !self.is_asked(subject) {
                continue;
            }
            match question {
                Question::Rank(_) if !self.inbox.is_empty() => later = Some((subject, question)),
                question => self.answer(subject, question),
            }
        }
    }

    fn is_asked(&self, subject: u64) -> bool {
        self.subject.load(Ordering::Relaxed) == subject
    }

    fn answer(&self, subject: u64, question: Question) {
        let mut answers = Answers::clone(&self.answers.load());
        if answers.subject != subject {
            answers = Answers {
                subject,
                ..Answers::default()
            };
        }
        match question {
            Question::Rank(recipe) => {
                // A question that fails has no answer; the fields are shown in their usual order.
                let found = catch_unwind(AssertUnwindSafe(|| self.ranked(subject, *recipe)));
                answers.ranked = found.ok().flatten();
            }
            Question::Limits { path, text } => {
                let docs = docs::scenario();
                let limits = fields::find(&docs, &path)
                    .map(|found| Probe::new(&docs, &found, &text).limits());
                answers.limits.insert(path, limits.unwrap_or_default());
            }
        }
        if self.is_asked(subject) {
            self.answers.store(Arc::new(answers));
            (self.wake)();
        }
    }

    fn ranked(&self, subject: u64, recipe: Recipe) -> Option<Vec<Guess>> {
        let forecaster = Forecaster::new(recipe).ok()?;
        let mut ends = Vec::new();
        for guess in guesses(&forecaster.scenario).into_iter().filter(is_a_field) {
            if !self.is_asked(subject) {
                return None;
            }
            let low = forecaster.forecast(&guess.low);
            if let Some((low, high)) = low.zip(forecaster.forecast(&guess.high)) {
                ends.push(Ends { guess, low, high });
            }
        }
        let tornado = Tornado {
            base: forecaster.base.clone(),
            guesses: ends,
            simulate: 0,
        };
        let ranked = tornado.ranked().into_iter();
        Some(ranked.map(|ends| ends.guess.clone()).collect())
    }
}

/// Whether a guess is changed by setting its own field.
fn is_a_field(guess: &Guess) -> bool {
    matches!(&guess.low[..], [Edit::Set { path, .. }] if *path == guess.path)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use sim_core::scenario::load_str;

    use super::*;

    const TEAM_CHAT: &str = include_str!("../../../presets/team-chat.ron");

    fn recipe(users: &str) -> Recipe {
        Recipe {
            text: TEAM_CHAT.to_owned(),
            file_name: "team-chat.ron".to_owned(),
            edits: vec![Edit::Users(users.to_owned())],
            files: BTreeMap::new(),
        }
    }

    fn wait_for(inquiry: &Inquiry, ready: fn(&Answers) -> bool) -> Arc<Answers> {
        let until = Instant::now() + Duration::from_secs(120);
        loop {
            let answers = inquiry.answers();
            if ready(&answers) {
                return answers;
            }
            assert!(Instant::now() < until, "no answer: {answers:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn what_moves_the_answer_most_comes_first_and_can_be_set() {
        let inquiry = Inquiry::start(|| {});
        inquiry.about(recipe("20k"));
        let answers = wait_for(&inquiry, |answers| answers.ranked.is_some());
        let ranked = answers.ranked.as_deref().unwrap_or_default();
        assert!(ranked.len() >= 5, "{ranked:?}");
        for guess in ranked {
            let set = Edit::Set {
                path: guess.path.clone(),
                value: guess.value.clone(),
            };
            let set = load_str(TEAM_CHAT, "team-chat.ron", &[set]);
            assert!(set.is_ok() || guess.path == "channels.members", "{set:?}");
        }
        let place = |path: &str| ranked.iter().position(|guess| guess.path == path);
        assert!(
            place("traffic.publish.rate") < place("load.wifi"),
            "{ranked:?}"
        );
    }

    #[test]
    fn limits_are_said_and_another_scenario_forgets_them() {
        let inquiry = Inquiry::start(|| {});
        inquiry.about(recipe("20k"));
        let text: Arc<str> = TEAM_CHAT.into();
        inquiry.limits("design.database.pool", &text);
        let answers = wait_for(&inquiry, |answers| !answers.limits.is_empty());
        let allowed = answers.limits["design.database.pool"].allowed.as_deref();
        assert!(
            allowed.is_some_and(|words| words.contains('1')),
            "{allowed:?}"
        );
        inquiry.about(recipe("10k"));
        assert!(inquiry.answers().limits.is_empty());
    }
}
