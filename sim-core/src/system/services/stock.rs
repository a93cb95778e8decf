//! Nodes that keep stock: real [`Stock`]s and [`StaleView`]s behind cores and disks.
//!
//! *Models:* each article is kept by one node (by rendezvous). A step of a purchase takes CPU of the core that the article
//! falls on, one after the other, then a write that those who wait share ([`Disk`]). Mode `Strong` takes in that step;
//! `Reservation` sets aside, and who pays in time confirms by one more step, the others' units are free again; `Eventual` sells at
//! the connection server by the copy it was sent last, and the node hears of it afterwards. Several articles: [`super::transactions`].
//! *Formula:* oversold = sold − stocked where positive; with copies every T and λ buyers a second λ (T / 2 + way) on average over the
//! phases of the servers, once buyers outlast the stock. *Visible:* from the last unit's sale until a connection server
//! says so for the first time, one value per server.
//! *Leaves out:* a node that takes over from a dead one; people who come back for what was returned.

use std::collections::{BTreeMap, VecDeque};

use routing::sourcing::{Participant, TransactionMode};
use routing::stock::{StaleView, Stock, StockMode};
use routing::{Placement, PlacementMap};

use super::disk::Disk;
use super::transactions::Purchase;
use crate::histogram::{bucket_of, units_of};
use crate::quantile::QuantileTable;
use crate::scenario::{Scenario, StockTier};
use crate::statistics::CompactHistogram;
use crate::system::backend::Nodes;
use crate::system::records::Ranks;
use crate::system::servers::timestamp;
use crate::time::{SimDuration, SimTime};

/// What became of purchases that were started while measuring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StockCounts {
    /// Sold, or set aside.
    pub sold: u64,
    /// Told that there is nothing left.
    pub rejected: u64,
    /// Paid for in time.
    pub paid: u64,
    /// Paid for too late.
    pub paid_late: u64,
}

/// The nodes of the tier.
#[derive(Clone, Debug)]
pub struct Stocks {
    /// Their cores.
    pub nodes: Nodes,
    /// Their disks.
    pub disks: Vec<Disk>,
    /// By article.
    pub stocks: Vec<Stock>,
    /// How units are sold.
    pub mode: StockMode,
    /// What keeps a purchase of several articles whole.
    pub txn: TransactionMode,
    /// CPU of one step.
    pub step: SimDuration,
    /// Time of a write, as the log of a coordinator needs it too.
    pub write: SimDuration,
    /// Time after which nobody waits for a node.
    pub timeout: SimDuration,
    /// What became of purchases.
    pub counts: StockCounts,
    /// From the last unit's sale until a server said so.
    pub visible: CompactHistogram,
    /// Each node's side of purchases of several articles.
    pub participants: Vec<Participant>,
    /// Purchases of several articles under way.
    pub purchases: BTreeMap<u32, Purchase>,
    /// Those that ended with some of their articles and not all, as their coordinators believe or the nodes say.
    pub doubtful: BTreeMap<u32, Purchase>,
    /// Number of the next one.
    pub next_purchase: u32,
    /// What the connection servers were sent and have not got yet, by server.
    pub sent: Vec<VecDeque<Vec<u64>>>,
    /// From a reservation to its payment.
    pub payment: Option<QuantileTable>,
    ranks: Ranks,
    /// The node of each article.
    owners: Vec<u32>,
    /// By server, then article; empty unless they sell by it.
    views: Vec<StaleView>,
    /// When the last unit of an article was sold.
    out_since: Vec<Option<SimTime>>,
    /// By server, then article: whether it has said so.
    said: Vec<bool>,
}

