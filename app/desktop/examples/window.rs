//! The explorer on a scenario file, without the command line around it:
//! `cargo run -p desktop --example window -- presets/team-chat.ron [PICTURE.png [SECONDS [WIDTH HEIGHT [light|dark [TITLE…]]]]]`,
//! where a title is that of a view or of a command, carried out one after the other.

use desktop::{NoFiles, Options, PresetEntry};
use sim_core::scenario::{Beginning, Draft};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let word = |index: usize| words.get(index).map(String::as_str);
    let file = word(0).unwrap_or("presets/team-chat.ron").to_owned();
    let draft = read(&file)?;
    let scenario = draft.scenario().clone();
    let number = |index: usize| word(index).and_then(|text| text.parse::<f64>().ok());
    let options = Options {
        screenshot: word(1).map(Into::into),
        after_s: number(2).unwrap_or(0.0),
        size: number(3)
            .zip(number(4))
            .map(|(width, height)| [width as f32, height as f32]),
        light: word(5).map(|theme| theme == "light"),
        open: words.iter().skip(6).cloned().collect(),
        named: true,
    };
    let presets = vec![PresetEntry {
        name: scenario.name.clone(),
        title: scenario.title.clone(),
        scenario: scenario.clone(),
        load: Box::new(move || read(&file)),
    }];
    Ok(desktop::open_with(
        draft,
        presets,
        Box::new(NoFiles),
        options,
    )?)
}

fn read(file: &str) -> Result<Draft, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    let sentences = |errors: Vec<sim_core::scenario::ScenarioError>| {
        errors
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("; ")
    };
    let folder = std::path::Path::new(file).parent();
    let beside = |name: &str| {
        let path = folder.map_or_else(|| name.into(), |folder| folder.join(name));
        std::fs::read_to_string(path).map_err(|error| error.to_string())
    };
    let nowhere = |_: &str, _: &str| {
        Err(sim_core::scenario::Problem::new(
            "no base is looked up here",
        ))
    };
    sim_core::scenario::load_with(&text, file, &[], &nowhere, &beside)
        .map(|loaded| {
            let path = file.to_owned();
            Draft::new(
                Beginning::File {
                    path,
                    text: text.clone(),
                },
                loaded,
            )
        })
        .map_err(sentences)
}
