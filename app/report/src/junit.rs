//! JUnit XML: one suite per scenario, one case per objective, so that any CI system shows what failed and where it is written.

mod comparisons;

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};
use sim_core::report::{
    CheckReport, CheckedObjective, CheckedScenario, Estimate, ObjectiveReport, RunReport,
};

use crate::metric;

pub(crate) use comparisons::comparisons;

/// A check as JUnit XML. An inconclusive objective fails with `inconclusive_fails`, and is skipped otherwise.
#[must_use]
pub fn junit_check(report: &CheckReport, inconclusive_fails: bool) -> String {
    let mut all = Report::new("plimsoll check");
    for scenario in &report.scenarios {
        all.add_test_suite(suite(scenario, inconclusive_fails));
    }
    write(&all)
}

/// The objectives of one run as JUnit XML; see [`junit_check`].
#[must_use]
pub fn junit_run(report: &RunReport, inconclusive_fails: bool) -> String {
    let as_checked = |result: &ObjectiveReport| CheckedObjective {
        file: report.scenario.name.clone(),
        line: 0,
        result: result.clone(),
        reason: reason(result),
    };
    let scenario = CheckedScenario {
        scenario: report.scenario.name.clone(),
        verdict: crate::story::worst(&report.objectives)
            .unwrap_or("pass")
            .to_owned(),
        error: None,
        objectives: report.objectives.iter().map(as_checked).collect(),
        report: Some(report.clone()),
    };
    let mut all = Report::new("plimsoll run");
    all.add_test_suite(suite(&scenario, inconclusive_fails));
    write(&all)
}

/// Metric, limit, value and interval in one sentence: what a check says, for a run.
pub(crate) fn reason(o: &ObjectiveReport) -> String {
    let unit = metric::unit_of(&o.objective);
    let e = Estimate {
        value: o.value,
        low: o.low,
        high: o.high,
    };
    let measured = match (e.value, e.low, e.high) {
        (None, ..) => "the run supports no value".to_owned(),
        (Some(v), Some(low), Some(high)) => format!(
            "measured {}, between {} and {}",
            unit(v),
            unit(low),
            unit(high)
        ),
        (Some(v), None, Some(high)) => format!("measured {}, at most {}", unit(v), unit(high)),
        (Some(v), Some(low), None) => format!("measured {}, at least {}", unit(v), unit(low)),
        (Some(v), None, None) => format!("measured {}, without an interval", unit(v)),
    };
    format!(
        "{}: {measured}; asked for {}",
        metric::path_of(&o.objective),
        limit(&o.objective)
    )
}

/// `< 500 ms`
pub(crate) fn limit(objective: &str) -> &str {
    objective[objective.find(['<', '>', '=']).unwrap_or(0)..].trim()
}

fn suite(scenario: &CheckedScenario, inconclusive_fails: bool) -> TestSuite {
    let mut suite = TestSuite::new(scenario.scenario.as_str());
    if let Some(run) = &scenario.report {
        let properties = [
            ("plimsoll", run.plimsoll.clone()),
            ("scenario.hash", run.scenario.hash.clone()),
            ("users", run.users.to_string()),
            ("seed", run.seed.to_string()),
            ("population_seed", run.population_seed.to_string()),
            ("stop", run.stop.clone()),
        ];
        suite.add_properties(properties.map(|(name, value)| Property::new(name, value)));
    }
    let class = format!("plimsoll.{}", scenario.scenario);
    if let Some(error) = &scenario.error {
        suite.add_test_case(could_not_run(scenario, error, &class, inconclusive_fails));
    }
    for o in &scenario.objectives {
        let mut case = TestCase::new(o.result.objective.as_str(), status(o, inconclusive_fails));
        case.set_classname(class.as_str());
        if o.result.verdict == "pass" {
            case.set_system_out(o.reason.as_str());
        }
        if o.line > 0 {
            case.add_property(Property::new("file", o.file.as_str()));
            case.add_property(Property::new("line", o.line.to_string()));
        }
        suite.add_test_case(case);
    }
    if scenario.error.is_none() && scenario.objectives.is_empty() {
        let mut case = TestCase::new("runs; states no objective", TestCaseStatus::success());
        case.set_classname(class.as_str());
        suite.add_test_case(case);
    }
    suite
}

