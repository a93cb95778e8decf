//! Where somebody is in a lesson: which step, what was guessed, what was found. The answer is not there before the guess.

use std::collections::BTreeMap;
use std::sync::Arc;

use session::LessonFrame;
use sim_core::lesson::{self, Answer, Chart, Findings, Guess, Guesses, Job, Lesson, Page};

/// The simulations of a page while they go, or a test's stand-in.
pub trait Studying {
    /// How far they are; never blocks.
    fn frame(&self) -> Arc<LessonFrame>;
}

impl Studying for session::LessonRun {
    fn frame(&self) -> Arc<LessonFrame> {
        session::LessonRun::frame(self)
    }
}

/// One thing to do in a lesson.
#[derive(Clone, Debug, PartialEq)]
pub enum LessonCommand {
    /// Begin this lesson.
    Open(usize),
    /// Back to the list.
    List,
    /// The next step.
    Next,
    /// The step before.
    Back,
    /// Guess at the question of the step.
    Guess(Answer),
    /// Go on without a guess.
    NoGuess,
    /// Run what the step shows.
    Run,
    /// Stop that.
    Stop,
    /// Show watched runs as they were at this simulated second.
    ShowAt(f64),
    /// Show them from the beginning.
    PlayAgain,
    /// The guesses as a file that can be merged, to the clipboard.
    CopyGuesses,
    /// Forget the guesses and what was found, for whoever comes next.
    StartOver,
    /// The step was shown and the keyboard is where it belongs.
    Shown,
}

/// A step of a lesson.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// What happens.
    Story,
    /// A question.
    Question(usize),
    /// What answers them.
    Reveal,
    /// Why.
    Explain,
    /// A change to try.
    Try(usize),
}

/// Everything the window knows of lessons.
pub struct Lessons {
    /// All of them.
    pub all: Vec<Lesson>,
    /// The one that is open.
    pub at: Option<usize>,
    /// Its step, counted from 0.
    pub step: usize,
    /// Whether the step was not shown before: what comes next gets the keyboard.
    pub fresh: bool,
    /// Guesses by lesson and question; `None`: passed over.
    pub answers: BTreeMap<(usize, String), Option<Answer>>,
    /// What was found, by lesson.
    pub findings: Vec<Findings>,
    /// What is running.
    pub study: Option<Box<dyn Studying>>,
    /// The simulated second at which watched runs are shown; `None`: the last.
    pub shown_s: Option<f64>,
    /// Whether that moves by itself.
    pub playing: bool,
    /// Why something did not work.
    pub problem: Option<String>,
    /// Whether the guesses were copied.
    pub copied: bool,
}

impl Default for Lessons {
    fn default() -> Self {
        let all = lesson::all();
        Self {
            findings: all.iter().map(|_| Findings::default()).collect(),
            all,
            at: None,
            step: 0,
            fresh: true,
            answers: BTreeMap::new(),
            study: None,
            shown_s: None,
            playing: false,
            problem: None,
            copied: false,
        }
    }
}

/// Wall seconds that a storm takes when it is played again.
const PLAY_S: f64 = 12.0;

impl Lessons {
    /// The lesson that is open.
    pub fn lesson(&self) -> Option<&Lesson> {
        self.all.get(self.at?)
    }

    /// Its steps.
    pub fn steps(&self) -> Vec<Step> {
        let Some(lesson) = self.lesson() else {
            return Vec::new();
        };
        let mut steps = vec![Step::Story];
        steps.extend((0..lesson.questions.len()).map(Step::Question));
        steps.extend([Step::Reveal, Step::Explain]);
        steps.extend((0..lesson.tries.len()).map(Step::Try));
        steps
    }

    /// The step that is shown.
    pub fn now(&self) -> Step {
        self.steps().get(self.step).copied().unwrap_or(Step::Story)
    }

    /// The page of the step, if it has one.
    pub fn page(&self) -> Option<&Page> {
        let lesson = self.lesson()?;
        match self.now() {
            Step::Reveal => Some(&lesson.reveal),
            Step::Try(index) => lesson.tries.get(index),
            _ => None,
        }
    }

    /// What was found in the open lesson.
    pub fn found(&self) -> Option<&Findings> {
        self.findings.get(self.at?)
    }

    /// Whether everything of the step's page is there.
    pub fn is_revealed(&self) -> bool {
        match (self.page(), self.found()) {
            (Some(page), Some(found)) => found.holds(page),
            _ => false,
        }
    }

    /// The guess at a question; outer `None`: not asked yet.
    pub fn answer(&self, question: &str) -> Option<Option<&Answer>> {
        let known = self.answers.get(&(self.at?, question.to_owned()))?;
        Some(known.as_ref())
    }

