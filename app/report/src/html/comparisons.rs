//! Several comparisons on one page: what each file comes to, a table of contents, then each in a part of its own.

use sim_core::report::{GoneFileReport, NewFileReport};

use super::compare::content;
use super::page::page;
use super::parts::{Top, section, tiles, top, warnings};
use crate::comparisons::{self, Compared};
use crate::escape::html;
use crate::grid::verdict_html;
use crate::{Labels, story, tables};

/// All files as one self-contained page; a single pair as the page of a comparison.
pub(crate) fn comparisons(files: &[Compared<'_>], command: Option<&str>) -> String {
    if let [Compared::Pair { report, a, b }] = files {
        return super::html_compare(report, a, b);
    }
    let title = match files {
        [one] => one.name(),
        all => format!("{} files compared", all.len()),
    };
    let mut out = top(&Top {
        kicker: "comparison".to_owned(),
        title: &title,
        lead: match files {
            [one] => one.sentence(),
            all => format!("{}.", comparisons::verdicts(all)),
        },
        more: Vec::new(),
        state: None,
    });
    if files.len() > 1 {
        out.push_str(&contents(files));
        let overview = comparisons::overview(files).html();
        out.push_str(&section("What each file comes to", "", &overview));
    }
    for (index, file) in files.iter().enumerate() {
        out.push_str(&format!(
            "<article id=\"{}\">\n{}</article>\n",
            anchor(index),
            one(file)
        ));
    }
    if let Some(command) = command {
        let command = format!("<pre>{}</pre>\n", html(command));
        out.push_str(&section("How to get this again", "", &command));
    }
    page(&title, &out)
}

fn anchor(index: usize) -> String {
    format!("file-{}", index + 1)
}

/// Links to the parts of the page.
fn contents(files: &[Compared<'_>]) -> String {
    let items: String = files
        .iter()
        .enumerate()
        .map(|(index, file)| {
            format!(
                "<li><a href=\"#{}\">{}</a> {}</li>\n",
                anchor(index),
                html(&file.name()),
                verdict_html(file.verdict())
            )
        })
        .collect();
    format!("<nav aria-label=\"Contents\">\n<ol>\n{items}</ol>\n</nav>\n")
}

fn one(file: &Compared<'_>) -> String {
    match file {
        Compared::Pair { report, a, b } => {
            let (_, body) = content(report, a, b);
            let renamed = report.renamed_from.as_ref().map_or(String::new(), |old| {
                format!("<p class=\"second\">Renamed from {}.</p>\n", html(old))
            });
            format!(
                "<p class=\"kicker\">{}</p>\n{renamed}{}",
                html(&file.name()),
                lower(&body)
            )
        }
        Compared::New(report) => new_file(report),
        Compared::Gone(report) => gone_file(report),
    }
}

/// A page as a part of another: headings one level lower, no kicker. All text of a page is escaped, so what looks like a
/// heading is one.
fn lower(body: &str) -> String {
    let without_kicker = match (body.find("<p class=\"kicker\">"), body.find("<h1>")) {
        (Some(from), Some(to)) if from < to => format!("{}{}", &body[..from], &body[to..]),
        _ => body.to_owned(),
    };
    without_kicker
        .replace("<h2>", "<h3>")
        .replace("</h2>", "</h3>")
        .replace("<h1>", "<h2>")
        .replace("</h1>", "</h2>")
}

fn new_file(report: &NewFileReport) -> String {
    let top = top(&Top {
        kicker: String::new(),
        title: &report.file,
        lead: comparisons::new_file(report),
        more: Vec::new(),
        state: None,
    });
    let mut out = format!("<p class=\"kicker\">new</p>\n{top}");
    if let Some(run) = &report.checked.report {
        let labels = Labels {
            title: report.file.clone(),
            unit: "users".to_owned(),
            command: None,
        };
        out.push_str(&warnings(&story::warnings(std::iter::once(run))));
        out.push_str(&tiles(run, &labels));
    }
    let objectives = tables::checked(&report.checked);
    let objectives = objectives.map_or(String::new(), |grid| grid.html());
    out.push_str(&section("Objectives", "", &objectives));
    lower_after_kicker(&out)
}

fn gone_file(report: &GoneFileReport) -> String {
    let out = top(&Top {
        kicker: String::new(),
        title: &report.file,
        lead: comparisons::gone_file(report),
        more: report.objectives.iter().map(|o| format!("`{o}`")).collect(),
        state: None,
    });
    lower_after_kicker(&format!(
        "<p class=\"kicker\">{}</p>\n{out}",
        html(&report.status)
    ))
}

/// [`lower`], keeping the kicker that was put in front.
fn lower_after_kicker(out: &str) -> String {
    match out.split_once("</p>\n") {
        Some((kicker, body)) => format!("{kicker}</p>\n{}", lower(body)),
        None => lower(out),
    }
}
