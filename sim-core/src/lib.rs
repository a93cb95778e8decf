//! Plimsoll's simulation core: time, events, tiers, statistics and scenarios.
//!
//! Data travels one way: a scenario file becomes a checked [`scenario`] value, which builds a simulated [`system`], which the
//! engine drives event by event, and which answers with a [`report`]. No thread, file, socket, wall clock or widget.

pub mod cluster;
pub mod cost;
pub mod delivery;
pub mod docs;
pub mod draw;
pub mod engine;
pub mod experiment;
pub mod histogram;
pub mod lesson;
pub mod quantile;
pub mod quick;
pub mod report;
pub mod scenario;
pub mod station;
pub mod statistics;
pub mod system;
pub mod theory;
pub mod time;
