//! Workflow commands of GitHub Actions: a failed objective shows on the line of the scenario that states it.
//!
//! Form and escapes: `::error file=F,line=L,title=T::MESSAGE`, with `%`, line ends, and in properties `:` and `,` as `%XX`.

use sim_core::report::CheckReport;

/// One line per failed, inconclusive or invalid part; nothing for what passes. Inconclusive is an error with
/// `inconclusive_fails`, a warning otherwise.
#[must_use]
pub fn annotations(report: &CheckReport, inconclusive_fails: bool) -> String {
    let mut out = String::new();
    let doubt = if inconclusive_fails {
        "error"
    } else {
        "warning"
    };
    for scenario in &report.scenarios {
        if let Some(error) = &scenario.error {
            let level = if scenario.verdict == "invalid" {
                "error"
            } else {
                doubt
            };
            let (file, line) = place(error);
            out.push_str(&command(
                level,
                file,
                line,
                &format!("{}: {}", scenario.scenario, scenario.verdict),
                error,
            ));
        }
        for o in &scenario.objectives {
            let level = match o.result.verdict.as_str() {
                "pass" => continue,
                "inconclusive" => doubt,
                _ => "error",
            };
            let title = format!(
                "{}: {} ({})",
                scenario.scenario, o.result.objective, o.result.verdict
            );
            // A built-in preset is no file of the repository.
            let file = (o.line > 0).then_some(o.file.as_str());
            out.push_str(&command(level, file, o.line, &title, &o.reason));
        }
    }
    out
}

/// File and line where an error message begins with them: `broken.ron:12:5: …`.
fn place(error: &str) -> (Option<&str>, u32) {
    let mut parts = error.splitn(3, ':');
    let (file, line) = (
        parts.next().unwrap_or_default(),
        parts.next().and_then(|n| n.trim().parse().ok()),
    );
    match line {
        Some(line) if !file.is_empty() && !file.contains(char::is_whitespace) => (Some(file), line),
        _ => (None, 0),
    }
}

fn command(level: &str, file: Option<&str>, line: u32, title: &str, message: &str) -> String {
    let mut properties = Vec::new();
    if let Some(file) = file {
        properties.push(format!("file={}", property(file)));
    }
    if line > 0 {
        properties.push(format!("line={line}"));
    }
    properties.push(format!("title={}", property(title)));
    format!("::{level} {}::{}\n", properties.join(","), data(message))
}

fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn failures_stand_on_their_line() {
        let text = annotations(&sample::check(), true);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(
            lines[0].starts_with("::error file=presets/team-chat.ron,line=142,title=team-chat%3A breaks_at > 300_000 users (fail)::"),
            "{text}"
        );
        assert!(lines[1].starts_with("::error "), "{text}");
        assert!(
            lines[2].starts_with("::error file=broken.ron,line=12,title="),
            "{text}"
        );
        assert!(annotations(&sample::check(), false).contains("::warning "));
    }

    #[test]
    fn messages_cannot_start_another_command() {
        let mut check = sample::check();
        check.scenarios[0].objectives[2].reason = "a\n::error::b 5%".to_owned();
        let text = annotations(&check, true);
        assert_eq!(text.lines().count(), 3);
        assert!(text.contains("::a%0A::error::b 5%25\n"), "{text}");
    }
}
