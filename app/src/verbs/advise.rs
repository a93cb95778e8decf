//! `plimsoll advise`: what would fix it, and which guess matters. The quick estimate looks at everything, the best and the
//! worst are simulated.

use report::Document;
use sim_core::experiment::{Advise, Forecaster, Tornado};

use crate::exit::{Exit, Failure};
use crate::plan::{AdvisePlan, labels};
use crate::progress::Meter;
use crate::{interrupt, output};

/// Relative width of a searched break.
const WIDTH: f64 = 0.10;

/// Advises.
pub(crate) fn advise(plan: &AdvisePlan) -> Result<Exit, Failure> {
    let experiment = &plan.experiment;
    interrupt::listen()?;
    let forecaster = Forecaster::new(experiment.recipe.clone())
        .map_err(|why| Failure::Scenario(vec![format!("{}: {why}", experiment.scenario.name)]))?;
    let go_on = || !interrupt::is_requested();
    let fixes = Advise {
        base: forecaster.base.clone(),
        users: experiment.scenario.load.users,
        variants: forecaster.variants(&go_on),
        ignored: Vec::new(),
        simulate: plan.simulate,
        search: plan.search.then_some(WIDTH),
        at_once: super::threads(&experiment.options),
    };
    let tornado = Tornado {
        base: forecaster.base.clone(),
        guesses: forecaster.ends(&go_on),
        simulate: plan.simulate,
    };
    drop(forecaster);
    let meter = Meter::new(experiment.output.quiet);
    let show = |progress| meter.show(progress);
    let (recipe, options) = (&experiment.recipe, &experiment.options);
    let fixed = session::experiment(&fixes, recipe, options, Default::default(), &show);
    let guessed = session::experiment(&tornado, recipe, options, fixed.results, &show);
    meter.finish();
    let mut report = fixed.answer;
    report.guesses = guessed.answer;
    experiment
        .output
        .write(Document::Advice(&report), &labels(&experiment.scenario))?;
    if !(fixed.finished && guessed.finished) {
        output::say("stopped early: the rest is the quick estimate");
        return Ok(Exit::OutOfBudget);
    }
    Ok(Exit::Ok)
}
