//! What a design costs: price books, usage, bills, the shape of the day, managed services, and the levers on bytes.
//!
//! *Models:* [`Usage`] (what a system used in a month of 730 hours) priced by a [`PriceBook`] (one provider, one date) gives a
//! [`Bill`] of lines (region, tier, category, purpose, micro-dollars). *Formula:* amount = quantity × price, in integers;
//! each line is rounded once, to the nearest micro-dollar, and everything else is a sum of lines, so that totals by tier,
//! region and purpose agree exactly. A year is 12 such months (8 760 h). *Leaves out:* taxes, support, free allowances,
//! negotiated discounts, disks of machines, NAT and public addresses. *Source:* `assets/prices/*.tsv`, each line with
//! its own status and date.
//!
//! Pure: tables are compiled in, and nothing here reads a clock, a file or a random number.

mod bill;
mod book;
mod codec;
mod levers;
mod managed;
mod shape;
mod usage;

pub use bill::{Bill, Line, bill};
pub use book::{BookError, Price, PriceBook, PriceLine, book, book_names};
pub use codec::{Codec, codec, codecs};
pub use levers::{Multiplexing, heartbeats_per_s, rent_share_ppm, zones_crossed_ppm};
pub use managed::{Limit, ManagedBill, ManagedError, managed, managed_names};
pub use shape::{DayShape, ShapeError, integrate};
pub use usage::{
    Activity, BalancerUse, EdgeUse, Instances, Metered, Purpose, Rent, Stored, Transfer, Usage,
};

/// Hours of a month in every bill.
pub const HOURS_PER_MONTH: u64 = 730;
/// Seconds of such a month.
pub const SECONDS_PER_MONTH: u64 = HOURS_PER_MONTH * 3_600;
/// Minutes of such a month.
pub const MINUTES_PER_MONTH: u64 = HOURS_PER_MONTH * 60;
/// Parts of a whole in shares.
pub const MILLION: u64 = 1_000_000;
