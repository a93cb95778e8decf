//! Services beside the way of messages: stock that is sold, engines that match orders, notifications and their providers.

pub mod matching;
pub mod notify;
pub mod raw;
pub mod stock;

use super::check::Check;
use super::model::{Design, Traffic};

pub use matching::{MarketData, MatchingTier, Order};
pub use notify::{NotificationsTier, Notify, Preferences, ProviderTier, channel_name};
pub use stock::{Reserve, StockTier};

/// Each needs its tier.
pub fn check_together(traffic: &Traffic, design: &Design, check: &mut Check<'_>) {
    stock::check_together(traffic, design, check);
    matching::check_together(traffic, design, check);
    notify::check_together(traffic, design, check);
}
