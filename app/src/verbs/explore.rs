//! No verb: the explorer's window, on the first preset.

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
    let scenario = crate::load::load("team-chat", &[])?;
    match desktop::open_with(
        scenario,
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

/// The finished presets; drafts stay out of the gallery.
#[cfg(feature = "desktop")]
fn entries() -> Vec<desktop::PresetEntry> {
    use sim_core::scenario::Status;

    let scenario = |name: &str| crate::load::load(name, &[]).map_err(|failure| failure.to_string());
    let ready = crate::presets::ALL.iter().filter_map(|preset| {
        let title = scenario(preset.name)
            .ok()
            .filter(|s| s.status == Status::Ready)?
            .title;
        let name = preset.name;
        Some(desktop::PresetEntry {
            name: name.to_owned(),
            title,
            load: Box::new(move || scenario(name)),
        })
    });
    ready.collect()
}
