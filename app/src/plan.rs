//! What a command line asks for, checked: scenarios parsed, budgets resolved, files known to be writable by name.

use std::path::PathBuf;

use report::{Format, Labels};
use session::{Aim, RunOptions};
use sim_core::experiment::{Recipe, Results};
use sim_core::lesson::{Answer, Lesson, Question};
use sim_core::report::RunReport;
use sim_core::scenario::{Edit, Scenario};

use crate::cli::{
    AdviseArgs, BudgetArgs, CapacityArgs, CheckArgs, Cli, CompareArgs, ExplainArgs, ExplorerArgs,
    InconclusiveArg, LessonsArgs, LiveArgs, NewArgs, OpenArgs, PresetsArgs, RampArgs, RunArgs,
    SchemaOf, SimulationArgs, ValidateArgs, Verb,
};
use crate::exit::Failure;
use crate::invocation;
use crate::load;
use crate::output::{self, Output};
use crate::resume;
use crate::verbs::check::CheckPlan;
use crate::verbs::compare::{Baseline, ComparePlan};
use crate::verbs::lessons::find as find_lesson;

/// Relative half-width that `run` asks for by default of its main operation, and `compare` of every difference.
const PRECISION: f64 = 0.05;

/// One command's work.
#[derive(Debug)]
pub(crate) enum Plan {
    /// Open the explorer.
    Explore(ExplorePlan),
    /// Simulate once.
    Run(RunPlan),
    /// Simulate at rising loads.
    Ramp(RampPlan),
    /// Two designs side by side.
    Compare(ComparePlan),
    /// A gate on objectives.
    Check(CheckPlan),
    /// Search for the load at which it breaks.
    Capacity(CapacityPlan),
    /// Change everything by one step.
    Advise(AdvisePlan),
    /// Check files.
    Validate(ValidatePlan),
    /// List or print presets.
    Presets(PresetsPlan),
    /// Write a scenario.
    New(NewArgs),
    /// Say what a name means.
    Explain(ExplainArgs),
    /// Print a schema.
    Schema(SchemaOf),
    /// Print a completion script.
    Completions(clap_complete::Shell),
    /// Published beside predicted.
    Evidence(EvidencePlan),
    /// Guess, run, see.
    Lessons(LessonsPlan),
    /// Deploy and measure.
    Live(LivePlan),
}

/// `lessons`.
#[derive(Debug)]
pub(crate) enum LessonsPlan {
    /// Say which there are.
    List,
    /// Go through one.
    Study(Box<StudyPlan>),
    /// Put guesses together.
    Merge {
        /// Files of guesses.
        files: Vec<PathBuf>,
        /// Files to be written.
        out: Vec<(PathBuf, Format)>,
        /// No progress.
        quiet: bool,
    },
}

/// One lesson.
#[derive(Debug)]
pub(crate) struct StudyPlan {
    pub(crate) lesson: Lesson,
    /// One per question; empty: to be asked for.
    pub(crate) guesses: Vec<Answer>,
    /// Do not ask.
    pub(crate) no_guess: bool,
    /// Without changes to try.
    pub(crate) short: bool,
    /// Keep the guesses here.
    pub(crate) export: Option<PathBuf>,
    /// Who guessed.
    pub(crate) name: Option<String>,
    /// Files to be written.
    pub(crate) out: Vec<(PathBuf, Format)>,
    /// No progress.
    pub(crate) quiet: bool,
}

/// No verb.
#[derive(Clone, Debug)]
#[cfg_attr(
    not(feature = "desktop"),
    allow(dead_code, reason = "read by the explorer only")
)]
pub(crate) struct ExplorePlan {
    /// Save a picture and close.
    pub(crate) screenshot: Option<PathBuf>,
    /// Simulated seconds before the picture.
    pub(crate) after_s: f64,
    /// Views that are open from the beginning.
    pub(crate) views: Vec<String>,
    /// The scenario that was asked for.
    pub(crate) scenario: Option<String>,
    /// What is set in it.
    pub(crate) fields: Vec<(String, String)>,
}

/// `run`.
#[derive(Debug)]
pub(crate) struct RunPlan {
    pub(crate) scenario: Scenario,
    /// How many populations.
    pub(crate) populations: usize,
    pub(crate) options: RunOptions,
    pub(crate) output: Output,
}

/// `ramp`.
#[derive(Debug)]
pub(crate) struct RampPlan {
    pub(crate) scenario: Scenario,
    /// Rising.
    pub(crate) loads: Vec<u32>,
    /// Loads that an earlier ramp has finished.
    pub(crate) earlier: Vec<RunReport>,
    pub(crate) options: RunOptions,
    pub(crate) output: Output,
}

