//! Everything the window can be told to do. One enum feeds buttons, menus, shortcuts and help.

use egui::{Key, KeyboardShortcut, Modifiers};
use session::{Pace, Step};
use sim_core::scenario::{Fault, Scenario, ShardBy, pooler};
use sim_core::time::SimDuration;

use crate::lessons::LessonCommand;
use crate::selection::{MapView, Selected};
use crate::share::Export;
use crate::theme::Look;
use crate::variants::VariantCommand;
use crate::views::View;
use crate::views::evidence::Tab;
use crate::views::waterfall::Followed;

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum UiCommand {
    /// Run or hold simulated time.
    TogglePlay,
    /// Run at this number of users.
    SetUsers(u32),
    /// Show this number of users while the handle is held; large systems are built when it is let go.
    HoldUsers(u32),
    /// One step along the axis.
    MoreUsers,
    /// One step back.
    FewerUsers,
    /// Back to the number of users of the scenario.
    ResetUsers,
    /// Open the preset of this number.
    OpenPreset(usize),
    /// Break something now.
    Break(Fault),
    /// What is broken from now on lasts so many seconds; `None`: until it is undone.
    BreakFor(Option<u64>),
    /// End a fault that lasts until it is undone, by its number.
    Mend(usize),
    /// The faults as a scenario file writes them, to the clipboard.
    CopyFaults,
    /// Set fields of the scenario, as the command line would: path and value. One step for undo.
    Edit(Vec<(String, String)>),
    /// A field as it was in the beginning.
    TakeBack(String),
    /// Ask what is allowed in a field.
    AskLimits(String),
    /// Choose a tier or an instance on the map, or nothing.
    Select(Option<Selected>),
    /// Make the map larger or smaller by a factor.
    Zoom(f32),
    /// See this part of the map.
    SeeMap(MapView),
    /// The whole map again.
    FitMap,
    /// Open a file or a preset by its name.
    Open(String),
    /// Save to the file it came from, or ask for one.
    Save,
    /// Save as this file; whether one that is there may be written over.
    SaveAs(String, bool),
    /// Ask the system for a file to open, or to save to.
    Choose {
        /// To save to.
        save: bool,
        /// What it might be called.
        name: String,
    },
    /// Forget what was not saved.
    DiscardKept,
    /// Close the sentence above the map.
    CloseNotice,
    /// Write what is on screen to a file.
    Export(Export, String),
    /// The command that runs what is on screen, to the clipboard.
    CopyCommand,
    /// Take the last edit back.
    Undo,
    /// Make it again.
    Redo,
    /// Switch a pattern.
    TogglePattern(Pattern),
    /// Dark to light and back.
    ToggleTheme,
    /// Dress in these colours.
    Dress(Look),
    /// Open or close a view.
    Toggle(View),
    /// Something in a lesson.
    Lesson(LessonCommand),
    /// Something with the designs beside the one that is shown.
    Variant(VariantCommand),
    /// Show this part of the evidence.
    ShowEvidence(Tab),
    /// Show the system at this simulated second, which was reached before.
    Scrub(f64),
    /// Show it a second before the first thing that went wrong.
    BeforeItBroke,
    /// Hold, and go a little further.
    Step(Step),
    /// Show the newest time.
    Newest,
    /// How fast simulated time should go.
    SetPace(Pace),
    /// Which message to follow.
    FollowMessage(Followed),
    /// Close the window.
    Quit,
}

/// A step that is seen.
pub const TENTH: Step = Step::Lasting(SimDuration::from_millis(100));

/// The four reversible switches of a design.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// (1)
    Pooling,
    /// (2)
    EventSourcing,
    /// (3)
    Sharding,
    /// (4)
    CachingAndEdge,
}

impl Pattern {
    /// All four, in the order of the design.
    pub const ALL: [Pattern; 4] = [
        Self::Pooling,
        Self::EventSourcing,
        Self::Sharding,
        Self::CachingAndEdge,
    ];

