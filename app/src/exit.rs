//! Exit codes and how a command says that it failed.

use std::fmt;
use std::process::ExitCode;

/// How a command ended that could do its work; of several outcomes the later one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// 0
    Ok,
    /// 6: stopped before the end, by a budget or by hand.
    OutOfBudget,
    /// 5: an objective could not be decided.
    Inconclusive,
    /// 4: an objective failed.
    ObjectiveFailed,
    /// 3: at least one scenario is invalid; already said.
    InvalidScenario,
}

/// Why a command could not do its work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// 2: the command line asks for something that is not there.
    Usage(String),
    /// 3: one line or two per error.
    Scenario(Vec<String>),
    /// 1: a file, a thread or the program itself.
    Internal(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Internal(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Usage(text) => write!(f, "error: {text}"),
            Failure::Scenario(errors) => f.write_str(&errors.join("\n")),
            Failure::Internal(error) => write!(f, "error: {error:#}"),
        }
    }
}

/// The exit code of an outcome, its failure said on standard error.
pub(crate) fn conclude(outcome: Result<Exit, Failure>) -> ExitCode {
    match outcome {
        Ok(exit) => ExitCode::from(code(exit)),
        Err(failure) => {
            crate::output::say(&failure.to_string());
            ExitCode::from(failure_code(&failure))
        }
    }
}

/// Prints help, version or a usage error where each belongs.
pub(crate) fn print_usage(error: &clap::Error) -> ExitCode {
    // A closed pipe is the reader's choice, not an error.
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

fn code(exit: Exit) -> u8 {
    match exit {
        Exit::Ok => 0,
        Exit::InvalidScenario => 3,
        Exit::ObjectiveFailed => 4,
        Exit::Inconclusive => 5,
        Exit::OutOfBudget => 6,
    }
}

fn failure_code(failure: &Failure) -> u8 {
    match failure {
        Failure::Internal(_) => 1,
        Failure::Usage(_) => 2,
        Failure::Scenario(_) => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_the_contract() {
        assert_eq!(
            [
                code(Exit::Ok),
                code(Exit::InvalidScenario),
                code(Exit::ObjectiveFailed),
                code(Exit::Inconclusive),
                code(Exit::OutOfBudget)
            ],
            [0, 3, 4, 5, 6]
        );
        assert_eq!(failure_code(&Failure::Internal(anyhow::anyhow!("x"))), 1);
        assert_eq!(failure_code(&Failure::Usage(String::new())), 2);
        assert_eq!(failure_code(&Failure::Scenario(Vec::new())), 3);
    }
}
