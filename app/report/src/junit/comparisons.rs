//! Comparisons as JUnit: one suite per file, one case per objective and per finding. A case fails where its finding stops the
//! gate, so the page of a CI system agrees with the exit code; what only deserves a look is skipped, with its reason.

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};
use sim_core::report::{CompareReport, Finding, GoneFileReport, ObjectiveReport};

use super::{limit, reason, suite, write};
use crate::comparisons::Compared;
use crate::{metric, story};

/// All files in one report.
pub(crate) fn comparisons(files: &[Compared<'_>]) -> String {
    let mut all = Report::new("plimsoll compare");
    for file in files {
        all.add_test_suite(match file {
            Compared::Pair { report, .. } => of_pair(&file.name(), report),
            Compared::New(report) => suite(&report.checked, true),
            Compared::Gone(report) => of_gone(report),
        });
    }
    write(&all)
}

fn of_pair(name: &str, report: &CompareReport) -> TestSuite {
    let mut suite = TestSuite::new(name);
    for (side, run) in [("a", &report.a), ("b", &report.b)] {
        let properties = [
            ("scenario", run.scenario.name.clone()),
            ("scenario.hash", run.scenario.hash.clone()),
            ("users", run.users.to_string()),
            ("seed", run.seed.to_string()),
            ("population_seed", run.population_seed.to_string()),
            ("stop", run.stop.clone()),
        ];
        suite.add_properties(
            properties.map(|(key, value)| Property::new(format!("{side}.{key}"), value)),
        );
    }
    suite.add_property(Property::new("plimsoll", report.b.plimsoll.clone()));
    let class = format!("plimsoll.{name}");
    for objective in &report.b.objectives {
        let of_it = |f: &&Finding| f.what == objective.objective && !is_gone(f);
        let found = report.findings.iter().find(of_it);
        suite.add_test_case(objective_case(report, objective, found, &class));
    }
    let stated = |f: &&Finding| report.b.objectives.iter().any(|o| o.objective == f.what);
    for finding in report.findings.iter().filter(|f| is_gone(f) || !stated(f)) {
        suite.add_test_case(finding_case(Some(report), finding, &class));
    }
    if suite.test_cases.is_empty() {
        let mut case = TestCase::new("compared; states no objective", TestCaseStatus::success());
        case.set_classname(class.as_str());
        suite.add_test_case(case);
    }
    suite
}

/// Whether it is of an objective of the first design only.
fn is_gone(finding: &Finding) -> bool {
    matches!(finding.kind.as_str(), "dropped" | "relaxed")
}

fn of_gone(report: &GoneFileReport) -> TestSuite {
    let mut suite = TestSuite::new(report.file.as_str());
    let class = format!("plimsoll.{}", report.file);
    for finding in &report.findings {
        suite.add_test_case(finding_case(None, finding, &class));
    }
    if report.findings.is_empty() {
        let name = format!("{}; stated no objective", report.status);
        let mut case = TestCase::new(name, TestCaseStatus::success());
        case.set_classname(class.as_str());
        suite.add_test_case(case);
    }
    suite
}

fn objective_case(
    report: &CompareReport,
    now: &ObjectiveReport,
    finding: Option<&Finding>,
    class: &str,
) -> TestCase {
    let mut all = report.a.objectives.iter();
    let before = all.find(|before| before.objective == now.objective);
    let was = before.map_or_else(|| "not asked for".to_owned(), reason);
    let details = format!("now:    {}\nbefore: {was}\n", reason(now));
    let status = finding.map_or_else(TestCaseStatus::success, |f| status(f, &details));
    let mut case = TestCase::new(now.objective.as_str(), status);
    case.set_classname(class);
    if finding.is_none() {
        case.set_system_out(details);
    }
    case
}

fn finding_case(report: Option<&CompareReport>, finding: &Finding, class: &str) -> TestCase {
    let moved = report
        .filter(|_| finding.kind == "worse")
        .and_then(|report| story::moved(report, &finding.what));
    let name = match finding.kind.as_str() {
        "worse" => format!("{} is not worse", metric::words(&finding.what)),
        "dropped" | "relaxed" => format!("still asks for {}", finding.what),
        "out_of_budget" => "runs to its end".to_owned(),
        _ => finding.what.clone(),
    };
    let details = match finding.kind.as_str() {
        "dropped" | "relaxed" => format!(
            "{}\nmetric: {}\nlimit:  {}\n",
            finding.reason,
            metric::path_of(&finding.what),
            limit(&finding.what)
        ),
        _ => moved.unwrap_or_else(|| finding.reason.clone()),
    };
    let mut case = TestCase::new(name, status(finding, &details));
    case.set_classname(class);
    case
}

/// Fails where it stops the gate; skipped where it is only said.
fn status(finding: &Finding, details: &str) -> TestCaseStatus {
    let mut status = if finding.stops {
        TestCaseStatus::non_success(NonSuccessKind::Failure)
    } else {
        TestCaseStatus::skipped()
    };
    status
        .set_message(finding.reason.as_str())
        .set_type(finding.kind.as_str())
        .set_description(details);
    status
}

#[cfg(test)]
mod tests {
    use sim_core::system::{Gate, judge_comparison};

    use super::*;
    use crate::sample;

    fn written(gate: Gate, change: impl Fn(&mut CompareReport)) -> String {
        let mut report = sample::compare();
        change(&mut report);
        judge_comparison(&mut report, gate);
        let labels = sample::labels();
        comparisons(&[Compared::Pair {
            report: &report,
            a: &labels,
            b: &labels,
        }])
    }

    fn count(xml: &str, tag: &str) -> usize {
        let tree = roxmltree::Document::parse(xml).unwrap();
        let all = tree.descendants();
        all.filter(|node| node.has_tag_name(tag)).count()
    }

    #[test]
    fn a_case_fails_where_the_gate_stops() {
        let all = sample::compare().b.objectives.len();
        let lenient = written(Gate::default(), |_| {});
        assert_eq!(count(&lenient, "testcase"), all + 1, "{lenient}");
        assert_eq!(count(&lenient, "failure"), 0, "{lenient}");
        assert!(lenient.contains("cost a month is not worse"), "{lenient}");
        let strict = Gate {
            worse: true,
            weaker: true,
        };
        let xml = written(strict, |_| {});
        assert_eq!(count(&xml, "failure"), 1, "{xml}");
        let xml = written(strict, |report| {
            report.b.objectives.remove(0);
        });
        assert_eq!(count(&xml, "failure"), 2, "{xml}");
        assert!(xml.contains("is no longer asked for"), "{xml}");
    }

    #[test]
    fn what_held_and_fails_now_is_a_failure() {
        let xml = written(Gate::default(), |report| {
            report.a.objectives[0].verdict = "pass".to_owned();
            report.b.objectives[0].verdict = "fail".to_owned();
        });
        assert_eq!(count(&xml, "failure"), 1, "{xml}");
        assert!(xml.contains("type=\"newly_failing\""), "{xml}");
    }
}
