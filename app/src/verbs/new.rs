//! `plimsoll new`: a scenario of the user's own, as a small variant of a preset or as its whole text.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use sim_core::docs::fields::{self, WORTH_EDITING};
use sim_core::docs::{self, split_default};
use sim_core::scenario::{Loaded, Nested, load_with, tree};

use crate::cli::NewArgs;
use crate::exit::{Exit, Failure};
use crate::explain::objectives;
use crate::presets::Preset;
use crate::{load, output, presets};

/// How many of [`WORTH_EDITING`] are written out.
const TAKEN: usize = 6;

/// Writes the file.
pub(crate) fn new(args: &NewArgs) -> Result<Exit, Failure> {
    let path = path(&args.file)?;
    let Some(preset) = presets::find(&args.from) else {
        let hint = match presets::nearest(&args.from) {
            Some(near) => format!("did you mean {near}?"),
            None => "`plimsoll presets` lists them all".to_owned(),
        };
        return Err(Failure::Usage(format!(
            "--from: there is no preset {:?}; {hint}",
            args.from
        )));
    };
    let shown = path.display().to_string();
    if path.exists() && !args.force {
        return Err(Failure::Usage(format!(
            "{shown} is already there; --force writes over it"
        )));
    }
    let folder = path.parent().filter(|f| !f.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        let folder = folder.display();
        return Err(Failure::Usage(format!(
            "{shown}: there is no folder {folder}"
        )));
    }
    let text = written(preset, &name(&path), args.full)?;
    load_with(&text, &shown, &[], &load::base, &load::beside(&shown)).map_err(|errors| {
        anyhow::anyhow!(
            "{preset:?} gives a wrong file: {errors:?}",
            preset = preset.name
        )
    })?;
    fs::write(&path, text).with_context(|| format!("failed to write {shown}"))?;
    output::print(&format!(
        "{shown}: written from {}. Next: edit it, then\n  plimsoll validate {shown}\n  plimsoll run {shown}\n",
        preset.name
    ))?;
    Ok(Exit::Ok)
}

/// The file to write: `mine` is `mine.ron`.
fn path(file: &Path) -> Result<PathBuf, Failure> {
    match file.extension().and_then(|e| e.to_str()) {
        Some("ron") if file.file_stem().is_some() => Ok(file.to_owned()),
        None if file.file_name().is_some() => Ok(file.with_extension("ron")),
        _ => Err(Failure::Usage(format!(
            "{}: a scenario's file ends in .ron",
            file.display()
        ))),
    }
}

/// A scenario's name from its file's: lower-case letters, digits and `-`.
fn name(path: &Path) -> String {
    let stem = path
        .file_stem()
        .map(|stem| stem.to_string_lossy().to_lowercase());
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let name: String = stem
        .unwrap_or_default()
        .chars()
        .map(plain)
        .take(64)
        .collect();
    match name.trim_matches('-') {
        "" => "mine".to_owned(),
        name => name.to_owned(),
    }
}

/// The file's text.
fn written(preset: &Preset, name: &str, full: bool) -> Result<String, Failure> {
    let failed = |what: String| Failure::Internal(anyhow::anyhow!("{}: {what}", preset.name));
    if full {
        let renamed = tree::set(preset.text, "name", name, true);
        return renamed
            .and_then(|text| tree::set(&text, "title", name, true))
            .map_err(|problem| failed(problem.problem));
    }
    let loaded = load_with(
        preset.text,
        preset.name,
        &[],
        &load::base,
        &load::beside(""),
    )
    .map_err(|errors| failed(format!("{errors:?}")))?;
    Ok(variant(preset.name, name, &loaded))
}

