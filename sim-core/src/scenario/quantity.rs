//! Quantities with units: `"200K users"`, `"2 min"`, `"36/h per user"`, `"600 B"`, `"60 %"`.
//!
//! A quantity is a number, an optional scale (`K`, `M`, `G`; `k` is `K`) and a unit. Decimal units are powers of 1000
//! (`KB`), binary ones powers of 1024 (`KiB`). `m` alone is refused: it could mean mega, minutes or milli. Numbers may hold
//! `_` between digits. Plain numbers are taken where no unit is needed: counts, seeds, factors, and shares in 0..=1.

use crate::time::SimDuration;

use super::error::{Problem, shorten};
use super::model::{Per, Rate};
use super::raw::Quantity;

/// A unit and its size in base units.
type Unit = (&'static str, f64);

/// Base unit: nanoseconds.
const TIMES: &[Unit] = &[
    ("ns", 1.0),
    ("us", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("min", 60e9),
    ("h", 3_600e9),
];
/// Base unit: picoseconds.
const PICOSECONDS: &[Unit] = &[("ps", 1.0), ("ns", 1e3), ("us", 1e6)];
/// Base unit: bytes.
const SIZES: &[Unit] = &[
    ("B", 1.0),
    ("KB", 1e3),
    ("KiB", 1024.0),
    ("MB", 1e6),
    ("MiB", 1_048_576.0),
    ("GB", 1e9),
    ("GiB", 1_073_741_824.0),
    ("TB", 1e12),
    ("TiB", 1_099_511_627_776.0),
];
/// Base unit: bits per second.
const BIT_RATES: &[Unit] = &[
    ("bit/s", 1.0),
    ("kbit/s", 1e3),
    ("Kbit/s", 1e3),
    ("Mbit/s", 1e6),
    ("Gbit/s", 1e9),
];
/// Base unit: seconds.
const PERIODS: &[Unit] = &[("s", 1.0), ("min", 60.0), ("h", 3_600.0), ("day", 86_400.0)];
/// Base unit: micro-dollars per hour.
const RENTS: &[Unit] = &[("USD/h", 1e6)];

const TIMES_ALLOWED: &str = "a number with ns, us, ms, s, min or h, as in \"250 ms\"";
const SIZES_ALLOWED: &str = "a number with B, KB, KiB, MB, MiB, GB or GiB, as in \"600 B\"";
const RATES_ALLOWED: &str = "a number with /s, /min, /h or /day, then nothing, `per user` or `per channel`, as in \"36/h per user\"";

/// A finite number that is not negative, and the text behind it.
struct Split<'a> {
    value: f64,
    unit: &'a str,
}

/// A whole number of things, `low..=high`, optionally followed by one of `nouns`.
pub fn count(quantity: &Quantity, nouns: &[&str], low: u64, high: u64) -> Result<u64, Problem> {
    let noun = nouns.first().copied().unwrap_or("");
    let example = format!("{} to {} {noun}", group(low), group(high))
        .trim_end()
        .to_owned();
    let value = match quantity {
        Quantity::Integer(value) => *value as f64,
        Quantity::Real(value) => plain(*value).map_err(|p| p.allowed(&example))?,
        Quantity::Text(text) => {
            let split = split(text, true).map_err(|p| p.allowed(&example))?;
            if split.unit == "m" {
                return Err(ambiguous(text));
            }
            if !split.unit.is_empty() && !nouns.contains(&split.unit) {
                return Err(wrong_unit(text, "a count", &example));
            }
            split.value
        }
    };
    if value.fract() != 0.0 {
        return Err(Problem::new(format!("{quantity} is not a whole number")).allowed(example));
    }
    in_range(quantity, value, low as f64, high as f64, &example).map(|value| value as u64)
}

/// A number without unit (a factor, a mean count), `low..=high`.
pub fn number(quantity: &Quantity, nouns: &[&str], low: f64, high: f64) -> Result<f64, Problem> {
    let example = format!("{low} to {high}");
    let value = match quantity {
        Quantity::Integer(value) => *value as f64,
        Quantity::Real(value) => plain(*value).map_err(|p| p.allowed(&example))?,
        Quantity::Text(text) => {
            let split = split(text, true).map_err(|p| p.allowed(&example))?;
            if split.unit == "m" {
                return Err(ambiguous(text));
            }
            if !split.unit.is_empty() && !nouns.contains(&split.unit) {
                return Err(wrong_unit(text, "a number", &example));
            }
            split.value
        }
    };
    in_range(quantity, value, low, high, &example)
}

/// A share, 0 % to 100 %: `"60 %"` or 0.6.
pub fn share(quantity: &Quantity) -> Result<f64, Problem> {
    const ALLOWED: &str = "0 % to 100 %";
    let refuse = || Problem::new(format!("{quantity} is not a share")).allowed(ALLOWED);
    let value = match quantity {
        Quantity::Integer(value) => *value as f64,
        Quantity::Real(value) => plain(*value).map_err(|p| p.allowed(ALLOWED))?,
        Quantity::Text(text) => {
            let split = split(text, false).map_err(|p| p.allowed(ALLOWED))?;
            match split.unit {
                "%" => split.value / 100.0,
                "" => split.value,
                _ => return Err(refuse()),
            }
        }
    };
    if (0.0..=1.0).contains(&value) {
        Ok(value)
    } else {
        Err(refuse())
    }
}

/// A factor, `low..=high`: `3`, `"300 %"`.
pub fn factor(quantity: &Quantity, low: f64, high: f64) -> Result<f64, Problem> {
    let range = format!("{low} to {high}, as a number or in %");
    let value = match quantity {
        Quantity::Integer(value) => *value as f64,
        Quantity::Real(value) => plain(*value).map_err(|p| p.allowed(&range))?,
        Quantity::Text(text) => {
            let split = split(text, false).map_err(|p| p.allowed(&range))?;
            match split.unit {
                "%" => split.value / 100.0,
                "" => split.value,
                _ => return Err(wrong_unit(text, "a factor", &range)),
            }
        }
    };
    in_range(quantity, value, low, high, &range)
}

/// A duration, `low..=high`.
pub fn duration(
    quantity: &Quantity,
    low: SimDuration,
    high: SimDuration,
) -> Result<SimDuration, Problem> {
    let ns = with_unit(quantity, "a duration", TIMES, TIMES_ALLOWED)?;
    let range = format!("{} to {}", show_duration(low), show_duration(high));
    let ns = in_range(
        quantity,
        ns,
        low.as_nanos() as f64,
        high.as_nanos() as f64,
        &range,
    )?;
    Ok(SimDuration::from_nanos(libm::round(ns) as u64))
}

/// Picoseconds per byte: `"325 ps"` or `"0.3 ns"`.
pub fn picoseconds(quantity: &Quantity, high: u64) -> Result<u64, Problem> {
    const ALLOWED: &str = "CPU time per byte with ps or ns, as in \"325 ps\"";
    let value = with_unit(quantity, "a time per byte", PICOSECONDS, ALLOWED)?;
    in_range(
        quantity,
        value,
        0.0,
        high as f64,
        &format!("0 ps to {} ps", group(high)),
    )
    .map(|value| libm::round(value) as u64)
}

/// A size in bytes, `low..=high`.
pub fn size(quantity: &Quantity, low: u64, high: u64) -> Result<u64, Problem> {
    let bytes = with_unit(quantity, "a size", SIZES, SIZES_ALLOWED)?;
    let range = format!("{} to {}", show_size(low), show_size(high));
    in_range(quantity, bytes, low as f64, high as f64, &range)
        .map(|value| libm::round(value) as u64)
}

/// Bits per second, 1 Mbit/s to 1000 Gbit/s.
pub fn bits_per_s(quantity: &Quantity) -> Result<u64, Problem> {
    const ALLOWED: &str = "a number with kbit/s, Mbit/s or Gbit/s, as in \"10 Gbit/s\"";
    let value = with_unit(quantity, "a bit rate", BIT_RATES, ALLOWED)?;
    in_range(quantity, value, 1e6, 1e12, "1 Mbit/s to 1000 Gbit/s")
        .map(|value| libm::round(value) as u64)
}

/// A rent in micro-dollars per hour, up to 10 000 USD/h.
pub fn rent(quantity: &Quantity) -> Result<u64, Problem> {
    let value = with_unit(
        quantity,
        "a rent",
        RENTS,
        "a number with USD/h, as in \"0.145 USD/h\"",
    )?;
    in_range(quantity, value, 0.0, 1e10, "0 USD/h to 10000 USD/h")
        .map(|value| libm::round(value) as u64)
}

/// Events per second and user, channel or system, up to `high` per second.
pub fn rate(quantity: &Quantity, high: f64) -> Result<Rate, Problem> {
    let Quantity::Text(text) = quantity else {
        return Err(Problem::new(format!("{quantity} has no unit")).allowed(RATES_ALLOWED));
    };
    let refuse = || wrong_unit(text, "a rate", RATES_ALLOWED);
    let (head, tail) = text.split_once('/').ok_or_else(refuse)?;
    let split = split(head, true).map_err(|p| p.allowed(RATES_ALLOWED))?;
    if !split.unit.is_empty() {
        return Err(if split.unit == "m" {
            ambiguous(text)
        } else {
            refuse()
        });
    }
    let mut words = tail.split_whitespace();
    let period = words
        .next()
        .and_then(|word| find(PERIODS, word))
        .ok_or_else(refuse)?;
    let per = match (words.next(), words.next(), words.next()) {
        (None, _, _) => Per::System,
        (Some("per"), Some("user"), None) => Per::User,
        (Some("per"), Some("channel"), None) => Per::Channel,
        _ => return Err(refuse()),
    };
    let per_s = in_range(
        quantity,
        split.value / period,
        0.0,
        high,
        &format!("0/s to {high}/s"),
    )?;
    Ok(Rate { per_s, per })
}

/// A rate of one server or system, whole events per second: `"5K/s"`.
pub fn per_second(quantity: &Quantity, low: u64, high: u64) -> Result<u64, Problem> {
    let range = format!("{}/s to {}/s", group(low), group(high));
    let rate = rate(quantity, f64::INFINITY)?;
    if rate.per != Per::System {
        return Err(Problem::new(format!(
            "{quantity} is per user or channel; this limit belongs to one server"
        ))
        .allowed(range));
    }
    in_range(quantity, rate.per_s, low as f64, high as f64, &range)
        .map(|value| libm::round(value) as u64)
}

/// A duration for people: the largest unit that leaves no fraction, up to hours.
pub fn show_duration(duration: SimDuration) -> String {
    let ns = duration.as_nanos();
    let units: [(u64, &str); 6] = [
        (3_600_000_000_000, "h"),
        (60_000_000_000, "min"),
        (1_000_000_000, "s"),
        (1_000_000, "ms"),
        (1_000, "us"),
        (1, "ns"),
    ];
    if ns == 0 {
        return "0 s".to_owned();
    }
    let (size, unit) = units
        .into_iter()
        .find(|(size, _)| ns.is_multiple_of(*size))
        .unwrap_or((1, "ns"));
    format!("{} {unit}", ns / size)
}

/// A size for people: the largest binary unit that leaves no fraction.
pub fn show_size(bytes: u64) -> String {
    let units: [(u64, &str); 5] = [
        (1 << 40, "TiB"),
        (1 << 30, "GiB"),
        (1 << 20, "MiB"),
        (1 << 10, "KiB"),
        (1, "B"),
    ];
    let (size, unit) = units
        .into_iter()
        .find(|(size, _)| bytes > 0 && bytes.is_multiple_of(*size))
        .unwrap_or((1, "B"));
    format!("{} {unit}", bytes / size)
}

/// A whole number with `_` between thousands, as scenarios write it; 5 digits and more.
pub fn group(value: u64) -> String {
    let digits = value.to_string();
    if digits.len() < 5 {
        return digits;
    }
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push('_');
        }
        out.push(digit);
    }
    out
}

