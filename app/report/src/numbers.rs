//! Numbers as people say them: three significant digits and a unit, `200 K`, `1.25 M/s`, `12.3 ms`, `$94 K`.

use sim_core::report::Estimate;

/// A count: `0`, `17`, `1.2`, `200 K`, `1.25 M`; a bound close to nothing as `1.2e-8`.
#[must_use]
pub fn count(value: f64) -> String {
    let rounded = round_to_3(value);
    if rounded != 0.0 && rounded.abs() < 1e-3 {
        return format!("{rounded:.1e}");
    }
    let (scaled, unit) = match rounded.abs() {
        v if v >= 1e12 => (rounded / 1e12, " T"),
        v if v >= 1e9 => (rounded / 1e9, " G"),
        v if v >= 1e6 => (rounded / 1e6, " M"),
        v if v >= 1e3 => (rounded / 1e3, " K"),
        _ => (rounded, ""),
    };
    format!("{}{unit}", plain(scaled))
}

/// A rate per second: `2.04 K/s`.
#[must_use]
pub fn rate(per_s: f64) -> String {
    format!("{}/s", count(per_s))
}

/// A time given in milliseconds: `340 µs`, `12.3 ms`, `1.23 s`, `4.5 min`.
#[must_use]
pub fn millis(ms: f64) -> String {
    let rounded = round_to_3(ms);
    match rounded.abs() {
        0.0 => "0 ms".to_owned(),
        v if v < 1e-3 => format!("{} ns", plain(round_to_3(ms * 1e6))),
        v if v < 1.0 => format!("{} µs", plain(round_to_3(ms * 1e3))),
        v if v < 1e3 => format!("{} ms", plain(rounded)),
        v if v < 300e3 => format!("{} s", plain(round_to_3(ms / 1e3))),
        _ => format!("{} min", plain(round_to_3(ms / 60e3))),
    }
}

/// A time given in seconds.
#[must_use]
pub fn seconds(s: f64) -> String {
    millis(s * 1e3)
}

/// A share, 0..=1, with two significant digits below 10 %: `73 %`, `7.3 %`, `0.05 %`.
#[must_use]
pub fn percent(share: f64) -> String {
    let value = share * 100.0;
    let digits = match value.abs() {
        0.0 => 0,
        v if v >= 9.95 => 0,
        v if v >= 0.095 => 1,
        _ => 2,
    };
    format!("{value:.digits$} %")
}

/// Money: `$0.47`, `$12.30`, `$940`, `$94 K`.
#[must_use]
pub fn usd(value: f64) -> String {
    match value.abs() {
        v if v >= 999.5 => format!("${}", count(value)),
        v if v >= 99.5 => format!("${value:.0}"),
        v if v >= 0.995 || v == 0.0 => format!("${value:.2}"),
        _ => format!("${}", plain(round_to_3(value))),
    }
}

/// Bytes in binary units: `2.45 GiB`.
#[must_use]
pub fn bytes(value: f64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut scaled = value;
    let mut unit = 0;
    while scaled >= 1000.0 && unit + 1 < UNITS.len() {
        scaled /= 1024.0;
        unit += 1;
    }
    format!("{} {}", plain(round_to_3(scaled)), UNITS[unit])
}

/// An estimate with its interval: `212 ms (203 ms to 221 ms)`; `-` where the run supports none.
#[must_use]
pub fn estimate(e: Estimate, unit: impl Fn(f64) -> String) -> String {
    match (e.value, e.low, e.high) {
        (None, ..) => "-".to_owned(),
        (Some(v), Some(low), Some(high)) => {
            format!("{} ({} to {})", unit(v), unit(low), unit(high))
        }
        (Some(v), ..) => unit(v),
    }
}

/// Three significant digits.
fn round_to_3(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let magnitude = value.abs().log10().floor() as i32;
    if magnitude >= 2 {
        let step = 10f64.powi(magnitude - 2);
        (value / step).round() * step
    } else {
        let scale = 10f64.powi(2 - magnitude);
        (value * scale).round() / scale
    }
}

/// A rounded value without trailing zeros.
fn plain(value: f64) -> String {
    let digits = match value.abs() {
        v if v >= 99.95 || v == 0.0 => 0,
        v if v >= 9.995 => 1,
        v if v >= 0.9995 => 2,
        v if v >= 0.09995 => 3,
        v if v >= 0.009995 => 4,
        _ => 6,
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_read_as_people_say_them() {
        let cases = [
            (0.0, "0"),
            (0.25, "0.25"),
            (1.2e-8, "1.2e-8"),
            (17.0, "17"),
            (999.4, "999"),
            (999.7, "1 K"),
            (1000.0, "1 K"),
            (1_234.0, "1.23 K"),
            (199_880.0, "200 K"),
            (1_250_000.0, "1.25 M"),
            (10_000_000.0, "10 M"),
            (2.4e9, "2.4 G"),
        ];
        for (value, text) in cases {
            assert_eq!(count(value), text);
        }
        assert_eq!(rate(2_040.0), "2.04 K/s");
    }

    #[test]
    fn times_choose_their_unit() {
        let cases = [
            (0.0, "0 ms"),
            (0.0004, "400 ns"),
            (0.34, "340 µs"),
            (12.34, "12.3 ms"),
            (212.4, "212 ms"),
            (999.9, "1 s"),
            (1_234.0, "1.23 s"),
            (600_000.0, "10 min"),
        ];
        for (ms, text) in cases {
            assert_eq!(millis(ms), text);
        }
    }

    #[test]
    fn shares_and_money() {
        assert_eq!(percent(0.731), "73 %");
        assert_eq!(percent(0.0731), "7.3 %");
        assert_eq!(percent(0.0), "0 %");
        assert_eq!(percent(0.0005), "0.05 %");
        assert_eq!(percent(1.4), "140 %");
        assert_eq!(usd(94_120.0), "$94.1 K");
        assert_eq!(usd(0.47), "$0.47");
        assert_eq!(usd(0.0034), "$0.0034");
        assert_eq!(usd(12.3), "$12.30");
        assert_eq!(usd(0.0), "$0.00");
        assert_eq!(bytes(3.0 * 1024.0 * 1024.0 * 1024.0), "3 GiB");
    }

    #[test]
    fn estimates_show_their_interval() {
        let e = Estimate {
            value: Some(212.0),
            low: Some(203.0),
            high: Some(221.0),
        };
        assert_eq!(estimate(e, millis), "212 ms (203 ms to 221 ms)");
        assert_eq!(estimate(Estimate::point(3.0), millis), "3 ms");
        assert_eq!(estimate(Estimate::none(), millis), "-");
    }
}
