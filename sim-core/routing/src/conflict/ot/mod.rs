//! Operational transformation with one server that orders edits.
//!
//! *Models:* a list (a text, if its items are characters) that every client edits at once in its own copy. A
//! client has one batch on its way to the server and collects the next meanwhile; the server transforms a batch
//! against those it has ordered since the batch's revision, and sends the result to all. *Formula:*
//! transforming a batch of m edits against k costs m · k steps; edits that are concurrent at one place stand in
//! the server's order, the later one behind. *Property:* TP1: for concurrent a and b, a then b' gives what b
//! then a' gives; with one order that suffices for all copies to agree, and no edit is lost. *Leaves out:*
//! moves, formats, undo. *Source:* D. Nichols et al., Jupiter (UIST 1995); Google Wave's one outstanding batch
//! per client, as in Google Docs (2010).

mod client;
mod edit;
mod server;

pub use client::{OtClient, OtGap};
pub use edit::{Edit, apply, transform, transform_all};
pub use server::{Ordered, OtBatch, OtError, OtServer};
