//! Markdown for a pull request or a wiki (GitHub's flavour): the verdict first, tables, and a Mermaid map of the tiers.
//!
//! Every word of a scenario is escaped; objectives are code. Times of the machine are left out: same result, same bytes.

mod check;
mod compare;
mod comparisons;
mod load;
mod map;
mod run;

pub use check::markdown_check;
pub(crate) use check::{rerun as rerun_check, scenarios as check_scenarios};
pub use compare::markdown_compare;
pub(crate) use compare::rerun as rerun_compare;
pub(crate) use comparisons::{compared, overview};
pub(crate) use load::largest_whole;
pub use load::{markdown_capacity, markdown_ramp};
pub use run::markdown_run;

use crate::escape::markdown_prose;
use crate::grid::Grid;

/// A page that grows by blocks, one blank line between them.
#[derive(Default)]
struct Page {
    blocks: Vec<String>,
}

impl Page {
    fn strong(&mut self, sentence: &str) {
        self.blocks
            .push(format!("**{}**", markdown_prose(sentence)));
    }

    fn text(&mut self, sentence: &str) {
        if !sentence.is_empty() {
            self.blocks.push(markdown_prose(sentence));
        }
    }

    fn heading(&mut self, words: &str) {
        self.blocks.push(format!("### {}", markdown_prose(words)));
    }

    fn grid(&mut self, grid: &Grid) {
        self.blocks.push(grid.markdown().trim_end().to_owned());
    }

    /// A heading and its table; nothing without one.
    fn section(&mut self, words: &str, grid: Option<Grid>) {
        if let Some(grid) = grid {
            self.heading(words);
            self.grid(&grid);
        }
    }

    fn warnings(&mut self, warnings: &[String]) {
        if !warnings.is_empty() {
            let lines: Vec<String> = warnings
                .iter()
                .map(|w| format!("> - {}", markdown_prose(w)))
                .collect();
            self.blocks
                .push(format!("> **Read this first**\n>\n{}", lines.join("\n")));
        }
    }

    fn list(&mut self, sentences: &[String]) {
        let lines: Vec<String> = sentences
            .iter()
            .map(|s| format!("- {}", markdown_prose(s)))
            .collect();
        if !lines.is_empty() {
            self.blocks.push(lines.join("\n"));
        }
    }

    /// Something long, folded away.
    fn folded(&mut self, words: &str, grids: &[Grid]) {
        if !grids.is_empty() {
            let tables: Vec<String> = grids.iter().map(|grid| grid.markdown()).collect();
            let words = crate::escape::html(words);
            self.blocks.push(format!(
                "<details>\n<summary>{words}</summary>\n\n{}\n</details>",
                tables.join("\n")
            ));
        }
    }

    fn command(&mut self, command: &str) {
        let line: String = command
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let longest = line
            .split(|c| c != '`')
            .map(str::len)
            .max()
            .unwrap_or_default();
        let fence = "`".repeat((longest + 1).max(3));
        self.blocks.push(format!("{fence}sh\n{line}\n{fence}"));
    }

    fn finish(self) -> String {
        let mut text = self.blocks.join("\n\n");
        text.push('\n');
        text.lines()
            .map(|line| format!("{}\n", line.trim_end()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn all(title: &str) -> Vec<(&'static str, String)> {
        let mut labels = sample::labels();
        labels.title = title.to_owned();
        let mut full = sample::full();
        full.warnings.push(format!("about {title}"));
        full.scenario.name = title.to_owned();
        full.sources[0].source = title.to_owned();
        full.objectives[0].objective = format!("{title} < 5");
        let mut compare = sample::compare();
        compare.warnings.push(title.to_owned());
        let mut check = sample::check();
        check.scenarios[0].scenario = title.to_owned();
        check.scenarios[3].error = Some(title.to_owned());
        vec![
            ("run", markdown_run(&full, &labels)),
            ("ramp", markdown_ramp(&sample::ramp(), &labels)),
            ("capacity", markdown_capacity(&sample::capacity(), &labels)),
            ("compare", markdown_compare(&compare, &labels, &labels)),
            ("check", markdown_check(&check)),
        ]
    }

    #[test]
    fn nothing_of_a_scenario_becomes_markup() {
        for (what, text) in all("<img src=x onerror=1> [x](http://e) | @me *b*\n# head") {
            // Inside a code span nothing is markup.
            let spans = text.split('`').step_by(2);
            let text: String = spans.collect();
            assert!(!text.contains("<img"), "{what}\n{text}");
            assert!(
                !text.contains("[x](") && !text.contains(" @me"),
                "{what}\n{text}"
            );
            assert!(
                !text.lines().any(|line| line.starts_with("# head")),
                "{what}"
            );
        }
    }

    #[test]
    fn tables_keep_their_columns() {
        for (what, text) in all("a | b") {
            let mut columns = None;
            for line in text.lines() {
                let bars = line.replace("\\|", "").matches('|').count();
                if line.starts_with('|') {
                    assert_eq!(*columns.get_or_insert(bars), bars, "{what}: {line}");
                } else {
                    columns = None;
                }
            }
            assert_eq!(
                text,
                text.lines()
                    .map(|l| format!("{}\n", l.trim_end()))
                    .collect::<String>()
            );
        }
    }

    #[test]
    fn the_verdict_stands_first() {
        let text = markdown_run(&sample::run(), &sample::labels());
        let first = text.lines().next().unwrap();
        assert_eq!(
            first,
            "**Team chat, 200 K users: 99 % of messages arrive within 212 ± 9 ms. \\$94 K a month.**"
        );
        let text = markdown_compare(&sample::compare(), &sample::labels(), &sample::labels());
        assert!(
            text.starts_with("**team-chat-cached against team-chat: a trade, better on"),
            "{text}"
        );
    }

    #[test]
    fn a_run_says_every_number() {
        let text = markdown_run(&sample::full(), &sample::labels());
        for number in sample::numbers_of_full() {
            let escaped = crate::escape::markdown(&number);
            assert!(
                text.contains(&escaped) || text.contains(&number),
                "{number} is missing in\n{text}"
            );
        }
    }

    #[test]
    fn an_unstable_run_gives_no_percentile() {
        let broken = sample::ramp().points.pop().unwrap();
        let text = markdown_run(&broken, &sample::labels());
        assert!(
            text.starts_with("**Team chat, 2 M users: unstable at the database."),
            "{text}"
        );
        assert!(!text.contains("p99.9"), "{text}");
    }
}
