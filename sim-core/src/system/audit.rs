//! Once a second: conservation is checked, backlogs are noted, and a system that is hopeless is stopped.

use super::backlog;
use super::event::Event;
use super::operation::Kind;
use super::world::{AUDIT, World};
use crate::engine::{Schedule, StopCause};
use crate::time::{SimDuration, SimTime};

impl World {
    /// Checks the accounts and notes how far everybody is behind.
    pub(super) fn audit(&mut self, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        self.clients.keep_up(now);
        for (number, server) in self.servers.servers.iter().enumerate() {
            let station = &server.station;
            assert!(
                station.accounts().conserves(station.in_service()),
                "connection server {number} lost count of its work at {now}"
            );
        }
        for kind in [Kind::Publish, Kind::Presence, Kind::Edit] {
            let ledger = self.ledger.kind(kind);
            assert!(
                ledger.received + ledger.in_transit <= ledger.owed,
                "{}: more received and under way than owed at {now}",
                kind.name()
            );
        }
        if self.documents.is_some() {
            self.keep_documents(out);
        }
        self.note_convergence(now);
        if let Some(own) = &mut self.sourcing {
            own.replay.audit(now, &own.log.store);
            assert!(
                own.projections.iter().all(|one| one.is_behind(&own.log)),
                "a projection shows what the log does not have at {now}"
            );
        }
        let backlogs = self.backlogs(now);
        self.backlog.push(now, backlogs);
        let mut recovery = core::mem::take(&mut self.recovery);
        recovery.push(self, now, backlogs.into_iter().max().unwrap_or_default());
        self.recovery = recovery;
        let mut timeline = core::mem::take(&mut self.timeline);
        timeline.push(self, now);
        self.timeline = timeline;
        if let Some(tier) = self.backlog.hopeless() {
            out.stop(StopCause::Unstable {
                tier: tier.to_owned(),
            });
        }
        out.after(AUDIT, Event::Audit);
    }

    /// How long the work that waits at each tier has waited, or will wait.
    fn backlogs(&self, now: SimTime) -> [SimDuration; backlog::TIERS.len()] {
        let behind =
            |cores: &[crate::station::FastFifo]| cores.iter().map(|core| core.next_wait(now)).max();
        let sourcing = self.sourcing_backlogs(now);
        let services = self.services.as_deref();
        let waiting = |server: &super::servers::Server| {
            server
                .station
                .oldest_arrival()
                .map_or(SimDuration::ZERO, |at| now.saturating_since(at))
        };
        [
            self.servers
                .servers
                .iter()
                .map(waiting)
                .max()
                .unwrap_or_default(),
            self.owners
                .as_ref()
                .and_then(|owners| behind(&owners.nodes.cores))
                .unwrap_or_default(),
            self.broker
                .as_ref()
                .and_then(|broker| behind(&broker.nodes.cores))
                .unwrap_or_default(),
            self.databases
                .iter()
                .flat_map(|databases| &databases.shards)
                .map(|shard| shard.backlog(now))
                .chain(self.replicas.iter().map(|all| all.backlog(now)))
                .chain(self.stores.iter().map(|all| all.backlog(now)))
                .max()
                .unwrap_or_default(),
            self.cache
                .as_ref()
                .and_then(|cache| behind(&cache.nodes.cores))
                .unwrap_or_default(),
            self.web.edge_wait(now),
            self.web.origin_wait(now),
            self.pooler
                .as_ref()
                .and_then(|pooler| behind(&pooler.nodes.cores))
                .unwrap_or_default(),
            sourcing[0],
            sourcing[1],
            sourcing[2],
            services
                .and_then(|all| behind(&all.stock.as_ref()?.nodes.cores))
                .unwrap_or_default(),
            services
                .and_then(|all| {
                    let market = all.market.as_ref()?;
                    behind(&market.nodes.cores).max(market.untold(now))
                })
                .unwrap_or_default(),
            services
                .and_then(|all| behind(&all.notifier.as_ref()?.nodes.cores))
                .unwrap_or_default(),
            self.documents
                .as_ref()
                .and_then(|documents| behind(&documents.nodes.cores))
                .unwrap_or_default(),
        ]
    }
}
