//! The command line as typed: flags and nothing decided yet. [`crate::plan`] turns it into work.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::quantities;

const EXIT_CODES: &str = "\
Without a verb the explorer opens. SCENARIO is a file or a preset's name (see `plimsoll presets`).

Exit codes:
  0  ok
  1  internal error
  2  wrong usage
  3  invalid scenario
  4  an objective failed, or a live mismatch
  5  inconclusive
  6  out of budget: stopped before the end";

/// Simulator and architecture explorer for real-time systems: how fast is a design, what does it cost, what gives way first?
#[derive(Debug, Parser)]
#[command(name = "plimsoll", bin_name = "plimsoll", version, after_help = EXIT_CODES, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) verb: Option<Verb>,
    #[command(flatten)]
    pub(crate) explorer: ExplorerArgs,
}

/// The explorer: for pictures of it.
#[derive(Debug, Args)]
pub(crate) struct ExplorerArgs {
    /// Save a picture of the explorer (PNG) and close it
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) screenshot: Option<PathBuf>,
    /// Simulated time before the picture is taken
    #[arg(long, value_name = "TIME", hide = true, value_parser = quantities::wall_time)]
    pub(crate) after: Option<Duration>,
    /// Title of a view that is open from the beginning
    #[arg(long, value_name = "TITLE", hide = true)]
    pub(crate) view: Vec<String>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Open the explorer on a scenario
    Open(OpenArgs),
    /// Simulate a scenario and report
    Run(RunArgs),
    /// Latency, cost and bottleneck against users; where it breaks
    Ramp(RampArgs),
    /// Paired differences of two designs
    Compare(CompareArgs),
    /// Gate for CI: 0 pass, 4 an objective failed, 5 inconclusive, 3 invalid
    Check(CheckArgs),
    /// The largest load that meets the objectives, as an interval; what breaks first, second, third
    Capacity(CapacityArgs),
    /// What would fix it, and which guess matters
    Advise(AdviseArgs),
    /// Parse and check only
    Validate(ValidateArgs),
    /// List the built-in scenarios, or print one
    Presets(PresetsArgs),
    /// Write a scenario of your own, to start from
    New(NewArgs),
    /// What a field, a number of the report or a term means
    Explain(ExplainArgs),
    /// JSON Schema of the scenario file, or of a report
    Schema {
        /// Of what
        #[arg(value_enum, default_value_t = SchemaOf::Scenario)]
        of: SchemaOf,
    },
    /// Completion script for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Published scale tests beside this program's predictions
    Evidence(EvidenceArgs),
    /// Guess first, then run and see why: lessons for a workshop
    Lessons(LessonsArgs),
    /// Deploy on this machine's sockets and measure
    Live(LiveArgs),
}

/// `open`.
#[derive(Debug, Args)]
pub(crate) struct OpenArgs {
    /// File or preset
    pub(crate) scenario: String,
    #[command(flatten)]
    pub(crate) users: UsersArgs,
    /// Set any field by name, as in design.connection_servers.count=20
    #[arg(long = "set", value_name = "PATH=VALUE", value_parser = quantities::assignment)]
    pub(crate) set: Vec<(String, String)>,
    #[command(flatten)]
    pub(crate) explorer: ExplorerArgs,
}

/// `run`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// File or preset
    pub(crate) scenario: String,
    /// Run on until mean and 99th percentile of every operation are known to this relative half-width, as 5%; stories that
    /// end are told several times [default: 5% of the main operation; with --duration: off]
    #[arg(long, value_name = "SHARE", value_parser = quantities::percentage, conflicts_with = "duration")]
    pub(crate) precision: Option<f64>,
    #[command(flatten)]
    pub(crate) over: PopulationArgs,
    #[command(flatten)]
    pub(crate) simulation: SimulationArgs,
}

