//! Consistency: what a reader may see of what writers did, on several replicas and across regions.
//!
//! *Models:* sessions that see their own writes and never go back in time ([`ReadPolicy`]), quorums
//! ([`Quorum`]), the wait for acknowledgements from other regions ([`commit_delay_ns`]), and regions that lose
//! sight of each other ([`RegionStore`]): they refuse ([`Stance::Consistent`]) or go on and merge when they
//! meet again ([`Stance::Available`]). *Property:* a stale read, a conflict or a lost write is found by
//! comparing versions, never assumed. *Leaves out:* how long anything takes. *Source:* D. Terry et al., Session
//! Guarantees (PDIS 1994); E. Brewer (2000), S. Gilbert and N. Lynch (2002); in each module.

mod quorum;
mod region_store;
mod session;
mod split;
mod version;

pub use quorum::{Quorum, QuorumRead, QuorumWrite, commit_delay_ns};
pub use region_store::{RegionStore, Update, UpdateEffect, WriteRefused};
pub use session::{ReadPolicy, ReadRoute, ReadYourWrites, Session};
pub use split::{Split, Stance};
pub use version::{VersionOrder, VersionVector};
