//! Price books: one provider's prices at one date, each line with status, date and source.
//!
//! A book answers (kind, name, region). Where it has no line for the region, its first region answers; where it has none at
//! all, its base book does. Both are told by a note, which the bill carries. Prices are integers: nano-dollars per unit.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use crate::scenario::Source;

/// Bytes of the GB that vendors bill.
const GB: u64 = 1_000_000_000;

/// A price: nano-dollars for `per` counted things (bytes, hours, messages).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// Nano-dollars.
    pub usd_nano: u64,
    /// For so many.
    pub per: u64,
}

impl Price {
    /// Micro-dollars of a quantity, rounded to the nearest.
    #[must_use]
    pub fn of(self, quantity: u128) -> u64 {
        micro(quantity * u128::from(self.usd_nano), self.per)
    }

    /// The price times `parts` of a million.
    #[must_use]
    pub fn scaled(self, parts: u64) -> Self {
        Self {
            usd_nano: ((u128::from(self.usd_nano) * u128::from(parts) + 500_000) / 1_000_000)
                as u64,
            ..self
        }
    }
}

/// Micro-dollars of `nano` nano-dollars per `per`, rounded to the nearest.
pub(super) fn micro(nano: u128, per: u64) -> u64 {
    let whole = u128::from(per.max(1)) * 1_000;
    u64::try_from((nano + whole / 2) / whole).unwrap_or(u64::MAX)
}

/// One line of a book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceLine {
    /// `machine`, `egress`, `inter_zone`, `storage`, …
    pub kind: String,
    /// What of that kind: `c7g.xlarge`, `nlb`; `*`: any.
    pub name: String,
    /// Where; `*`: everywhere.
    pub region: String,
    /// The price, or a number that is none (a capacity, a factor) as thousand-millionths per 1.
    pub price: Price,
    /// As written: `h`, `GB`, `M`.
    pub unit: String,
    /// The tier ends at this quantity a month; `None`: never.
    pub up_to: Option<u128>,
    /// How far to trust it, and why.
    pub source: Source,
    /// `2026-07-20`
    pub date: String,
    /// What to know.
    pub note: String,
}

impl PriceLine {
    /// The number of a line that is no price, in millionths.
    #[must_use]
    pub fn millionths(&self) -> u64 {
        self.price.usd_nano / 1_000
    }
}

/// Why a price table cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BookError {
    /// A line lacks a column.
    #[error("{table}, line {line}: no column {column}")]
    MissingColumn {
        /// Which table.
        table: String,
        /// Line from 1.
        line: usize,
        /// Column from 1.
        column: usize,
    },
    /// A number cannot be read.
    #[error("{table}, line {line}: \"{text}\" is not a number from 0 up")]
    NotANumber {
        /// Which table.
        table: String,
        /// Line from 1.
        line: usize,
        /// What stands there.
        text: String,
    },
    /// A status is none of the known ones.
    #[error(
        "{table}, line {line}: no status is called \"{text}\"; allowed: Vendor, Reported, Assumed"
    )]
    UnknownStatus {
        /// Which table.
        table: String,
        /// Line from 1.
        line: usize,
        /// What stands there.
        text: String,
    },
}

/// A line of a table, cut into columns.
pub(super) struct Row<'a> {
    table: &'a str,
    line: usize,
    cells: Vec<&'a str>,
}

/// The lines of a table without comments and without its heading.
pub(super) fn rows<'a>(table: &'a str, text: &'a str) -> impl Iterator<Item = Row<'a>> {
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| !line.starts_with('#') && !line.is_empty())
        .skip(1)
        .map(move |(i, line)| Row {
            table,
            line: i + 1,
            cells: line.split('\t').collect(),
        })
}

impl Row<'_> {
    pub(super) fn text(&self, i: usize) -> Result<&str, BookError> {
        self.cells
            .get(i)
            .copied()
            .ok_or_else(|| BookError::MissingColumn {
                table: self.table.to_owned(),
                line: self.line,
                column: i + 1,
            })
    }

    /// A number in thousand-millionths.
    pub(super) fn nano(&self, i: usize) -> Result<u64, BookError> {
        let text = self.text(i)?;
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() && (0.0..1e9).contains(&value) => {
                Ok(libm::round(value * 1e9) as u64)
            }
            _ => Err(BookError::NotANumber {
                table: self.table.to_owned(),
                line: self.line,
                text: text.to_owned(),
            }),
        }
    }

    pub(super) fn whole(&self, i: usize) -> Result<Option<u64>, BookError> {
        if self.text(i)?.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.nano(i)? / 1_000_000_000))
    }

    pub(super) fn source(&self, status: usize, words: usize) -> Result<Source, BookError> {
        let words = self.text(words)?.to_owned();
        match self.text(status)? {
            "Vendor" => Ok(Source::Vendor(words)),
            "Reported" => Ok(Source::Reported(words)),
            "Assumed" => Ok(Source::Assumed(words)),
            text => Err(BookError::UnknownStatus {
                table: self.table.to_owned(),
                line: self.line,
                text: text.to_owned(),
            }),
        }
    }
}

