//! JSON: the report as it is, pretty-printed, keys in the order of the contract.

use serde_json::Value;

/// Writes a report as one JSON object.
///
/// Generic over the report through [`ToJson`], so that this crate needs no serde of its own.
pub(crate) fn render(report: &impl ToJson) -> String {
    let mut text = report.to_json_pretty();
    text.push('\n');
    text
}

/// A report that serde can write.
pub(crate) trait ToJson {
    /// The tree of values.
    fn to_json(&self) -> Value;
    /// The text, two blanks per level.
    fn to_json_pretty(&self) -> String;
}

macro_rules! to_json {
    ($($report:ty),*) => {$(
        impl ToJson for $report {
            fn to_json(&self) -> Value {
                serde_json::to_value(self).expect("a report has string keys only")
            }

            fn to_json_pretty(&self) -> String {
                serde_json::to_string_pretty(self).expect("a report has string keys only")
            }
        }
    )*};
}

to_json!(
    sim_core::report::RunReport,
    sim_core::report::RampReport,
    sim_core::report::CompareReport,
    sim_core::report::NewFileReport,
    sim_core::report::GoneFileReport,
    sim_core::report::CheckReport,
    sim_core::report::CapacityReport,
    sim_core::report::AdviceReport
);

#[cfg(test)]
mod tests {
    use sim_core::report::{RampReport, RunReport};

    use super::*;
    use crate::sample;

    #[test]
    fn what_is_written_reads_back() {
        let run = sample::run();
        assert_eq!(
            serde_json::from_str::<RunReport>(&render(&run)).unwrap(),
            run
        );
        let ramp = sample::ramp();
        assert_eq!(
            serde_json::from_str::<RampReport>(&render(&ramp)).unwrap(),
            ramp
        );
    }

    #[test]
    fn keys_keep_the_order_of_the_contract() {
        let tree = sample::run().to_json();
        let keys: Vec<&str> = tree
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(keys.first(), Some(&"schema"));
        assert_eq!(keys.last(), Some(&"engine"));
        let at = |key| keys.iter().position(|k| *k == key).unwrap();
        assert!(
            at("operations") < at("tiers")
                && at("tiers") < at("bottleneck")
                && at("cost") < at("warnings")
        );
    }
}
