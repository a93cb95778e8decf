//! Regions: which part of the world serves a request, and how a failure stays small.
//!
//! *Models:* a [`RegionRouter`] (nearest, weighted, by order, or spilling over as health falls) under a tenant's
//! data residency; [`ShuffleShards`] that give every tenant workers of its own choice; [`ZoneWeights`] that shift
//! and drain availability zones. *Property:* a tenant that is pinned is refused rather than served elsewhere.
//! *Leaves out:* finding out who is healthy, and the copies of data that a region needs. *Source:* in each module.

pub mod router;
pub mod shuffle;
pub mod spill;
pub mod zones;

pub use router::{Jurisdiction, Refused, Region, RegionId, RegionRouter, Route, RoutePolicy};
pub use shuffle::ShuffleShards;
pub use spill::{Level, Share, SpillPolicy};
pub use zones::{Drain, ZoneId, ZoneWeights};
