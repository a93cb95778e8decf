//! The tiers as a Mermaid flowchart, in the order a message meets them, with how full each is.

use std::collections::BTreeMap;

use sim_core::report::{RunReport, TierReport};

use crate::escape::mermaid;
use crate::numbers::{count, percent};
use crate::{Labels, phrases, tables};

/// The flowchart in its fence; `None` without tiers.
pub(super) fn map(report: &RunReport, labels: &Labels) -> Option<String> {
    if report.tiers.is_empty() {
        return None;
    }
    let mut lines = vec![
        "flowchart LR".to_owned(),
        format!(
            "  users([\"{} {}\"])",
            count(report.users as f64),
            mermaid(&labels.unit)
        ),
    ];
    let mut steps: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    let mut marked = Vec::new();
    for (index, (name, tier)) in tables::in_order(report).into_iter().enumerate() {
        let id = format!("t{index}");
        lines.push(format!("  {id}[\"{}\"]", label(name, tier)));
        let hottest = tier
            .utilization
            .values()
            .map(|u| u.hottest)
            .fold(0.0, f64::max);
        if hottest >= 0.8 {
            marked.push((id.clone(), "full"));
        } else if report.bottleneck.as_ref().is_some_and(|b| b.tier == *name) {
            marked.push((id.clone(), "fullest"));
        }
        steps.entry(tier.order).or_default().push(id);
    }
    let mut before = vec!["users".to_owned()];
    for (_, step) in steps {
        for from in &before {
            lines.extend(step.iter().map(|to| format!("  {from} --> {to}")));
        }
        before = step;
    }
    lines.push("  classDef fullest stroke:#0072B2,stroke-width:3px".to_owned());
    lines.push("  classDef full stroke:#D55E00,stroke-width:4px".to_owned());
    lines.extend(
        marked
            .iter()
            .map(|(id, class)| format!("  class {id} {class}")),
    );
    Some(format!("```mermaid\n{}\n```", lines.join("\n")))
}

/// `connection servers × 10<br/>cpu 62 % hottest, 58 % mean`.
fn label(name: &str, tier: &TierReport) -> String {
    let fullest = tier
        .utilization
        .iter()
        .max_by(|a, b| a.1.hottest.total_cmp(&b.1.hottest));
    let used = fullest.map_or_else(String::new, |(resource, u)| {
        format!(
            "<br/>{} {} hottest, {} mean",
            mermaid(&resource.replace('_', " ")),
            percent(u.hottest),
            percent(u.mean)
        )
    });
    format!(
        "{} × {}{used}",
        mermaid(&phrases::tier(name)),
        tier.instances
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn the_map_links_tiers_in_order_and_marks_the_fullest() {
        let text = map(&sample::run(), &sample::labels()).unwrap();
        for part in [
            "flowchart LR",
            "users([\"200 K users\"])",
            "t1[\"connection servers × 10<br/>cpu 62 % hottest, 58 % mean\"]",
            "users --> t0",
            "t2 --> t3",
            "class t3 fullest",
        ] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
    }

    #[test]
    fn ids_are_valid_whatever_the_names() {
        let mut run = sample::run();
        let tier = run.tiers["database"].clone();
        run.tiers.insert("end \"] --> x; click".to_owned(), tier);
        let text = map(&run, &sample::labels()).unwrap();
        for line in text.lines().filter(|line| line.contains("[\"")) {
            let id = line.trim().split(['[', '(']).next().unwrap();
            assert!(id.chars().all(|c| c.is_ascii_alphanumeric()), "{line}");
            assert_eq!(line.matches('"').count(), 2, "{line}");
        }
        // Two tiers at one step are both linked.
        assert!(
            text.contains("t2 --> t3") && text.contains("t2 --> t4"),
            "{text}"
        );
    }
}
