//! The command line as its users meet it: exit codes, errors that help, files, pipes.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use std::fs;

use system_tests::{Plimsoll, Scratch, repository};

/// A run that takes no time worth mentioning.
fn short_run() -> Plimsoll {
    Plimsoll::new().run("team-chat").users("500").duration("2s")
}

fn team_chat() -> String {
    fs::read_to_string(repository().join("presets/team-chat.ron")).unwrap()
}

#[test]
fn help_and_version_succeed() {
    Plimsoll::new()
        .args(&["--help"])
        .code(0)
        .stdout_contains("validate")
        .stdout_contains("Exit codes");
    Plimsoll::new()
        .args(&["--version"])
        .code(0)
        .stdout_contains("plimsoll 0.");
}

#[test]
fn wrong_usage_is_2() {
    Plimsoll::new()
        .args(&["simulate", "team-chat"])
        .code(2)
        .stderr_contains("simulate");
    Plimsoll::new()
        .args(&["run"])
        .code(2)
        .stderr_contains("SCENARIO");
    Plimsoll::new()
        .run("team-chat")
        .args(&["--usres", "5"])
        .code(2)
        .stderr_contains("--users");
    Plimsoll::new()
        .run("team-chat")
        .format("pdf")
        .code(2)
        .stderr_contains("json");
    Plimsoll::new()
        .ramp("team-chat")
        .args(&["--from", "2k", "--to", "1k"])
        .code(2)
        .stderr_contains("less than");
}

#[test]
fn without_a_display_the_explorer_points_at_run() {
    Plimsoll::new()
        .code(2)
        .stderr_contains("plimsoll run team-chat")
        .stdout_is_empty();
}

#[test]
fn ten_small_m_users_are_refused() {
    Plimsoll::new()
        .run("team-chat")
        .users("10m")
        .code(2)
        .stderr_contains("10M")
        .stderr_contains("10 min");
    Plimsoll::new()
        .run("team-chat")
        .users("0")
        .code(2)
        .stderr_contains("at least 1");
    Plimsoll::new().run("team-chat").users("-5").code(2);
}

#[test]
fn an_unknown_preset_names_the_nearest() {
    Plimsoll::new()
        .run("teem-chat")
        .code(2)
        .stderr_contains("did you mean team-chat?");
    Plimsoll::new()
        .args(&["presets", "team-chta"])
        .code(2)
        .stderr_contains("did you mean team-chat?");
    Plimsoll::new()
        .run("missing.ron")
        .code(2)
        .stderr_contains("there is no file missing.ron");
}

#[test]
fn a_misspelt_field_is_found_in_its_line() {
    let scratch = Scratch::new();
    let text = team_chat().replacen("online:", "onlien:", 1);
    let line = 1 + text
        .lines()
        .position(|line| line.contains("onlien:"))
        .unwrap();
    let file = scratch.file("wrong.ron", &text);
    for verb in ["validate", "run"] {
        Plimsoll::new()
            .args(&[verb, &file.display().to_string()])
            .code(3)
            .stderr_contains(&format!("wrong.ron:{line}:"))
            .stderr_contains("onlien")
            .stderr_contains("online");
    }
}

#[test]
fn an_unknown_set_path_names_the_nearest() {
    Plimsoll::new()
        .run("team-chat")
        .set("design.connection_server.count=20")
        .code(3)
        .stderr_contains("connection_server")
        .stderr_contains("connection_servers");
    Plimsoll::new()
        .run("team-chat")
        .set("load.online")
        .code(2)
        .stderr_contains("PATH=VALUE");
}

#[test]
fn a_value_out_of_range_says_what_is_allowed() {
    Plimsoll::new()
        .validate("team-chat")
        .set("load.online=120 %")
        .code(3)
        .stderr_contains("allowed");
}

#[test]
fn valid_and_invalid_files_are_both_looked_at() {
    let scratch = Scratch::new();
    let wrong = scratch.file("wrong.ron", "(version: 1, name: ");
    Plimsoll::new()
        .validate(&wrong.display().to_string())
        .args(&["team-chat"])
        .code(3)
        .stderr_contains("wrong.ron:1:")
        .stdout_contains("team-chat: valid");
}

