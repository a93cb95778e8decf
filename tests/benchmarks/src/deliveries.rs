//! W3: deliveries of one message to 4 096 recipients, into a latency histogram.
//!
//! Models: latency = wait + i · 400 ns + lognormal(median 20 ms, σ 0.6). The percentiles must be
//! p50 20.8, p99 81.5 and p99.9 128.8 ms within 1 %.

use sim_core::delivery::{Batch, JitterTable, JitterTables, Kernel, Place, Receipts};
use sim_core::draw::mix;
use sim_core::histogram::{Histogram, UNIT_NS};
use sim_core::quantile::{Distribution, QuantileTable};
use sim_core::time::SimDuration;

use crate::cpu_clock::ns_per_item;
use crate::random::Xoshiro;

const RECIPIENTS: usize = 4_096;

/// What a contender took and found.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// CPU time per delivery, kernel and histogram.
    pub ns_per_delivery: f64,
    /// All latencies.
    pub histogram: Histogram,
}

/// The kernel, plain or with AVX2.
pub fn batched(kernel: Kernel, messages: u64) -> Outcome {
    let median = SimDuration::from_millis(20);
    let p99 = median.scaled(libm::exp(0.6 * 2.326_347_874_040_841));
    let quantiles = QuantileTable::new(Distribution::LogNormal { median, p99 });
    let jitter = JitterTable::new(&quantiles.expect("a valid distribution"));
    let jitter = JitterTables::new([&jitter]);
    let ids: Vec<u32> = (0..RECIPIENTS as u32).map(|i| i * 7 + 3).collect();
    let here = vec![Place::new(0, 0); RECIPIENTS];
    let none = vec![0; RECIPIENTS];
    let mut receipts = Receipts::default();
    let mut histogram = Histogram::new();
    let mut deliver = |message: u64, histogram: &mut Histogram| {
        let batch = Batch {
            wait_units: 0,
            per_recipient_units_256: (400 * 256 / UNIT_NS) as u32,
            message_key: mix(message),
            recipients: &ids,
            places: &here,
            floor_units: &none,
        };
        kernel.deliver_into(&batch, &jitter, &mut receipts, histogram);
    };
    deliver(0, &mut Histogram::new());
    let ns_per_delivery = ns_per_item(messages * RECIPIENTS as u64, || {
        for message in 1..=messages {
            deliver(message, &mut histogram);
        }
    });
    Outcome {
        ns_per_delivery,
        histogram,
    }
}

/// One draw, one exponential function and one record per delivery.
pub fn naive(messages: u64) -> Outcome {
    let mut rng = Xoshiro::new(3);
    let mut histogram = Histogram::new();
    let ns_per_delivery = ns_per_item(messages * RECIPIENTS as u64, || {
        for _ in 0..messages {
            for i in 1..=RECIPIENTS as u64 {
                let z = sim_core::draw::normal_quantile(sim_core::draw::open_unit(rng.next()));
                let jitter = (20e6 * libm::exp(0.6 * z)) as u64;
                histogram.record(SimDuration::from_nanos(i * 400 + jitter));
            }
        }
    });
    Outcome {
        ns_per_delivery,
        histogram,
    }
}
