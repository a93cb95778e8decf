//! Everything the window can be told to do. One enum feeds buttons, menus, shortcuts and help.

use egui::{Key, KeyboardShortcut, Modifiers};
use sim_core::scenario::Scenario;

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
    /// Switch a pattern.
    TogglePattern(Pattern),
    /// Dark to light and back.
    ToggleTheme,
    /// Show or hide the list of shortcuts.
    ToggleHelp,
    /// Close the window.
    Quit,
}

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

    /// Why it cannot be switched in this scenario; `None`: it can.
    pub fn obstacle(self, scenario: &Scenario) -> Option<&'static str> {
        match self {
            Self::Pooling => None,
            Self::EventSourcing => Some("Not simulated yet."),
            Self::Sharding => (scenario.design.shards.is_none())
                .then_some("This scenario names no shards to switch on: add design.shards."),
            Self::CachingAndEdge => {
                (scenario.design.cache.is_none() && scenario.design.edge.is_none()).then_some(
                    "This scenario names no cache to switch on: add design.cache or design.edge.",
                )
            }
        }
    }
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
            with(Self::ToggleTheme, "Light or dark", Key::T),
            plain(Self::ToggleHelp, "Shortcuts", Key::F1),
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