#[test]
fn files_of_every_format_are_written() {
    let scratch = Scratch::new();
    let paths = ["a.json", "a.csv", "a.txt"].map(|name| scratch.path(name));
    let mut command = short_run();
    for path in &paths {
        command = command.out(path);
    }
    command
        .args(&["--quiet"])
        .code(0)
        .stdout_is_empty()
        .stderr_is_empty();
    let [json, csv, text] = paths.map(|path| fs::read_to_string(path).unwrap());
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["scenario"]["name"], "team-chat");
    assert_eq!(report["users"], 500);
    assert!(csv.starts_with("metric,value,low,high\n"), "{csv}");
    assert!(text.starts_with("Team chat, 500 users"), "{text}");
}

#[test]
fn a_file_that_cannot_be_written_is_said_before_any_work() {
    let scratch = Scratch::new();
    short_run()
        .out(&scratch.path("report.pdf"))
        .code(2)
        .stderr_contains(".json")
        .stdout_is_empty();
    short_run()
        .out(&scratch.path("no/such/report.json"))
        .code(2)
        .stderr_contains("there is no folder");
}

#[test]
fn a_report_begins_with_its_answer_and_standard_error_stays_empty() {
    let finished = short_run().seed(9).code(0).stderr_is_empty();
    assert!(
        finished.stdout.starts_with("Team chat, 500 users: "),
        "{}",
        finished.stdout
    );
    finished.stdout_contains("seed 9");
}

#[test]
fn a_file_on_disk_wins_over_a_preset() {
    let scratch = Scratch::new();
    let _ = scratch.file(
        "team-chat.ron",
        &team_chat().replacen("title: \"Team chat\"", "title: \"Ours\"", 1),
    );
    let ours = Plimsoll::new()
        .inside(scratch.folder())
        .run("team-chat")
        .users("100")
        .duration("1s");
    ours.code(0).stdout_contains("Ours, 100 users");
    let elsewhere = Scratch::new();
    Plimsoll::new()
        .inside(elsewhere.folder())
        .validate("team-chat")
        .code(0)
        .stdout_contains("Team chat");
}

#[test]
fn an_overlay_is_laid_over_the_scenario() {
    let scratch = Scratch::new();
    let overlay = scratch.file("more.ron", "(load: (users: \"700 users\"))");
    Plimsoll::new()
        .validate("team-chat")
        .args(&["-f", &overlay.display().to_string()])
        .code(0)
        .stdout_contains("700 users");
}

#[test]
fn budgets_end_in_6_and_report_what_is_there() {
    short_run()
        .args(&["--max-events", "1k"])
        .code(6)
        .stdout_contains("Stopped early");
    let ramp = Plimsoll::new().ramp("team-chat").args(&[
        "--from",
        "100",
        "--to",
        "1k",
        "--max-time",
        "0s",
    ]);
    ramp.code(6).stderr_contains("0 of 4 loads");
}

#[test]
fn a_ramp_writes_one_csv_row_per_load() {
    let ramp = Plimsoll::new()
        .ramp("team-chat")
        .args(&["--from", "100", "--to", "400", "--points", "3"]);
    let finished = ramp.duration("1s").format("csv").code(0);
    let users: Vec<&str> = finished
        .stdout
        .lines()
        .skip(1)
        .map(|line| column(&finished.stdout, line, "users"))
        .collect();
    assert_eq!(users, ["100", "200", "400"]);
}