/// A scenario that experiments change, read once.
#[derive(Debug)]
pub(crate) struct Experiment {
    pub(crate) scenario: Scenario,
    pub(crate) recipe: Recipe,
    pub(crate) options: RunOptions,
    pub(crate) output: Output,
}

/// `capacity`.
#[derive(Debug)]
pub(crate) struct CapacityPlan {
    pub(crate) experiment: Experiment,
    /// Relative width of the interval.
    pub(crate) within: f64,
    /// How many breaks.
    pub(crate) breaks: usize,
    /// Loads that an earlier search has finished.
    pub(crate) earlier: Results,
}

/// `advise`.
#[derive(Debug)]
pub(crate) struct AdvisePlan {
    pub(crate) experiment: Experiment,
    /// How many changes, and guesses, are simulated.
    pub(crate) simulate: usize,
    /// Search where each breaks.
    pub(crate) search: bool,
}

/// `validate`.
#[derive(Debug)]
pub(crate) struct ValidatePlan {
    pub(crate) scenarios: Vec<String>,
    pub(crate) edits: Vec<Edit>,
    pub(crate) quiet: bool,
}

/// `presets`.
#[derive(Debug)]
pub(crate) struct PresetsPlan {
    /// Print this one; `None`: list all.
    pub(crate) name: Option<String>,
}

/// `evidence`.
#[derive(Debug)]
pub(crate) struct EvidencePlan {
    /// What is asked for; everything if nothing is.
    pub(crate) ids: Vec<String>,
    /// JSON in place of text.
    pub(crate) json: bool,
    /// Simulated time measured per case.
    pub(crate) duration: Option<String>,
    /// No progress.
    pub(crate) quiet: bool,
}

/// `live`.
#[derive(Debug)]
#[cfg_attr(
    not(feature = "live"),
    allow(dead_code, reason = "read by the deployment only")
)]
pub(crate) struct LivePlan {
    pub(crate) scenario: Scenario,
    pub(crate) output: Output,
}

impl Plan {
    /// Checks a command line.
    pub(crate) fn new(cli: Cli) -> Result<Self, Failure> {
        match cli.verb {
            None => Ok(Plan::Explore(explore(cli.explorer))),
            Some(Verb::Open(args)) => Ok(Plan::Explore(open(args))),
            Some(Verb::Run(args)) => run(args).map(Plan::Run),
            Some(Verb::Ramp(args)) => ramp(args).map(Plan::Ramp),
            Some(Verb::Compare(args)) => compare(args).map(Plan::Compare),
            Some(Verb::Check(args)) => check(args).map(Plan::Check),
            Some(Verb::Capacity(args)) => capacity(args).map(Plan::Capacity),
            Some(Verb::Advise(args)) => advise(args).map(Plan::Advise),
            Some(Verb::Validate(args)) => validate(args).map(Plan::Validate),
            Some(Verb::Presets(PresetsArgs { name })) => Ok(Plan::Presets(PresetsPlan { name })),
            Some(Verb::New(args)) => Ok(Plan::New(args)),
            Some(Verb::Explain(args)) => Ok(Plan::Explain(args)),
            Some(Verb::Schema { of }) => Ok(Plan::Schema(of)),
            Some(Verb::Completions { shell }) => Ok(Plan::Completions(shell)),
            Some(Verb::Evidence(args)) => Ok(Plan::Evidence(EvidencePlan {
                json: args.format == "json",
                ids: args.ids,
                duration: args.duration,
                quiet: args.quiet,
            })),
            Some(Verb::Lessons(args)) => lessons(args).map(Plan::Lessons),
            Some(Verb::Live(args)) => live(args).map(Plan::Live),
        }
    }
}

/// The names a report shows for a scenario.
pub(crate) fn labels(scenario: &Scenario) -> Labels {
    Labels {
        title: scenario.title.clone(),
        unit: scenario.load.unit.clone(),
        command: invocation::rerun(),
    }
}

fn explore(args: ExplorerArgs) -> ExplorePlan {
    ExplorePlan {
        screenshot: args.screenshot,
        after_s: args.after.map_or(0.0, |time| time.as_secs_f64()),
        views: args.view,
        scenario: None,
        fields: Vec::new(),
    }
}

fn open(args: OpenArgs) -> ExplorePlan {
    let users = args.users.count;
    let users = users.map(|count| ("load.users".to_owned(), count.to_string()));
    ExplorePlan {
        scenario: Some(args.scenario),
        fields: args.set.into_iter().chain(users).collect(),
        ..explore(args.explorer)
    }
}