/// How many populations.
#[derive(Debug, Args)]
pub(crate) struct PopulationArgs {
    /// Run for so many populations (population seeds from the scenario's on), and say how much of each number follows from
    /// who the users are
    #[arg(long = "populations", value_name = "K", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub(crate) populations: u16,
}

/// `ramp`.
#[derive(Debug, Args)]
pub(crate) struct RampArgs {
    /// File or preset
    pub(crate) scenario: String,
    /// Smallest load
    #[arg(long, value_name = "N", default_value = "1k", value_parser = quantities::users)]
    pub(crate) from: u32,
    /// Largest load
    #[arg(long, value_name = "N", default_value = "10M", value_parser = quantities::users)]
    pub(crate) to: u32,
    /// Loads in all, evenly spaced on a logarithmic scale [default: 1, 2, 5, 10 …]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=1000))]
    pub(crate) points: Option<u32>,
    /// Keep the loads that stand in this report of an earlier, stopped ramp, and run the others only
    #[arg(long, value_name = "REPORT.json")]
    pub(crate) resume: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) edits: EditArgs,
    #[command(flatten)]
    pub(crate) budget: BudgetArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `compare`.
#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// The design in use and the one proposed; one with --baseline, any number of files with --baseline-rev
    #[arg(required = true, value_name = "SCENARIO")]
    pub(crate) scenarios: Vec<String>,
    /// Compare with a stored report (of `run --format json`) instead
    #[arg(long, value_name = "REPORT.json", conflicts_with = "baseline_rev")]
    pub(crate) baseline: Option<PathBuf>,
    /// Compare files with what they were at this revision of the repository, as origin/main
    #[arg(long, value_name = "REV")]
    pub(crate) baseline_rev: Option<String>,
    /// Set a field of the second design only
    #[arg(long = "set-b", value_name = "PATH=VALUE", value_parser = quantities::assignment)]
    pub(crate) set_b: Vec<(String, String)>,
    /// Exit with 4 when anything is worse beyond doubt, not only when an objective newly fails
    #[arg(long)]
    pub(crate) fail_if_worse: bool,
    /// With a baseline: let pass that an objective is dropped or relaxed, which otherwise exits with 4
    #[arg(long)]
    pub(crate) allow_weaker: bool,
    /// Run on until differences of means and 99th percentiles are known to this share of the first design's own [default:
    /// 5%; with --duration: off]
    #[arg(long, value_name = "SHARE", value_parser = quantities::percentage, conflicts_with = "duration")]
    pub(crate) precision: Option<f64>,
    #[command(flatten)]
    pub(crate) simulation: SimulationArgs,
}

/// `check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Files or presets
    #[arg(required = true, value_name = "SCENARIO")]
    pub(crate) scenarios: Vec<String>,
    /// What an objective that could not be decided does
    #[arg(long, value_enum, default_value_t = InconclusiveArg::Fail)]
    pub(crate) inconclusive: InconclusiveArg,
    /// Say failures as workflow commands on standard error, with file and line [default: in GitHub Actions]
    #[arg(long)]
    pub(crate) annotate: bool,
    #[command(flatten)]
    pub(crate) over: PopulationArgs,
    #[command(flatten)]
    pub(crate) simulation: SimulationArgs,
}

/// `--inconclusive`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum InconclusiveArg {
    /// Exit code 5
    Fail,
    /// Exit code 0, and said
    Warn,
}

/// `capacity`.
#[derive(Debug, Args)]
pub(crate) struct CapacityArgs {
    /// File or preset
    pub(crate) scenario: String,
    /// How narrow the interval is to be, relative to the load: 5%
    #[arg(long, value_name = "SHARE", default_value = "5%", value_parser = quantities::percentage)]
    pub(crate) within: f64,
    /// How many breaks to find: each further one with the one before it relieved
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=3))]
    pub(crate) breaks: u8,
    /// Keep the loads that stand in this report of an earlier, stopped search
    #[arg(long, value_name = "REPORT.json")]
    pub(crate) resume: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) simulation: SimulationArgs,
}