fn small_ramp(scratch: &Scratch, more: &[&str]) -> Plimsoll {
    let ramp = Plimsoll::new().ramp("team-chat").inside(scratch.folder());
    ramp.args(&[
        "--from",
        "100",
        "--to",
        "400",
        "--points",
        "3",
        "--duration",
        "1s",
    ])
    .args(more)
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

/// Without the work that it took, which differs from run to run.
fn without_engine(mut report: serde_json::Value, runs: &str) -> serde_json::Value {
    for run in report[runs].as_array_mut().unwrap() {
        run.as_object_mut().unwrap().remove("engine");
    }
    report
}

#[test]
fn a_stopped_ramp_goes_on_where_it_was() {
    let scratch = Scratch::new();
    let whole = json(&small_ramp(&scratch, &["--format", "json"]).code(0).stdout);
    // As an interruption after the first load leaves it.
    let mut stopped = whole.clone();
    stopped["points"].as_array_mut().unwrap().truncate(1);
    // Proof that a load is taken from the file: its figures are found again.
    stopped["points"][0]["warnings"] = serde_json::json!(["from the file"]);
    let file = scratch.file("ramp.json", &stopped.to_string());
    let resume = ["--resume", "ramp.json", "--format", "json"];
    let mut resumed = json(&small_ramp(&scratch, &resume).code(0).stdout);
    assert_eq!(resumed["points"][0]["warnings"][0], "from the file");
    resumed["points"][0]["warnings"] = whole["points"][0]["warnings"].clone();
    assert_eq!(
        without_engine(resumed, "points"),
        without_engine(whole, "points")
    );
    assert!(file.is_file());
}

#[test]
fn an_interrupted_ramp_keeps_its_loads_and_says_how_to_go_on() {
    let scratch = Scratch::new();
    small_ramp(&scratch, &["--max-time", "0s"])
        .code(6)
        .stderr_contains("with --out FILE.json they are kept for --resume");
    small_ramp(
        &scratch,
        &["--max-time", "0s", "--out", "kept.json", "--quiet"],
    )
    .code(6)
    .stderr_contains("stopped early: 0 of 3 loads")
    .stderr_contains("go on with --resume kept.json");
    small_ramp(&scratch, &["--resume", "kept.json", "--out", "kept.json"]).code(0);
    let report = json(&fs::read_to_string(scratch.path("kept.json")).unwrap());
    assert_eq!(report["points"].as_array().unwrap().len(), 3);
}

#[test]
fn a_ramp_of_something_else_is_not_resumed() {
    let scratch = Scratch::new();
    let stored = small_ramp(&scratch, &["--out", "ramp.json", "--quiet"]).code(0);
    drop(stored.stdout_is_empty());
    let refused = |more: &[&str], why: &str, help: &str| {
        small_ramp(&scratch, &["--resume", "ramp.json"])
            .args(more)
            .code(2)
            .stderr_contains("--resume ramp.json: points[0] (100 users): ")
            .stderr_contains(why)
            .stderr_contains(help)
            .stdout_is_empty();
    };
    refused(
        &["--seed", "9"],
        "of seed 7, this is seed 9",
        "add --seed 7",
    );
    refused(
        &["--set", "load.online=50 %"],
        "differs in its text",
        "same options",
    );
    Plimsoll::new()
        .inside(scratch.folder())
        .ramp("p1-mvp")
        .args(&["--resume", "ramp.json"])
        .code(2)
        .stderr_contains("of the scenario team-chat, this is p1-mvp");
    small_ramp(&scratch, &["--resume", "none.json"])
        .code(2)
        .stderr_contains("--resume none.json: cannot be read")
        .stderr_contains("--out none.json");
    let _ = scratch.file("other.json", "{\"a\": 1}");
    small_ramp(&scratch, &["--resume", "other.json"])
        .code(2)
        .stderr_contains("--resume other.json:1:")
        .stderr_contains("not a report of `plimsoll ramp --format json`");
}

#[test]
fn a_stopped_search_for_the_capacity_goes_on_where_it_was() {
    let scratch = Scratch::new();
    let search = |more: &[&str]| {
        let command = Plimsoll::new().inside(scratch.folder());
        let command = command.args(&["capacity", "p1-mvp", "--within", "20%", "--threads", "1"]);
        command
            .duration("2s")
            .format("json")
            .args(more)
            .code(0)
            .stdout
    };
    let whole = json(&search(&[]));
    let mut stopped = whole.clone();
    let runs = stopped["runs"].as_array_mut().unwrap();
    assert!(runs.len() > 2, "{}", runs.len());
    runs.truncate(2);
    runs[0]["warnings"] = serde_json::json!(["from the file"]);
    let _ = scratch.file("found.json", &stopped.to_string());
    let resumed = json(&search(&["--resume", "found.json"]));
    assert_eq!(resumed["runs"][0]["warnings"][0], "from the file");
    // A search that begins elsewhere ends elsewhere, within the width that both state.
    assert_eq!(resumed["breaks_at"]["limit"], whole["breaks_at"]["limit"]);
    let end =
        |report: &serde_json::Value, end: &str| report["breaks_at"]["users"][end].as_f64().unwrap();
    assert!(end(&resumed, "low") <= end(&whole, "high"), "{resumed:#}");
    assert!(end(&whole, "low") <= end(&resumed, "high"), "{resumed:#}");
}

#[test]
fn a_report_lists_the_numbers_and_their_sources() {
    let scratch = Scratch::new();
    let paths = ["a.json", "a.html", "a.md"].map(|name| scratch.path(name));
    let mut command = short_run().args(&["--set", "traffic.publish.size=1 KB"]);
    for path in &paths {
        command = command.out(path);
    }
    command
        .code(0)
        .stdout_contains("Assumptions: ")
        .stdout_contains(" numbers are assumed, ")
        .stdout_contains(" edited");
    let [report, html, markdown] = paths.map(|path| fs::read_to_string(path).unwrap());
    let report = json(&report);
    let sources = report["sources"].as_array().unwrap();
    let of = |path: &str| sources.iter().find(|s| s["path"] == path).unwrap();
    assert_eq!(of("traffic.publish.size")["value"], "1 KB");
    assert_eq!(of("traffic.publish.size")["status"], "Edited");
    assert_eq!(of("traffic.publish.rate")["status"], "Assumed");
    assert_eq!(of("load.users")["status"], "Edited");
    for page in [html, markdown] {
        assert!(page.contains("an active desk worker at the peak of the day"));
    }
}

#[test]
fn several_populations_are_reported_with_their_spread() {
    let run = |more: &[&str]| json(&short_run().format("json").args(more).code(0).stdout);
    let without = |mut report: serde_json::Value, field: &str| {
        report.as_object_mut().unwrap().remove(field);
        report
    };
    let plain = without(run(&[]), "engine");
    assert_eq!(plain.get("populations"), None);
    assert_eq!(without(run(&["--populations", "1"]), "engine"), plain);
    let several = without(run(&["--populations", "3"]), "engine");
    assert_eq!(
        several["populations"]["seeds"],
        serde_json::json!([1, 2, 3])
    );
    let copies = &several["populations"]["numbers"]["publish.deliveries_per_s"];
    assert!(copies["low"].as_f64() < copies["high"].as_f64(), "{copies}");
    assert_eq!(several["operations"], plain["operations"]);
    short_run()
        .args(&["--populations", "2"])
        .code(0)
        .stdout_contains("Over 2 populations (seeds 1, 2)");
    Plimsoll::new()
        .args(&[
            "check",
            "p1-mvp",
            "--users",
            "200",
            "--duration",
            "2s",
            "--populations",
            "2",
        ])
        .args(&["--set", "objectives=[\"cost.usd_per_month < 1 USD\"]"])
        .code(4);
}

#[test]
fn capacity_and_advice_read_a_trace_beside_the_scenario() {
    let scratch = Scratch::new();
    let _ = scratch.file("day.csv", "time_s,rate\n0,50\n5,100\n");
    let fields = "load: (users: 300), traffic: (publish: (arrivals: Trace(file: \"day.csv\")))";
    let variant = variant(&scratch, fields);
    let name = variant.display().to_string();
    Plimsoll::new()
        .args(&["advise", &name, "--simulate", "0", "--duration", "2s"])
        .code(0)
        .stderr_is_empty();
}

#[test]
fn a_failed_objective_of_a_base_is_annotated_where_it_stands() {
    let scratch = Scratch::new();
    let short = "run: (warmup: \"1 s\", duration: \"2 s\"), load: (users: 200)";
    let base = format!("{short}, objectives: [\"cost.usd_per_month < 1 USD\"]");
    let base = variant(&scratch, &base);
    let name = base.file_name().unwrap().to_str().unwrap();
    let text = format!("(\n  version: 1,\n  name: \"mine\",\n  extends: \"{name}\",\n)\n");
    let mine = scratch.file("mine-too.ron", &text);
    let line = 1 + fs::read_to_string(&base)
        .unwrap()
        .lines()
        .position(|l| l.contains("1 USD"))
        .unwrap();
    let annotated = |file: &std::path::Path| {
        let file = file.display().to_string();
        Plimsoll::new().args(&["check", &file, "--duration", "2s", "--annotate"])
    };
    annotated(&mine)
        .code(4)
        .stderr_contains(&format!("{name},line={line},"));
    // One of a preset stands where the preset is named.
    let text =
        "(\n  version: 1,\n  name: \"mine\",\n  extends: \"p1-mvp\",\n  load: (users: 5_000),\n)\n";
    let mine = scratch.file("far.ron", text);
    annotated(&mine)
        .args(&["--set", "design.database.pool=1"])
        .code(4)
        .stderr_contains("far.ron,line=4,")
        .stderr_contains(" of preset p1-mvp asks)");
}

fn column<'a>(table: &str, line: &'a str, name: &str) -> &'a str {
    let index = table
        .lines()
        .next()
        .unwrap()
        .split(',')
        .position(|cell| cell == name)
        .unwrap();
    line.split(',').nth(index).unwrap()
}