/// An invalid scenario is an error; one that ran out of budget is as inconclusive as its objectives.
fn could_not_run(
    scenario: &CheckedScenario,
    error: &str,
    class: &str,
    inconclusive_fails: bool,
) -> TestCase {
    let (name, ty, mut status) = match scenario.verdict.as_str() {
        "invalid" => (
            "is a valid scenario",
            "invalid",
            TestCaseStatus::non_success(NonSuccessKind::Error),
        ),
        _ if inconclusive_fails => (
            "runs to its end",
            "inconclusive",
            TestCaseStatus::non_success(NonSuccessKind::Failure),
        ),
        _ => ("runs to its end", "inconclusive", TestCaseStatus::skipped()),
    };
    status
        .set_message(error)
        .set_type(ty)
        .set_description(error);
    let mut case = TestCase::new(name, status);
    case.set_classname(class);
    case
}

fn status(o: &CheckedObjective, inconclusive_fails: bool) -> TestCaseStatus {
    let verdict = o.result.verdict.as_str();
    let mut status = match verdict {
        "pass" => TestCaseStatus::success(),
        "inconclusive" if !inconclusive_fails => TestCaseStatus::skipped(),
        _ => TestCaseStatus::non_success(NonSuccessKind::Failure),
    };
    status
        .set_message(o.reason.as_str())
        .set_type(verdict)
        .set_description(details(o));
    status
}

/// What a reader of the CI page needs: metric, limit, value, interval, and where the objective stands.
fn details(o: &CheckedObjective) -> String {
    let r = &o.result;
    let unit = metric::unit_of(&r.objective);
    let exact = |value: Option<f64>| match value {
        Some(value) => format!("{} ({value})", unit(value)),
        None => "not supported by the run".to_owned(),
    };
    let place = if o.line > 0 {
        format!("{}:{}", o.file, o.line)
    } else {
        o.file.clone()
    };
    let interval = match (r.low, r.high) {
        (None, None) => "none".to_owned(),
        (low, high) => format!("{} to {}", exact(low), exact(high)),
    };
    format!(
        "{}\nmetric:   {}\nlimit:    {}\nvalue:    {}\ninterval: {interval}\nat:       {place}\n",
        o.reason,
        metric::path_of(&r.objective),
        limit(&r.objective),
        exact(r.value)
    )
}

fn write(report: &Report) -> String {
    let mut text = report
        .to_string()
        .expect("a report in memory can be written");
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn count(xml: &str, tag: &str) -> usize {
        let tree = roxmltree::Document::parse(xml).unwrap();
        tree.descendants()
            .filter(|node| node.has_tag_name(tag))
            .count()
    }

    #[test]
    fn a_check_has_a_suite_per_scenario_and_a_case_per_objective() {
        let check = sample::check();
        let xml = junit_check(&check, true);
        assert_eq!(count(&xml, "testsuite"), 4);
        assert_eq!(count(&xml, "testcase"), 3 + 2 + 1 + 1);
        assert_eq!(count(&xml, "failure"), 1 + 1);
        assert_eq!(count(&xml, "error"), 1);
        assert_eq!(count(&xml, "skipped"), 0);
        for part in [
            "presets/team-chat.ron:142",
            "255 K (255100)",
            "breaks_at &gt; 300_000 users",
            "did you mean",
        ] {
            assert!(xml.contains(part), "{part} is missing in\n{xml}");
        }
        let lenient = junit_check(&check, false);
        assert_eq!(
            (count(&lenient, "failure"), count(&lenient, "skipped")),
            (1, 1)
        );
    }

    #[test]
    fn a_run_reports_its_objectives() {
        let xml = junit_run(&sample::run(), true);
        assert_eq!((count(&xml, "testcase"), count(&xml, "failure")), (3, 1));
        let mut bare = sample::run();
        bare.objectives.clear();
        assert_eq!(count(&junit_run(&bare, true), "testcase"), 1);
    }

    #[test]
    fn strange_text_stays_well_formed() {
        let mut run = sample::run();
        run.scenario.name = "<a> & \"b\" \u{1} ]]>".to_owned();
        run.objectives[2].objective = "x < 1 & <script>".to_owned();
        let xml = junit_run(&run, true);
        assert_eq!(count(&xml, "testcase"), 3);
        assert!(!xml.contains("<script>"));
        assert_eq!(xml, junit_run(&run, true));
    }

    #[test]
    fn reasons_name_metric_value_interval_and_limit() {
        let run = sample::run();
        assert_eq!(
            reason(&run.objectives[0]),
            "publish.delivered.p99: measured 212 ms, between 203 ms and 222 ms; asked for < 500 ms"
        );
        assert_eq!(limit("breaks_at > 300_000 users"), "> 300_000 users");
    }
}
