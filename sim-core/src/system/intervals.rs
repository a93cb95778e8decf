//! Latencies with their intervals, or the reason why there are none.
//!
//! A steady run (no faults, constant load) is cut by MSER-5, the latest cut of all its series (message means by operation,
//! work waiting by tier), and what is left gives batches ([`crate::statistics::Batches`]). A story that ends is never cut:
//! its intervals come from replications. Percentiles with less than five messages beyond them are answered in words.

use super::backlog::Backlog;
use super::ledger::{KindLedger, Ledger};
use super::operation::Kind;
use super::world::AUDIT;
use crate::histogram::Histogram;
use crate::report::{Estimate, LatencyReport, PrecisionReport};
use crate::statistics::{Batches, Samples, Unsupported, mser, percentile_name, steady_cut};
use crate::time::{SimDuration, SimTime};

/// Messages beyond a percentile without which it is refused.
const BEYOND: f64 = 5.0;

/// The intervals of one run.
#[derive(Debug)]
pub struct Intervals {
    confidence: f64,
    /// By [`Kind::index`]: of deliveries, and of completions.
    batches: Option<[[Result<Batches, Unsupported>; 2]; Kind::ALL.len()]>,
    cut: SimDuration,
    unstable: bool,
    notes: Vec<String>,
}

impl Intervals {
    /// The intervals that a run up to `now` supports. `steady`: neither faults nor a changing load.
    #[must_use]
    pub fn new(
        (ledger, now): (&Ledger, SimTime),
        backlog: &Backlog,
        steady: bool,
        confidence: f64,
    ) -> Self {
        let unstable = backlog.unstable().is_some();
        let mut all = Self {
            confidence,
            batches: None,
            cut: SimDuration::ZERO,
            unstable,
            notes: Vec::new(),
        };
        if unstable || !steady {
            return all;
        }
        match cut(ledger, now, backlog) {
            Ok(cut) => {
                all.cut = cut;
                all.batches = Some(Kind::ALL.map(|kind| {
                    let own = &ledger.kinds[kind.index()];
                    [Samples::Delivered, Samples::Complete].map(|samples| {
                        let settled = own.slots.until(own.settled_by(samples, now));
                        Batches::new(&settled, ledger.since + cut)
                    })
                }));
            }
            Err(refusal) => all.notes.push(refusal.to_string()),
        }
        all
    }

    /// The latencies of one kind of operation.
    pub fn latency(&mut self, kind: Kind, samples: Samples, own: &KindLedger) -> LatencyReport {
        let histogram = own.latencies(samples);
        let name = match samples {
            Samples::Delivered => kind.terminal(),
            Samples::Complete => "complete",
        };
        let what = format!("{}.{name}", kind.name());
        let messages = own.slots.messages();
        let mut report = plain(&histogram, self.unstable);
        if self.unstable || histogram.count() == 0 {
            return report;
        }
        report.buckets = histogram
            .buckets()
            .map(|bucket| (bucket.high.as_millis_f64(), bucket.count))
            .collect();
        let batches = self.batches.as_ref();
        let batches = batches.map(|all| &all[kind.index()][samples as usize]);
        let mut notes = Vec::new();
        if let Some(Err(refusal)) = batches {
            notes.push(format!("{what} has no intervals: {refusal}"));
        }
        let batches = batches.and_then(|batches| batches.as_ref().ok());
        if let Some(Ok(mean)) = batches.map(|batches| batches.mean_ms(samples, self.confidence)) {
            report.mean = reported(&mean);
        }
        let percentiles = [
            (0.5, &mut report.p50),
            (0.95, &mut report.p95),
            (0.99, &mut report.p99),
            (0.999, &mut report.p999),
        ];
        for (p, slot) in percentiles {
            match batches.map(|batches| batches.quantile_ms(samples, p, self.confidence)) {
                Some(Ok(estimate)) => *slot = reported(&estimate),
                Some(Err(refusal)) => notes.push(format!("{what}: {refusal}")),
                None => {}
            }
            let need = libm::ceil(BEYOND / (1.0 - p) - 1e-6) as u64;
            if messages < need {
                *slot = Estimate::none();
                if batches.is_none() {
                    let refusal = Unsupported::TooFewMessages {
                        what: percentile_name(p),
                        have: messages,
                        need,
                    };
                    notes.push(format!("{what}: {refusal}"));
                }
            }
        }
        self.notes.append(&mut notes);
        report
    }

    /// How the intervals were obtained; `None`: there are none, and no reason to speak of it.
    #[must_use]
    pub fn precision(&self) -> Option<PrecisionReport> {
        let counts = self.batches.iter().flatten().flatten().flatten();
        let units = counts.map(Batches::count).min().unwrap_or(0) as u32;
        (units > 0 || !self.notes.is_empty()).then(|| PrecisionReport {
            method: if units > 0 { "batches" } else { "none" }.to_owned(),
            confidence: self.confidence,
            units,
            asked: None,
            of: None,
            reached: None,
            looks: 1,
            cut_s: self.cut.as_secs_f64(),
            notes: self.notes.clone(),
        })
    }
}

/// Latencies without intervals or buckets.
#[must_use]
pub fn plain(histogram: &Histogram, unstable: bool) -> LatencyReport {
    let ms = |span: Option<SimDuration>| match span {
        Some(span) if !unstable => Estimate::point(span.as_millis_f64()),
        _ => Estimate::none(),
    };
    LatencyReport {
        count: histogram.count(),
        mean: ms(histogram.mean()),
        p50: ms(histogram.quantile(0.5)),
        p95: ms(histogram.quantile(0.95)),
        p99: ms(histogram.quantile(0.99)),
        p999: ms(histogram.quantile(0.999)),
        max: histogram.max().unwrap_or_default().as_millis_f64(),
        buckets: Vec::new(),
    }
}

fn reported(estimate: &crate::statistics::Estimate) -> Estimate {
    Estimate {
        value: Some(estimate.value),
        low: Some(estimate.low),
        high: Some(estimate.high),
    }
}

/// Messages that an average holds which says where the steady part begins.
const AVERAGED: u64 = 10;

/// Where the steady part begins, after the start of measuring.
fn cut(ledger: &Ledger, now: SimTime, backlog: &Backlog) -> Result<SimDuration, Unsupported> {
    let mut latest = SimDuration::ZERO;
    for kind in &ledger.kinds {
        let settled = kind.slots.until(kind.settled_by(Samples::Delivered, now));
        let slots = settled.slots();
        let messages: u64 = slots.iter().map(|slot| slot.messages()).sum();
        if messages == 0 {
            continue;
        }
        // Averages of many messages each: of a rare operation, whose slots hold few or none, over several slots.
        let group = (AVERAGED * slots.len() as u64).div_ceil(messages).max(1) as usize;
        let mut last = 0.0;
        let means: Vec<f64> = slots
            .chunks(group)
            .map(|slots| {
                let messages: u64 = slots.iter().map(|slot| slot.messages()).sum();
                if messages > 0 {
                    let units: u64 = slots.iter().map(|slot| slot.message_units()).sum();
                    last = units as f64 / messages as f64;
                }
                last
            })
            .collect();
        let cut = mser(&means).ok_or(Unsupported::NotSteady)? * group;
        latest = latest.max(kind.slots.slot() * cut as u64);
    }
    for tier in backlog.series(ledger.since) {
        latest = latest.max(AUDIT * steady_cut(&[&tier])? as u64);
    }
    Ok(latest)
}
