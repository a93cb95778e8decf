//! The command that gives a report again: what was typed, without what changes only where it goes or how long it takes.
//!
//! A report is the same whatever the number of threads, so its command names none.

use std::ffi::OsString;

/// Options without influence on the result; all take a value.
const WITH_VALUE: [&str; 4] = ["--format", "--out", "--resume", "--threads"];

/// This process's command; `None` where it was not typed as one (a test, a library call).
pub(crate) fn rerun() -> Option<String> {
    of(std::env::args_os())
}

fn of(arguments: impl Iterator<Item = OsString>) -> Option<String> {
    let typed: Vec<String> = arguments
        .skip(1)
        .map(|a| a.to_string_lossy().into_owned())
        .collect();
    let verb = typed.first()?;
    if ![
        "run", "ramp", "capacity", "advise", "compare", "check", "live",
    ]
    .contains(&verb.as_str())
    {
        return None;
    }
    let mut kept = vec!["plimsoll"];
    let mut rest = typed.iter().map(String::as_str);
    while let Some(argument) = rest.next() {
        let name = argument.split('=').next().unwrap_or_default();
        match argument {
            "--quiet" => {}
            _ if WITH_VALUE.contains(&name) => {
                if !argument.contains('=') {
                    rest.next();
                }
            }
            _ => kept.push(argument),
        }
    }
    Some(report::shell_line(kept.into_iter()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &str) -> Option<String> {
        of(line.split(' ').map(OsString::from))
    }

    #[test]
    fn what_changes_the_result_is_kept() {
        assert_eq!(
            said("/bin/plimsoll run team-chat --users 20k --format html --out=x.html --out y.md --quiet --threads 2 --seed 7")
                .as_deref(),
            Some("plimsoll run team-chat --users 20k --seed 7")
        );
        assert_eq!(
            said("plimsoll ramp a --set x=1,2").as_deref(),
            Some("plimsoll ramp a --set x=1,2")
        );
        assert_eq!(said("test-binary --nocapture"), None);
        assert_eq!(said("test-binary"), None);
    }
}