    /// Its name on the switch.
    pub fn title(self) -> &'static str {
        match self {
            Self::Pooling => "Pooling & balancing",
            Self::EventSourcing => "Event sourcing",
            Self::Sharding => "Sharding",
            Self::CachingAndEdge => "Caching & edge",
        }
    }

    /// What the switch changes in this scenario, in one line.
    pub fn here(self, scenario: &Scenario) -> Option<String> {
        let design = &scenario.design;
        match self {
            Self::Pooling => {
                let count = design.connection_servers.count;
                let pooler = pooler(design).map_or("", |_| " and a connection pooler");
                Some(format!(
                    "Here: {count} connection servers in place of one{pooler}."
                ))
            }
            Self::EventSourcing => design.sourcing.as_ref().map(|own| {
                let models: Vec<&str> = own
                    .projections
                    .iter()
                    .map(|one| one.name.as_str())
                    .collect();
                let database = design
                    .database
                    .as_ref()
                    .map_or("", |_| " in place of the database");
                format!(
                    "Here: a log of {} nodes{database}; read models: {}.",
                    own.log.count,
                    models.join(", ")
                )
            }),
            Self::Sharding => design.shards.as_ref().map(|shards| {
                let by = match shards.by {
                    ShardBy::Record => "record",
                    ShardBy::User => "user",
                    ShardBy::Geo { .. } => "place",
                    ShardBy::Feature { .. } => "feature",
                    ShardBy::Guild { .. } => "guild",
                };
                format!("Here: {} databases in place of one, by {by}.", shards.count)
            }),
            Self::CachingAndEdge => {
                let mut parts = Vec::new();
                if let Some(cache) = &design.cache {
                    parts.push(counted(
                        cache.count as usize,
                        "cache node",
                        "in front of the database",
                    ));
                }
                if let Some(replicas) = &design.replicas {
                    parts.push(counted(
                        replicas.count as usize,
                        "read replica",
                        "of each shard in each region",
                    ));
                }
                if let Some(edge) = &design.edge {
                    parts.push(counted(
                        edge.places.len(),
                        "point",
                        "of presence near the users",
                    ));
                }
                if let Some(regions) = &design.regions {
                    let names: Vec<&str> = regions
                        .places
                        .iter()
                        .map(|(place, _)| place.0.as_str())
                        .collect();
                    parts.push(format!("the regions {}", names.join(", ")));
                }
                (!parts.is_empty()).then(|| format!("Here: {}.", parts.join("; ")))
            }
        }
    }

    /// What switching it means.
    pub fn story(self) -> &'static str {
        match self {
            Self::Pooling => {
                "Several connection servers behind a load balancer. Off: one server that does everything."
            }
            Self::EventSourcing => "An event log with read models beside it.",
            Self::Sharding => "The database split by key.",
            Self::CachingAndEdge => "Caches, and points of presence close to the users.",
        }
    }

    /// The field of a scenario that it stands in.
    pub fn path(self) -> &'static str {
        match self {
            Self::Pooling => "patterns.pooling",
            Self::EventSourcing => "patterns.event_sourcing",
            Self::Sharding => "patterns.sharding",
            Self::CachingAndEdge => "patterns.caching_and_edge",
        }
    }

    /// Whether it is on in this scenario.
    pub fn is_on(self, scenario: &Scenario) -> bool {
        let patterns = scenario.patterns;
        match self {
            Self::Pooling => patterns.pooling,
            Self::EventSourcing => patterns.event_sourcing,
            Self::Sharding => patterns.sharding,
            Self::CachingAndEdge => patterns.caching_and_edge,
        }
    }

    /// Why it cannot be switched in this scenario; `None`: it can.
    pub fn obstacle(self, scenario: &Scenario) -> Option<&'static str> {
        match self {
            Self::Pooling => None,
            Self::EventSourcing => (scenario.design.sourcing.is_none()).then_some(
                "This scenario names no event log to switch on: add design.log, design.command_side and design.projections.",
            ),
            Self::Sharding => (scenario.design.shards.is_none())
                .then_some("This scenario names no shards to switch on: add design.shards."),
            Self::CachingAndEdge => {
                let design = &scenario.design;
                let none =
                    design.cache.is_none() && design.edge.is_none() && design.regions.is_none();
                none.then_some(
                    "This scenario names nothing to switch on: add design.cache, design.edge or design.regions.",
                )
            }
        }
    }
}

/// `2 cache nodes in front of the database`.
fn counted(count: usize, one: &str, rest: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {one}{plural} {rest}")
}

