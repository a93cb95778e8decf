//! No verb, or `open`: the explorer's window, on the first preset or what was asked for.

#[cfg(feature = "desktop")]
use crate::desk::{self, Desk};
use crate::exit::{Exit, Failure};
use crate::plan::ExplorePlan;

const INSTEAD: &str = "try `plimsoll run team-chat`, or `plimsoll --help` for all verbs";

/// Opens the explorer.
#[cfg(feature = "desktop")]
pub(crate) fn explore(plan: &ExplorePlan) -> Result<Exit, Failure> {
    use anyhow::Context;
    use desktop::{Files, NoFiles, OpenError, Options};

    let named = plan.scenario.is_some();
    let mut draft = desk::draft(plan.scenario.as_deref().unwrap_or("team-chat"))?;
    if !plan.fields.is_empty() {
        draft = draft.with(&plan.fields).map_err(|errors| {
            Failure::Scenario(errors.iter().map(ToString::to_string).collect())
        })?;
    }
    // A picture is of what was asked for, and remembers nothing.
    let files: Box<dyn Files> = match plan.screenshot {
        Some(_) => Box::new(NoFiles),
        None => Box::new(Desk::new()),
    };
    let options = Options {
        screenshot: plan.screenshot.clone(),
        after_s: plan.after_s,
        open: plan.views.clone(),
        named,
        ..Options::default()
    };
    match desktop::open_with(draft, entries(), files, options) {
        Ok(()) => Ok(Exit::Ok),
        Err(error @ OpenError::NoDisplay) => Err(Failure::Usage(format!("{error}; {INSTEAD}"))),
        Err(error) => Err(error)
            .context(format!("failed to open the explorer; {INSTEAD}"))
            .map_err(Failure::from),
    }
}

/// Opens the explorer.
#[cfg(not(feature = "desktop"))]
pub(crate) fn explore(_plan: &ExplorePlan) -> Result<Exit, Failure> {
    Err(Failure::Usage(format!(
        "this program was built without the explorer; {INSTEAD}"
    )))
}

/// The finished presets; unfinished ones stay out of the gallery.
#[cfg(feature = "desktop")]
fn entries() -> Vec<desktop::PresetEntry> {
    use sim_core::scenario::Status;

    let read = |name: &str| desk::preset(name).map_err(|failure| desk::sentence(&failure));
    let ready = crate::presets::ALL.iter().filter_map(|preset| {
        let draft = read(preset.name).ok()?;
        let scenario = draft.scenario();
        let name = preset.name;
        (scenario.status == Status::Ready).then(|| desktop::PresetEntry {
            name: name.to_owned(),
            title: scenario.title.clone(),
            scenario: scenario.clone(),
            load: Box::new(move || read(name)),
        })
    });
    ready.collect()
}
