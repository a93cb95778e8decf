//! The command: arguments become a [`plan::Plan`], the plan's verb carries it out, and the outcome becomes an exit code.
//!
//! The explorer opens without a verb (feature `desktop`); `live` deploys on real sockets (feature `live`). Everything else is
//! headless. Reports go to standard output, all else to standard error.

mod cli;
#[cfg(feature = "live")]
mod deploy;
#[cfg(feature = "desktop")]
mod desk;
mod exit;
mod explain;
mod interrupt;
mod invocation;
mod load;
mod memory;
mod output;
mod plan;
mod preflight;
pub mod presets;
mod progress;
mod quantities;
mod resume;
mod revision;
mod schema;
mod verbs;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;
use crate::exit::{Exit, Failure};
use crate::plan::Plan;

#[global_allocator]
static ALLOCATOR: memory::LargePages = memory::LargePages;

/// Carries out one command line, program name first.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let outcome = match Cli::try_parse_from(opened_by_name(arguments)) {
        Ok(cli) => Plan::new(cli).and_then(carry_out),
        Err(error) => return exit::print_usage(&error),
    };
    exit::conclude(outcome)
}

/// `plimsoll mine.ron`, as a file manager says it, is `plimsoll open mine.ron`.
fn opened_by_name(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    if let [_, file] = arguments.as_slice() {
        let path = Path::new(file);
        if path.extension().is_some_and(|end| end == "ron") && path.is_file() {
            arguments.insert(1, "open".into());
        }
    }
    arguments
}

fn carry_out(plan: Plan) -> Result<Exit, Failure> {
    match plan {
        Plan::Explore(plan) => verbs::explore::explore(&plan),
        Plan::Run(plan) => verbs::run::run(&plan),
        Plan::Ramp(plan) => verbs::ramp::ramp(&plan),
        Plan::Compare(plan) => verbs::compare::compare(&plan),
        Plan::Check(plan) => verbs::check::check(&plan),
        Plan::Capacity(plan) => verbs::capacity::capacity(&plan),
        Plan::Advise(plan) => verbs::advise::advise(&plan),
        Plan::Validate(plan) => verbs::validate::validate(&plan),
        Plan::Presets(plan) => verbs::presets::presets(&plan),
        Plan::New(args) => verbs::new::new(&args),
        Plan::Explain(args) => verbs::explain::explain(&args),
        Plan::Schema(of) => verbs::schema::schema(of),
        Plan::Completions(shell) => verbs::completions::completions(shell),
        Plan::Evidence(plan) => verbs::evidence::evidence(&plan),
        Plan::Lessons(plan) => verbs::lessons::lessons(&plan),
        Plan::Live(plan) => verbs::live::live(&plan),
    }
}
