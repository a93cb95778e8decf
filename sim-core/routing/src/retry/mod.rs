//! The client's side of overload: whether to send, when to try again, when to give up.
//!
//! *Models:* a request's [`Attempts`] with timeouts and backoff under a [`Deadline`], and the three brakes a client
//! may have: a [`RetryBudget`], a [`CircuitBreaker`] and an [`AdaptiveThrottle`]. *Formula:* R retries multiply the
//! load by up to 1 + R, so that a system at utilisation ρ recovers from an outage by itself only if ρ · (1 + R) < 1.
//! Layers multiply: three with four attempts each make 64. *Property:* backoff moves retries in time and does not
//! make them fewer, so under open arrivals it cures nothing; a budget does while ρ · 1.1 stays clearly below 1.
//! *Leaves out:* which errors may be retried at all; the caller knows. *Source:* Google SRE book, "Handling
//! overload" and "Addressing cascading failures"; Bronson et al., "Metastable failures", HotOS 2021.

pub mod attempts;
pub mod breaker;
pub mod budget;
pub mod deadline;
pub mod throttle;
mod window;

pub use attempts::{Attempts, GaveUp, RetryPolicy, Step, Wake};
pub use breaker::{BreakerOptions, BreakerState, CircuitBreaker, Permit};
pub use budget::RetryBudget;
pub use deadline::Deadline;
pub use throttle::AdaptiveThrottle;