/// A command as the help and the menus show it.
pub struct Listed {
    /// What is done.
    pub command: UiCommand,
    /// In words.
    pub title: &'static str,
    /// How to type it.
    pub shortcut: KeyboardShortcut,
}

impl UiCommand {
    /// The commands that have a name of their own and a shortcut.
    pub fn listed() -> Vec<Listed> {
        let plain = |command, title, key| Listed {
            command,
            title,
            shortcut: KeyboardShortcut::new(Modifiers::NONE, key),
        };
        let with = |command, title, key| Listed {
            command,
            title,
            shortcut: KeyboardShortcut::new(Modifiers::COMMAND, key),
        };
        vec![
            plain(Self::TogglePlay, "Play or pause", Key::Space),
            plain(Self::MoreUsers, "More users", Key::PageUp),
            plain(Self::FewerUsers, "Fewer users", Key::PageDown),
            plain(Self::ResetUsers, "The scenario's own users", Key::Home),
            plain(
                Self::TogglePattern(Pattern::Pooling),
                "Switch pooling & balancing",
                Key::Num1,
            ),
            plain(
                Self::TogglePattern(Pattern::EventSourcing),
                "Switch event sourcing",
                Key::Num2,
            ),
            plain(
                Self::TogglePattern(Pattern::Sharding),
                "Switch sharding",
                Key::Num3,
            ),
            plain(
                Self::TogglePattern(Pattern::CachingAndEdge),
                "Switch caching & edge",
                Key::Num4,
            ),
            with(
                Self::Variant(VariantCommand::KeepBoth),
                "Keep both designs",
                Key::B,
            ),
            // The one with more keys first: the other would take it.
            Listed {
                command: Self::Redo,
                title: "Redo",
                shortcut: KeyboardShortcut::new(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z),
            },
            with(Self::Undo, "Undo", Key::Z),
            with(
                Self::Variant(VariantCommand::ShowFixes),
                "What would fix it",
                Key::F,
            ),
            with(Self::Toggle(View::Evidence), "Evidence", Key::I),
            with(Self::Toggle(View::Compare), "Compare", Key::D),
            with(Self::ToggleTheme, "Light or dark", Key::T),
            with(Self::Toggle(View::Palette), "All commands", Key::K),
            with(Self::Toggle(View::MakeItMine), "Make it mine", Key::M),
            with(Self::Toggle(View::Gallery), "Gallery", Key::G),
            with(Self::Save, "Save", Key::S),
            with(Self::Toggle(View::SaveAs), "Save as", Key::E),
            with(Self::Toggle(View::Open), "Open", Key::O),
            with(Self::Toggle(View::Share), "Share", Key::R),
            with(Self::Zoom(1.25), "Larger map", Key::Plus),
            with(Self::Zoom(0.8), "Smaller map", Key::Minus),
            with(Self::FitMap, "The whole map", Key::Num0),
            plain(Self::Toggle(View::TimeStrip), "Time strip", Key::T),
            plain(Self::Toggle(View::Waterfall), "Follow one message", Key::M),
            plain(Self::BeforeItBroke, "Just before it broke", Key::B),
            plain(Self::Step(TENTH), "One step: 100 ms", Key::Period),
            plain(Self::Step(Step::Event), "One event", Key::Comma),
            plain(Self::Newest, "Back to the newest time", Key::End),
            plain(Self::Toggle(View::Shortcuts), "Shortcuts", Key::F1),
            plain(Self::Toggle(View::Lessons), "Lessons", Key::F2),
            with(Self::Quit, "Close", Key::Q),
        ]
    }

    /// How to type it, if it can be typed.
    pub fn shortcut_text(&self, ctx: &egui::Context) -> Option<String> {
        let listed = Self::listed()
            .into_iter()
            .find(|listed| listed.command == *self)?;
        Some(ctx.format_shortcut(&listed.shortcut))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_commands_share_a_shortcut_or_a_name() {
        let listed = UiCommand::listed();
        for (index, one) in listed.iter().enumerate() {
            for other in &listed[index + 1..] {
                assert_ne!(
                    one.shortcut, other.shortcut,
                    "{} and {}",
                    one.title, other.title
                );
                assert_ne!(one.title, other.title);
                assert_ne!(one.command, other.command);
            }
        }
    }
}
