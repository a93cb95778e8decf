//! What is chosen on the map.

use sim_core::scenario::Tier;

/// A tier, or one instance of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selected {
    /// Which tier.
    pub tier: Tier,
    /// Which instance, from 0; `None`: all of them.
    pub instance: Option<u32>,
}

/// The tier of a name in the report.
pub fn tier_of(name: &str) -> Option<Tier> {
    Tier::ALL.into_iter().find(|tier| tier.name() == name)
}
