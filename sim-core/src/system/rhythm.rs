//! When operations arrive: thinning of a stream of candidates, as fast as load ever becomes.
//!
//! *Formula:* candidates of a kind come as a Poisson process of the greatest rate `Λ` that the scenario allows; the n-th is
//! kept with probability `λ(t) / Λ` (Lewis and Shedler, "Simulation of nonhomogeneous Poisson processes by thinning", 1979),
//! where `λ(t)` = stated rate × level of the shape for the person drawn × excitement of flash crowds × level of the burst. The
//! gap before the n-th candidate, who it is and the draw that keeps it are keyed to (kind, n), and bursts to (kind, number of
//! the switch): an arrival is a function of the seed, its number and the rates alone. Where `λ` never changes, `Λ = λ` and
//! nothing is thinned. A trace of instants is not drawn at all.
//!
//! *Leaves out:* candidates cost an event each, so a load that is far below its greatest for long is slow to simulate.

use crate::draw::{Draws, Purpose};
use crate::scenario::{Arrivals, OverTime};
use crate::time::{SimDuration, SimTime};

const ARRIVAL: Purpose = Purpose::named("operation/arrival");
const KEEP: Purpose = Purpose::named("operation/keep");
const SWITCH: Purpose = Purpose::named("operation/burst");

/// The nanoseconds between candidate `ordinal` and the one before it, at `rate` candidates per second.
#[must_use]
pub fn gap(draws: &Draws, kind: u64, ordinal: u64, rate: f64) -> SimDuration {
    let unit = draws.unit_f64(ARRIVAL, kind, ordinal);
    let gap_ns = -libm::log(1.0 - unit) * 1e9 / rate;
    SimDuration::from_nanos(libm::round(gap_ns) as u64)
}

/// The arrivals of one kind of operation over time.
#[derive(Clone, Debug)]
pub struct Rhythm {
    kind: u64,
    burst: Burst,
}

/// Whether there is a burst, followed from the start of the run.
#[derive(Clone, Copy, Debug)]
struct Burst {
    switches: u64,
    on: bool,
    until: SimTime,
}

impl Rhythm {
    /// The rhythm of a kind, by its number.
    #[must_use]
    pub fn new(kind: u64) -> Self {
        Self {
            kind,
            burst: Burst {
                switches: 0,
                on: false,
                until: SimTime::ZERO,
            },
        }
    }

    /// The greatest rate, for a stated one.
    #[must_use]
    pub fn ceiling(arrivals: &Arrivals, over_time: &OverTime, stated: f64) -> f64 {
        if let Arrivals::Rates(rows) = arrivals {
            return rows.iter().map(|row| row.1).fold(0.0, f64::max);
        }
        let crowds = over_time.flash_crowds.iter();
        let excitement = crowds.map(|crowd| crowd.activity).fold(1.0, f64::max);
        let (on, off) = arrivals.burst_levels();
        stated * over_time.shape.peak() * excitement * on.max(off)
    }

    /// Whether the rate is the stated one at all times.
    #[must_use]
    pub fn is_plain(arrivals: &Arrivals, over_time: &OverTime) -> bool {
        *arrivals == Arrivals::Poisson && over_time.is_constant()
    }

    /// The probability that a candidate at `at` is kept, for a person whose clock is `utc_offset_h` ahead of UTC.
    fn probability(
        &mut self,
        (arrivals, over_time): (&Arrivals, &OverTime),
        draws: &Draws,
        utc_offset_h: f64,
        at: SimTime,
    ) -> f64 {
        let since = at.since_start();
        if let Arrivals::Rates(rows) = arrivals {
            let next = rows.partition_point(|row| row.0 <= since);
            let rate = next.checked_sub(1).map_or(0.0, |row| rows[row].1);
            return rate / Self::ceiling(arrivals, over_time, 1.0);
        }
        let shape = over_time.shape.level(&over_time.day, utc_offset_h, since);
        let level = shape * over_time.excitement(since) * self.burst_level(arrivals, draws, at);
        level / Self::ceiling(arrivals, over_time, 1.0)
    }