fn with_unit(
    quantity: &Quantity,
    kind: &str,
    units: &[Unit],
    allowed: &str,
) -> Result<f64, Problem> {
    let text = match quantity {
        Quantity::Text(text) => text,
        Quantity::Real(value) => {
            plain(*value).map_err(|p| p.allowed(allowed))?;
            return Err(Problem::new(format!("{quantity} has no unit")).allowed(allowed));
        }
        Quantity::Integer(_) => {
            return Err(Problem::new(format!("{quantity} has no unit")).allowed(allowed));
        }
    };
    let split = split(text, false).map_err(|p| p.allowed(allowed))?;
    match find(units, split.unit) {
        Some(size) => Ok(split.value * size),
        None if split.unit.is_empty() => {
            Err(Problem::new(format!("\"{}\" has no unit", shorten(text))).allowed(allowed))
        }
        None => {
            let problem = wrong_unit(text, kind, allowed);
            Err(
                match units
                    .iter()
                    .find(|(name, _)| name.eq_ignore_ascii_case(split.unit))
                {
                    Some((name, _)) => {
                        problem.help(format!("did you mean \"{} {name}\"?", split.value))
                    }
                    None if split.unit == "m" => {
                        problem.help("\"m\" could be min or ms: write it out")
                    }
                    None => problem,
                },
            )
        }
    }
}

