//! The schemas hold for what the program reads and writes.

use sim_core::scenario::tree::{self, Kind, Node};

use super::*;
use crate::presets;

/// What is wrong with a value, by the part of JSON Schema that these schemas use.
fn wrong(root: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let say = |problem: &str| vec![format!("{at}: {problem}")];
    let mut out = Vec::new();
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        let name = name.strip_prefix("#/$defs/").unwrap();
        let target = root["$defs"]
            .get(name)
            .unwrap_or_else(|| panic!("{at}: no {name}"));
        out.extend(wrong(root, target, value, at));
    }
    if let Some(condition) = schema.get("if") {
        let holds = wrong(root, condition, value, at).is_empty();
        out.extend(wrong(
            root,
            &schema[if holds { "then" } else { "else" }],
            value,
            at,
        ));
    }
    for key in ["anyOf", "oneOf"] {
        let Some(all) = schema.get(key).and_then(Value::as_array) else {
            continue;
        };
        let tried: Vec<_> = all.iter().map(|s| wrong(root, s, value, at)).collect();
        let fitting = tried.iter().filter(|errors| errors.is_empty()).count();
        if fitting == 0 || key == "oneOf" && fitting != 1 {
            out.extend(say(&format!("{fitting} of {key} fit")));
            out.extend(tried.into_iter().flatten());
        }
    }
    if let Some(wanted) = schema.get("const")
        && wanted != value
    {
        out.extend(say("another constant"));
    }
    if let Some(kind) = schema.get("type") {
        let kinds = match kind {
            Value::Array(kinds) => kinds.clone(),
            one => vec![one.clone()],
        };
        let is = |kind: &Value| match kind.as_str().unwrap() {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "number" => value.is_number(),
            "integer" => value.is_u64() || value.is_i64(),
            "boolean" => value.is_boolean(),
            "null" => value.is_null(),
            other => panic!("{other}"),
        };
        if !kinds.iter().any(is) {
            out.extend(say(&format!("{value} is not {kind}")));
        }
    }
    if let Some(object) = value.as_object() {
        for name in schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            if !object.contains_key(name.as_str().unwrap()) {
                out.extend(say(&format!("{name} is missing")));
            }
        }
        for (name, part) in object {
            let at = format!("{at}.{name}");
            match (
                schema.get("properties").and_then(|p| p.get(name)),
                schema.get("additionalProperties"),
            ) {
                (Some(property), _) => out.extend(wrong(root, property, part, &at)),
                (None, Some(Value::Bool(false))) => out.push(format!("{at}: unknown field")),
                (None, Some(rest)) => out.extend(wrong(root, rest, part, &at)),
                (None, None) => {}
            }
        }
    }
    for (i, part) in value.as_array().into_iter().flatten().enumerate() {
        let pair = schema.get("prefixItems").and_then(|items| items.get(i));
        if let Some(items) = pair.or_else(|| schema.get("items")) {
            out.extend(wrong(root, items, part, &format!("{at}[{i}]")));
        }
    }
    out
}

/// A RON tree as the JSON tree it stands for.
fn json_of(text: &str, node: &Node) -> Value {
    let word = &text[node.span.start..node.span.end];
    let tagged = |name: &Option<String>, content: Value| match name {
        Some(name) => json!({name.as_str(): content}),
        None => content,
    };
    match &node.kind {
        Kind::Fields { name, fields, .. } => {
            let entries = fields
                .iter()
                .map(|f| (f.name.clone(), json_of(text, &f.value)));
            tagged(name, Value::Object(entries.collect()))
        }
        Kind::Items { name, items } => {
            let mut items: Vec<Value> = items.iter().map(|item| json_of(text, item)).collect();
            match name {
                Some(_) if items.len() == 1 => tagged(name, items.remove(0)),
                _ => tagged(name, Value::Array(items)),
            }
        }
        Kind::Text => json!(tree::unquote(word)),
        Kind::Number => {
            let digits = word.replace('_', "");
            serde_json::from_str(&digits).unwrap_or_else(|_| json!(digits.parse::<f64>().unwrap()))
        }
        Kind::Name if word == "None" => Value::Null,
        Kind::Name => json!(word),
    }
}

fn check(text: &str) -> Vec<String> {
    let schema = scenario();
    let root = tree::parse(text).unwrap();
    wrong(&schema, &schema, &json_of(text, &root), "")
}

#[test]
fn every_preset_fits_the_schema() {
    for preset in presets::ALL {
        assert_eq!(check(preset.text), Vec::<String>::new(), "{}", preset.name);
    }
}

#[test]
fn a_variant_may_leave_out_what_a_scenario_may_not() {
    let variant = "(version: 1, name: \"a\", extends: \"team-chat\", load: (users: 5), design: (database: None))";
    assert_eq!(check(variant), Vec::<String>::new());
    let scenario = variant.replace("extends: \"team-chat\", ", "");
    assert!(check(&scenario).iter().any(|e| e.contains("missing")));
    let misspelt = variant.replace("users", "usres");
    assert!(check(&misspelt).iter().any(|e| e.contains("unknown field")));
}

#[test]
fn a_report_fits_its_schema() {
    let preset = presets::find("p1-mvp").unwrap();
    let edits = [
        ("load.users", "20"),
        ("run.duration", "1 s"),
        ("run.warmup", "0 s"),
        ("objectives", "[]"),
        ("faults", "[]"),
    ];
    let edits = edits.map(|(path, value)| sim_core::scenario::Edit::Set {
        path: path.to_owned(),
        value: value.to_owned(),
    });
    let loaded = sim_core::scenario::load_str(preset.text, "p1-mvp.ron", &edits).unwrap();
    let options = session::RunOptions::default();
    let found = session::run(&loaded, &options, &|_| true).unwrap();
    let schema = report("RunReport");
    let value = serde_json::to_value(&found).unwrap();
    assert_eq!(wrong(&schema, &schema, &value, ""), Vec::<String>::new());
}

#[test]
fn schemas_are_the_same_bytes_every_time_and_refer_to_what_is_there() {
    let all = [
        scenario(),
        report("RunReport"),
        report("RampReport"),
        report("CapacityReport"),
        report("CompareReport"),
        report("CheckReport"),
    ];
    for schema in all {
        let text = schema.to_string();
        let names = text.split("#/$defs/").skip(1);
        for name in names.map(|rest| rest.split('"').next().unwrap()) {
            assert!(schema["$defs"].get(name).is_some(), "{name}");
        }
    }
    assert_eq!(scenario().to_string(), scenario().to_string());
}