/// `advise`.
#[derive(Debug, Args)]
pub(crate) struct AdviseArgs {
    /// File or preset
    pub(crate) scenario: String,
    /// How many of the best changes, and of the worst guesses, are simulated
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(0..=20))]
    pub(crate) simulate: u8,
    /// Also search by simulation where each simulated change breaks, to within 10%
    #[arg(long)]
    pub(crate) search: bool,
    #[command(flatten)]
    pub(crate) simulation: SimulationArgs,
}

/// `validate`.
#[derive(Debug, Args)]
pub(crate) struct ValidateArgs {
    /// Files or presets
    #[arg(required = true)]
    pub(crate) scenarios: Vec<String>,
    #[command(flatten)]
    pub(crate) users: UsersArgs,
    #[command(flatten)]
    pub(crate) edits: EditArgs,
    /// Say nothing about what is valid
    #[arg(long)]
    pub(crate) quiet: bool,
}

/// `presets`.
#[derive(Debug, Args)]
pub(crate) struct PresetsArgs {
    /// Print this preset's file
    pub(crate) name: Option<String>,
}

/// `new`.
#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// File to write; .ron is added
    pub(crate) file: PathBuf,
    /// Preset to start from
    #[arg(long, value_name = "PRESET")]
    pub(crate) from: String,
    /// The whole text of the preset, not only what is most worth editing
    #[arg(long)]
    pub(crate) full: bool,
    /// Write over a file that is there
    #[arg(long)]
    pub(crate) force: bool,
}

/// `explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// Field (design.connection_servers.count), number (publish.delivered.p99) or term (breaks at); all are listed without
    #[arg(value_name = "PATH|TERM")]
    pub(crate) term: Vec<String>,
    /// Also say what stands in this file or preset
    #[arg(long, value_name = "SCENARIO")]
    pub(crate) scenario: Option<String>,
}

/// `schema`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum SchemaOf {
    /// The scenario file
    Scenario,
    /// `run --format json`
    Report,
    /// `ramp --format json`
    Ramp,
    /// `capacity --format json`
    Capacity,
    /// `compare --format json`
    Compare,
    /// `check --format json`
    Check,
}

/// `evidence`.
#[derive(Debug, Args)]
pub(crate) struct EvidenceArgs {
    /// Systems or cases whose names begin with this, as redis or K4; all if none is given
    #[arg(value_name = "ID")]
    pub(crate) ids: Vec<String>,
    /// How to write it
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = ["text", "json"])]
    pub(crate) format: String,
    /// Simulated time measured per case, as 60s; the presets' own if not given
    #[arg(long, value_name = "TIME")]
    pub(crate) duration: Option<String>,
    /// No progress on standard error
    #[arg(long)]
    pub(crate) quiet: bool,
}

/// `lessons`.
#[derive(Debug, Args)]
pub(crate) struct LessonsArgs {
    /// The lesson, as L1; all are listed without
    #[arg(value_name = "LESSON")]
    pub(crate) lesson: Option<String>,
    /// A guess, may be repeated: one per question, in their order; asked for on a terminal if not given
    #[arg(long = "guess", value_name = "GUESS", requires = "lesson")]
    pub(crate) guesses: Vec<String>,
    /// Do not ask for guesses
    #[arg(long, conflicts_with = "guesses")]
    pub(crate) no_guess: bool,
    /// Only what answers the questions, without the changes to try
    #[arg(long, requires = "lesson")]
    pub(crate) short: bool,
    /// Keep the guesses in this file
    #[arg(long, value_name = "FILE.json", requires = "lesson")]
    pub(crate) export: Option<PathBuf>,
    /// Who guessed, for --export; nobody has to say
    #[arg(long, value_name = "NAME", requires = "export")]
    pub(crate) name: Option<String>,
    /// Put the guesses of these files together, beside the answer
    #[arg(long, value_name = "FILE.json", num_args = 1.., conflicts_with_all = ["lesson", "no_guess"])]
    pub(crate) merge: Vec<PathBuf>,
    /// Also write this file, may be repeated; .txt, .md or .html, and .csv for --merge
    #[arg(long = "out", value_name = "FILE")]
    pub(crate) out: Vec<PathBuf>,
    /// No progress on standard error
    #[arg(long)]
    pub(crate) quiet: bool,
}

