//! Files, as the window needs them: what it opens, saves and remembers. The program around it has the real ones.

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use sim_core::scenario::{Beginning, Draft};

use crate::command::UiCommand;
use crate::hints::Hints;
use crate::theme::Look;

/// Seconds between two times that unsaved work is kept.
const KEEP_EVERY_S: f64 = 3.0;
/// Files and unsaved scenarios that are remembered.
const REMEMBERED: usize = 10;

/// What is remembered from one time to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kept {
    /// What was edited and not saved.
    Unsaved,
    /// Files that were opened and saved.
    Recent,
    /// How the window is dressed.
    Settings,
}

/// Answer of a system dialog: a path, or nothing.
pub type Chosen = Box<dyn FnOnce(Option<String>) + Send>;

/// Where files are. Errors are sentences.
pub trait Files {
    /// Reads a scenario by its file or preset name.
    fn open(&self, name: &str) -> Result<Draft, String>;
    /// Writes a scenario if it can be read from there again, and reads it.
    fn save(&self, path: &str, text: &str) -> Result<Draft, String>;
    /// Writes a report or a picture.
    fn export(&self, path: &str, bytes: &[u8]) -> Result<(), String>;
    /// Whether there is such a file.
    fn is_there(&self, path: &str) -> bool;
    /// The name by which a file is found from anywhere; that of a preset stays.
    fn whole(&self, name: &str) -> String {
        name.to_owned()
    }
    /// Reads what was kept.
    fn kept(&self, what: Kept) -> Option<String>;
    /// Keeps something in place of what was kept.
    fn keep(&self, what: Kept, text: &str);
    /// Has the system ask for a file, without waiting. `false`: it cannot.
    fn choose(&self, _save: bool, _name: &str, _chosen: Chosen) -> bool {
        false
    }
}

/// No files at all: where nothing is opened, saved or remembered.
pub struct NoFiles;

impl Files for NoFiles {
    fn open(&self, name: &str) -> Result<Draft, String> {
        Err(format!("{name} cannot be opened here"))
    }

    fn save(&self, path: &str, _text: &str) -> Result<Draft, String> {
        Err(format!("{path} cannot be saved here"))
    }

    fn export(&self, path: &str, _bytes: &[u8]) -> Result<(), String> {
        Err(format!("{path} cannot be saved here"))
    }

    fn is_there(&self, _path: &str) -> bool {
        false
    }

    fn kept(&self, _what: Kept) -> Option<String> {
        None
    }

    fn keep(&self, _what: Kept, _text: &str) {}
}

/// Edits that were not saved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Unsaved {
    /// File or preset that they were made in.
    name: String,
    /// Paths and values.
    changes: Vec<(String, String)>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Settings {
    look: Look,
    /// Hints that were followed.
    #[serde(default)]
    hints: usize,
}

/// A sentence above the map, and what can be done about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// The sentence.
    pub words: String,
    /// Buttons.
    pub offers: Vec<(&'static str, UiCommand)>,
}

/// What was chosen in a system dialog: to save (`true`) or to open, and the path.
type Choice = Arc<Mutex<Option<(bool, String)>>>;

/// The files of a window.
pub struct Desk {
    files: Box<dyn Files>,
    /// Last opened or saved first.
    pub recent: Vec<String>,
    /// A sentence above the map.
    pub notice: Option<Notice>,
    /// A file that is there and would be written over.
    pub already_there: Option<String>,
    /// The system has no dialogs.
    pub no_dialogs: bool,
    unsaved: Vec<Unsaved>,
    kept: Option<Draft>,
    keep_at_s: Option<f64>,
    choice: Choice,
}

impl Desk {
    /// Reads what is remembered.
    pub fn new(files: Box<dyn Files>) -> Self {
        let recent = parsed(files.kept(Kept::Recent)).unwrap_or_default();
        Self {
            recent,
            unsaved: parsed(files.kept(Kept::Unsaved)).unwrap_or_default(),
            files,
            notice: None,
            already_there: None,
            no_dialogs: false,
            kept: None,
            keep_at_s: None,
            choice: Choice::default(),
        }
    }

    /// The files themselves.
    pub fn files(&self) -> &dyn Files {
        &*self.files
    }

    /// How the window was dressed.
    pub fn look(&self) -> Look {
        self.settings().look
    }

    /// Remembers how it is dressed.
    pub fn remember_look(&self, look: Look) {
        let settings = self.settings();
        self.keep(Kept::Settings, &Settings { look, ..settings });
    }

