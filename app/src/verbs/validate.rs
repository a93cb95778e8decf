//! `plimsoll validate`: parse and check, nothing is simulated. Every file is looked at, whatever the one before was like.

use report::numbers::count;
use sim_core::scenario::Status;

use crate::exit::{Exit, Failure};
use crate::plan::ValidatePlan;
use crate::{load, output};

/// Checks the plan's scenarios.
pub(crate) fn validate(plan: &ValidatePlan) -> Result<Exit, Failure> {
    let mut exit = Exit::Ok;
    let mut unknown = None;
    for name in &plan.scenarios {
        match load::load(name, &plan.edits) {
            Ok(scenario) if plan.quiet => drop(scenario),
            Ok(scenario) => {
                let draft = if scenario.status == Status::Draft {
                    " (draft)"
                } else {
                    ""
                };
                let (title, users, unit) = (
                    &scenario.title,
                    count(f64::from(scenario.load.users)),
                    &scenario.load.unit,
                );
                output::print(&format!("{name}: valid: {title}, {users} {unit}{draft}\n"))?;
            }
            Err(Failure::Scenario(errors)) => {
                output::say(&errors.join("\n"));
                exit = Exit::InvalidScenario;
            }
            Err(Failure::Usage(problem)) if plan.scenarios.len() > 1 => {
                output::say(&format!("error: {problem}"));
                unknown.get_or_insert(problem);
            }
            Err(failure) => return Err(failure),
        }
    }
    match unknown {
        Some(_) if exit == Exit::Ok => {
            Err(Failure::Usage("not every scenario was found".to_owned()))
        }
        _ => Ok(exit),
    }
}
