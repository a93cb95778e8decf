//! The accounts of the services at one instant.

use super::Services;
use super::market::MarketCounts;
use crate::system::baseline::{Reading, fifo};
use crate::system::world::World;
use crate::time::SimTime;

/// Cumulative readings.
#[derive(Clone, Debug, Default)]
pub struct ServiceReading {
    /// By core of the stock's nodes.
    pub stock: Vec<Reading>,
    /// By matching engine.
    pub engines: Vec<Reading>,
    /// By matching engine: who sends its market data.
    pub publishers: Vec<Reading>,
    /// By core of the notification service.
    pub notifications: Vec<Reading>,
    /// By provider.
    pub providers: Vec<Reading>,
    /// Taken by each provider.
    pub sent: Vec<u64>,
    /// What the engines did.
    pub market: MarketCounts,
    /// Sold beyond what there was.
    pub oversold: u64,
    /// Half committed for good.
    pub partial: u64,
    /// Numbers that a listener to the engines missed, saw again or saw late.
    pub gaps: u64,
}

impl ServiceReading {
    /// The readings of a system now; nothing where it has no services.
    #[must_use]
    pub fn of(world: &World, now: SimTime) -> Self {
        world
            .services
            .as_ref()
            .map_or_else(Self::default, |services| Self::read(services, now))
    }

    fn read(services: &Services, now: SimTime) -> Self {
        let mut read = Self::default();
        if let Some(stock) = &services.stock {
            let cores = stock.nodes.cores.iter();
            read.stock = cores.map(|core| fifo(core, now)).collect();
            read.oversold = stock.oversold();
            read.partial = stock.partial();
        }
        if let Some(market) = &services.market {
            let cores = market.nodes.cores.iter();
            read.engines = cores.map(|core| fifo(core, now)).collect();
            let senders = market.publishers.iter();
            read.publishers = senders
                .map(|own| Reading {
                    busy_ns: own.busy_ns(now),
                    bytes_out: own.bytes,
                    ..Reading::default()
                })
                .collect();
            read.market = market.counts;
            let counts = market.check.counts();
            read.gaps = market.check.missing() + counts.duplicates + counts.reordered;
        }
        if let Some(notifier) = &services.notifier {
            let cores = notifier.nodes.cores.iter();
            read.notifications = cores.map(|core| fifo(core, now)).collect();
            let carriers = notifier.carriers.iter();
            read.providers = carriers
                .map(|own| Reading {
                    busy_ns: own.busy_ns(),
                    queue_job_ns: own.queue_ns(now),
                    ..Reading::default()
                })
                .collect();
            read.sent = notifier.carriers.iter().map(|own| own.sent).collect();
        }
        read
    }
}