/// Splits `"200K users"` into number and unit; `scales` takes a `K`, `k`, `M` or `G` that touches the number.
fn split(text: &str, scales: bool) -> Result<Split<'_>, Problem> {
    let trimmed = text.trim();
    let end = number_end(trimmed);
    let (digits, rest) = trimmed.split_at(end);
    let cleaned: String = digits.chars().filter(|c| *c != '_').collect();
    let value: f64 = match cleaned.parse() {
        Ok(value) => value,
        Err(_) => return Err(not_a_number(text)),
    };
    let value = plain_text(text, value)?;
    let mut unit = rest;
    let mut factor = 1.0;
    if scales && let Some(first) = rest.chars().next() {
        let found = match first {
            'K' | 'k' => Some(1e3),
            'M' => Some(1e6),
            'G' => Some(1e9),
            _ => None,
        };
        let alone = rest.chars().nth(1).is_none_or(|c| !c.is_alphanumeric());
        if let (Some(found), true) = (found, alone) {
            factor = found;
            unit = &rest[first.len_utf8()..];
        }
    }
    Ok(Split {
        value: value * factor,
        unit: unit.trim(),
    })
}

/// Length in bytes of the number at the start of a text: sign, digits with `_`, fraction, exponent.
fn number_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |mut i: usize| {
        while i < bytes.len() && (bytes[i].is_ascii_digit() || bytes[i] == b'_') {
            i += 1;
        }
        i
    };
    let mut end = digits(usize::from(matches!(bytes.first(), Some(b'-' | b'+'))));
    if bytes.get(end) == Some(&b'.') {
        end = digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'-' | b'+')));
        let exponent = digits(end + 1 + sign);
        if exponent > end + 1 + sign {
            end = exponent;
        }
    }
    end
}

