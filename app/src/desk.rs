//! The files of the explorer: scenarios by name, reports, and what is remembered in the folder that the system gives programs
//! for their data.
//!
//! What is remembered is written beside and renamed, so a crash leaves the file of before or the new one. Without such a
//! folder nothing is remembered. Dialogs are the system's own; where it has none, paths are typed.

use std::fs;
use std::path::{Path, PathBuf};

use desktop::{Chosen, Files, Kept};
use directories::ProjectDirs;
use sim_core::scenario::{Beginning, Draft};

use crate::exit::Failure;
use crate::{load, presets};

/// The real files.
pub(crate) struct Desk {
    folder: Option<PathBuf>,
}

impl Desk {
    /// With the folder of this user.
    pub(crate) fn new() -> Self {
        let project = ProjectDirs::from("", "", "plimsoll");
        Self {
            folder: project.map(|project| project.data_dir().to_owned()),
        }
    }

    fn place(&self, what: Kept) -> Option<PathBuf> {
        let name = match what {
            Kept::Unsaved => "unsaved.ron",
            Kept::Recent => "recent.ron",
            Kept::Settings => "settings.ron",
        };
        Some(self.folder.as_ref()?.join(name))
    }
}

impl Files for Desk {
    fn open(&self, name: &str) -> Result<Draft, String> {
        draft(name).map_err(|failure| sentence(&failure))
    }

    fn save(&self, path: &str, text: &str) -> Result<Draft, String> {
        load::parse(text, path, &[]).map_err(|failure| sentence(&failure))?;
        self.export(path, text.as_bytes())?;
        self.open(path)
    }

    fn export(&self, path: &str, bytes: &[u8]) -> Result<(), String> {
        write(Path::new(path), bytes)
    }

    fn is_there(&self, path: &str) -> bool {
        Path::new(path).exists()
    }

    fn whole(&self, name: &str) -> String {
        let path = Path::new(name);
        let whole = path.is_file().then(|| std::path::absolute(path).ok());
        whole
            .flatten()
            .map_or_else(|| name.to_owned(), |path| path.display().to_string())
    }

    fn kept(&self, what: Kept) -> Option<String> {
        fs::read_to_string(self.place(what)?).ok()
    }

    fn keep(&self, what: Kept, text: &str) {
        let (Some(folder), Some(place)) = (&self.folder, self.place(what)) else {
            return;
        };
        // What cannot be remembered is not worth a message in the middle of work.
        if fs::create_dir_all(folder).is_ok() {
            let _ = write(&place, text.as_bytes());
        }
    }

    fn choose(&self, save: bool, name: &str, chosen: Chosen) -> bool {
        let dialog = rfd::FileDialog::new()
            .add_filter("Scenario", &["ron"])
            .set_file_name(name);
        let ask = move || {
            let path = if save {
                dialog.save_file()
            } else {
                dialog.pick_file()
            };
            chosen(path.map(|path| path.display().to_string()));
        };
        if cfg!(target_os = "macos") {
            // There dialogs belong to the thread of the window.
            ask();
            return true;
        }
        if cfg!(target_os = "linux") && std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_none() {
            return false;
        }
        let spawned = std::thread::Builder::new()
            .name("file dialog".into())
            .spawn(ask);
        spawned.is_ok()
    }
}

/// Beside and renamed.
fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let beside = path.with_file_name(format!("{}.part", name.unwrap_or_default()));
    fs::write(&beside, bytes)
        .and_then(|()| fs::rename(&beside, path))
        .map_err(|error| error.to_string())
}

/// A file or a preset, to be edited.
pub(crate) fn draft(name: &str) -> Result<Draft, Failure> {
    let found = load::find(name)?;
    if !Path::new(&found.file_name).is_file() {
        return preset(name);
    }
    let loaded = load::parse(&found.text, &found.file_name, &[])?;
    let beginning = Beginning::File {
        path: found.file_name,
        text: found.text,
    };
    Ok(Draft::new(beginning, loaded))
}

