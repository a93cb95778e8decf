//! Queueing theory: formulas that the quick estimate uses and the simulation is tested against.
//!
//! Models: single stations ([`erlang`], [`single_server`]), networks of them ([`networks`]), what waits for several
//! ([`fork_join`], [`maximum`]) and what chooses among many ([`supermarket`]). Times are in the unit of the
//! arguments; a station that cannot keep up gives `None`, never a number.
//! Leaves out: anything that no formula covers; that is what the simulation is for.

pub mod erlang;
pub mod fork_join;
pub mod maximum;
pub mod networks;
pub mod single_server;
pub mod supermarket;

pub use erlang::{FiniteQueue, ManyServers, erlang_b, erlang_c};
pub use fork_join::fork_join_two;
pub use maximum::{mean_of_longest, mean_of_maximum};
pub use networks::{ClosedStation, Throughput, closed_network, tandem_mean};
pub use single_server::{SingleServer, allen_cunneen_wait};
pub use supermarket::supermarket_mean;
