//! Publish/subscribe: who is a member of what, and which servers get a copy.
//!
//! *Models:* the channel directory, subjects and interest between servers, fan-out plans, relay trees and
//! broker partitions. *Leaves out:* the payload and its transport.

mod builder;
pub mod directory;
pub mod fanout;
pub mod interest;
pub mod partitions;
pub mod relay;
mod segment;
pub mod subject;

pub use builder::DirectoryBuilder;
pub use directory::{Directory, Groups, Home};
pub use fanout::{Copy, FanoutPlan, RoutingMode};
pub use interest::{Advertisement, InterestNode};
pub use partitions::{Failover, Partitions};
pub use relay::RelayTree;
pub use subject::{Pattern, Subject, SubjectError, SubjectTrie};
