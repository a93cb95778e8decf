//! One self-contained page: charts as SVG, no script, no network, light and dark, on screen and on paper.
//!
//! A reviewer reads it top to bottom: the verdict, what a reader must know first, what gives way, then the evidence.

mod check;
mod compare;
mod comparisons;
mod load;
mod page;
mod parts;
mod run;

pub use check::html_check;
pub use compare::html_compare;
pub(crate) use comparisons::comparisons;
pub use load::{html_capacity, html_ramp};
pub use run::html_run;

/// A page of a title, a sentence and what follows.
pub(crate) fn whole_page(title: &str, lead: &str, body: &str) -> String {
    let top = parts::top(&parts::Top {
        kicker: "lesson".to_owned(),
        title,
        lead: lead.to_owned(),
        more: Vec::new(),
        state: None,
    });
    page::page(title, &format!("{top}<section>\n{body}</section>\n"))
}

/// A drawing with its numbers in words.
pub(crate) fn drawn(figure: &crate::chart::Figure) -> String {
    parts::figure(figure)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparisons::Compared;
    use crate::sample;

    fn all(title: &str) -> Vec<(&'static str, String)> {
        let mut labels = sample::labels();
        labels.title = title.to_owned();
        let mut full = sample::full();
        full.warnings.push(format!("about {title}"));
        full.scenario.name = title.to_owned();
        full.sources[0].source = title.to_owned();
        full.objectives[0].objective = format!("{title} < 5");
        full.tiers
            .insert(title.to_owned(), full.tiers["database"].clone());
        let mut compare = sample::compare();
        compare.warnings.push(title.to_owned());
        let mut check = sample::check();
        check.scenarios[0].scenario = title.to_owned();
        check.scenarios[3].error = Some(title.to_owned());
        let mut capacity = sample::capacity();
        capacity.breaks[0].limit = title.to_owned();
        let mut empty = sample::ramp();
        empty.points.clear();
        empty.breaks.clear();
        let several = comparisons(
            &[
                Compared::Pair {
                    report: &compare,
                    a: &labels,
                    b: &labels,
                },
                Compared::New(&sample::new_file(title)),
                Compared::Gone(&sample::gone_file(title)),
            ],
            None,
        );
        vec![
            ("several comparisons", several),
            ("run", html_run(&full, &labels)),
            ("plain run", html_run(&sample::run(), &labels)),
            ("ramp", html_ramp(&sample::ramp(), &labels)),
            ("empty ramp", html_ramp(&empty, &labels)),
            ("capacity", html_capacity(&capacity, &labels)),
            ("compare", html_compare(&compare, &labels, &labels)),
            ("check", html_check(&check)),
        ]
    }

    #[test]
    fn pages_are_well_formed_and_nothing_of_a_scenario_becomes_markup() {
        for (what, text) in all("<img src=x onerror=alert(1)> & \"quotes\" 'single' </style>") {
            let body = text.replacen("<!doctype html>\n", "", 1);
            // The two void elements of the head are all that XML does not know.
            let xml = body.replace("<meta charset=\"utf-8\">", "");
            let xml = xml
                .lines()
                .filter(|l| !l.starts_with("<meta "))
                .collect::<Vec<_>>()
                .join("\n");
            roxmltree::Document::parse(&xml).unwrap_or_else(|e| panic!("{what}: {e}"));
            assert!(
                !text.contains("<img") && !text.contains("</style> "),
                "{what}"
            );
        }
    }

    #[test]
    fn pages_refer_to_nothing_outside() {
        for (what, text) in all("Team chat") {
            // A table of contents points into its own page.
            let text = text.replace("href=\"#", "");
            for outside in [
                "http", "src=", "@import", "<script", "<link", "url(/", "href=",
            ] {
                assert!(!text.contains(outside), "{what} holds {outside}");
            }
            let urls = text.matches("url(").count();
            assert_eq!(
                urls,
                text.matches("url(data:font/woff2;base64,").count(),
                "{what}"
            );
            assert!(text.len() < 400_000, "{what}: {} bytes", text.len());
        }
    }

    #[test]
    fn figures_and_tables_are_labelled() {
        for (what, text) in all("Team chat") {
            assert_eq!(
                text.matches("<figure").count(),
                text.matches("<figcaption>").count(),
                "{what}"
            );
            assert_eq!(
                text.matches("<svg role=\"img\"").count(),
                text.matches("aria-label=\"").count()
                    - text.matches("<nav aria-label=\"").count()
                    - text.matches("<section aria-label=\"").count()
                    - text.matches("<aside aria-label=\"").count(),
                "{what}"
            );
            assert_eq!(text.matches("<h1>").count(), 1, "{what}");
            assert_eq!(
                text.matches("<table").count(),
                text.matches("<thead>").count(),
                "{what}"
            );
        }
    }

    #[test]
    fn a_run_says_every_number() {
        let text = html_run(&sample::full(), &sample::labels());
        for number in sample::numbers_of_full() {
            assert!(
                text.contains(&crate::escape::html(&number)),
                "{number} is missing"
            );
        }
    }

    #[test]
    fn an_unstable_run_says_so_and_draws_no_percentile() {
        let broken = sample::ramp().points.pop().unwrap();
        let text = html_run(&broken, &sample::labels());
        assert!(text.contains("Unstable at the database."));
        assert!(!text.contains("How slow the slowest are"));
    }

    #[test]
    fn colours_are_the_themes() {
        let style = include_str!("html/style.css");
        for theme in [
            include_str!("../../../assets/theme/light.ron"),
            include_str!("../../../assets/theme/dark.ron"),
        ] {
            let series = theme
                .split("series: [")
                .nth(1)
                .and_then(|rest| rest.split(']').next())
                .unwrap();
            for colour in series.split('"').filter(|text| text.starts_with('#')) {
                assert!(
                    style.contains(colour),
                    "{colour} of the theme is missing in the style"
                );
            }
        }
    }

    #[test]
    fn the_same_report_gives_the_same_bytes() {
        assert_eq!(all("Team chat"), all("Team chat"));
    }
}
