//! Quantities on the command line: counts with K, M or G, and times with a unit.

use std::time::Duration;

/// A number of users: `500`, `20k`, `1.5M`, `200_000`.
pub(crate) fn users(text: &str) -> Result<u32, String> {
    let n = count(text)?;
    match u32::try_from(n) {
        Ok(0) => Err("at least 1".to_owned()),
        Ok(n) => Ok(n),
        Err(_) => Err("at most 4294 M".to_owned()),
    }
}

/// A count: `500`, `20k`, `1.5M`, `2G`. A small `m` is refused: it could be minutes.
pub(crate) fn count(text: &str) -> Result<u64, String> {
    let clean: String = text.chars().filter(|c| *c != '_').collect();
    let number = clean.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = &clean[number.len()..];
    let number = number.trim();
    let factor = match unit {
        "" => 1.0,
        "k" | "K" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "m" => {
            return Err(format!(
                "{number}M (million) or {number} min? A small m is ambiguous: write {number}M"
            ));
        }
        other => return Err(format!("unknown unit {other:?}; allowed: none, K, M, G")),
    };
    let value = decimal(number)? * factor;
    if value > 1e15 {
        return Err("at most 1000000 G".to_owned());
    }
    if value.fract().abs() > 1e-6 && (value - value.round()).abs() > 1e-6 {
        return Err("must be a whole number".to_owned());
    }
    Ok(value.round() as u64)
}

/// Wall time: `90s`, `5min`, `2h`, `500ms`.
pub(crate) fn wall_time(text: &str) -> Result<Duration, String> {
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let seconds = match &text[number.len()..] {
        "ms" => 1e-3,
        "s" => 1.0,
        "min" => 60.0,
        "h" => 3600.0,
        "m" => {
            return Err(format!(
                "{number}min or {number}M? A small m is ambiguous: write {number}min"
            ));
        }
        "" => return Err(format!("a time needs a unit: {number}s, {number}min")),
        other => return Err(format!("unknown unit {other:?}; allowed: ms, s, min, h")),
    };
    let value = decimal(number.trim())? * seconds;
    Duration::try_from_secs_f64(value).map_err(|_| "too long".to_owned())
}

/// Simulated time, checked here and passed on as the scenario file would spell it.
pub(crate) fn simulated_time(text: &str) -> Result<String, String> {
    let time = wall_time(text)?;
    if time.is_zero() {
        Err("must be more than zero".to_owned())
    } else {
        Ok(text.trim().to_owned())
    }
}

/// A share above 0 and up to 100 %: `5%`, `2.5 %`.
pub(crate) fn percentage(text: &str) -> Result<f64, String> {
    let number = text
        .trim()
        .strip_suffix('%')
        .ok_or_else(|| format!("a share needs a percent sign: {}%", text.trim()))?;
    let value = decimal(number.trim())?;
    if value > 0.0 && value <= 100.0 {
        Ok(value / 100.0)
    } else {
        Err("must be more than 0% and at most 100%".to_owned())
    }
}

/// `path=value`.
pub(crate) fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((path, value)) if !path.trim().is_empty() => {
            Ok((path.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("must be PATH=VALUE, as in design.connection_servers.count=20".to_owned()),
    }
}

fn decimal(number: &str) -> Result<f64, String> {
    let is_plain = !number.is_empty() && number.chars().all(|c| c.is_ascii_digit() || c == '.');
    match number.parse::<f64>() {
        Ok(value) if is_plain => Ok(value),
        _ => Err(format!(
            "{number:?} is not a number; allowed: digits with an optional decimal point"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts() {
        let good = [
            ("500", 500),
            ("1k", 1_000),
            ("1K", 1_000),
            ("1.5M", 1_500_000),
            ("200_000", 200_000),
            ("2G", 2_000_000_000),
        ];
        for (text, value) in good {
            assert_eq!(count(text), Ok(value), "{text}");
        }
        for text in [
            "10m", "", "k", "-5", "1.5", "1e6", "5 apples", "NaN", "inf", "∞",
        ] {
            assert!(count(text).is_err(), "{text}");
        }
        assert!(
            count("10m")
                .unwrap_err()
                .contains("10M (million) or 10 min?")
        );
        assert!(users("0").is_err());
        assert!(users("5G").is_err());
    }

    #[test]
    fn times() {
        assert_eq!(wall_time("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(wall_time("1.5min"), Ok(Duration::from_secs(90)));
        assert_eq!(wall_time("250ms"), Ok(Duration::from_millis(250)));
        for text in ["90", "5m", "s", "-1s", "1e400s", "99999999999999999999h"] {
            assert!(wall_time(text).is_err(), "{text}");
        }
        assert!(simulated_time("0s").is_err());
    }

    #[test]
    fn assignments() {
        assert_eq!(assignment("a.b=1"), Ok(("a.b".to_owned(), "1".to_owned())));
        assert_eq!(
            assignment("a = x=y"),
            Ok(("a".to_owned(), "x=y".to_owned()))
        );
        assert!(assignment("a.b").is_err());
        assert!(assignment("=1").is_err());
    }
}