#[test]
fn a_closed_pipe_is_no_error() {
    for command in [
        Plimsoll::new().args(&["presets", "team-chat"]),
        short_run(),
        Plimsoll::new().args(&["--help"]),
    ] {
        let (code, stderr) = command.into_closed_pipe();
        assert_eq!(code, Some(0), "{stderr}");
        assert!(stderr.is_empty(), "{stderr}");
    }
}

#[test]
fn presets_are_listed_and_printed() {
    Plimsoll::new()
        .args(&["presets"])
        .code(0)
        .stdout_contains("team-chat")
        .stdout_contains("200 K");
    let printed = Plimsoll::new().args(&["presets", "team-chat"]).code(0);
    assert_eq!(printed.stdout, team_chat());
}

/// The files that a variant and its base are tested with.
fn variant(scratch: &Scratch, fields: &str) -> std::path::PathBuf {
    let text = format!(
        "(\n    version: 1,\n    name: \"mine\",\n    extends: \"base.ron\",\n    {fields}\n)\n"
    );
    let _ = scratch.file(
        "base.ron",
        "(version: 1, name: \"base\", extends: \"team-chat\", load: (users: 700))",
    );
    scratch.file("mine.ron", &text)
}

#[test]
fn a_variant_extends_a_file_that_extends_a_preset() {
    let scratch = Scratch::new();
    let file = variant(&scratch, "load: (online: \"50 %\"),");
    let file = file.display().to_string();
    Plimsoll::new()
        .validate(&file)
        .code(0)
        .stdout_contains("valid: mine, 700 users");
    Plimsoll::new()
        .run(&file)
        .duration("1s")
        .code(0)
        .stdout_contains("mine, 700 users");
    Plimsoll::new()
        .ramp(&file)
        .args(&["--from", "50", "--to", "100", "--points", "2"])
        .duration("1s")
        .code(0);
}

