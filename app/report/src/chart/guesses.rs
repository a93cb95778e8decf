//! How a room guessed: one bar per answer, the right one marked.

use super::Figure;
use super::bars::{ROW, WIDTH, begin, name};
use super::canvas::{LABEL, Type, svg};
use super::ink::Ink;

/// Bars of (words, people, whether it is the answer).
pub(crate) fn guesses(title: &str, rows: &[(String, usize, bool)]) -> Option<Figure> {
    let most = rows
        .iter()
        .map(|row| row.1)
        .max()
        .filter(|most| *most > 0)?;
    let begin = begin(rows.iter().map(|row| row.0.as_str()));
    let (right, top) = (WIDTH - 110.0, 8.0);
    let height = top + ROW * rows.len() as f64 + 8.0;
    let said: Vec<String> = rows
        .iter()
        .filter(|row| row.1 > 0 || row.2)
        .map(|(words, people, answer)| {
            let mark = if *answer { ", the answer" } else { "" };
            format!("{words}: {people}{mark}")
        })
        .collect();
    let summary = format!("How many people guessed what. {}.", said.join("; "));
    let svg = svg(WIDTH, height, &summary, |canvas| {
        for (index, (words, people, answer)) in rows.iter().enumerate() {
            let y = top + ROW * (index as f64 + 0.5);
            name(canvas, begin, y, words);
            let long = (right - begin) * *people as f64 / most as f64;
            let ink = if *answer { Ink::Good } else { Ink::Series(0) };
            if *people > 0 {
                canvas.fill((begin, y - 8.0), (begin + long, y + 8.0), ink, 1.0);
            }
            let words = if *answer {
                format!("{people}, the answer")
            } else {
                people.to_string()
            };
            let set = Type {
                ink: Ink::Text,
                bold: *answer,
                ..LABEL
            };
            canvas.text((begin + long + 8.0, y), &words, set);
        }
    });
    Some(Figure {
        title: title.to_owned(),
        summary,
        svg,
    })
}
