//! A table before it has a format: Markdown and HTML show the same cells, so no number stands in one and not in the other.

use sim_core::report::Estimate;

use crate::escape;

/// How a cell's text is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// As words and numbers.
    Plain,
    /// As code: an objective, a path, a command.
    Code,
    /// As a verdict: `pass`, `fail`, `inconclusive`, `better`, `worse`.
    Verdict,
}

/// One cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// What it says.
    pub text: String,
    /// An interval or an aside, smaller.
    pub note: String,
    /// How it is set.
    pub set: Set,
    /// The key of a chart: a letter and the number of its colour.
    pub key: Option<usize>,
}

impl Cell {
    /// Words or a number.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            note: String::new(),
            set: Set::Plain,
            key: None,
        }
    }

    /// Code.
    pub(crate) fn code(text: impl Into<String>) -> Self {
        Self {
            set: Set::Code,
            ..Self::new(text)
        }
    }

    /// A verdict.
    pub(crate) fn verdict(text: impl Into<String>) -> Self {
        Self {
            set: Set::Verdict,
            ..Self::new(text)
        }
    }

    /// With an aside.
    pub(crate) fn note(self, note: impl Into<String>) -> Self {
        Self {
            note: note.into(),
            ..self
        }
    }

    /// A number and its interval; words where the run supports none.
    pub(crate) fn estimate(e: Estimate, unit: impl Fn(f64) -> String) -> Self {
        let Some(value) = e.value else {
            return Self::new("not supported");
        };
        match (e.low, e.high) {
            (Some(low), Some(high)) if low == high => Self::new(unit(value)).note("exact"),
            (Some(low), Some(high)) => {
                Self::new(unit(value)).note(format!("{} to {}", unit(low), unit(high)))
            }
            (None, Some(high)) => Self::new(unit(value)).note(format!("at most {}", unit(high))),
            (Some(low), None) => Self::new(unit(value)).note(format!("at least {}", unit(low))),
            (None, None) => Self::new(unit(value)),
        }
    }
}

/// A table: the first `left` columns flush left, the others flush right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    /// What the table shows.
    pub caption: String,
    /// Columns flush left.
    pub left: usize,
    /// Column names.
    pub head: Vec<String>,
    /// Cells, as many per row as there are columns.
    pub rows: Vec<Vec<Cell>>,
}