fn variant(preset: &str, name: &str, loaded: &Loaded) -> String {
    let docs = docs::scenario();
    let mut root = Nested::default();
    let present = WORTH_EDITING
        .iter()
        .filter_map(|path| Some((*path, loaded.written(path)?)))
        .filter(|(_, value)| !value.contains('\n'));
    for (path, value) in present.take(TAKEN) {
        root.put(path, value);
    }
    let mut out = format!(
        "// {name}: a variant of the preset {preset}. What is not written here is as it is there;\n\
         // `plimsoll presets {preset}` prints it. Change the numbers, remove what stays as it is, and add any other field:\n\
         // `plimsoll explain` lists them all, `plimsoll explain load.users` says what one of them means.\n\
         (\n    version: 1,\n    name: \"{name}\",\n    extends: \"{preset}\",\n    title: \"{title}\",\n\n",
        title = title(name),
    );
    let source = format!("source: Assumed(\"as in {preset}; check this\"),");
    let said = |path: &str| {
        let found = fields::find(&docs, path);
        Some(comment(
            found.map_or("", |found| split_default(found.doc).0),
        ))
    };
    root.write(&mut out, 1, &said, Some(&source));
    out.push_str("\n    // A list stands for the whole list: write it out to replace the objectives of the preset, which are these.\n");
    out.push_str("    // objectives: [\n");
    for objective in &loaded.scenario.objectives {
        let words = objectives::in_words(&objective.path);
        let words = words.map_or(String::new(), |words| format!(" // {words}"));
        let _ = writeln!(out, "    //     {:?},{words}", objective.text);
    }
    out.push_str("    // ],\n)\n");
    out
}

/// `my-chat`: `My chat`.
fn title(name: &str) -> String {
    let words = name.replace('-', " ");
    let mut letters = words.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// A field's comment as it reads behind a value: without its example.
fn comment(doc: &str) -> String {
    let doc = doc.split_once("`\"").map_or(doc, |(words, _)| words);
    let doc = doc
        .trim()
        .trim_end_matches("as in:")
        .trim_end_matches("As in:");
    doc.trim().trim_end_matches([':', ',', '.']).to_owned()
}

#[cfg(test)]
mod tests {
    use sim_core::scenario::{Edit, Source};

    use super::*;

    #[test]
    fn every_preset_gives_a_variant_and_a_copy_that_are_what_it_is() {
        for preset in presets::ALL {
            let renamed = Edit::Set {
                path: "name".to_owned(),
                value: "mine".to_owned(),
            };
            let original = load_with(
                preset.text,
                "p.ron",
                &[renamed],
                &load::base,
                &load::beside(""),
            )
            .unwrap();
            for full in [false, true] {
                let text = written(preset, "mine", full).unwrap();
                let loaded = load_with(&text, "mine.ron", &[], &load::base, &load::beside(""))
                    .unwrap_or_else(|errors| panic!("{errors:#?}\n{text}"));
                assert_eq!(loaded.scenario.hash(), original.scenario.hash(), "{text}");
                let users = loaded.scenario.source_of("load.users").cloned();
                let check =
                    matches!(users, Some(Source::Assumed(why)) if why.contains("check this"));
                assert!(full || check, "{text}");
                assert!(full || text.matches(", // ").count() >= 5, "{text}");
            }
        }
    }

    #[test]
    fn a_variant_lists_every_objective_with_its_meaning() {
        let team_chat = presets::find("team-chat").unwrap();
        let text = written(team_chat, "mine", false).unwrap();
        let listed: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with("    //     \""))
            .collect();
        assert_eq!(listed.len(), 7, "{text}");
        assert!(listed.iter().all(|line| line.contains("\", // ")), "{text}");
        // Without the slashes in front they are the objectives of the preset.
        let open: String = text
            .lines()
            .map(|line| match line.strip_prefix("    // ") {
                Some(rest) if rest.starts_with(['o', ' ', ']']) => format!("{rest}\n"),
                _ => format!("{line}\n"),
            })
            .collect();
        let loaded = load_with(&open, "mine.ron", &[], &load::base, &load::beside("")).unwrap();
        assert_eq!(loaded.scenario.objectives.len(), 7);
        assert!(loaded.written("objectives").is_some(), "{open}");
    }

    #[test]
    fn names_come_from_files() {
        assert_eq!(name(Path::new("a/My Chat_2.ron")), "my-chat-2");
        assert_eq!(name(Path::new("--.ron")), "mine");
        assert_eq!(title("my-chat-2"), "My chat 2");
        assert!(path(Path::new("mine.json")).is_err());
        assert_eq!(path(Path::new("mine")).unwrap(), Path::new("mine.ron"));
    }
}