fn find(units: &[Unit], name: &str) -> Option<f64> {
    units
        .iter()
        .find(|(unit, _)| *unit == name)
        .map(|(_, size)| *size)
}

fn plain(value: f64) -> Result<f64, Problem> {
    plain_text(&value.to_string(), value)
}

fn plain_text(text: &str, value: f64) -> Result<f64, Problem> {
    let shown = shorten(text);
    if value.is_nan() || value.is_infinite() {
        return Err(Problem::new(format!("{shown} is not a finite number"))
            .allowed("finite numbers from 0"));
    }
    if value < 0.0 {
        return Err(Problem::new(format!("{shown} is negative")).allowed("numbers from 0"));
    }
    Ok(value)
}

fn in_range(
    quantity: &Quantity,
    value: f64,
    low: f64,
    high: f64,
    range: &str,
) -> Result<f64, Problem> {
    if value < low {
        let word = if value < 0.0 { "negative" } else { "too small" };
        return Err(Problem::new(format!("{quantity} is {word}")).allowed(range));
    }
    if value > high {
        return Err(Problem::new(format!("{quantity} is too large")).allowed(range));
    }
    Ok(value)
}

fn not_a_number(text: &str) -> Problem {
    let shown = shorten(text);
    let lower = text.trim().to_lowercase();
    if ["nan", "inf", "-inf", "infinity"].contains(&lower.as_str()) {
        return Problem::new(format!("\"{shown}\" is not a finite number"))
            .allowed("finite numbers from 0");
    }
    Problem::new(format!("\"{shown}\" does not start with a number"))
}

fn wrong_unit(text: &str, kind: &str, allowed: &str) -> Problem {
    Problem::new(format!("\"{}\" is not {kind}", shorten(text))).allowed(allowed)
}