/// What a unit counts, and how many of them one price buys.
fn per(unit: &str) -> u64 {
    match unit {
        "GB" | "GB-month" => GB,
        "TiB" => 1 << 40,
        "GiB" => 1 << 30,
        "M" => 1_000_000,
        "10k" => 10_000,
        _ => 1,
    }
}

/// One provider's prices at one date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceBook {
    /// As scenarios name it: `2026-07`.
    pub name: String,
    /// Whose prices.
    pub provider: String,
    /// Of its newest lines.
    pub date: String,
    /// The load balancer that designs use: `nlb`.
    pub balancer: String,
    /// The book that answers what this one does not list.
    pub base: Option<String>,
    lines: Vec<PriceLine>,
}

/// An answer of a book: the lines of its tiers, and what a reader of the bill must know.
pub(super) struct Answer<'a> {
    pub lines: Vec<&'a PriceLine>,
    pub note: Option<String>,
}

impl PriceBook {
    /// Reads a book.
    pub fn parse(name: &str, text: &str) -> Result<Self, BookError> {
        let directive = |key: &str| {
            let head = text.lines().filter_map(|line| line.strip_prefix("#! "));
            head.filter_map(|line| line.split_once(' '))
                .find(|(own, _)| *own == key)
                .map(|(_, value)| value.to_owned())
        };
        let mut lines = Vec::new();
        for row in rows(name, text) {
            let unit = row.text(4)?.to_owned();
            let per = per(&unit);
            lines.push(PriceLine {
                kind: row.text(0)?.to_owned(),
                name: row.text(1)?.to_owned(),
                region: row.text(2)?.to_owned(),
                price: Price {
                    usd_nano: row.nano(3)?,
                    per,
                },
                up_to: row.whole(5)?.map(|end| u128::from(end) * u128::from(per)),
                unit,
                source: row.source(6, 8)?,
                date: row.text(7)?.to_owned(),
                note: row.text(9)?.to_owned(),
            });
        }
        Ok(Self {
            name: name.to_owned(),
            provider: directive("provider").unwrap_or_default(),
            date: directive("date").unwrap_or_default(),
            balancer: directive("balancer").unwrap_or_default(),
            base: directive("base"),
            lines,
        })
    }

    /// All lines, in file order.
    pub fn lines(&self) -> impl Iterator<Item = &PriceLine> {
        self.lines.iter()
    }

    /// The book that answers what this one does not list.
    fn base(&self) -> Option<&'static PriceBook> {
        self.base.as_deref().and_then(book)
    }

    /// Own lines of a kind and name in a region: exactly there, everywhere, or in the first region there is.
    fn own(&self, kind: &str, name: &str, region: &str) -> Option<(Vec<&PriceLine>, bool)> {
        let of = |line: &&PriceLine| {
            line.kind == kind && (line.name == name || line.name == "*" || name == "*")
        };
        let first = self.lines().find(of)?;
        let exact = |wanted: &str| -> Vec<&PriceLine> {
            let all = self.lines().filter(of);
            let mut there: Vec<&PriceLine> = all
                .filter(|line| line.region.split(',').any(|own| own == wanted))
                .collect();
            if there.iter().any(|line| line.name == name) {
                there.retain(|line| line.name == name);
            }
            there
        };
        for wanted in [region, "*", "global"] {
            let found = exact(wanted);
            if !found.is_empty() {
                return Some((found, true));
            }
        }
        let first = first.region.split(',').next().unwrap_or_default();
        Some((exact(first), false))
    }

    /// The lines of a kind and name in a region, with a note when they are another region's or another book's.
    pub(super) fn find(&self, kind: &str, name: &str, region: &str) -> Option<Answer<'_>> {
        if let Some((lines, here)) = self.own(kind, name, region) {
            let note = (!here).then(|| {
                let other = lines.first().map_or("", |line| line.region.as_str());
                format!(
                    "no {} price for {region} in book {}: that of {other} (Assumed)",
                    words(kind),
                    self.name
                )
            });
            return Some(Answer { lines, note });
        }
        let base = self.base()?;
        let answer = base.find(kind, name, region)?;
        // A book of the same vendor goes on where this one ends; another vendor's prices are a guess.
        let note = if base.provider == self.provider {
            answer.note
        } else {
            Some(format!(
                "{} prices are those of book {} ({}): {} lists none (Assumed)",
                words(kind),
                base.name,
                base.provider,
                self.name
            ))
        };
        Some(Answer { note, ..answer })
    }

    /// The rent of a machine per hour in a region, with what a reader must know; `None`: not listed.
    ///
    /// Where the region has no line of its own, the rent of the listed region times the region's factor.
    #[must_use]
    pub fn machine(&self, name: &str, region: &str) -> Option<(Price, Vec<String>)> {
        let (book, (lines, here)) = match self.own("machine", name, region) {
            Some(found) => (self, found),
            None => {
                let base = self.base()?;
                (base, base.own("machine", name, region)?)
            }
        };
        let line = lines.first()?;
        let (mut price, mut notes) = (line.price, Vec::new());
        if book.provider != self.provider {
            notes.push(format!(
                "machine rents are those of book {} ({}) (Assumed)",
                book.name, book.provider
            ));
        }
        if !here {
            match book.factor(region) {
                Some(factor) => {
                    price = price.scaled(factor.millionths());
                    notes.push(format!(
                        "machine rents in {region}: those of {} times {} (Assumed)",
                        line.region,
                        factor.millionths() as f64 / 1e6
                    ));
                }
                None => notes.push(format!(
                    "machine rents in {region}: those of {} (Assumed)",
                    line.region
                )),
            }
        }
        if let Some(factor) = self.factor("*") {
            price = price.scaled(factor.millionths());
            notes.push(format!(
                "machine rents times {}: {} (Assumed)",
                factor.millionths() as f64 / 1e6,
                factor.note
            ));
        }
        Some((price, notes))
    }

    fn factor(&self, region: &str) -> Option<&PriceLine> {
        self.lines()
            .find(|line| line.kind == "machine_factor" && line.region == region)
    }
}

