//! `plimsoll presets`: the built-in scenarios.

use report::numbers::count;
use report::table::Table;

use crate::exit::{Exit, Failure};
use crate::load;
use crate::output::print;
use crate::plan::PresetsPlan;
use crate::presets::{ALL, Preset, find, nearest};

/// Lists all presets, or prints the file of one.
pub(crate) fn presets(plan: &PresetsPlan) -> Result<Exit, Failure> {
    match &plan.name {
        None => print(&list())?,
        Some(name) => match find(name) {
            Some(preset) => print(preset.text)?,
            None => {
                let hint = nearest(name)
                    .map(|near| format!("; did you mean {near}?"))
                    .unwrap_or_default();
                return Err(Failure::Usage(format!("there is no preset {name:?}{hint}")));
            }
        },
    }
    Ok(Exit::Ok)
}

fn list() -> String {
    let mut table = Table::new(2, &["Name", "title", "users", "status"]);
    for preset in ALL {
        table.row(row(preset));
    }
    let mut out = String::new();
    table.write(&mut out);
    out
}

fn row(preset: &Preset) -> Vec<String> {
    let Preset { name, text } = preset;
    match load::parse(text, &format!("{name}.ron"), &[]).map(|loaded| loaded.scenario) {
        Ok(s) => {
            let (users, status) = (
                count(f64::from(s.load.users)),
                format!("{:?}", s.status).to_lowercase(),
            );
            vec![(*name).to_owned(), s.title, users, status]
        }
        Err(_) => vec![
            (*name).to_owned(),
            String::new(),
            String::new(),
            "invalid".to_owned(),
        ],
    }
}