fn ambiguous(text: &str) -> Problem {
    let digits = text.trim();
    let digits = &digits[..number_end(digits)];
    Problem::new(format!("\"{}\" could mean two things", shorten(text)))
        .help(format!("{digits}M or {digits} min?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Quantity {
        Quantity::Text(text.to_owned())
    }

    fn users(value: &str) -> Result<u64, Problem> {
        count(&text(value), &["users"], 1, 100_000_000)
    }

    #[test]
    fn counts_take_scales_underscores_and_their_noun() {
        assert_eq!(users("200_000 users"), Ok(200_000));
        assert_eq!(users("200K"), Ok(200_000));
        assert_eq!(users("200k users"), Ok(200_000));
        assert_eq!(users("1.5M"), Ok(1_500_000));
        assert_eq!(users("1e6"), Ok(1_000_000));
        assert_eq!(count(&Quantity::Integer(7), &[], 0, 9), Ok(7));
        assert_eq!(count(&Quantity::Real(7.0), &[], 0, 9), Ok(7));
        for bad in [
            "", "K", "users", "10 ms", "1.5", "-3", "NaN", "inf", "1e999", "200 K u", "10mm",
            "1__", "0",
        ] {
            let result = users(bad);
            assert!(result.is_err() || bad == "1__", "{bad}: {result:?}");
        }
        assert_eq!(users("10m").unwrap_err().help.unwrap(), "10M or 10 min?");
    }

    #[test]
    fn durations_have_units_and_become_nanoseconds() {
        let read = |value: &str| {
            duration(
                &text(value),
                SimDuration::ZERO,
                SimDuration::from_secs(100_000),
            )
        };
        assert_eq!(read("250 ns"), Ok(SimDuration::from_nanos(250)));
        assert_eq!(read("22.5 us"), Ok(SimDuration::from_nanos(22_500)));
        assert_eq!(read("0.1ms"), Ok(SimDuration::from_micros(100)));
        assert_eq!(read("2 min"), Ok(SimDuration::from_secs(120)));
        assert_eq!(read("1 h"), Ok(SimDuration::from_secs(3_600)));
        for bad in [
            "5",
            "5 m",
            "5 minutes",
            "5 KB",
            "-1 s",
            "NaN s",
            "1e99 h",
            "5 µs",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!(duration(&Quantity::Integer(5), SimDuration::ZERO, SimDuration::MAX).is_err());
    }

    #[test]
    fn rates_count_per_user_channel_or_system() {
        let read = |value: &str| rate(&text(value), 1e6);
        assert_eq!(
            read("36/h per user"),
            Ok(Rate {
                per_s: 0.01,
                per: Per::User
            })
        );
        assert_eq!(
            read("1/s per channel"),
            Ok(Rate {
                per_s: 1.0,
                per: Per::Channel
            })
        );
        assert_eq!(
            read("500/s"),
            Ok(Rate {
                per_s: 500.0,
                per: Per::System
            })
        );
        assert_eq!(
            read("0.5K/s"),
            Ok(Rate {
                per_s: 500.0,
                per: Per::System
            })
        );
        assert_eq!(
            read("1440/day per user").map(|rate| rate.per_s),
            Ok(1440.0 / 86_400.0)
        );
        for bad in [
            "36",
            "36/h user",
            "36/h per user per day",
            "36/m",
            "/s",
            "-1/s",
            "2M/s per user",
            "1m/s",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert_eq!(per_second(&text("5K/s"), 1, 10_000), Ok(5_000));
        assert!(per_second(&text("5/s per user"), 1, 10_000).is_err());
    }

    #[test]
    fn sizes_tell_decimal_from_binary() {
        let read = |value: &str| size(&text(value), 1, 1 << 40);
        assert_eq!(read("600 B"), Ok(600));
        assert_eq!(read("1 KB"), Ok(1_000));
        assert_eq!(read("1 KiB"), Ok(1_024));
        assert_eq!(read("1.5MiB"), Ok(1_572_864));
        assert_eq!(read("4 GiB"), Ok(4 << 30));
        assert_eq!(
            read("4 kib").unwrap_err().help.unwrap(),
            "did you mean \"4 KiB\"?"
        );
        assert!(read("0 B").is_err() && read("2 TiB").is_err() && read("3").is_err());
        assert_eq!(bits_per_s(&text("10 Gbit/s")), Ok(10_000_000_000));
        assert_eq!(picoseconds(&text("0.3 ns"), 1_000), Ok(300));
        assert_eq!(rent(&text("0.145 USD/h")), Ok(145_000));
    }

    #[test]
    fn shares_are_percentages_or_fractions() {
        assert_eq!(share(&text("60 %")), Ok(0.6));
        assert_eq!(share(&Quantity::Real(0.25)), Ok(0.25));
        assert_eq!(share(&Quantity::Integer(1)), Ok(1.0));
        for bad in ["120 %", "60 users", "1.01", "-5 %"] {
            assert!(share(&text(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn ranges_are_shown_as_people_write_them() {
        assert_eq!(show_duration(SimDuration::from_secs(90)), "90 s");
        assert_eq!(show_duration(SimDuration::ZERO), "0 s");
        assert_eq!(show_size(1 << 48), "256 TiB");
        assert_eq!(show_size(1_000), "1000 B");
        assert_eq!(group(100_000_000), "100_000_000");
        assert_eq!(group(4096), "4096");
    }
}
