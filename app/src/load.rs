//! From a scenario's name to a checked scenario: a file on disk wins over a preset of the same name.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use sim_core::scenario::{Base, Edit, Loaded, Problem, Scenario, load_with};

use crate::cli::EditArgs;
use crate::exit::Failure;
use crate::presets;

/// What errors put before the name of a base that is a preset.
pub(crate) const PRESET: &str = "preset ";

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
    loaded(name, edits).map(|loaded| loaded.scenario)
}

/// Parses and checks a scenario, and keeps the text it was made from.
pub(crate) fn loaded(name: &str, edits: &[Edit]) -> Result<Loaded, Failure> {
    let Named { file_name, text } = find(name)?;
    parse(&text, &file_name, edits)
}

/// Parses and checks a text of that name; what it extends, and the files it names, are looked for beside that file.
pub(crate) fn parse(text: &str, file_name: &str, edits: &[Edit]) -> Result<Loaded, Failure> {
    load_with(text, file_name, edits, &base, &beside(file_name))
        .map_err(|errors| Failure::Scenario(errors.iter().map(ToString::to_string).collect()))
}

/// Reads the files that a scenario names, from beside it.
pub(crate) fn beside(file_name: &str) -> impl Fn(&str) -> Result<String, String> + use<> {
    let folder = Path::new(file_name)
        .parent()
        .unwrap_or(Path::new(""))
        .to_owned();
    move |name| fs::read_to_string(folder.join(name)).map_err(|why| why.to_string())
}

/// Finds what a variant extends.
pub(crate) fn base(name: &str, variant: &str) -> Result<Base, Problem> {
    let path = match Origin::of(name, variant) {
        Origin::File(path) => path,
        Origin::Preset(preset) => {
            return Ok(Base {
                file_name: format!("{PRESET}{}", preset.name),
                text: preset.text.to_owned(),
            });
        }
    };
    if path.is_file() {
        let file_name = path.display().to_string();
        return match fs::read_to_string(&path) {
            Ok(text) => Ok(Base { file_name, text }),
            Err(error) => Err(Problem::new(format!("cannot read {file_name}: {error}"))),
        };
    }
    let folder = Path::new(variant).parent().unwrap_or(Path::new(""));
    let files = neighbours(folder, Path::new(variant));
    let presets = presets::ALL.iter().map(|preset| preset.name);
    Err(if name.ends_with(".ron") {
        let known = files.iter().map(String::as_str).chain(presets);
        Problem::unknown("file beside this one", name, known)
    } else {
        Problem::unknown(
            "preset",
            name,
            presets.chain(files.iter().map(String::as_str)),
        )
    })
}

/// Where a base is: `NAME.ron` is a file beside the variant, any other name a preset or else the file `NAME.ron`.
pub(crate) enum Origin {
    File(PathBuf),
    Preset(&'static presets::Preset),
}

impl Origin {
    /// Of the base that a variant names.
    pub(crate) fn of(name: &str, variant: &str) -> Self {
        let folder = Path::new(variant).parent().unwrap_or(Path::new(""));
        if name.ends_with(".ron") {
            return Origin::File(folder.join(name));
        }
        match presets::find(name) {
            Some(preset) => Origin::Preset(preset),
            None => Origin::File(folder.join(format!("{name}.ron"))),
        }
    }
}

/// The other scenario files in a folder.
fn neighbours(folder: &Path, variant: &Path) -> Vec<String> {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let own = variant.file_name().map(|name| name.to_string_lossy());
    let mut files: Vec<String> = names
        .filter(|name| name.ends_with(".ron") && Some(name.as_str()) != own.as_deref())
        .collect();
    files.sort();
    files
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