fn run(args: RunArgs) -> Result<RunPlan, Failure> {
    let asked = Asked::new(args.simulation)?;
    Ok(RunPlan {
        scenario: load::load(&args.scenario, &asked.edits)?,
        populations: args.over.populations.into(),
        options: RunOptions {
            aim: asked.aim(args.precision, Aim::Headline(PRECISION)),
            ..asked.options
        },
        output: asked.output,
    })
}

fn ramp(args: RampArgs) -> Result<RampPlan, Failure> {
    if args.from >= args.to {
        return Err(Failure::Usage(format!(
            "--from {} must be less than --to {}",
            args.from, args.to
        )));
    }
    let output = Output::new(args.output)?.for_ramp()?;
    let edits = load::edits(args.edits, Some(args.from))?;
    let loads = match args.points {
        Some(points) => evenly(args.from, args.to, points),
        None => round(args.from, args.to),
    };
    let (scenario, options) = (load::load(&args.scenario, &edits)?, options(&args.budget));
    let earlier = match &args.resume {
        Some(path) => resume::ramp(path, &scenario, &loads, options.max_events)?,
        None => Vec::new(),
    };
    Ok(RampPlan {
        scenario,
        loads,
        earlier,
        options,
        output,
    })
}

/// What every simulating verb is asked, checked.
struct Asked {
    edits: Vec<Edit>,
    /// Whether the command line fixes the length.
    fixed: bool,
    options: RunOptions,
    output: Output,
}

impl Asked {
    fn new(args: SimulationArgs) -> Result<Self, Failure> {
        Ok(Self {
            output: Output::new(args.output)?,
            fixed: args.edits.duration.is_some(),
            options: options(&args.budget),
            edits: load::edits(args.edits, args.users.count)?,
        })
    }

    /// When a run has said enough: a fixed length is taken as it is.
    fn aim(&self, precision: Option<f64>, default: Aim) -> Aim {
        match precision {
            Some(target) => Aim::Precision(target),
            None if self.fixed => Aim::Length,
            None => default,
        }
    }
}

fn compare(args: CompareArgs) -> Result<ComparePlan, Failure> {
    let asked = Asked::new(args.simulation)?;
    let aim = asked.aim(args.precision, Aim::Precision(PRECISION));
    let mut scenarios = args.scenarios;
    let with = match (args.baseline, args.baseline_rev, scenarios.len()) {
        (None, None, 2) => {
            let b = scenarios.remove(1);
            Baseline::Scenario {
                a: scenarios.remove(0),
                b,
            }
        }
        (Some(path), None, 1) => Baseline::Report {
            path,
            b: scenarios.remove(0),
        },
        (None, Some(rev), _) => Baseline::Revision { rev, scenarios },
        (None, None, 1) if !args.set_b.is_empty() => {
            let b = scenarios.remove(0);
            Baseline::Scenario { a: b.clone(), b }
        }
        (None, None, n) => {
            return Err(Failure::Usage(format!(
                "compare takes two scenarios and got {n}; or one with --set-b PATH=VALUE or --baseline report.json, or files with --baseline-rev REV"
            )));
        }
        (_, _, n) => {
            return Err(Failure::Usage(format!(
                "--baseline takes one scenario and got {n}"
            )));
        }
    };
    let set = |(path, value): (String, String)| Edit::Set { path, value };
    Ok(ComparePlan {
        with,
        edits: asked.edits,
        edits_b: args.set_b.into_iter().map(set).collect(),
        fail_if_worse: args.fail_if_worse,
        allow_weaker: args.allow_weaker,
        options: RunOptions {
            aim,
            ..asked.options
        },
        output: asked.output,
    })
}

fn check(args: CheckArgs) -> Result<CheckPlan, Failure> {
    let asked = Asked::new(args.simulation)?;
    let on_github = std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true");
    Ok(CheckPlan {
        scenarios: args.scenarios,
        edits: asked.edits,
        populations: args.over.populations.into(),
        options: RunOptions {
            aim: if asked.fixed {
                Aim::Length
            } else {
                Aim::Verdicts
            },
            ..asked.options
        },
        output: asked.output,
        inconclusive_fails: args.inconclusive == InconclusiveArg::Fail,
        annotate: args.annotate || on_github,
    })
}

fn capacity(args: CapacityArgs) -> Result<CapacityPlan, Failure> {
    let mut asked = Asked::new(args.simulation)?;
    asked.output = asked.output.for_ramp()?;
    let experiment = experiment(&args.scenario, asked)?;
    let earlier = match &args.resume {
        Some(path) => resume::capacity(path, &experiment.recipe, experiment.options.max_events)?,
        None => Results::default(),
    };
    Ok(CapacityPlan {
        experiment,
        within: args.within,
        breaks: args.breaks.into(),
        earlier,
    })
}