    /// What was hinted at and followed.
    pub fn hints(&self) -> Hints {
        Hints::after(self.settings().hints)
    }

    /// It is not hinted at again.
    pub fn remember_hints(&self, hints: Hints) {
        let settings = self.settings();
        let hints = hints.followed();
        self.keep(Kept::Settings, &Settings { hints, ..settings });
    }

    fn settings(&self) -> Settings {
        parsed(self.files.kept(Kept::Settings)).unwrap_or_default()
    }

    /// Remembers a file.
    pub fn used(&mut self, path: &str) {
        let path = self.files.whole(path);
        self.recent.retain(|other| *other != path);
        self.recent.insert(0, path);
        self.recent.truncate(REMEMBERED);
        self.keep(Kept::Recent, &self.recent);
    }

    /// What was not saved, of this draft or, if nothing was asked for, of whatever was edited last: with its beginning.
    pub fn unsaved(&self, draft: &Draft, named: bool) -> Option<(Draft, Draft)> {
        let name = self.files.whole(draft.beginning().name());
        let of = |unsaved: &&Unsaved| !named || unsaved.name == name;
        let unsaved = self.unsaved.iter().find(of)?;
        let beginning = if unsaved.name == name {
            self.files.open(draft.beginning().name()).ok()?
        } else {
            self.files.open(&unsaved.name).ok()?
        };
        let edited = beginning.with(&unsaved.changes).ok()?;
        (edited != beginning).then_some((beginning, edited))
    }

    /// Keeps what is not saved, some seconds after it was changed; says when to come again.
    pub fn attend(&mut self, draft: &Draft, now_s: f64) -> Option<f64> {
        if self.kept.is_none() && draft.changes().is_empty() {
            self.kept = Some(draft.clone());
        }
        if self.kept.as_ref() == Some(draft) {
            self.keep_at_s = None;
            return None;
        }
        let at = *self.keep_at_s.get_or_insert(now_s + KEEP_EVERY_S);
        if now_s < at {
            return Some(at - now_s);
        }
        self.keep_now(draft);
        None
    }

    /// Keeps what is not saved now.
    pub fn keep_now(&mut self, draft: &Draft) {
        let name = self.files.whole(draft.beginning().name());
        let before = self.unsaved.clone();
        self.unsaved.retain(|unsaved| unsaved.name != name);
        if !draft.changes().is_empty() {
            let changes = draft.changes().to_vec();
            self.unsaved.insert(0, Unsaved { name, changes });
            self.unsaved.truncate(REMEMBERED);
        }
        if self.unsaved != before {
            self.keep(Kept::Unsaved, &self.unsaved);
        }
        self.kept = Some(draft.clone());
        self.keep_at_s = None;
    }

    /// Forgets what was not saved of a beginning.
    pub fn forget(&mut self, beginning: &Beginning) {
        let name = self.files.whole(beginning.name());
        self.unsaved.retain(|unsaved| unsaved.name != name);
        self.keep(Kept::Unsaved, &self.unsaved);
    }

    /// Has the system ask for a file; `wake` is called when it has one.
    pub fn choose(&mut self, save: bool, name: &str, wake: impl FnOnce() + Send + 'static) {
        let choice = Arc::clone(&self.choice);
        let chosen = move |path: Option<String>| {
            *choice.lock().unwrap_or_else(PoisonError::into_inner) = path.map(|path| (save, path));
            wake();
        };
        self.no_dialogs = !self.files.choose(save, name, Box::new(chosen));
    }

    /// What was chosen since.
    pub fn chosen(&self) -> Option<(bool, String)> {
        let mut choice = self.choice.lock().unwrap_or_else(PoisonError::into_inner);
        choice.take()
    }

    fn keep<T: Serialize>(&self, what: Kept, value: &T) {
        // What is remembered is plain data; if it could not be written as text, nothing is lost but the memory of it.
        if let Ok(text) = ron::to_string(value) {
            self.files.keep(what, &text);
        }
    }
}

fn parsed<T: for<'a> Deserialize<'a>>(text: Option<String>) -> Option<T> {
    ron::from_str(&text?).ok()
}

/// `my-chat` for `designs/my-chat.ron`.
pub fn stem(path: &str) -> &str {
    let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
    file.strip_suffix(".ron").unwrap_or(file)
}

/// `My chat` for `my-chat`.
pub fn title(name: &str) -> String {
    crate::words::capitalized(&name.replace(['-', '_'], " "))
}
