//! Ordering: in which order messages reach those who read them, and what a promise of order takes.
//!
//! *Models:* five promises ([`Ordering`]), the numbers a message carries for them ([`Stamper`], [`Hlc`]), the buffers
//! that hold a message back until it may be shown ([`InOrder`], [`CausalBuffer`]), and a receiver that counts what
//! went wrong ([`OrderCheck`]). *Property:* a buffer shows each message once and in order, or says what it gave up.
//! *Leaves out:* the way of a message, which is the caller's. *Source:* in each module.

mod causal;
mod check;
mod hlc;
mod in_order;
mod stamp;

pub use causal::{CausalBuffer, Held};
pub use check::{Arrival, OrderCheck, OrderCounts};
pub use hlc::{Hlc, HlcClock, HlcError};
pub use in_order::{InOrder, Released};
pub use stamp::{OrderStamp, Ordering, SenderId, Stamper};
