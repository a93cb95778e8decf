//! What was edited, step by step: undo and redo.
//!
//! A step is a whole [`Draft`]; drafts share what they have in common, so a step costs little. The oldest steps are forgotten.

use sim_core::scenario::Draft;

/// Steps that can be undone.
const MOST: usize = 200;

/// The drafts before and after the one that is shown.
#[derive(Clone, Debug)]
pub struct History {
    past: Vec<Draft>,
    now: Draft,
    future: Vec<Draft>,
}

impl History {
    /// Nothing was edited yet.
    pub fn new(draft: Draft) -> Self {
        Self {
            past: Vec::new(),
            now: draft,
            future: Vec::new(),
        }
    }

    /// The draft that is shown.
    pub fn now(&self) -> &Draft {
        &self.now
    }

    /// The draft before, if the last step can be undone.
    pub fn before(&self) -> Option<&Draft> {
        self.past.last()
    }

    /// A step. One that changes nothing is none.
    pub fn push(&mut self, draft: Draft) {
        if draft == self.now {
            return;
        }
        if self.past.len() == MOST {
            self.past.remove(0);
        }
        self.past.push(std::mem::replace(&mut self.now, draft));
        self.future.clear();
    }

    /// One step back; `false`: there is none.
    pub fn undo(&mut self) -> bool {
        self.past.pop().is_some_and(|draft| {
            self.future.push(std::mem::replace(&mut self.now, draft));
            true
        })
    }

    /// One step forth again; `false`: there is none.
    pub fn redo(&mut self) -> bool {
        self.future.pop().is_some_and(|draft| {
            self.past.push(std::mem::replace(&mut self.now, draft));
            true
        })
    }
}
