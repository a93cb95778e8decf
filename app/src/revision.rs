//! A revision of the repository around this folder: texts as they were there, and which files went or were renamed since.
//!
//! Renames are those that `git diff` sees: a file of another name with much the same text. Leaves out files outside the folder
//! of the command, which are taken as they are named.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::Context;
use sim_core::scenario::{Base, Edit, Problem, Scenario, load_with};

use crate::exit::Failure;
use crate::load::{self, Origin};

/// A revision that git knows.
#[derive(Debug)]
pub(crate) struct Revision {
    rev: String,
    /// Old and new name of what was renamed since.
    renamed: Vec<(String, String)>,
    deleted: Vec<String>,
}

/// A file that only the revision has, under that name.
#[derive(Debug)]
pub(crate) struct Gone {
    pub(crate) file: String,
    pub(crate) moved_to: Option<String>,
}

impl Revision {
    /// Asks git.
    pub(crate) fn new(rev: &str) -> Result<Self, Failure> {
        if !git(&["rev-parse", "--git-dir"])?.status.success() {
            return Err(Failure::Usage(format!(
                "--baseline-rev {rev}: this folder is in no git repository; --baseline report.json compares with a stored report"
            )));
        }
        let commit = format!("{rev}^{{commit}}");
        let known = git(&["rev-parse", "--verify", "--quiet", &commit])?;
        if !known.status.success() {
            return Err(Failure::Usage(format!(
                "--baseline-rev {rev}: git knows no such revision here; `git fetch` gets those of others, `git branch --all` lists branches"
            )));
        }
        let changes = git(&[
            "diff",
            "--name-status",
            "-z",
            "-M",
            "--relative",
            "--diff-filter=DR",
            rev,
            "--",
        ])?;
        let (deleted, renamed) = changed(&String::from_utf8_lossy(&changes.stdout));
        Ok(Self {
            rev: rev.to_owned(),
            renamed,
            deleted,
        })
    }

    /// As it was named.
    pub(crate) fn name(&self) -> &str {
        &self.rev
    }

    /// What a file of today was called.
    pub(crate) fn name_of(&self, file: &str) -> String {
        let mut renamed = self.renamed.iter();
        let found = renamed.find(|(_, new)| new == plain(file));
        found.map_or_else(|| file.to_owned(), |(old, _)| old.clone())
    }

    /// Scenario files that were named, or lay beside those that are, and are not there any more.
    pub(crate) fn gone(&self, named: &[String]) -> Vec<Gone> {
        let folder = |file: &str| Path::new(plain(file)).parent().map(Path::to_owned);
        let folders: BTreeSet<_> = named.iter().map(|file| folder(file)).collect();
        let named: BTreeSet<&str> = named.iter().map(|file| plain(file)).collect();
        let deleted = self.deleted.iter().map(|file| (file, None));
        let moved = self
            .renamed
            .iter()
            .filter(|(_, new)| !named.contains(new.as_str()))
            .map(|(old, new)| (old, Some(new)));
        deleted
            .chain(moved)
            .filter(|(file, _)| file.ends_with(".ron"))
            .filter(|(file, _)| folders.contains(&folder(file)))
            .map(|(file, to)| Gone {
                file: file.clone(),
                moved_to: to.cloned(),
            })
            .collect()
    }

    /// A file's text; `None` when it was not there.
    pub(crate) fn text(&self, file: &str) -> Result<Option<String>, Failure> {
        let shown = git(&["show", &format!("{}:./{file}", self.rev)])?;
        Ok(shown
            .status
            .success()
            .then(|| String::from_utf8_lossy(&shown.stdout).into_owned()))
    }

    /// A scenario as it was, with the bases and files of the revision.
    pub(crate) fn parse(
        &self,
        text: &str,
        file: &str,
        edits: &[Edit],
    ) -> Result<Scenario, Failure> {
        let rev = &self.rev;
        let shown = |path: &Path| match self.text(&path.display().to_string()) {
            Ok(Some(text)) => Ok(text),
            Ok(None) => Err(format!("it was not there at {rev}")),
            Err(_) => Err("git cannot say".to_owned()),
        };
        let base = |name: &str, variant: &str| match Origin::of(name, variant) {
            Origin::File(path) => match shown(&path) {
                Ok(text) => Ok(Base {
                    file_name: format!("{} at {rev}", path.display()),
                    text,
                }),
                Err(why) => Err(Problem::new(format!(
                    "cannot read {}: {why}",
                    path.display()
                ))),
            },
            Origin::Preset(_) => load::base(name, variant),
        };
        let folder = Path::new(file).parent().unwrap_or(Path::new(""));
        let beside = |name: &str| shown(&folder.join(name));
        load_with(text, &format!("{file} at {rev}"), edits, &base, &beside)
            .map(|loaded| loaded.scenario)
            .map_err(|errors| Failure::Scenario(errors.iter().map(ToString::to_string).collect()))
    }
}

/// `./a.ron` is `a.ron` to git.
fn plain(file: &str) -> &str {
    file.trim_start_matches("./")
}

/// Deleted and renamed files of `git diff --name-status -z`.
fn changed(listed: &str) -> (Vec<String>, Vec<(String, String)>) {
    let (mut deleted, mut renamed) = (Vec::new(), Vec::new());
    let mut parts = listed.split('\0').map(str::to_owned);
    while let Some(status) = parts.next() {
        match status.chars().next() {
            Some('D') => deleted.extend(parts.next()),
            Some('R') => renamed.extend(parts.next().zip(parts.next())),
            _ => {}
        }
    }
    (deleted, renamed)
}

fn git(arguments: &[&str]) -> Result<Output, Failure> {
    let output = Command::new("git")
        .args(arguments)
        .output()
        .context("failed to run git, which --baseline-rev needs")?;
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_lists_is_read() {
        let (deleted, renamed) = changed("D\0a.ron\0R087\0b.ron\0c/d.ron\0");
        assert_eq!(deleted, ["a.ron"]);
        assert_eq!(renamed, [("b.ron".to_owned(), "c/d.ron".to_owned())]);
        assert_eq!(changed("").0.len(), 0);
    }

    #[test]
    fn only_what_lay_beside_the_named_files_is_gone() {
        let revision = Revision {
            rev: "main".to_owned(),
            renamed: vec![
                ("x/old.ron".to_owned(), "x/new.ron".to_owned()),
                ("x/left.ron".to_owned(), "y/left.ron".to_owned()),
            ],
            deleted: vec![
                "x/a.ron".to_owned(),
                "y/b.ron".to_owned(),
                "x/c.md".to_owned(),
            ],
        };
        let gone = revision.gone(&["./x/new.ron".to_owned()]);
        let files: Vec<&str> = gone.iter().map(|gone| gone.file.as_str()).collect();
        assert_eq!(files, ["x/a.ron", "x/left.ron"]);
        assert_eq!(gone[1].moved_to.as_deref(), Some("y/left.ron"));
        assert_eq!(revision.name_of("./x/new.ron"), "x/old.ron");
    }
}