/// `live`.
#[derive(Debug, Args)]
pub(crate) struct LiveArgs {
    /// File or preset
    pub(crate) scenario: String,
    #[command(flatten)]
    pub(crate) users: UsersArgs,
    #[command(flatten)]
    pub(crate) edits: EditArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// What every verb takes that simulates at one load.
#[derive(Debug, Args)]
pub(crate) struct SimulationArgs {
    #[command(flatten)]
    pub(crate) users: UsersArgs,
    #[command(flatten)]
    pub(crate) edits: EditArgs,
    #[command(flatten)]
    pub(crate) budget: BudgetArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// How many users.
#[derive(Debug, Args)]
pub(crate) struct UsersArgs {
    /// Number of users: 500, 20k, 1.5M
    #[arg(long = "users", value_name = "N", value_parser = quantities::users)]
    pub(crate) count: Option<u32>,
}

/// Changes to the scenario, applied in this order: overlays, `--set`, seed and duration.
#[derive(Debug, Args)]
pub(crate) struct EditArgs {
    /// Set any field by name, as in design.connection_servers.count=20
    #[arg(long = "set", value_name = "PATH=VALUE", value_parser = quantities::assignment)]
    pub(crate) set: Vec<(String, String)>,
    /// Lay the fields of a partial scenario over this one
    #[arg(short = 'f', long = "overlay", value_name = "OVERLAY.ron")]
    pub(crate) overlays: Vec<PathBuf>,
    /// Seed of arrivals, service and network
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Simulated time to measure: 60s, 10min
    #[arg(long, value_name = "TIME", value_parser = quantities::simulated_time)]
    pub(crate) duration: Option<String>,
}

/// What bounds the work.
#[derive(Debug, Args)]
pub(crate) struct BudgetArgs {
    /// Threads for several runs [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) threads: Option<u16>,
    /// Stop a run after this many events: 50M
    #[arg(long, value_name = "N", value_parser = quantities::count)]
    pub(crate) max_events: Option<u64>,
    /// Stop after this much time on the clock: 90s, 5min
    #[arg(long, value_name = "TIME", value_parser = quantities::wall_time)]
    pub(crate) max_time: Option<Duration>,
}

/// Where the report goes.
#[derive(Debug, Args)]
pub(crate) struct OutputArgs {
    /// What standard output gets
    #[arg(long, value_enum, default_value_t = FormatArg::Text)]
    pub(crate) format: FormatArg,
    /// Also write this file, may be repeated; .txt, .json, .csv, .md, .html or .xml (JUnit) picks the format
    #[arg(long = "out", value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// No progress and no preflight; with --out, nothing on standard output either
    #[arg(long)]
    pub(crate) quiet: bool,
}

/// `--format`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum FormatArg {
    /// For reading
    Text,
    /// One object
    Json,
    /// metric,value,low,high; a ramp has one row per load
    Csv,
    /// For a pull request or a wiki
    Markdown,
    /// One page with charts that needs nothing else
    Html,
    /// Objectives, and what a comparison finds, as test cases; not for a ramp
    Junit,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_minute_and_a_million_are_not_confused() {
        let error =
            Cli::try_parse_from(["plimsoll", "run", "team-chat", "--users", "10m"]).unwrap_err();
        assert!(error.to_string().contains("10M"), "{error}");
        assert_eq!(error.exit_code(), 2);
    }
}
