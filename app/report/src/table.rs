//! Aligned tables for a page of 100 columns.

/// Columns of a page.
pub const WIDTH: usize = 100;
const GAP: &str = "  ";

/// Rows under a header; the first `left` columns are flush left, the others flush right.
pub struct Table {
    left: usize,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Starts a table with its header.
    #[must_use]
    pub fn new(left: usize, header: &[&str]) -> Self {
        Self {
            left,
            rows: vec![header.iter().map(|cell| (*cell).to_owned()).collect()],
        }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: Vec<String>) {
        assert_eq!(
            cells.len(),
            self.rows[0].len(),
            "a row has as many cells as the header"
        );
        self.rows.push(cells);
    }

    /// Whether there is only the header.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.len() == 1
    }

    /// Writes the table, every line without trailing blanks.
    pub fn write(&self, out: &mut String) {
        let columns = self.rows[0].len();
        let width = |column: usize| {
            self.rows
                .iter()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in &self.rows {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                let blanks = " ".repeat(widths[column] - cell.chars().count());
                let gap = if column == 0 { "" } else { GAP };
                if column < self.left {
                    line.extend([gap, cell, &blanks]);
                } else {
                    line.extend([gap, &blanks, cell]);
                }
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
    }
}

/// Writes a paragraph, wrapped to the page; lines after the first are indented by `indent`.
pub fn paragraph(out: &mut String, text: &str, indent: usize) {
    let mut column = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > WIDTH {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            column = indent;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = Table::new(1, &["tier", "cpu"]);
        table.row(vec!["broker".into(), "7.3 %".into()]);
        table.row(vec!["database".into(), "100 %".into()]);
        let mut out = String::new();
        table.write(&mut out);
        assert_eq!(out, "tier        cpu\nbroker    7.3 %\ndatabase  100 %\n");
    }

    #[test]
    fn paragraphs_wrap_at_the_page() {
        let mut out = String::new();
        paragraph(&mut out, &"word ".repeat(50), 2);
        assert!(out.lines().all(|line| line.chars().count() <= WIDTH));
        assert!(out.lines().nth(1).unwrap().starts_with("  word"));
    }
}
