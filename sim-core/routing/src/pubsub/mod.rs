//! Publish/subscribe: who is a member of what, and which servers get a copy.
//!
//! *Models:* the channel directory, subjects and interest between servers, fan-out plans, relay trees and
//! broker partitions. *Leaves out:* the payload and its transport.

pub mod directory;
pub mod fanout;
mod segment;

pub use directory::{Directory, DirectoryBuilder, Groups, Home};
pub use fanout::{Copy, FanoutPlan, RoutingMode};