    /// Whether the next step can be shown: questions want an answer, or that it is passed over; results want to be run.
    pub fn may_go_on(&self) -> bool {
        let Some(lesson) = self.lesson() else {
            return false;
        };
        let open = match self.now() {
            Step::Question(index) => self.answer(&lesson.questions[index].name).is_some(),
            Step::Reveal => self.is_revealed(),
            _ => true,
        };
        open && self.study.is_none() && self.step + 1 < self.steps().len()
    }

    /// The last simulated second of the step's watched runs, as far as all have come.
    pub fn reached_s(&self) -> Option<f64> {
        let Some(Chart::OverTime { runs }) = &self.page()?.chart else {
            return None;
        };
        let last = |run: &String| self.samples(run).last().map_or(0.0, |sample| sample.at_s);
        runs.iter().map(last).min_by(f64::total_cmp)
    }

    /// What a watched run has noted, finished or not.
    pub fn samples(&self, run: &str) -> Vec<lesson::Sample> {
        let finished = self.found().map_or(&[][..], |found| found.samples(run));
        if !finished.is_empty() {
            return finished.to_vec();
        }
        let frame = self.study.as_ref().map(|study| study.frame());
        let watched = frame.iter().flat_map(|frame| &frame.watched);
        let own = watched.into_iter().find(|(name, _)| name == run);
        own.map_or(Vec::new(), |(_, samples)| samples.clone())
    }

    /// The guesses as a file.
    pub fn guesses(&self) -> Option<Guesses> {
        let lesson = self.lesson()?;
        let answers = lesson.questions.iter().filter_map(|question| {
            let answer = self.answer(&question.name)??;
            Some((question.name.clone(), answer.clone()))
        });
        Some(Guesses {
            answers: answers.collect(),
            ..Guesses::of(lesson)
        })
    }

    /// Opens a lesson at its beginning; guesses and findings of before stay.
    pub fn open(&mut self, index: usize) {
        self.leave();
        self.at = (index < self.all.len()).then_some(index);
        self.step = 0;
    }

    /// Another step.
    pub fn go(&mut self, step: usize) {
        self.leave();
        self.step = step.min(self.steps().len().saturating_sub(1));
    }

    /// Stops what belongs to the step.
    pub fn leave(&mut self) {
        self.study = None;
        self.shown_s = None;
        self.playing = false;
        self.problem = None;
        self.copied = false;
        self.fresh = true;
    }

    /// Guesses at the question of the step; `None`: passes it over. What was found already cannot be guessed at any more.
    pub fn guess(&mut self, answer: Option<Answer>) {
        let (Some(at), Step::Question(index)) = (self.at, self.now()) else {
            return;
        };
        if self.findings[at].is_empty() {
            let name = self.all[at].questions[index].name.clone();
            self.answers.insert((at, name), answer);
        }
    }

    /// Begins the open lesson anew.
    pub fn start_over(&mut self) {
        if let Some(at) = self.at {
            self.answers.retain(|(lesson, _), _| *lesson != at);
            self.findings[at] = Findings::default();
            self.open(at);
        }
    }

    /// Back to the list: nothing is open.
    pub fn list(&mut self) {
        self.leave();
        self.at = None;
        self.step = 0;
    }

    /// The simulations that the step's page lacks.
    pub fn jobs(
        &self,
        preset: &dyn Fn(&str) -> Result<sim_core::scenario::Draft, String>,
    ) -> Result<Vec<Job>, String> {
        let (Some(lesson), Some(page), Some(found)) = (self.lesson(), self.page(), self.found())
        else {
            return Ok(Vec::new());
        };
        let runs = page.runs.iter();
        let missing = runs.filter(|run| found.users(run).is_none()).cloned();
        let page = Page {
            runs: missing.collect(),
            ..page.clone()
        };
        lesson.jobs(&page, preset)
    }

    /// Before every pass: takes what is finished, and moves what is played. `dt`: wall seconds since the last pass. Returns whether
    /// there is more to see soon.
    pub fn attend(&mut self, dt: f64) -> bool {
        let outcome = self
            .study
            .as_ref()
            .and_then(|study| study.frame().outcome.clone());
        if let (Some(outcome), Some(at)) = (outcome, self.at) {
            self.study = None;
            self.fresh = true;
            match outcome {
                Ok(found) => self.findings[at].extend(found),
                Err(why) => self.problem = Some(why),
            }
        }
        let (Some(shown), Some(end), true) = (self.shown_s, self.reached_s(), self.playing) else {
            return false;
        };
        let next = shown + dt.min(0.1) * end / PLAY_S;
        self.playing = next < end;
        self.shown_s = self.playing.then_some(next);
        self.playing
    }
}

/// A guess in the middle of what is allowed.
pub fn middle(guess: &Guess) -> f64 {
    match guess {
        Guess::Number {
            from,
            to,
            log: true,
            ..
        } => (from * to).sqrt(),
        Guess::Number { from, to, .. } => (from + to) / 2.0,
        Guess::Choice(_) => 0.0,
    }
}
