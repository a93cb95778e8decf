//! Numbers as people say them. What reports print is said the same way here; this adds what only a window needs.

pub use report::numbers::{count, millis, percent, rate, usd};

/// `212 ms`, or `212 ± 9 ms` where the interval is known and visible.
pub fn millis_within(value: f64, low: Option<f64>, high: Option<f64>) -> String {
    let text = millis(value);
    let (Some(low), Some(high), Some((number, unit))) = (low, high, text.rsplit_once(' ')) else {
        return text;
    };
    let half = (high - low) / 2.0;
    // One unit of what is printed, in milliseconds.
    let per_unit = match unit {
        "ms" => 1.0,
        "s" => 1_000.0,
        "min" => 60_000.0,
        _ => return text,
    };
    if half < 0.005 * value {
        text
    } else {
        format!(
            "{number} ± {} {unit}",
            count(two_digits_of(half / per_unit))
        )
    }
}

/// Something that changes all the time, in two digits: `0.4`, `12`, `1.1 K`.
pub fn rough(value: f64) -> String {
    if value < 9.5 {
        format!("{value:.1}")
    } else {
        count(two_digits_of(value))
    }
}

/// Simulated time: `8 s`, `1 min 05 s`, `2 h 04 min`.
pub fn clock(seconds: f64) -> String {
    let whole = seconds.max(0.0) as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3_600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3_600, whole / 60 % 60),
    }
}

/// A number of users, rounded to two leading digits: the loads a drag can set.
pub fn round_load(users: f64) -> f64 {
    if users < 10.0 {
        users.round().max(1.0)
    } else {
        two_digits_of(users)
    }
}

fn two_digits_of(value: f64) -> f64 {
    if value <= 0.0 || !value.is_finite() {
        return value;
    }
    let unit = 10_f64.powi(value.log10().floor() as i32 - 1);
    (value / unit).round() * unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_shown_where_they_are_seen() {
        assert_eq!(millis_within(212.0, Some(203.0), Some(221.0)), "212 ± 9 ms");
        assert_eq!(
            millis_within(2_120.0, Some(2_000.0), Some(2_240.0)),
            "2.12 ± 0.12 s"
        );
        assert_eq!(millis_within(212.0, None, Some(221.0)), "212 ms");
        assert_eq!(millis_within(212.0, Some(211.9), Some(212.1)), "212 ms");
    }

    #[test]
    fn clocks_and_loads() {
        assert_eq!(clock(8.9), "8 s");
        assert_eq!(clock(65.9), "1 min 05 s");
        assert_eq!(clock(7_440.0), "2 h 04 min");
        assert_eq!(round_load(254_777.0), 250_000.0);
        assert_eq!(round_load(0.2), 1.0);
    }
}
