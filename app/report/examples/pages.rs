//! Writes the sample of every verb as HTML and Markdown into a folder, to look at: `cargo run -p report --example pages -- FOLDER`.

use std::path::PathBuf;
use std::{env, fs, io};

use report::sample;

fn main() -> io::Result<()> {
    let folder = PathBuf::from(env::args().nth(1).unwrap_or_else(|| ".".to_owned()));
    let labels = sample::labels();
    let (run, plain, ramp) = (sample::full(), sample::run(), sample::ramp());
    let (capacity, compare, check) = (sample::capacity(), sample::compare(), sample::check());
    let broken = ramp.points.last().cloned().unwrap_or_else(sample::run);
    let pages = [
        ("run.html", report::html_run(&run, &labels)),
        ("plain.html", report::html_run(&plain, &labels)),
        ("unstable.html", report::html_run(&broken, &labels)),
        ("ramp.html", report::html_ramp(&ramp, &labels)),
        ("capacity.html", report::html_capacity(&capacity, &labels)),
        (
            "compare.html",
            report::html_compare(&compare, &labels, &labels),
        ),
        ("check.html", report::html_check(&check)),
        ("run.md", report::markdown_run(&run, &labels)),
        ("ramp.md", report::markdown_ramp(&ramp, &labels)),
        ("capacity.md", report::markdown_capacity(&capacity, &labels)),
        (
            "compare.md",
            report::markdown_compare(&compare, &labels, &labels),
        ),
        ("check.md", report::markdown_check(&check)),
        ("check.xml", report::junit_check(&check, true)),
        ("histogram.csv", report::csv_histogram(&run)),
        ("series.csv", report::csv_series(&run)),
    ];
    for (name, text) in pages {
        fs::write(folder.join(name), text)?;
    }
    Ok(())
}
