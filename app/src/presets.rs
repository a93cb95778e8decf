//! The scenarios inside the program, so that `plimsoll run team-chat` works from any folder.

/// One embedded scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// Its path below `presets/`, without the extension: `published/kafkorama-1m`.
    pub name: &'static str,
    /// The file.
    pub text: &'static str,
}

macro_rules! presets {
    ($($name:literal),* $(,)?) => {
        &[$(Preset { name: $name, text: include_str!(concat!("../../presets/", $name, ".ron")) }),*]
    };
}

/// Every file in `presets/`; a test compares the two.
pub const ALL: &[Preset] = presets![
    "team-chat",
    "team-chat-1m",
    "team-chat-10m",
    "p1-mvp",
    "p2-growth",
    "p3-scale",
    "reconnect-storm",
    "closed-loop",
    "discord",
    "espn-live",
    "metastable",
    "uber",
    "collab-editor",
    "inventory",
    "whatsapp",
    "flash-sale",
    "trading",
    "notify",
    "published/kafkorama-125k",
    "published/kafkorama-250k",
    "published/kafkorama-1m",
    "published/tail-at-scale",
    "published/tied-reads",
    "published/redis-pubsub",
    "published/mqtt-p2p",
    "published/mqtt-fanout",
    "published/centrifugo-1m",
    "published/azure-signalr",
    "published/websocket-broadcast",
    "published/memcache-leases",
    "published/kafka-200k",
];

/// A preset by its name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Preset> {
    ALL.iter().find(|preset| preset.name == name)
}

/// The preset whose name is nearest to a misspelt one, if any is near.
#[must_use]
pub fn nearest(name: &str) -> Option<&'static str> {
    sim_core::scenario::nearest(name, ALL.iter().map(|preset| preset.name))
}