#[test]
fn an_error_of_a_variant_stands_in_the_file_that_is_wrong() {
    let scratch = Scratch::new();
    let file = variant(&scratch, "load: (online: \"150 %\"),");
    let validate = |file: &std::path::Path| {
        Plimsoll::new()
            .validate(&file.display().to_string())
            .code(3)
    };
    validate(&file).stderr_contains("mine.ron:5:20: load.online: ");
    let _ = scratch.file(
        "base.ron",
        "(version: 1, name: \"base\",\n extends: \"mine.ron\")",
    );
    validate(&file)
        .stderr_contains("base.ron:2:11: extends: ")
        .stderr_contains("mine.ron → ");
    let _ = scratch.file(
        "base.ron",
        "(version: 1, name: \"base\", extends: \"team-chta\")",
    );
    validate(&file)
        .stderr_contains("base.ron:1:37: extends: no preset is called")
        .stderr_contains("did you mean \"team-chat\"?");
    let gone = scratch.file(
        "gone.ron",
        "(version: 1, name: \"a\", extends: \"bsae.ron\")",
    );
    validate(&gone).stderr_contains("did you mean \"base.ron\"?");
}

#[test]
fn a_new_scenario_is_valid_and_is_not_written_over() {
    let scratch = Scratch::new();
    let new = |arguments: &[&str]| {
        Plimsoll::new()
            .inside(scratch.folder())
            .args(&["new", "my-chat"])
            .args(arguments)
    };
    new(&["--from", "team-chat"])
        .code(0)
        .stdout_contains("my-chat.ron");
    Plimsoll::new()
        .inside(scratch.folder())
        .validate("my-chat")
        .code(0)
        .stdout_contains("My chat, 200 K users");
    let before = fs::read_to_string(scratch.path("my-chat.ron")).unwrap();
    assert!(
        before.lines().count() < 50 && before.contains("check this"),
        "{before}"
    );
    new(&["--from", "p1-mvp"])
        .code(2)
        .stderr_contains("--force");
    let after = fs::read_to_string(scratch.path("my-chat.ron")).unwrap();
    assert_eq!(after, before);
    new(&["--from", "p1-mvp", "--force", "--full"]).code(0);
    Plimsoll::new()
        .inside(scratch.folder())
        .validate("my-chat.ron")
        .code(0);
    new(&["--from", "team-chta", "--force"])
        .code(2)
        .stderr_contains("did you mean team-chat?");
    new(&[]).code(2).stderr_contains("--from");
}

