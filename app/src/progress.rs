//! One line of progress on standard error, only where somebody watches a terminal.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use report::numbers::{count, seconds};
use session::{LessonFrame, Progress};

use crate::interrupt;

/// Before this much wall time an estimate is a guess.
const ESTIMATE_AFTER_S: f64 = 1.0;

/// Shows progress and passes Ctrl-C on.
#[derive(Debug)]
pub(crate) struct Meter {
    shown: bool,
    drawn: AtomicBool,
}

impl Meter {
    /// A meter that is silent when `quiet` or when standard error is no terminal.
    pub(crate) fn new(quiet: bool) -> Self {
        Self {
            shown: !quiet && io::stderr().is_terminal(),
            drawn: AtomicBool::new(false),
        }
    }

    /// Draws the line; `false` when the work should stop.
    pub(crate) fn show(&self, progress: Progress) -> bool {
        if self.shown {
            self.drawn.store(true, Ordering::Relaxed);
            let _ = write!(io::stderr().lock(), "\r{:<78}", line(&progress));
        }
        !interrupt::is_requested()
    }

    /// Draws the line of a lesson's simulations; `false` when the work should stop.
    pub(crate) fn show_study(&self, frame: &LessonFrame) -> bool {
        if self.shown {
            self.drawn.store(true, Ordering::Relaxed);
            let line = format!(
                "{:3.0} %  {} of {} runs",
                frame.share * 100.0,
                frame.done,
                frame.all
            );
            let _ = write!(io::stderr().lock(), "\r{line:<78}");
        }
        !interrupt::is_requested()
    }

    /// Clears the line.
    pub(crate) fn finish(&self) {
        if self.drawn.swap(false, Ordering::Relaxed) {
            let _ = write!(io::stderr().lock(), "\r{:78}\r", "");
        }
    }
}

fn line(p: &Progress) -> String {
    let share = if p.total_s > 0.0 {
        (p.simulated_s / p.total_s).clamp(0.0, 1.0)
    } else {
        0.0
    };
    let runs = match p.runs {
        (_, 1) => format!("{:.1} of {:.0} s simulated", p.simulated_s, p.total_s),
        (done, all) => format!("{done} of {all} runs"),
    };
    let left = if share > 0.0 && p.elapsed_s >= ESTIMATE_AFTER_S {
        format!(
            ", about {} left",
            seconds((p.elapsed_s * (1.0 - share) / share).ceil())
        )
    } else {
        String::new()
    };
    format!(
        "{:3.0} %  {runs}, {} events{left}",
        share * 100.0,
        count(p.events as f64)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_what_is_left() {
        let p = Progress {
            simulated_s: 15.0,
            total_s: 60.0,
            events: 1_250_000,
            runs: (0, 1),
            elapsed_s: 2.0,
        };
        assert_eq!(
            line(&p),
            " 25 %  15.0 of 60 s simulated, 1.25 M events, about 6 s left"
        );
        let p = Progress {
            runs: (3, 13),
            elapsed_s: 0.2,
            ..p
        };
        assert_eq!(line(&p), " 25 %  3 of 13 runs, 1.25 M events");
    }
}