fn words(kind: &str) -> String {
    kind.replace('_', "-")
}

/// Names of the embedded books, the default first.
#[must_use]
pub fn book_names() -> Vec<&'static str> {
    books().iter().map(|book| book.name.as_str()).collect()
}

/// An embedded book by name.
#[must_use]
pub fn book(name: &str) -> Option<&'static PriceBook> {
    books().iter().find(|book| book.name == name)
}

fn books() -> &'static [PriceBook] {
    static BOOKS: OnceLock<Vec<PriceBook>> = OnceLock::new();
    let texts = [
        (
            "2026-07",
            include_str!("../../../assets/prices/2026-07.tsv"),
        ),
        (
            "2026-07-reserved",
            include_str!("../../../assets/prices/2026-07-reserved.tsv"),
        ),
        (
            "gcp-2024-07",
            include_str!("../../../assets/prices/gcp-2024-07.tsv"),
        ),
        (
            "azure-2024-07",
            include_str!("../../../assets/prices/azure-2024-07.tsv"),
        ),
    ];
    BOOKS.get_or_init(|| {
        let read = |(name, text): (&str, &str)| {
            PriceBook::parse(name, text).unwrap_or_else(|problem| {
                panic!("an embedded price book does not parse: {problem}")
            })
        };
        let books: Vec<PriceBook> = texts.into_iter().map(read).collect();
        let names: BTreeSet<&str> = books.iter().map(|book| book.name.as_str()).collect();
        for base in books.iter().filter_map(|book| book.base.as_deref()) {
            assert!(names.contains(base), "no price book is called {base}");
        }
        books
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::assets::assets;

    #[test]
    fn every_machine_of_the_table_has_the_same_rent_in_the_default_book() {
        let book = book("2026-07").unwrap();
        for name in assets().machine_names() {
            let (price, notes) = book.machine(name, "us-east-1").unwrap();
            let listed = assets().machine(name).unwrap().usd_micro_per_hour;
            assert_eq!(price.usd_nano, listed * 1_000, "{name}");
            assert!(notes.is_empty(), "{name}: {notes:?}");
        }
    }

    #[test]
    fn a_region_without_its_own_line_is_told_about() {
        let book = book("2026-07").unwrap();
        let (price, notes) = book.machine("m6g.large", "eu-west-1").unwrap();
        assert_eq!((price.usd_nano, notes.len()), (86_240_000, 1));
        let answer = book.find("egress", "internet", "eu-north-1").unwrap();
        assert_eq!(answer.lines.len(), 4);
        assert!(answer.note.unwrap().contains("us-east-1 (Assumed)"));
        let pair = book.find("inter_region", "us-east-2", "us-east-1").unwrap();
        assert_eq!(pair.lines[0].price.usd_nano, 10_000_000);
        let other = book.find("inter_region", "eu-west-1", "us-east-1").unwrap();
        assert_eq!(other.lines[0].price.usd_nano, 20_000_000);
    }

    #[test]
    fn a_book_without_machines_takes_those_of_its_base_and_says_so() {
        let gcp = book("gcp-2024-07").unwrap();
        let (price, notes) = gcp.machine("c7g.xlarge", "us-east-1").unwrap();
        assert_eq!(price.usd_nano, 145_000_000);
        assert!(notes[0].contains("book 2026-07 (AWS)"), "{notes:?}");
        let reserved = book("2026-07-reserved").unwrap();
        let (price, notes) = reserved.machine("c7g.xlarge", "us-east-1").unwrap();
        assert_eq!(price.usd_nano, 104_400_000);
        assert!(notes[0].contains("times 0.72"), "{notes:?}");
        let same_vendor = reserved.find("egress", "internet", "us-east-1").unwrap();
        assert_eq!(same_vendor.note, None);
    }

    #[test]
    fn a_line_that_does_not_read_is_named() {
        let text = "kind\tname\nmachine\ta\tb\tmany\th\t\tVendor\t\t\t\n";
        let problem = PriceBook::parse("x", text).unwrap_err();
        assert_eq!(
            problem.to_string(),
            "x, line 2: \"many\" is not a number from 0 up"
        );
    }
}
