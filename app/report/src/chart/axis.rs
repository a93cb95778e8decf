//! Axes: a value's place between 0 and 1, and round ticks.

/// How values are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    /// Evenly.
    Linear,
    /// By ratio; for positive values.
    Log,
}

/// One axis with its ticks.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    scale: Scale,
    low: f64,
    high: f64,
    /// Value and label.
    pub(crate) ticks: Vec<(f64, String)>,
    /// What it measures, unit included where the ticks do not carry it.
    pub(crate) title: String,
}

impl Axis {
    /// From zero to a little above the largest value, five ticks or so.
    pub(crate) fn from_zero(title: &str, most: f64, label: impl Fn(f64) -> String) -> Self {
        let most = if most > 0.0 && most.is_finite() {
            most
        } else {
            1.0
        };
        let step = round_step(most / 4.0);
        let count = (most * 1.04 / step).ceil().max(1.0);
        let high = step * count;
        let ticks = (0..=count as usize)
            .map(|i| i as f64 * step)
            .map(|v| (v, label(v)))
            .collect();
        Self {
            scale: Scale::Linear,
            low: 0.0,
            high,
            ticks,
            title: title.to_owned(),
        }
    }

    /// Exactly these ends, with given ticks.
    pub(crate) fn fixed(title: &str, low: f64, high: f64, ticks: Vec<(f64, String)>) -> Self {
        Self {
            scale: Scale::Linear,
            low,
            high: if high > low { high } else { low + 1.0 },
            ticks,
            title: title.to_owned(),
        }
    }

    /// Exactly these ends, round ticks between.
    pub(crate) fn linear(title: &str, low: f64, high: f64, label: impl Fn(f64) -> String) -> Self {
        let step = round_step((high - low).max(1e-9) / 5.0);
        let first = (low / step).ceil();
        let ticks = (0..=10)
            .map(|i| (first + f64::from(i)) * step)
            .filter(|v| *v <= high)
            .map(|v| (v, label(v)));
        Self::fixed(title, low, high, ticks.collect())
    }

    /// Logarithmic around the positive values given, with some air; ticks at 1, 2, 5 or at decades.
    pub(crate) fn log(
        title: &str,
        values: impl Iterator<Item = f64>,
        label: impl Fn(f64) -> String,
    ) -> Self {
        let (mut low, mut high) = (f64::INFINITY, 0.0f64);
        for value in values.filter(|v| *v > 0.0 && v.is_finite()) {
            low = low.min(value);
            high = high.max(value);
        }
        if high == 0.0 {
            (low, high) = (1.0, 10.0);
        }
        let air = (high / low).powf(0.06).max(1.15);
        (low, high) = (low / air, high * air);
        let decades = (high / low).log10();
        let digits: &[f64] = match decades {
            d if d < 0.35 => &[
                1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0,
            ],
            d if d < 2.6 => &[1.0, 2.0, 5.0],
            _ => &[1.0],
        };
        let skip = (decades / 6.0).ceil().max(1.0) as i32;
        let first = low.log10().floor() as i32;
        let last = high.log10().ceil() as i32;
        let ticks = (first..=last)
            .filter(|decade| digits.len() > 1 || decade.rem_euclid(skip) == 0)
            .flat_map(|decade| digits.iter().map(move |digit| digit * 10f64.powi(decade)))
            .filter(|v| *v >= low && *v <= high)
            .map(|v| (v, label(v)))
            .collect();
        Self {
            scale: Scale::Log,
            low,
            high,
            ticks,
            title: title.to_owned(),
        }
    }

    /// Where a value stands, 0..=1 on the axis, clamped to its ends.
    pub(crate) fn place(&self, value: f64) -> f64 {
        let share = match self.scale {
            Scale::Linear => (value - self.low) / (self.high - self.low),
            Scale::Log => (value / self.low).ln() / (self.high / self.low).ln(),
        };
        if share.is_nan() {
            0.0
        } else {
            share.clamp(0.0, 1.0)
        }
    }

    /// Whether a value lies within the ends.
    pub(crate) fn holds(&self, value: f64) -> bool {
        value >= self.low && value <= self.high
    }

    /// The upper end.
    pub(crate) fn high(&self) -> f64 {
        self.high
    }

    /// The lower end.
    pub(crate) fn low(&self) -> f64 {
        self.low
    }
}

/// 1, 2, 2.5 or 5 times a power of ten, at least `least`.
fn round_step(least: f64) -> f64 {
    let decade = 10f64.powi(least.log10().floor() as i32);
    let factor = [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .find(|f| f * decade >= least * 0.999);
    factor.unwrap_or(10.0) * decade
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(axis: &Axis) -> Vec<f64> {
        axis.ticks.iter().map(|(v, _)| *v).collect()
    }

    #[test]
    fn ticks_are_round() {
        let plain = |v: f64| v.to_string();
        assert_eq!(
            shown(&Axis::from_zero("", 93.0, plain)),
            [0.0, 25.0, 50.0, 75.0, 100.0]
        );
        assert_eq!(shown(&Axis::from_zero("", 0.0, plain)).first(), Some(&0.0));
        assert_eq!(
            shown(&Axis::log("", [3.0, 40.0].into_iter(), plain)),
            [5.0, 10.0, 20.0]
        );
        assert_eq!(
            shown(&Axis::log("", [1e3, 1e7].into_iter(), plain)),
            [1e3, 1e4, 1e5, 1e6, 1e7]
        );
    }

    #[test]
    fn places_lie_on_the_axis() {
        let axis = Axis::log("", [1.0, 100.0].into_iter(), |v| v.to_string());
        assert!((axis.place(10.0) - 0.5).abs() < 1e-9);
        assert_eq!(axis.place(f64::NAN), 0.0);
        assert_eq!(axis.place(1e9), 1.0);
        let empty = Axis::log("", std::iter::empty(), |v| v.to_string());
        assert!(empty.place(2.0).is_finite());
    }
}
