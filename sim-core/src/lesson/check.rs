//! From a lesson's file to a [`Lesson`], or everything that is wrong with it.

use super::raw::{Chart, Of, RawFigure, RawGuess, RawLesson, RawPage, RawQuestion, RawRun, Show};
use super::{Figure, Guess, Lesson, Page, Question, Run, VERSION};
use crate::scenario::raw::Ordered;
use crate::scenario::{Layer, Problem, ScenarioError, decode_as};

/// Most seeds of a run.
const SEEDS: u32 = 1_000;

pub(super) fn load(text: &str, file: &str) -> Result<Lesson, Vec<ScenarioError>> {
    let (raw, layer) = decode_as::<RawLesson>(text, file)?;
    let mut check = Check {
        raw: &raw,
        layer: &layer,
        errors: Vec::new(),
    };
    check.all();
    if check.errors.is_empty() {
        Ok(lesson(raw))
    } else {
        Err(check.errors)
    }
}

struct Check<'a> {
    raw: &'a RawLesson,
    layer: &'a Layer,
    errors: Vec<ScenarioError>,
}

impl Check<'_> {
    fn wrong(&mut self, path: &str, problem: Problem) {
        self.errors.push(self.layer.error(path, problem));
    }

    fn all(&mut self) {
        let raw = self.raw;
        if raw.version != VERSION {
            let problem = Problem::new(format!(
                "version {} of the lesson format is not known here",
                raw.version
            ));
            self.wrong("version", problem.allowed(VERSION.to_string()));
        }
        for (path, words) in [("id", &raw.id), ("title", &raw.title), ("goal", &raw.goal)] {
            self.some_words(path, words);
        }
        if !(1..=240).contains(&raw.minutes) {
            let problem = Problem::new(format!("{} minutes are no lesson", raw.minutes));
            self.wrong("minutes", problem.allowed("1 to 240"));
        }
        self.not_empty("story", raw.story.len());
        self.not_empty("explain", raw.explain.len());
        self.not_empty("questions", raw.questions.0.len());
        self.names("questions", &raw.questions);
        self.names("runs", &raw.runs);
        self.names("figures", &raw.figures);
        for (name, run) in &raw.runs.0 {
            self.run(&format!("runs.{name}"), run);
        }
        for (name, figure) in &raw.figures.0 {
            self.figure(&format!("figures.{name}.of"), figure);
        }
        for (name, question) in &raw.questions.0 {
            self.question(&format!("questions.{name}"), question);
        }
        self.page("reveal", &raw.reveal);
        for (index, page) in raw.tries.iter().enumerate() {
            self.page(&format!("tries[{index}]"), page);
        }
        self.sentences("explain", &raw.explain);
    }

    fn some_words(&mut self, path: &str, words: &str) {
        if words.trim().is_empty() {
            self.wrong(path, Problem::new("there are no words"));
        }
    }

    fn not_empty(&mut self, path: &str, entries: usize) {
        if entries == 0 {
            self.wrong(
                path,
                Problem::new("there is nothing here").allowed("at least one entry"),
            );
        }
    }

    fn names<T>(&mut self, path: &str, all: &Ordered<T>) {
        for (index, (name, _)) in all.0.iter().enumerate() {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            if name.is_empty() || !name.chars().all(plain) {
                self.wrong(
                    &format!("{path}.{name}"),
                    Problem::new(format!("{name:?} is no name"))
                        .allowed("small letters, digits and _"),
                );
            }
            if all.0[..index].iter().any(|(other, _)| other == name) {
                self.wrong(
                    &format!("{path}.{name}"),
                    Problem::new(format!("{name:?} stands twice")).help("keep one of the two"),
                );
            }
        }
    }

    fn run(&mut self, path: &str, run: &RawRun) {
        self.some_words(&format!("{path}.about"), &run.about);
        self.some_words(&format!("{path}.preset"), &run.preset);
        if run.seeds.is_some_and(|seeds| !(1..=SEEDS).contains(&seeds)) {
            let problem = Problem::new("so many seeds are not run");
            self.wrong(
                &format!("{path}.seeds"),
                problem.allowed(format!("1 to {SEEDS}")),
            );
        }
        if let Some(users) = &run.users
            && (users.is_empty() || !users.is_sorted_by(|a, b| a < b) || users[0] == 0)
        {
            let problem = Problem::new("these loads are not in order");
            self.wrong(
                &format!("{path}.users"),
                problem.allowed("rising numbers of users, each once"),
            );
        }
        if let Some(step) = run.watch_s {
            if !(0.05..=3_600.0).contains(&step) {
                let problem = Problem::new(format!("{step} is no step"));
                self.wrong(&format!("{path}.watch_s"), problem.allowed("0.05 to 3600"));
            }
            if run.users.as_ref().is_some_and(|users| users.len() > 1) {
                let problem = Problem::new("several loads cannot be watched");
                self.wrong(&format!("{path}.watch_s"), problem.help("give one load"));
            }
        }
    }

    fn figure(&mut self, path: &str, figure: &RawFigure) {
        let figures: Vec<&str> = names(&self.raw.figures);
        let words = matches!(figure.of, Of::Limit { .. } | Of::Least(_));
        if words != matches!(figure.show, Show::Limit | Show::Choice) {
            let problem = Problem::new(format!("{:?} cannot be shown so", figure.show));
            let allowed = if words {
                "Limit, Choice"
            } else {
                "Count, Percent, Millis, Bytes, Plain"
            };
            self.wrong(path, problem.allowed(allowed));
        }
        let (run, load) = match &figure.of {
            Of::Number { run, users, .. }
            | Of::Ratio { run, users, .. }
            | Of::Missing { run, users, .. }
            | Of::Wait { run, users, .. } => (run, Some(users)),
            Of::Doubles { run, .. }
            | Of::Growth { run, .. }
            | Of::BreaksAt { run }
            | Of::Limit { run } => (run, None),
            Of::Least(all) => {
                for (_, name) in all {
                    if !figures.contains(&name.as_str()) {
                        let problem = Problem::unknown("figure", name, figures.iter().copied());
                        self.wrong(path, problem);
                    }
                }
                return;
            }
        };
        let Some(known) = self.raw.runs.0.iter().find(|(name, _)| name == run) else {
            let problem = Problem::unknown("run", run, names(&self.raw.runs));
            return self.wrong(path, problem);
        };
        let loads = known.1.users.as_deref().unwrap_or_default();
        match load {
            Some(Some(users)) if !loads.contains(users) => {
                let problem = Problem::new(format!("{run} is not run at {users} users"));
                self.wrong(path, problem.allowed(format!("{loads:?}")));
            }
            Some(None) if loads.len() > 1 => {
                let problem = Problem::new(format!("{run} has several loads"));
                self.wrong(path, problem.help("say which: `users: …`"));
            }
            None if loads.len() < 2
                && matches!(figure.of, Of::Doubles { .. } | Of::Growth { .. }) =>
            {
                self.wrong(path, Problem::new(format!("{run} has one load only")));
            }
            _ => {}
        }
    }

    fn question(&mut self, path: &str, question: &RawQuestion) {
        self.some_words(&format!("{path}.ask"), &question.ask);
        match &question.guess {
            RawGuess::Number { from, to, log, .. } => {
                if !(from < to && (*from > 0.0 || *log != Some(true))) {
                    let problem = Problem::new(format!("{from} to {to} is no range"));
                    self.wrong(&format!("{path}.guess"), problem);
                }
            }
            RawGuess::Choice(all) => {
                if all.0.len() < 2 {
                    let problem = Problem::new("one answer is no choice");
                    self.wrong(&format!("{path}.guess"), problem);
                }
            }
        }
        let Some((_, figure)) = (self.raw.figures.0.iter()).find(|(n, _)| *n == question.answer)
        else {
            let problem = Problem::unknown("figure", &question.answer, names(&self.raw.figures));
            return self.wrong(&format!("{path}.answer"), problem);
        };
        let words = matches!(figure.of, Of::Limit { .. } | Of::Least(_));
        if words != matches!(question.guess, RawGuess::Choice(_)) {
            let problem = Problem::new(format!("{} answers another kind", question.answer));
            self.wrong(
                &format!("{path}.answer"),
                problem.allowed("a figure in words for a choice, a number for a number"),
            );
        }
    }

    fn page(&mut self, path: &str, page: &RawPage) {
        self.some_words(&format!("{path}.label"), &page.label);
        self.not_empty(&format!("{path}.words"), page.words.len());
        self.not_empty(&format!("{path}.runs"), page.runs.len());
        let runs = names(&self.raw.runs);
        for run in &page.runs {
            if !runs.contains(&run.as_str()) {
                let problem = Problem::unknown("run", run, runs.iter().copied());
                self.wrong(&format!("{path}.runs"), problem);
            }
        }
        self.sentences(&format!("{path}.words"), &page.words);
        let chart = format!("{path}.chart");
        let (drawn, guess): (Vec<&String>, Option<&String>) = match &page.chart {
            None => return,
            Some(Chart::AgainstLoad { run, guess, .. }) => (vec![run], guess.as_ref()),
            Some(Chart::OverTime { runs }) => (runs.iter().collect(), None),
            Some(Chart::Bars { bars, guess, .. }) => {
                let figures = names(&self.raw.figures);
                for (_, figure) in bars {
                    if !figures.contains(&figure.as_str()) {
                        let problem = Problem::unknown("figure", figure, figures.iter().copied());
                        self.wrong(&chart, problem);
                    }
                }
                (Vec::new(), guess.as_ref())
            }
        };
        for run in drawn {
            if !page.runs.contains(run) {
                let problem = Problem::new(format!("{run} is not run for this page"));
                self.wrong(&chart, problem.allowed(page.runs.join(", ")));
            }
        }
        let questions = names(&self.raw.questions);
        if let Some(guess) = guess.filter(|guess| !questions.contains(&guess.as_str())) {
            let problem = Problem::unknown("question", guess, questions);
            self.wrong(&chart, problem);
        }
    }

    /// Names of figures in sentences.
    fn sentences(&mut self, path: &str, all: &[String]) {
        let figures = names(&self.raw.figures);
        for sentence in all {
            for name in super::findings::mentioned(sentence) {
                if !figures.contains(&name) {
                    let problem = Problem::unknown("figure", name, figures.iter().copied());
                    self.wrong(path, problem);
                }
            }
        }
    }
}