    /// Whether candidate `ordinal` becomes an arrival. Times must not fall from call to call.
    pub fn keeps(
        &mut self,
        what: (&Arrivals, &OverTime),
        draws: &Draws,
        ordinal: u64,
        utc_offset_h: f64,
        at: SimTime,
    ) -> bool {
        Self::is_plain(what.0, what.1)
            || matches!(what.0, Arrivals::Instants(_))
            || draws.unit_f64(KEEP, self.kind, ordinal)
                < self.probability(what, draws, utc_offset_h, at)
    }

    /// The level of the burst or lull at `at`. The first state is drawn as the long run has it; since stays are exponential,
    /// what is left of it then is as long as a whole one.
    fn burst_level(&mut self, arrivals: &Arrivals, draws: &Draws, at: SimTime) -> f64 {
        let Arrivals::Bursty { on, off, .. } = arrivals else {
            return 1.0;
        };
        while self.burst.until <= at {
            let burst = &mut self.burst;
            burst.on = if burst.switches == 0 {
                let (on, off) = (on.as_secs_f64(), off.as_secs_f64());
                draws.chance(SWITCH, self.kind, 0, on / (on + off))
            } else {
                !burst.on
            };
            burst.switches += 1;
            let mean = if burst.on { *on } else { *off };
            let stay = draws.exp(SWITCH, self.kind, burst.switches, mean);
            burst.until += stay.max(SimDuration::from_nanos(1));
        }
        let (in_burst, between) = arrivals.burst_levels();
        if self.burst.on { in_burst } else { between }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Day, FlashCrowd, People, Shape};

    fn secs(s: u64) -> SimDuration {
        SimDuration::from_secs(s)
    }

    /// Seconds of the arrivals up to `end`.
    fn arrive(
        seed: u64,
        rate: f64,
        arrivals: &Arrivals,
        over_time: &OverTime,
        utc_offset_h: f64,
        end: u64,
    ) -> Vec<f64> {
        let draws = Draws::new(seed);
        let mut rhythm = Rhythm::new(2);
        let ceiling = Rhythm::ceiling(arrivals, over_time, rate);
        let mut at = SimTime::ZERO;
        let mut seconds = Vec::new();
        for ordinal in 0.. {
            at += gap(&draws, 2, ordinal, ceiling);
            if at >= SimTime::from_secs(end) {
                break;
            }
            if rhythm.keeps((arrivals, over_time), &draws, ordinal, utc_offset_h, at) {
                seconds.push(at.as_secs_f64());
            }
        }
        seconds
    }

    fn shaped(shape: Shape) -> OverTime {
        OverTime {
            shape,
            ..OverTime::default()
        }
    }

    /// Chi-squared of 20 seeds over `bins` of `width` seconds against the integral of the level, by the midpoint rule.
    fn chi_squared(over_time: &OverTime, offset: f64, rate: f64, bins: usize, width: f64) -> f64 {
        let mut counts = vec![0u64; bins];
        let end = (bins as f64 * width) as u64;
        for seed in 0..20 {
            for second in arrive(seed, rate, &Arrivals::Poisson, over_time, offset, end) {
                counts[(second / width) as usize] += 1;
            }
        }
        let expected = |bin: usize| {
            let steps = 1_000;
            let level = |step: usize| {
                let at = (bin as f64 + (step as f64 + 0.5) / f64::from(steps as u32)) * width;
                let at = SimDuration::from_secs_f64(at).unwrap();
                over_time.shape.level(&over_time.day, offset, at) * over_time.excitement(at)
            };
            20.0 * rate * width * (0..steps).map(level).sum::<f64>() / f64::from(steps as u32)
        };
        let term = |(bin, &count): (usize, &u64)| {
            let expected = expected(bin);
            (count as f64 - expected) * (count as f64 - expected) / expected
        };
        counts.iter().enumerate().map(term).sum()
    }

    /// 99.9 % quantile of chi-squared with 24 degrees of freedom.
    const CHI2_24: f64 = 51.18;

