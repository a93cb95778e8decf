//! What can happen, and what a connection server works on.

use super::between::BundleId;
use super::caches::Update;
use super::calls::{CallId, CopyId};
use super::documents::DocumentEvent;
use super::edge::WebEvent;
use super::operation::{Kind, OperationId};
use super::services::ServiceEvent;
use super::sites::Site;
use super::sourcing::SourcingEvent;
use super::stores::StoreEvent;
use crate::time::SimDuration;

/// One event of the simulated system.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    /// The next operation of a kind is started by somebody.
    Arrival(Kind),
    /// Work reaches a connection server; void if the server has died since (`epoch`).
    AtServer {
        /// Which server.
        server: u16,
        /// The server's life when the work was sent.
        epoch: u16,
        /// What it is.
        work: Work,
    },
    /// A core of a connection server is done; stale if the stamp is.
    ServerDone {
        /// Which server.
        server: u16,
        /// Which core.
        core: u32,
        /// Stamp of the service it ends.
        stamp: u32,
    },
    /// A stop-the-world pause begins.
    Pause {
        /// Which server.
        server: u16,
        /// Which class of its profile.
        class: u8,
        /// The server's life.
        epoch: u16,
    },
    /// Something happens to events.
    Sourcing(SourcingEvent),
    /// A message reaches the owner of its channel.
    AtOwner(OperationId),
    /// A message reaches the broker.
    AtBroker(OperationId),
    /// A message reaches another region, for all servers there.
    AtRelay(BundleId),
    /// A query reaches its node of the cache.
    AtCache(OperationId),
    /// What the cache says is back at the server that asked.
    FromCache(OperationId),
    /// What a fetch or a command brings reaches the cache.
    CacheUpdate(Update),
    /// A record that was leased may be fetched again.
    LeaseOver {
        /// The cluster that leased it.
        cluster: Site,
        /// Which record.
        record: u32,
    },
    /// A query or command reaches the connection pooler.
    AtPooler(OperationId),
    /// A query or command reaches the database.
    AtDatabase(OperationId),
    /// Its answer is back at the server that asked.
    Queried(OperationId),
    /// It is there after a way that was worse than usual.
    AnswerLate {
        /// Which query or command.
        id: OperationId,
        /// By how much.
        late: SimDuration,
    },
    /// A query reaches a replica.
    AtReplica {
        /// Which query.
        id: OperationId,
        /// Which replica.
        replica: u32,
    },
    /// Its answer is back at the server that asked.
    FromReplica {
        /// Which query.
        id: OperationId,
        /// Which replica.
        replica: u32,
    },
    /// Word that a replica is dead is back at the server that asked.
    ReplicaFailed(OperationId),
    /// A write reaches a replica.
    Replicate {
        /// Which replica.
        replica: u32,
        /// What was written.
        record: u32,
        /// Its version.
        version: u32,
        /// Its number among the writes of its shard, where replicas take over.
        number: u64,
    },
    /// A replica takes over from a primary.
    Promote {
        /// The shard.
        shard: u32,
        /// Which death of its primary it is.
        death: u32,
    },
    /// A move of records to a new shard comes to its next step.
    Moves(u32),
    /// Something of what is asked for by HTTP.
    Web(WebEvent),
    /// Something at a service beside the way of messages.
    Service(ServiceEvent),
    /// Something of documents that are edited together.
    Document(DocumentEvent),
    /// What a server holds back of a stream may have waited long enough.
    InTurn {
        /// Which server.
        server: u16,
        /// Which stream.
        stream: u64,
    },
    /// Something of the stores of regions.
    Store(StoreEvent),
    /// A call has waited as long as it asked to.
    CallWakes(CallId),
    /// A copy of a question reaches its shard.
    CopyComes(CopyId),
    /// Its shard has served it.
    CopyServed(CopyId),
    /// It has waited for a connection as long as it may.
    CopyGivesUp(CopyId),
    /// Its answer is back at the server that asked.
    CopyBack(CopyId),
    /// Word that it was not served is back at the server that asked.
    CopyFailed {
        /// Which copy.
        copy: CopyId,
        /// It waited too long; `false`: it was refused, or its shard died.
        gave_up: bool,
    },
    /// Word that its answer is not needed reaches its shard.
    CopyCancelled(CopyId),
    /// Word that its twin is being served reaches its shard.
    TwinStarts(CopyId),
    /// A client's attempt to connect reaches the balancer.
    AtBalancer(u32),
    /// A client tries to connect.
    Attempt(u32),
    /// A client notices that its connection is gone.
    Notice {
        /// Which connection.
        connection: u32,
        /// The server it was on.
        server: u16,
        /// The life of the server that ended.
        epoch: u16,
    },
    /// An attempt to connect has found nobody.
    AttemptTimedOut(u32),
    /// A connection is cut.
    Cut(u32),
    /// The registry notices that a server is dead.
    ServerNoticed {
        /// Which server.
        server: u16,
        /// The life that ended.
        epoch: u16,
    },
    /// A server is back.
    ServerBack(u16),
    /// A channel owner has been dead, or lives again, for long enough that the others know.
    OwnerNoticed(u32),
    /// Everybody knows that a region is gone, or back.
    RegionNoticed(Site),
    /// A cohort of heartbeats, polls and session deadlines is due at every server.
    Cohort,
    /// A fault of the scenario begins or ends.
    Fault {
        /// Its number in the scenario.
        index: u16,
        /// `false`: it ends.
        begins: bool,
    },
    /// The next step of a rolling restart.
    Rolling {
        /// Its number in the scenario.
        index: u16,
        /// Which server.
        server: u16,
        /// `true`: restart now; `false`: drain now.
        restart: bool,
    },
    /// A flash crowd begins.
    Crowd(u16),
    /// A client of a closed loop has thought: it asks.
    Ask(u32),
    /// It publishes.
    Publish(u32),
    /// The accounts are checked.
    Audit,
    /// Measuring begins.
    Measure,
    /// Measuring for those who watch the warm-up begins.
    MeasureEarly,
}

impl From<SourcingEvent> for Event {
    fn from(event: SourcingEvent) -> Self {
        Event::Sourcing(event)
    }
}

/// No relay.
pub const STRAIGHT: u16 = u16::MAX;

/// What a connection server works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// A client's message, status change or query is read and handed on.
    Receive(OperationId),
    /// A copy is written to the local recipients.
    Copy {
        /// The operation.
        operation: OperationId,
        /// Local recipients when it was planned.
        recipients: u32,
        /// The node that relays it; [`STRAIGHT`]: it comes from whoever ordered the message.
        relay: u16,
    },
    /// A query's answer is written to the client that asked.
    Answer(OperationId),
    /// A client is admitted.
    Accept(u32),
    /// Missed messages are written to a client that came back.
    Replay(u32),
    /// So many heartbeats and polls are answered.
    Chores {
        /// Heartbeats.
        heartbeats: u32,
        /// Polls.
        polls: u32,
    },
}
