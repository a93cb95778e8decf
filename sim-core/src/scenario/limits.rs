//! The largest and smallest values that a scenario may hold.
//!
//! They keep absurd files from asking for absurd memory, and are wide of what a real design needs. Errors print them.

use crate::time::SimDuration;

/// Users.
pub const USERS: u64 = 100_000_000;
/// Mean channels per user.
pub const CHANNELS_PER_USER: f64 = 1_000.0;
/// Memberships: users times channels per user (20 bytes each).
pub const MEMBERSHIPS: f64 = 2e9;
/// Members of one channel.
pub const MEMBERS: u64 = USERS;
/// Records that queries and commands are about (28 bytes each).
pub const KEYS: u64 = 50_000_000;
/// Instances of one tier.
pub const INSTANCES: u64 = 4_096;
/// Payload of one message: 16 MiB.
pub const PAYLOAD: u64 = 16 << 20;
/// Events per second and unit.
pub const RATE: f64 = 1e6;
/// Memory of a machine or of one connection: 2⁴⁸ bytes.
pub const MEMORY: u64 = 1 << 48;
/// Cores of a machine.
pub const CORES: u64 = 4_096;
/// CPU time of one step.
pub const SERVICE: SimDuration = SimDuration::from_secs(10);
/// Any other duration.
pub const LONG: SimDuration = SimDuration::from_secs(366 * 86_400);
/// Simulated time of one run.
pub const RUN: SimDuration = SimDuration::from_secs(31 * 86_400);
/// CPU per byte, picoseconds: a microsecond.
pub const PER_BYTE_PS: u64 = 1_000_000;
/// Queue lengths, queries per message, connection counts and bursts.
pub const COUNT: u64 = u32::MAX as u64;
/// Points per node on a ring.
pub const VIRTUAL_NODES: u64 = 100_000;
/// Partitions of a broker.
pub const PARTITIONS: u64 = 1 << 20;
/// Nanoseconds, shortest distance between two heartbeats, polls or pauses: a millisecond.
pub const SHORT: SimDuration = SimDuration::from_millis(1);
/// Attempts of one question.
pub const ATTEMPTS: u64 = 100;
/// How many times as slow something is.
pub const SLOW_DOWN: f64 = 10_000.0;
/// Entries of a list or map.
pub const ENTRIES: usize = 1_000;
