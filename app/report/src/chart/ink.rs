//! Colours by what they mean. plotters draws with marker colours; afterwards each marker becomes a variable of the page, so one
//! drawing follows the light and the dark theme, and print.

use plotters::style::RGBColor;

/// What a stroke or a fill means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    /// A series, 0 to 6: the colours of Okabe and Ito.
    Series(usize),
    /// Words.
    Text,
    /// Quieter words.
    Muted,
    /// Grid lines.
    Rule,
    /// Beyond a limit.
    Bad,
    /// Close to a limit.
    Warn,
    /// Better.
    Good,
    /// Words on a series' colour.
    On(usize),
}

/// How a line is dashed; series differ by dash and colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dash {
    /// ━━━━
    Solid,
    /// ━ ━ ━
    Dashed,
    /// ·····
    Dotted,
    /// ━ · ━
    Mixed,
}

/// First byte of a marker colour.
const MARK: u8 = 0xFA;
/// Series colours there are.
pub(crate) const SERIES: usize = 7;

impl Ink {
    fn number(self) -> u8 {
        match self {
            Ink::Series(index) => u8::try_from(index % SERIES).unwrap_or_default(),
            Ink::Text => 8,
            Ink::Muted => 9,
            Ink::Rule => 10,
            Ink::Bad => 11,
            Ink::Warn => 12,
            Ink::Good => 13,
            Ink::On(index) => 16 + u8::try_from(index % SERIES).unwrap_or_default(),
        }
    }

    fn variable(number: u8) -> String {
        const NAMES: [&str; 6] = ["text", "muted", "rule", "bad", "warn", "good"];
        match (
            number,
            number
                .checked_sub(8)
                .and_then(|n| NAMES.get(usize::from(n))),
        ) {
            (_, Some(name)) => format!("var(--{name})"),
            (16.., _) => format!("var(--o{})", number - 16),
            _ => format!("var(--s{number})"),
        }
    }

    /// The marker colour for plotters.
    pub(crate) fn marker(self, dash: Dash) -> RGBColor {
        RGBColor(MARK, self.number(), dash.number())
    }
}

impl Dash {
    /// The dash of a series: the first is solid.
    pub(crate) fn of_series(index: usize) -> Self {
        [Dash::Solid, Dash::Dashed, Dash::Dotted, Dash::Mixed][index % 4]
    }

    fn number(self) -> u8 {
        match self {
            Dash::Solid => 0,
            Dash::Dashed => 1,
            Dash::Dotted => 2,
            Dash::Mixed => 3,
        }
    }

    fn pattern(number: u8) -> &'static str {
        match number {
            1 => " stroke-dasharray=\"70 40\"",
            2 => " stroke-dasharray=\"1 42\" stroke-linecap=\"round\"",
            3 => " stroke-dasharray=\"90 40 1 40\" stroke-linecap=\"round\"",
            _ => "",
        }
    }
}

/// Replaces every marker colour of an SVG by its variable and its dash.
pub(crate) fn develop(svg: &str) -> String {
    let mark = format!("\"#{MARK:02X}");
    let mut out = String::with_capacity(svg.len());
    let mut rest = svg;
    while let Some(at) = rest.find(&mark) {
        let (before, marked) = rest.split_at(at);
        out.push_str(before);
        let digits = marked.get(mark.len()..mark.len() + 4).unwrap_or_default();
        let number = |range| {
            digits
                .get(range)
                .and_then(|hex| u8::from_str_radix(hex, 16).ok())
        };
        let (ink, dash) = (number(0..2).unwrap_or(8), number(2..4).unwrap_or(0));
        out.push_str(&format!("\"{}\"", Ink::variable(ink)));
        if before.ends_with("stroke=") {
            out.push_str(Dash::pattern(dash));
        }
        rest = marked.get(mark.len() + 5..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_become_variables_and_dashes() {
        let svg = "<line stroke=\"#FA0201\" x1=\"0\"/><rect fill=\"#FA0B00\" stroke=\"none\"/>";
        assert_eq!(
            develop(svg),
            "<line stroke=\"var(--s2)\" stroke-dasharray=\"70 40\" x1=\"0\"/><rect fill=\"var(--bad)\" stroke=\"none\"/>"
        );
    }
}