#[test]
fn fields_numbers_and_terms_are_explained() {
    let explain = |arguments: &[&str]| Plimsoll::new().args(&["explain"]).args(arguments);
    let text = team_chat();
    let line = 1 + text.lines().position(|l| l.contains("count: 10,")).unwrap();
    explain(&["design.connection_servers.count", "--scenario", "team-chat"])
        .code(0)
        .stdout_contains("1 to 4096 servers")
        .stdout_contains(&format!("10 (team-chat.ron:{line}), assumed: sized"))
        .stdout_contains("--set design.connection_servers.count=10");
    explain(&["load.places"])
        .code(0)
        .stdout_contains("'load.places={\"us-east-1\": \"60 %\", \"eu-west-1\": \"40 %\"}'");
    explain(&["load.wifi"])
        .code(0)
        .stdout_contains("0 % to 100 %")
        .stdout_contains("default");
    explain(&["publish.delivered.p99"])
        .code(0)
        .stdout_contains("99th percentile")
        .stdout_contains("operations.publish.latency_ms.delivered.p99");
    explain(&["breaks", "at"])
        .code(0)
        .stdout_contains("first objective");
    explain(&["cost.usd_per_month"])
        .code(0)
        .stdout_contains("730 hours");
    explain(&["pool"])
        .code(0)
        .stdout_contains("design.database.pool");
    explain(&[]).code(0).stdout_contains("machines.NAME.cores");
    // Each variant that may stand there.
    explain(&["load.shape[0]"])
        .code(0)
        .stdout_contains("of        Hourly, Steps")
        .stdout_contains("Steps: a list")
        .stdout_contains("level");
    explain(&["load.shape[0][0].level"])
        .code(0)
        .stdout_contains("Level from then on");
    explain(&["load.onlin"])
        .code(2)
        .stderr_contains("load.online")
        .stdout_is_empty();
}

