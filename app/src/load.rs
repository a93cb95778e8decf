//! From a scenario's name to a checked scenario: a file on disk wins over a preset of the same name.

use std::fs;
use std::path::Path;

use anyhow::Context;
use sim_core::scenario::{Edit, Scenario, load_with};

use crate::cli::EditArgs;
use crate::exit::Failure;
use crate::presets;

/// A scenario's text and the name that errors give it.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) file_name: String,
    pub(crate) text: String,
}

/// Finds a scenario by file or preset name.
pub(crate) fn find(name: &str) -> Result<Named, Failure> {
    for path in [name.to_owned(), format!("{name}.ron")] {
        if Path::new(&path).is_file() {
            let text =
                fs::read_to_string(&path).with_context(|| format!("failed to read {path}"))?;
            return Ok(Named {
                file_name: path,
                text,
            });
        }
    }
    if let Some(preset) = presets::find(name) {
        return Ok(Named {
            file_name: format!("{}.ron", preset.name),
            text: preset.text.to_owned(),
        });
    }
    if name.ends_with(".ron") || name.starts_with(['.', '/']) {
        return Err(Failure::Usage(format!("there is no file {name}")));
    }
    let hint = match presets::nearest(name) {
        Some(near) => format!("did you mean {near}?"),
        None => "`plimsoll presets` lists them all".to_owned(),
    };
    Err(Failure::Usage(format!(
        "there is no file and no preset {name:?}; {hint}"
    )))
}

/// Parses and checks a scenario.
pub(crate) fn load(name: &str, edits: &[Edit]) -> Result<Scenario, Failure> {
    let Named { file_name, text } = find(name)?;
    let folder = Path::new(&file_name).parent().unwrap_or(Path::new(""));
    let read = |name: &str| fs::read_to_string(folder.join(name)).map_err(|why| why.to_string());
    load_with(&text, &file_name, edits, &read)
        .map_err(|errors| Failure::Scenario(errors.iter().map(ToString::to_string).collect()))
}

/// The edits of a command line in the order they apply: overlays, `--set`, users, seed, duration.
pub(crate) fn edits(args: EditArgs, users: Option<u32>) -> Result<Vec<Edit>, Failure> {
    let mut edits = Vec::new();
    for path in args.overlays {
        let file_name = path.display().to_string();
        if !path.is_file() {
            return Err(Failure::Usage(format!("there is no file {file_name}")));
        }
        let text =
            fs::read_to_string(&path).with_context(|| format!("failed to read {file_name}"))?;
        edits.push(Edit::Overlay { file_name, text });
    }
    edits.extend(
        args.set
            .into_iter()
            .map(|(path, value)| Edit::Set { path, value }),
    );
    edits.extend(users.map(|n| Edit::Users(n.to_string())));
    let set = |path: &str, value: String| Edit::Set {
        path: path.to_owned(),
        value,
    };
    edits.extend(args.seed.map(|seed| set("run.seed", seed.to_string())));
    edits.extend(args.duration.map(|duration| set("run.duration", duration)));
    Ok(edits)
}