/// A preset, to be edited, even where a file has its name.
pub(crate) fn preset(name: &str) -> Result<Draft, Failure> {
    let unknown = || Failure::Usage(format!("there is no preset {name:?}"));
    let preset = presets::find(name).ok_or_else(unknown)?;
    let file_name = format!("{}.ron", preset.name);
    let loaded = load::parse(preset.text, &file_name, &[])?;
    Ok(Draft::new(Beginning::Preset(name.to_owned()), loaded))
}

/// A failure in one line.
pub(crate) fn sentence(failure: &Failure) -> String {
    match failure {
        Failure::Scenario(errors) => errors.first().cloned().unwrap_or_default(),
        Failure::Usage(words) => words.clone(),
        Failure::Internal(error) => format!("{error:#}"),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Verb};

    fn folder(name: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("plimsoll-desk-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn edited() -> Draft {
        let fields = [
            ("load.users", "300K"),
            ("design.database.pool", "200"),
            (
                "design.database.query",
                "LogNormal(median: \"2 ms\", p99: \"9 ms\")",
            ),
            ("patterns.sharding", "On"),
            (
                "faults",
                "[(at: \"20 s\", lasts: \"5 s\", fault: Kill(tier: \"database\", first: 0, instances: 1))]",
            ),
        ];
        let fields = fields.map(|(path, value)| (path.to_owned(), value.to_owned()));
        draft("team-chat").unwrap().with(&fields).unwrap()
    }

    /// The words of a command line, as a shell makes them.
    fn words(line: &str) -> Vec<String> {
        let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
        let mut letters = line.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '\'' => quoted = !quoted,
                '\\' if !quoted => word.extend(letters.next()),
                ' ' if !quoted => words.push(std::mem::take(&mut word)),
                letter => word.push(letter),
            }
        }
        words.push(word);
        words
    }

    fn hash_of(line: &str) -> u64 {
        let cli = Cli::try_parse_from(words(line)).unwrap();
        let Some(Verb::Run(args)) = cli.verb else {
            panic!("{line} is no run");
        };
        let simulation = args.simulation;
        let edits = load::edits(simulation.edits, simulation.users.count).unwrap();
        load::load(&args.scenario, &edits).unwrap().hash()
    }

    #[test]
    fn the_command_that_is_shown_gives_the_same_scenario() {
        let draft = edited();
        assert_eq!(hash_of(&draft.command("run")), draft.scenario().hash());
        let none = super::draft("p1-mvp").unwrap();
        assert_eq!(hash_of(&none.command("run")), none.scenario().hash());
    }

    #[test]
    fn what_is_saved_runs_the_same_and_opens_again() {
        let folder = folder("saved");
        let desk = Desk {
            folder: Some(folder.join("data")),
        };
        let path = folder.join("mine.ron").display().to_string();
        let text = edited().to_file("mine", "Mine").unwrap();
        let saved = desk.save(&path, &text).unwrap();
        assert_eq!(hash_of(&saved.command("run")), saved.scenario().hash());
        assert_eq!(saved.scenario().title, "Mine");
        assert!(saved.changes().is_empty());
        assert!(desk.is_there(&path) && !desk.is_there(&format!("{path}.part")));
        // What could not be read again is not written.
        let wrong = text.replace("pool: 200", "pool: many");
        assert!(wrong != text && desk.save(&path, &wrong).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        assert!(
            desk.open("no-such-preset")
                .unwrap_err()
                .contains("no-such-preset")
        );
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_is_kept_is_there_the_next_time() {
        let folder = folder("kept");
        let desk = Desk {
            folder: Some(folder.join("data")),
        };
        assert_eq!(desk.kept(Kept::Recent), None);
        desk.keep(Kept::Recent, "[\"a.ron\"]");
        desk.keep(Kept::Settings, "(look: Dark)");
        assert_eq!(desk.kept(Kept::Recent).as_deref(), Some("[\"a.ron\"]"));
        assert_eq!(desk.kept(Kept::Unsaved), None);
        let nowhere = Desk { folder: None };
        nowhere.keep(Kept::Recent, "[]");
        assert_eq!(nowhere.kept(Kept::Recent), None);
        fs::remove_dir_all(folder).unwrap();
    }
}