#[test]
fn schemas_and_completions_are_printed() {
    for of in ["scenario", "report", "ramp", "capacity", "compare", "check"] {
        let printed = Plimsoll::new().args(&["schema", of]).code(0);
        let schema: serde_json::Value = serde_json::from_str(&printed.stdout).unwrap();
        assert!(schema["$defs"].is_object(), "{of}");
    }
    Plimsoll::new()
        .args(&["completions", "bash"])
        .code(0)
        .stdout_contains("explain");
    Plimsoll::new()
        .args(&["completions", "csh"])
        .code(2)
        .stderr_contains("bash");
}

#[test]
fn too_little_simulated_decides_nothing() {
    let finished = Plimsoll::new()
        .args(&["run", "p1-mvp", "--quiet", "--max-events", "1"])
        .code(6)
        .stdout_contains("too little was simulated to say anything");
    for claim in ["Gives way", "give way", "a month"] {
        assert!(
            !finished.stdout.contains(claim),
            "{claim} in\n{}",
            finished.stdout
        );
    }
    Plimsoll::new()
        .args(&["check", "p1-mvp", "--quiet", "--max-events", "1"])
        .code(5)
        .stdout_contains("too little was simulated");
}

#[test]
fn a_baseline_that_is_no_file_is_wrong_usage() {
    Plimsoll::new()
        .args(&["compare", "p1-mvp", "--baseline", "main"])
        .code(2)
        .stderr_contains("--baseline-rev main compares with a revision");
}

#[test]
fn every_error_of_a_file_is_said() {
    let scratch = Scratch::new();
    let file = scratch.file(
        "bad.ron",
        "(version: 1, name: \"bad\", extends: \"team-chat\",\n load: (users: 0, onlin: 2),\n \
         design: (database: (pool: \"sixteen\")),\n objectives: [\"nonsense < 3\"])",
    );
    let finished = Plimsoll::new()
        .validate(&file.display().to_string())
        .code(3);
    for part in [
        "bad.ron:2:16: load.users: 0 is too small; allowed: ",
        "bad.ron:2:19: load.onlin: unknown field",
        "bad.ron:3:28: design.database.pool: \"sixteen\" does not start with a number; allowed: 1 to ",
        "bad.ron:4:15: objectives[0]: no part of the report",
    ] {
        assert!(
            finished.stderr.contains(part),
            "{part} is missing in\n{}",
            finished.stderr
        );
    }
}

#[test]
fn a_design_beyond_what_it_holds_is_not_said_to_break_at_its_own_load() {
    let crowded = ["p1-mvp", "--users", "30k", "--duration", "10s", "--quiet"];
    Plimsoll::new()
        .args(&["run"])
        .args(&crowded)
        .code(0)
        .stdout_contains("Already beyond what it holds");
    let advice = Plimsoll::new()
        .args(&["advise", "--simulate", "0"])
        .args(&crowded)
        .code(0)
        .stdout_contains("already beyond what it holds");
    assert!(!advice.stdout.contains("c7g.xlarge"), "{}", advice.stdout);
}

#[test]
fn a_resumed_search_keeps_every_break_it_has_found() {
    let scratch = Scratch::new();
    let search = |more: &[&str]| {
        Plimsoll::new()
            .inside(scratch.folder())
            .args(&["capacity", "p1-mvp", "--duration", "2s", "--breaks", "2"])
            .args(&["--within", "20%", "--quiet", "--out", "kept.json"])
            .args(more)
            .code(0);
        json(&std::fs::read_to_string(scratch.path("kept.json")).unwrap())
    };
    let whole = search(&[]);
    assert_eq!(whole["breaks"].as_array().unwrap().len(), 2, "{whole}");
    let cpu = |report: &serde_json::Value| report["relieved"][0]["runs"][0]["engine"].clone();
    let resumed = search(&["--resume", "kept.json"]);
    // What stands in the report was not run again: even what it cost is the same.
    assert_eq!(cpu(&resumed), cpu(&whole));
    assert_eq!(resumed, whole);
}