fn names<T>(all: &Ordered<T>) -> Vec<&str> {
    all.0.iter().map(|(name, _)| name.as_str()).collect()
}

fn lesson(raw: RawLesson) -> Lesson {
    Lesson {
        id: raw.id,
        title: raw.title,
        goal: raw.goal,
        minutes: raw.minutes,
        story: raw.story,
        questions: (raw.questions.0.into_iter()).map(question).collect(),
        runs: raw.runs.0.into_iter().map(run).collect(),
        figures: raw.figures.0.into_iter().map(figure).collect(),
        reveal: page(raw.reveal),
        explain: raw.explain,
        tries: raw.tries.into_iter().map(page).collect(),
    }
}

fn question((name, raw): (String, RawQuestion)) -> Question {
    Question {
        name,
        ask: raw.ask,
        guess: match raw.guess {
            RawGuess::Number {
                unit,
                from,
                to,
                log,
            } => Guess::Number {
                unit,
                from,
                to,
                log: log.unwrap_or(false),
            },
            RawGuess::Choice(all) => Guess::Choice(all.0),
        },
        answer: raw.answer,
    }
}

fn run((name, raw): (String, RawRun)) -> Run {
    Run {
        name,
        about: raw.about,
        preset: raw.preset,
        set: raw.set.unwrap_or_default().0,
        users: raw.users.unwrap_or_default(),
        seed: raw.seed,
        seeds: raw.seeds.unwrap_or(1),
        watch_s: raw.watch_s,
    }
}

