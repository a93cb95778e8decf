//! Lessons as files: what RON decodes into.

use serde::Deserialize;

use crate::scenario::raw::Ordered;

/// A lesson's file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "Lesson")]
pub struct RawLesson {
    /// Of the format.
    pub version: u32,
    /// How it is asked for.
    pub id: String,
    /// Its name for people.
    pub title: String,
    /// What one knows afterwards.
    pub goal: String,
    /// How long it takes.
    pub minutes: u16,
    /// What happens.
    pub story: Vec<String>,
    /// To be guessed, by name.
    pub questions: Ordered<RawQuestion>,
    /// Simulations, by name.
    pub runs: Ordered<RawRun>,
    /// What is read from them, by name.
    pub figures: Ordered<RawFigure>,
    /// What answers the questions.
    pub reveal: RawPage,
    /// Why it is so.
    pub explain: Vec<String>,
    /// Changes to try.
    pub tries: Vec<RawPage>,
}

/// A question.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "Question")]
pub struct RawQuestion {
    /// As it is asked.
    pub ask: String,
    /// What can be answered.
    pub guess: RawGuess,
    /// The figure that answers it.
    pub answer: String,
}

/// What can be answered.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "Guess")]
pub enum RawGuess {
    /// A number.
    Number {
        /// Of what.
        unit: String,
        /// Smallest.
        from: f64,
        /// Largest.
        to: f64,
        /// Whether factors count. Default: differences do.
        log: Option<bool>,
    },
    /// One of several: words by name.
    Choice(Ordered<String>),
}

/// Simulations of one design.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "Run")]
pub struct RawRun {
    /// In words.
    pub about: String,
    /// The preset.
    pub preset: String,
    /// Fields and values that differ. Default: none.
    pub set: Option<Ordered<String>>,
    /// Loads. Default: the preset's own.
    pub users: Option<Vec<u32>>,
    /// First seed.
    pub seed: u64,
    /// Seeds in all. Default: 1.
    pub seeds: Option<u32>,
    /// Connections and attempts are noted so often, simulated seconds. Default: never.
    pub watch_s: Option<f64>,
}

/// A number, or words.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "Figure")]
pub struct RawFigure {
    /// Where it is read.
    pub of: Of,
    /// How it is written.
    pub show: Show,
    /// What it should be.
    pub expect: Option<Expected>,
}

/// A result.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "Page")]
pub struct RawPage {
    /// What a button says.
    pub label: String,
    /// Names of its runs.
    pub runs: Vec<String>,
    /// What is drawn. Default: nothing.
    pub chart: Option<Chart>,
    /// What is said.
    pub words: Vec<String>,
}

/// Where a figure is read. A run of several loads needs `users`; over several seeds a figure is their mean.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Of {
    /// A number of the report, by its path as objectives name it.
    Number {
        /// The run.
        run: String,
        /// The load.
        users: Option<u32>,
        /// `tiers.database.utilization.pool.mean`.
        path: String,
    },
    /// One number of the report by another.
    Ratio {
        /// The run.
        run: String,
        /// The load.
        users: Option<u32>,
        /// Divided.
        path: String,
        /// By this.
        by: String,
    },
    /// The share that a number lacks of another: 1 − path / of.
    Missing {
        /// The run.
        run: String,
        /// The load.
        users: Option<u32>,
        /// What is there.
        path: String,
        /// What should be.
        of: String,
    },
    /// Mean wait before a tier per question, milliseconds: a message's wait there by its questions.
    Wait {
        /// The run.
        run: String,
        /// The load.
        users: Option<u32>,
        /// The operation.
        operation: String,
        /// The tier.
        tier: String,
        /// Questions per operation.
        questions: u32,
    },
    /// The load at which a number is twice what it is at the smallest load: between the last load below and the first above.
    Doubles {
        /// The run, of several loads.
        run: String,
        /// The number.
        path: String,
    },
    /// The load at which something fails: what the report says of one load; between the last that holds and the first that fails of
    /// several.
    BreaksAt {
        /// The run.
        run: String,
    },
    /// What fails there, as `database.pool`.
    Limit {
        /// The run.
        run: String,
    },
    /// How a number grows with the load: the exponent between the smallest and the largest load.
    Growth {
        /// The run, of several loads.
        run: String,
        /// The number.
        path: String,
    },
    /// The name beside the smallest of several figures.
    Least(
        /// Names and figures.
        Vec<(String, String)>,
    ),
}

/// How a figure is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Show {
    /// `8.19 K`.
    Count,
    /// `75 %`.
    Percent,
    /// `7.6 ms`.
    Millis,
    /// `12 MB`.
    Bytes,
    /// `4.2`.
    Plain,
    /// A limit in words: `the database pool`.
    Limit,
    /// The words of the question's answer of this name.
    Choice,
}

/// What a figure should be.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Expected {
    /// A number, within a share of it.
    Near {
        /// The number.
        value: f64,
        /// 0.15: by 15 % more or less.
        within: f64,
    },
    /// A range.
    Between {
        /// From.
        low: f64,
        /// To.
        high: f64,
    },
    /// A number that the figure's interval holds: for what varies too much to be held to a share.
    Held(f64),
    /// A name.
    Is(String),
}

/// What is drawn.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Chart {
    /// A number against the load, with the guess at a question marked.
    AgainstLoad {
        /// The run, of several loads.
        run: String,
        /// The number, milliseconds.
        path: String,
        /// What it is called.
        title: String,
        /// The question whose guess is marked on the axis of loads.
        guess: Option<String>,
    },
    /// Connections open, and attempts per client, over simulated time; the runs are watched.
    OverTime {
        /// The runs.
        runs: Vec<String>,
    },
    /// Figures as bars: words and figure.
    Bars {
        /// What is compared.
        title: String,
        /// Words and figures.
        bars: Vec<(String, String)>,
        /// Whether factors count.
        log: Option<bool>,
        /// The question whose guess is marked.
        guess: Option<String>,
    },
}