fn advise(args: AdviseArgs) -> Result<AdvisePlan, Failure> {
    let mut asked = Asked::new(args.simulation)?;
    asked.output = asked.output.for_advice()?;
    Ok(AdvisePlan {
        experiment: experiment(&args.scenario, asked)?,
        simulate: args.simulate.into(),
        search: args.search,
    })
}

fn experiment(name: &str, asked: Asked) -> Result<Experiment, Failure> {
    let loaded = load::loaded(name, &asked.edits)?;
    Ok(Experiment {
        scenario: loaded.scenario,
        // The text with its base and edits in it; the edits are made once more, so that they count as such.
        recipe: Recipe {
            text: loaded.text,
            file_name: load::find(name)?.file_name,
            edits: asked.edits,
            files: loaded.files,
        },
        options: asked.options,
        output: asked.output,
    })
}

fn validate(args: ValidateArgs) -> Result<ValidatePlan, Failure> {
    let edits = load::edits(args.edits, args.users.count)?;
    Ok(ValidatePlan {
        scenarios: args.scenarios,
        edits,
        quiet: args.quiet,
    })
}

fn lessons(args: LessonsArgs) -> Result<LessonsPlan, Failure> {
    let merging = !args.merge.is_empty();
    let out = output::pages(args.out, merging)?;
    if merging {
        return Ok(LessonsPlan::Merge {
            files: args.merge,
            out,
            quiet: args.quiet,
        });
    }
    let Some(name) = args.lesson else {
        return Ok(LessonsPlan::List);
    };
    let lesson = find_lesson(&name)?;
    let asked = lesson.questions.len();
    if args.guesses.len() > asked {
        return Err(Failure::Usage(format!(
            "{name} asks {asked} questions and got {} guesses",
            args.guesses.len()
        )));
    }
    let read = |(question, text): (&Question, &String)| {
        let wrong = |why| Failure::Usage(format!("--guess {text}: {}: {why}", question.name));
        question.guess.read(text).map_err(wrong)
    };
    let guesses = lesson.questions.iter().zip(&args.guesses).map(read);
    Ok(LessonsPlan::Study(Box::new(StudyPlan {
        guesses: guesses.collect::<Result<_, _>>()?,
        no_guess: args.no_guess,
        short: args.short,
        export: args.export,
        name: args.name,
        out,
        quiet: args.quiet,
        lesson,
    })))
}

fn live(args: LiveArgs) -> Result<LivePlan, Failure> {
    let output = Output::new(args.output)?;
    let edits = load::edits(args.edits, args.users.count)?;
    Ok(LivePlan {
        scenario: load::load(&args.scenario, &edits)?,
        output,
    })
}

fn options(budget: &BudgetArgs) -> RunOptions {
    RunOptions {
        max_events: budget.max_events,
        max_time: budget.max_time,
        threads: budget.threads.map(usize::from),
        aim: Aim::Length,
    }
}

/// `points` loads, evenly spaced on a logarithmic scale, ends included.
fn evenly(from: u32, to: u32, points: u32) -> Vec<u32> {
    let ratio = f64::from(to) / f64::from(from);
    let at = |i: u32| {
        (f64::from(from) * ratio.powf(f64::from(i) / f64::from(points - 1))).round() as u32
    };
    let mut loads: Vec<u32> = (0..points).map(at).collect();
    loads.dedup();
    loads
}

/// The round numbers 1, 2, 5, 10 … between the ends, and the ends.
fn round(from: u32, to: u32) -> Vec<u32> {
    let decades = (0..=9).map(|exponent| 10u64.pow(exponent));
    let steps = decades.flat_map(|decade| [decade, 2 * decade, 5 * decade]);
    let inside = steps.filter(|n| *n > u64::from(from) && *n < u64::from(to));
    let inside = inside.filter_map(|n| u32::try_from(n).ok());
    std::iter::once(from)
        .chain(inside)
        .chain(std::iter::once(to))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loads_are_round_unless_counted() {
        assert_eq!(round(1_000, 20_000), [1_000, 2_000, 5_000, 10_000, 20_000]);
        assert_eq!(round(1_500, 2_500), [1_500, 2_000, 2_500]);
        assert_eq!(
            evenly(1_000, 1_000_000, 4),
            [1_000, 10_000, 100_000, 1_000_000]
        );
        assert_eq!(evenly(1, 3, 50), [1, 2, 3]);
    }
}