fn figure((name, raw): (String, RawFigure)) -> Figure {
    Figure {
        name,
        of: raw.of,
        show: raw.show,
        expect: raw.expect,
    }
}

fn page(raw: RawPage) -> Page {
    Page {
        label: raw.label,
        runs: raw.runs,
        chart: raw.chart,
        words: raw.words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LESSON: &str = include_str!("../../../assets/lessons/knee.ron");

    fn errors(from: &str, to: &str) -> Vec<String> {
        assert!(LESSON.contains(from), "{from} is missing in the lesson");
        let text = LESSON.replacen(from, to, 1);
        let errors = load(&text, "mine.ron").expect_err("it is wrong");
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place_and_the_way_out() {
        for (from, to, said) in [
            ("minutes:", "minuets:", "did you mean \"minutes\"?"),
            ("version: 1", "version: 9", "version: version 9"),
            (
                "answer: \"doubles\"",
                "answer: \"dubles\"",
                "did you mean \"doubles\"?",
            ),
            ("{doubles}", "{doubled}", "no figure is called \"doubled\""),
            (
                "runs: [\"ramp\"]",
                "runs: [\"rampp\"]",
                "did you mean \"ramp\"?",
            ),
            ("users: 6000", "users: 6001", "not run at 6001 users"),
        ] {
            let errors = errors(from, to);
            assert!(
                errors.iter().any(|error| error.contains(said)
                    && error.starts_with("mine.ron:")
                    && error.as_bytes()[9].is_ascii_digit()),
                "{to}: {errors:#?}"
            );
        }
    }

    #[test]
    fn broken_files_never_panic() {
        for end in (0..LESSON.len()).step_by(97) {
            let Some(text) = LESSON.get(..end) else {
                continue;
            };
            assert!(load(text, "mine.ron").is_err());
        }
    }
}
