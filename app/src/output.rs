//! Where reports and messages go. A reader that closes its end (`plimsoll run … | head`) is not an error.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use report::{Document, Format, Labels};

use crate::cli::{FormatArg, OutputArgs};
use crate::exit::Failure;

/// Where a report goes.
#[derive(Debug)]
pub(crate) struct Output {
    /// What standard output gets; `None`: nothing.
    standard: Option<Format>,
    files: Vec<(PathBuf, Format)>,
    /// Neither progress nor preflight.
    pub(crate) quiet: bool,
}

impl Output {
    /// Checks, before any work, that every file has a known extension and a folder to stand in.
    pub(crate) fn new(args: OutputArgs) -> Result<Self, Failure> {
        let files = args
            .files
            .into_iter()
            .map(with_format)
            .collect::<Result<Vec<_>, _>>()?;
        let format = match args.format {
            FormatArg::Text => Format::Text,
            FormatArg::Json => Format::Json,
            FormatArg::Csv => Format::Csv,
            FormatArg::Markdown => Format::Markdown,
            FormatArg::Html => Format::Html,
            FormatArg::Junit => Format::Junit,
        };
        let standard = (!args.quiet || files.is_empty()).then_some(format);
        Ok(Self {
            standard,
            files,
            quiet: args.quiet,
        })
    }

    /// Refuses, before any work, what a ramp cannot be written as.
    pub(crate) fn for_ramp(self) -> Result<Self, Failure> {
        let why = "a JUnit case passes or fails, and a ramp only looks for where that changes; use `run`, or .md or .html";
        if self.standard.is_some_and(|format| !format.writes_ramps()) {
            return Err(Failure::Usage(format!("--format junit: {why}")));
        }
        if let Some((path, _)) = self.files.iter().find(|(_, format)| !format.writes_ramps()) {
            return Err(Failure::Usage(format!("--out {}: {why}", path.display())));
        }
        Ok(self)
    }

    /// Refuses, before any work, what advice cannot be written as.
    pub(crate) fn for_advice(self) -> Result<Self, Failure> {
        let mut formats = self.standard.iter().chain(self.files.iter().map(|f| &f.1));
        match formats.find(|format| !format.writes_advice()) {
            Some(format) => Err(Failure::Usage(format!(
                "advice cannot be written as {}; use text or json",
                format.name()
            ))),
            None => Ok(self),
        }
    }

    /// Writes what is finished so far to the JSON files, for `--resume` after a crash. A file that cannot be written is said
    /// at the end.
    pub(crate) fn keep(&self, document: Document<'_>, labels: &Labels) {
        for (path, format) in &self.files {
            if *format == Format::Json
                && let Ok(text) = render(document, labels, *format)
            {
                // Written beside and renamed: a crash leaves the file of before or the new one, never a half.
                let beside = path.with_extension("json.part");
                if fs::write(&beside, text).is_ok() {
                    let _ = fs::rename(&beside, path);
                }
            }
        }
    }

    /// What to type to go on later.
    pub(crate) fn how_to_resume(&self) -> String {
        match self
            .files
            .iter()
            .find(|(_, format)| *format == Format::Json)
        {
            Some((path, _)) => format!("go on with --resume {}", path.display()),
            None => "with --out FILE.json they are kept for --resume FILE.json".to_owned(),
        }
    }

    /// Writes the report everywhere it was asked for.
    pub(crate) fn write(&self, document: Document<'_>, labels: &Labels) -> Result<(), Failure> {
        self.write_as(|format| render(document, labels, format))
    }

    /// Writes what is made for each format everywhere it was asked for.
    pub(crate) fn write_as(
        &self,
        made: impl Fn(Format) -> Result<String, Failure>,
    ) -> Result<(), Failure> {
        for (path, format) in &self.files {
            let text = made(*format)?;
            fs::write(path, text).with_context(|| format!("failed to write {}", path.display()))?;
        }
        match self.standard {
            Some(format) => print(&made(format)?),
            None => Ok(()),
        }
    }
}

fn render(document: Document<'_>, labels: &Labels, format: Format) -> Result<String, Failure> {
    report::render(document, labels, format).map_err(|report::Unsupported| {
        Failure::Usage(format!(
            "this report cannot be written as {}",
            format.name()
        ))
    })
}

/// Writes to standard output.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(anyhow::Error::new(error)
            .context("failed to write to standard output")
            .into()),
        _ => Ok(()),
    }
}

/// Writes one line to standard error; nobody may be listening.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Files of pages for people, and of CSV where that is allowed.
pub(crate) fn pages(files: Vec<PathBuf>, csv: bool) -> Result<Vec<(PathBuf, Format)>, Failure> {
    let files = files.into_iter().map(with_format);
    let files = files.collect::<Result<Vec<_>, _>>()?;
    let page = |format: Format| {
        matches!(format, Format::Text | Format::Markdown | Format::Html)
            || csv && format == Format::Csv
    };
    match files.iter().find(|(_, format)| !page(*format)) {
        Some((path, _)) => Err(Failure::Usage(format!(
            "--out {}: allowed: .txt, .md, .html{}",
            path.display(),
            if csv { ", .csv" } else { "" }
        ))),
        None => Ok(files),
    }
}

fn with_format(path: PathBuf) -> Result<(PathBuf, Format), Failure> {
    let extension = path
        .extension()
        .and_then(|e| e.to_str())
        .unwrap_or_default();
    let Some(format) = Format::from_extension(extension) else {
        return Err(Failure::Usage(format!(
            "--out {}: the extension picks the format; allowed: .txt, .json, .csv, .md, .html, .xml (JUnit)",
            path.display()
        )));
    };
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Err(Failure::Usage(format!(
            "--out {}: there is no folder {}",
            path.display(),
            folder.display()
        )));
    }
    Ok((path, format))
}
