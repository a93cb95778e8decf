//! No verb: the explorer's window, on the first preset.

#[cfg(feature = "desktop")]
use sim_core::scenario::{Beginning, Draft};

use crate::exit::{Exit, Failure};
use crate::plan::ExplorePlan;

const INSTEAD: &str = "try `plimsoll run team-chat`, or `plimsoll --help` for all verbs";

/// Opens the explorer.
#[cfg(feature = "desktop")]
pub(crate) fn explore(plan: &ExplorePlan) -> Result<Exit, Failure> {
    use anyhow::Context;
    use desktop::{OpenError, Options};

    let ExplorePlan {
        screenshot,
        after_s,
    } = plan.clone();
    let draft = draft("team-chat")?;
    match desktop::open_with(
        draft,
        entries(),
        Options {
            screenshot,
            after_s,
            ..Options::default()
        },
    ) {
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

/// A preset, to be edited.
#[cfg(feature = "desktop")]
fn draft(preset: &str) -> Result<Draft, Failure> {
    let loaded = crate::load::loaded(preset, &[])?;
    Ok(Draft::new(Beginning::Preset(preset.to_owned()), loaded))
}

/// The finished presets; unfinished ones stay out of the gallery.
#[cfg(feature = "desktop")]
fn entries() -> Vec<desktop::PresetEntry> {
    use sim_core::scenario::Status;

    let read = |name: &str| draft(name).map_err(|failure| failure.to_string());
    let ready = crate::presets::ALL.iter().filter_map(|preset| {
        let draft = read(preset.name).ok()?;
        let scenario = draft.scenario();
        let name = preset.name;
        (scenario.status == Status::Ready).then(|| desktop::PresetEntry {
            name: name.to_owned(),
            title: scenario.title.clone(),
            load: Box::new(move || read(name)),
        })
    });
    ready.collect()
}