impl Stocks {
    /// The nodes of a tier, with all units in stock.
    #[must_use]
    pub fn new(tier: &StockTier, scenario: &Scenario) -> Self {
        let design = &scenario.design;
        let reserve = scenario.traffic.reserve.as_ref();
        let articles = tier.articles.count as usize;
        let servers = design.connection_servers.count as usize;
        let ids: Vec<u32> = (0..tier.count).collect();
        let placement = PlacementMap::new(Placement::Rendezvous, &ids);
        let owner = |article: u32| placement.owner(article.into()).unwrap_or_default();
        let views = match tier.mode {
            StockMode::Stale { refresh_ns } => {
                let mut view = StaleView::new(refresh_ns);
                view.refresh(timestamp(SimTime::ZERO), tier.units);
                vec![view; servers * articles]
            }
            StockMode::Strong | StockMode::Reservation { .. } => Vec::new(),
        };
        Self {
            nodes: Nodes::new(tier.count, tier.machine.cores),
            disks: vec![Disk::new(tier.write); tier.count as usize],
            stocks: vec![Stock::new(tier.units); articles],
            mode: tier.mode,
            txn: tier.txn,
            step: tier.step,
            write: tier.write,
            timeout: tier.timeout,
            counts: StockCounts::default(),
            visible: CompactHistogram::new(),
            participants: vec![Participant::new(); tier.count as usize],
            purchases: BTreeMap::new(),
            doubtful: BTreeMap::new(),
            next_purchase: 0,
            sent: vec![VecDeque::new(); servers],
            payment: reserve.and_then(|own| QuantileTable::new(own.payment).ok()),
            ranks: Ranks::new(tier.articles),
            owners: (0..tier.articles.count).map(owner).collect(),
            views,
            out_since: vec![None; articles],
            said: vec![false; servers * articles],
        }
    }

    /// The article that a draw falls on.
    #[must_use]
    pub fn article(&self, bits: u64) -> u32 {
        self.ranks.at(bits)
    }

    /// How many articles there are.
    #[must_use]
    pub fn articles(&self) -> u32 {
        self.stocks.len() as u32
    }

    /// The node that keeps an article.
    #[must_use]
    pub fn owner(&self, article: u32) -> u32 {
        self.owners[article as usize]
    }

    /// Units of an article that can be sold at `now`; if there are some again, nobody has said that there are none.
    pub fn available(&mut self, now: SimTime, article: u32) -> u64 {
        let left = self.stocks[article as usize].available(timestamp(now));
        let out = &mut self.out_since[article as usize];
        if left > 0 && out.take().is_some() {
            let articles = self.stocks.len();
            let own = self.said.iter_mut().skip(article as usize);
            own.step_by(articles).for_each(|said| *said = false);
        } else if left == 0 && out.is_none() {
            *out = Some(now);
        }
        left
    }

    /// A server says at `now` that an article is sold out.
    pub fn says(&mut self, now: SimTime, server: u16, article: u32) {
        let index = usize::from(server) * self.stocks.len() + article as usize;
        let (Some(since), Some(said)) = (
            self.out_since[article as usize],
            self.said.get_mut(index).filter(|said| !**said),
        ) else {
            return;
        };
        *said = true;
        let units = units_of(now.saturating_since(since));
        self.visible.record(bucket_of(units) as u16, units);
    }

    /// What the copy of a server shows of an article.
    #[must_use]
    pub fn shown(&self, server: u16, article: u32) -> u64 {
        let index = usize::from(server) * self.stocks.len() + article as usize;
        self.views.get(index).map_or(0, StaleView::shown)
    }

    /// Whether servers sell by copies.
    #[must_use]
    pub fn sells_by_copies(&self) -> bool {
        !self.views.is_empty()
    }

    /// A copy of all units is on its way to a server.
    pub fn send(&mut self, now: SimTime, server: u16) {
        let all = (0..self.articles())
            .map(|article| self.available(now, article))
            .collect();
        self.sent[usize::from(server)].push_back(all);
    }

    /// It is there.
    pub fn show(&mut self, now: SimTime, server: u16) {
        let Some(all) = self.sent[usize::from(server)].pop_front() else {
            return;
        };
        let first = usize::from(server) * self.stocks.len();
        for (article, units) in all.into_iter().enumerate() {
            self.views[first + article].refresh(timestamp(now), units);
            if units == 0 {
                self.says(now, server, article as u32);
            }
        }
    }

    /// Units sold that do not exist.
    #[must_use]
    pub fn oversold(&self) -> u64 {
        self.stocks.iter().map(Stock::oversold).sum()
    }

    /// Purchases of which some nodes have their part and others do not, for good.
    #[must_use]
    pub fn partial(&self) -> u64 {
        let halves = self.doubtful.values().filter(|purchase| {
            let has = |(part, &article): (usize, &u32)| {
                let node = self.owner(article) as usize;
                self.participants[node].has(purchase.part(part as u32))
            };
            let held = purchase.articles.iter().enumerate().filter(|&one| has(one));
            let held = held.count();
            held > 0 && held < purchase.articles.len()
        });
        halves.count() as u64
    }

    /// Bytes held by what grows with servers and articles.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.stocks.len() * size_of::<Stock>()
            + self.views.len() * size_of::<StaleView>()
            + self.said.len()
    }
}