    #[test]
    fn thinned_arrivals_follow_the_envelope() {
        let day = Day {
            starts: 3.0,
            lasts: secs(240),
        };
        let daily = OverTime {
            day,
            ..shaped(Shape::Daily {
                peak_hour: 14.0,
                trough: 0.1,
            })
        };
        let mut hours = [0.5; 24];
        hours[9] = 1.0;
        hours[20] = 0.05;
        let hourly = OverTime {
            day,
            ..shaped(Shape::Hourly(hours))
        };
        let ramp = shaped(Shape::Ramp {
            from: 0.2,
            to: 2.0,
            over: secs(150),
        });
        let steps = shaped(Shape::Steps(vec![(secs(50), 3.0), (secs(100), 0.5)]));
        let crowd = OverTime {
            flash_crowds: vec![FlashCrowd {
                at: secs(100),
                lasts: secs(40),
                within: secs(1),
                joins: People::Count(1),
                activity: 5.0,
            }],
            ..OverTime::default()
        };
        for (name, over_time, offset) in [
            ("daily", &daily, 0.0),
            ("daily elsewhere", &daily, 9.0),
            ("hourly", &hourly, 5.5),
            ("ramp", &ramp, 0.0),
            ("steps", &steps, 0.0),
            ("crowd", &crowd, 0.0),
        ] {
            let chi2 = chi_squared(over_time, offset, 50.0, 24, 10.0);
            println!("{name}: chi-squared {chi2:.1} over 24 bins and 20 seeds");
            assert!(chi2 < CHI2_24, "{name}: {chi2}");
        }
    }

    #[test]
    fn bursts_keep_the_mean_rate_and_are_bursty() {
        let bursty = Arrivals::Bursty {
            on: secs(1),
            off: secs(4),
            factor: 10.0,
        };
        let flat = OverTime::default();
        let (rate, end) = (50.0, 2_000);
        let (mut total, mut dispersion) = (0.0, 0.0);
        for seed in 0..20 {
            let arrivals = arrive(seed, rate, &bursty, &flat, 0.0, end);
            let mut counts = vec![0.0f64; end as usize];
            for second in &arrivals {
                counts[*second as usize] += 1.0;
            }
            let mean = arrivals.len() as f64 / end as f64;
            let squares: f64 = counts.iter().map(|c| (c - mean) * (c - mean)).sum();
            dispersion += squares / end as f64 / mean / 20.0;
            total += mean / 20.0;
        }
        println!("bursty: {total:.2}/s of {rate}/s, index of dispersion {dispersion:.1}");
        assert!((total / rate - 1.0).abs() < 0.02, "{total}");
        // 1 + 2σ²τ² (T/τ − 1 + e^(−T/τ)) / (mean · T): σ² = 0.16 · 160.7², τ = 0.8 s, T = 1 s.
        assert!((dispersion / 57.8 - 1.0).abs() < 0.1, "{dispersion}");
    }

    #[test]
    fn a_flat_load_is_not_thinned_and_a_ramp_keeps_the_candidates() {
        let flat = arrive(7, 20.0, &Arrivals::Poisson, &OverTime::default(), 0.0, 60);
        let draws = Draws::new(7);
        let first = gap(&draws, 2, 0, 20.0).as_secs_f64();
        assert_eq!(flat[0], first);
        let ramp = shaped(Shape::Ramp {
            from: 0.1,
            to: 1.0,
            over: secs(60),
        });
        let thinned = arrive(7, 20.0, &Arrivals::Poisson, &ramp, 0.0, 60);
        assert!(thinned.len() < flat.len());
        assert!(thinned.iter().all(|at| flat.contains(at)));
    }

    #[test]
    fn a_trace_of_rates_is_followed_and_silent_before_its_first_row() {
        let rows = vec![(secs(10), 100.0), (secs(20), 0.0), (secs(30), 50.0)];
        let trace = Arrivals::Rates(std::sync::Arc::new(rows));
        let flat = OverTime::default();
        let mut counts = [0u32; 4];
        for seed in 0..20 {
            for second in arrive(seed, 1.0, &trace, &flat, 0.0, 40) {
                counts[(second / 10.0) as usize] += 1;
            }
        }
        assert_eq!((counts[0], counts[2]), (0, 0));
        assert!(
            (f64::from(counts[1]) / 20_000.0 - 1.0).abs() < 0.03,
            "{counts:?}"
        );
        assert!(
            (f64::from(counts[3]) / 10_000.0 - 1.0).abs() < 0.04,
            "{counts:?}"
        );
    }
}