impl Grid {
    /// Starts a table.
    pub(crate) fn new(caption: impl Into<String>, left: usize, head: &[&str]) -> Self {
        let head = head.iter().map(|name| (*name).to_owned()).collect();
        Self {
            caption: caption.into(),
            left,
            head,
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        assert_eq!(
            cells.len(),
            self.head.len(),
            "a row has as many cells as the header"
        );
        self.rows.push(cells);
    }

    /// The table, unless it has no rows.
    pub(crate) fn filled(self) -> Option<Self> {
        (!self.rows.is_empty()).then_some(self)
    }

    /// As a Markdown table, without its caption.
    pub(crate) fn markdown(&self) -> String {
        let mut out = String::new();
        let head: Vec<String> = self
            .head
            .iter()
            .map(|name| escape::markdown(name))
            .collect();
        out.push_str(&format!("| {} |\n|", head.join(" | ")));
        for column in 0..self.head.len() {
            out.push_str(if column < self.left {
                " :-- |"
            } else {
                " --: |"
            });
        }
        out.push('\n');
        for row in &self.rows {
            let cells: Vec<String> = row.iter().map(markdown_cell).collect();
            out.push_str(&format!("| {} |\n", cells.join(" | ")));
        }
        out
    }

    /// As an HTML table.
    pub(crate) fn html(&self) -> String {
        let side = |column: usize| {
            if column < self.left {
                ""
            } else {
                " class=\"n\""
            }
        };
        // Few columns across a whole page leave the eye without a line to follow.
        let slim = if self.head.len() < 4 { " slim" } else { "" };
        let mut out = format!("<div class=\"wide{slim}\"><table>\n");
        if !self.caption.is_empty() {
            out.push_str(&format!(
                "<caption>{}</caption>\n",
                escape::html_prose(&self.caption)
            ));
        }
        out.push_str("<thead><tr>");
        for (column, name) in self.head.iter().enumerate() {
            out.push_str(&format!(
                "<th scope=\"col\"{}>{}</th>",
                side(column),
                escape::html(name)
            ));
        }
        out.push_str("</tr></thead>\n<tbody>\n");
        for row in &self.rows {
            out.push_str("<tr>");
            for (column, cell) in row.iter().enumerate() {
                let (tag, scope) = if column == 0 {
                    ("th", " scope=\"row\"")
                } else {
                    ("td", "")
                };
                out.push_str(&format!(
                    "<{tag}{scope}{}>{}</{tag}>",
                    side(column),
                    html_cell(cell)
                ));
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</tbody>\n</table></div>\n");
        out
    }
}

fn markdown_cell(cell: &Cell) -> String {
    let text = match cell.set {
        _ if cell.text.is_empty() => String::new(),
        Set::Plain => escape::markdown_prose(&cell.text),
        Set::Code => escape::markdown_code(&cell.text),
        Set::Verdict => format!("{} {}", mark(&cell.text), escape::markdown(&cell.text)),
    };
    match cell.note.as_str() {
        "" => text,
        note => format!("{text} <sub>({})</sub>", escape::markdown(note)),
    }
}

fn html_cell(cell: &Cell) -> String {
    let key = cell.key.map_or_else(String::new, |index| {
        format!(
            "<span class=\"key k{}\">{}</span>",
            index % 7,
            letter(index)
        )
    });
    let text = match cell.set {
        Set::Plain => escape::html_prose(&cell.text),
        Set::Code => format!("<code>{}</code>", escape::html(&cell.text)),
        Set::Verdict => verdict_html(&cell.text),
    };
    let note = match cell.note.as_str() {
        "" => String::new(),
        note => format!("<small>{}</small>", escape::html(note)),
    };
    format!("{key}{text}{note}")
}

/// A verdict with its shape, so that colour is not the only signal.
pub(crate) fn verdict_html(verdict: &str) -> String {
    format!(
        "<span class=\"verdict {}\">{}{}</span>",
        tone(verdict),
        shape(tone(verdict)),
        escape::html(verdict)
    )
}

/// Good, bad, doubtful or neither.
pub(crate) fn tone(verdict: &str) -> &'static str {
    match verdict {
        "pass" | "better" => "good",
        "fail" | "worse" | "invalid" => "bad",
        "inconclusive" => "doubt",
        _ => "even",
    }
}

/// A small drawing for a tone: a tick, a cross, a wave, a dash.
pub(crate) fn shape(tone: &str) -> &'static str {
    match tone {
        "good" => {
            "<svg class=\"mark\" viewBox=\"0 0 16 16\" aria-hidden=\"true\"><path d=\"M3 8.5l3.2 3.5L13 4.5\"/></svg>"
        }
        "bad" => {
            "<svg class=\"mark\" viewBox=\"0 0 16 16\" aria-hidden=\"true\"><path d=\"M4 4l8 8M12 4l-8 8\"/></svg>"
        }
        "doubt" => {
            "<svg class=\"mark\" viewBox=\"0 0 16 16\" aria-hidden=\"true\"><path d=\"M2 9c2-4 4-4 6-1s4 3 6-1\"/></svg>"
        }
        _ => {
            "<svg class=\"mark\" viewBox=\"0 0 16 16\" aria-hidden=\"true\"><path d=\"M3 8h10\"/></svg>"
        }
    }
}

fn mark(verdict: &str) -> &'static str {
    match tone(verdict) {
        "good" => "✅",
        "bad" => "❌",
        "doubt" => "❔",
        _ => "➖",
    }
}

/// The letter of a chart's key.
pub(crate) fn letter(index: usize) -> char {
    char::from(b'a' + u8::try_from(index % 26).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numbers::millis;

    fn grid() -> Grid {
        let mut grid = Grid::new("Times", 1, &["what", "p99"]);
        let interval = Estimate {
            value: Some(212.0),
            low: Some(203.0),
            high: Some(221.0),
        };
        grid.row(vec![Cell::new("a|b <i>"), Cell::estimate(interval, millis)]);
        grid.row(vec![
            Cell::code("x < 1"),
            Cell::estimate(Estimate::none(), millis),
        ]);
        grid.row(vec![
            Cell::verdict("fail"),
            Cell::estimate(Estimate::point(3.0), millis),
        ]);
        grid
    }

    #[test]
    fn markdown_rows_have_equal_columns_and_escape_their_cells() {
        let text = grid().markdown();
        assert!(
            text.contains("| a\\|b &lt;i&gt; | 212 ms <sub>(203 ms to 221 ms)</sub> |"),
            "{text}"
        );
        assert!(text.contains("| `x < 1` | not supported |"), "{text}");
        assert!(text.contains("| ❌ fail | 3 ms |"), "{text}");
        assert!(
            text.lines()
                .all(|line| line.replace("\\|", "").matches('|').count() == 3)
        );
    }

    #[test]
    fn html_is_well_formed_and_headed() {
        let text = grid().html();
        let tree = roxmltree::Document::parse(&text).unwrap();
        let heads = tree
            .descendants()
            .filter(|node| node.has_tag_name("th"))
            .count();
        assert_eq!(heads, 2 + 3);
        assert!(text.contains("<small>203 ms to 221 ms</small>"), "{text}");
    }
}
