//! The owner: the one task that holds the hub and decides, in the order in which it is asked.
//!
//! *Models:* sessions (hello, resume, loss, expiry), memberships, numbering and local fan-out of one connection server. What the
//! store sends back (the inbox) goes before what sockets ask. A message's frame is encoded once; the replay ring and all
//! recipients share it. A client whose outbound queue is full is disconnected and may resume. Sessions that have expired end
//! before the next request is looked at. *Leaves out:* other servers. *Source:* the simulator's connection servers.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use routing::{
    ChannelId, ConnectionId, ConnectionState, FanoutPlan, Hub, ReplaySlice, Seq, ServerId,
    Timestamp,
};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_tungstenite::tungstenite::Bytes;

use crate::clock::Clock;
use crate::protocol::{self, Refusal, Response};
use crate::store::{Store, StoreStats};

/// The one server there is.
const HERE: ServerId = ServerId(0);
/// How often expired sessions are looked for when nobody asks for anything.
const EXPIRY_TICK: Duration = Duration::from_millis(100);

/// One socket of the server, new for every socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SocketId(pub(crate) u64);

/// The owner's end of a socket.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) id: SocketId,
    /// What to write; dropping it closes the socket once all is written.
    pub(crate) outbound: mpsc::Sender<Bytes>,
    /// Ends the socket at once, whatever it is writing.
    pub(crate) kill: oneshot::Sender<()>,
}

/// What sockets ask for.
#[derive(Debug)]
pub(crate) enum Command {
    /// Begin a session, or take it up again.
    Open {
        connection: ConnectionId,
        last_seen: Option<Vec<(ChannelId, Seq)>>,
        socket: Socket,
    },
    /// Store, number and deliver a message.
    Publish(Message),
    /// Become a member.
    Join(Peer, ChannelId),
    /// End a membership.
    Leave(Peer, ChannelId),
    /// Answer in order.
    Sync(Peer, u64),
    /// End the session.
    Bye(Peer),
    /// The socket is gone.
    Lost(Peer),
    /// Say what was decided and end.
    Stop(oneshot::Sender<Audit>),
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    pub(crate) connection: ConnectionId,
    pub(crate) socket: SocketId,
}

/// A message on its way.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) from: Peer,
    pub(crate) channel: ChannelId,
    pub(crate) stamp: Timestamp,
    pub(crate) payload: Bytes,
}

/// What a server did, said at its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// The hub's digest of its decisions.
    pub digest: u64,
    /// Decisions of the hub.
    pub decisions: u64,
    /// Messages numbered.
    pub published: u64,
    /// Deliveries owed to members live when their message was numbered.
    pub owed_live: u64,
    /// Deliveries handed to sockets, replays apart.
    pub delivered: u64,
    /// Deliveries handed to sockets of clients that resumed.
    pub replayed: u64,
    /// Requests refused.
    pub refused: u64,
    /// Clients disconnected because they read too slowly.
    pub slow: u64,
    /// The store's work.
    pub store: StoreStats,
}

/// State of the one task.
#[derive(Debug)]
pub(crate) struct Owner {
    hub: Hub<Bytes>,
    clock: Arc<dyn Clock>,
    sockets: Vec<Option<Socket>>,
    channels: u32,
    deadlines: BTreeSet<(Timestamp, ConnectionId)>,
    store: Option<Arc<Store>>,
    rng: Xoshiro256PlusPlus,
    inbox_sender: mpsc::Sender<Message>,
    inbox: mpsc::Receiver<Message>,
    closed: watch::Sender<u64>,
    plan: FanoutPlan,
    slices: Vec<ReplaySlice>,
    recipients: Vec<ConnectionId>,
    audit: Audit,
}

impl Owner {
    /// An owner of a hub whose memberships are in place. `closed` counts the connections that have closed.
    pub(crate) fn new(
        hub: Hub<Bytes>,
        clock: Arc<dyn Clock>,
        (connections, channels): (u32, u32),
        store: Option<Arc<Store>>,
        seed: u64,
        inbox_messages: usize,
        closed: watch::Sender<u64>,
    ) -> Self {
        let (inbox_sender, inbox) = mpsc::channel(inbox_messages);
        Self {
            hub,
            clock,
            sockets: (0..connections).map(|_| None).collect(),
            channels,
            deadlines: BTreeSet::new(),
            store,
            rng: Xoshiro256PlusPlus::seed_from_u64(seed),
            inbox_sender,
            inbox,
            closed,
            plan: FanoutPlan::new(),
            slices: Vec::new(),
            recipients: Vec::new(),
            audit: Audit::default(),
        }
    }

    /// Handles what comes until it is told to stop, or nobody is left to ask.
    pub(crate) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut tick = tokio::time::interval(EXPIRY_TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                _ = tick.tick() => self.expire(self.clock.now()),
                Some(message) = self.inbox.recv() => self.publish(message),
                command = commands.recv() => match command {
                    None => return,
                    Some(Command::Stop(reply)) => {
                        // Whoever asked may have given up.
                        let _ = reply.send(self.audit());
                        return;
                    }
                    Some(command) => self.handle(command),
                },
            }
        }
    }

    fn audit(&self) -> Audit {
        Audit {
            digest: self.hub.digest(),
            decisions: self.hub.decisions(),
            store: self
                .store
                .as_ref()
                .map(|store| store.stats())
                .unwrap_or_default(),
            ..self.audit
        }
    }

    fn handle(&mut self, command: Command) {
        let now = self.clock.now();
        self.expire(now);
        match command {
            Command::Open {
                connection,
                last_seen,
                socket,
            } => self.open(now, connection, last_seen, socket),
            Command::Publish(message) => self.accept(message),
            Command::Join(from, channel) => self.change(from, channel, true),
            Command::Leave(from, channel) => self.change(from, channel, false),
            Command::Sync(from, nonce) => self.answer(from, &Response::Synced(nonce)),
            Command::Bye(from) => self.close(now, from, false),
            Command::Lost(from) => self.close(now, from, true),
            // Answered where it is received.
            Command::Stop(_) => {}
        }
    }

    /// Ends the sessions whose time to resume has passed.
    fn expire(&mut self, now: Timestamp) {
        while let Some(&(deadline, connection)) = self.deadlines.first() {
            if deadline >= now {
                return;
            }
            self.deadlines.pop_first();
            self.hub.expire(now, connection);
        }
    }

    fn open(
        &mut self,
        now: Timestamp,
        connection: ConnectionId,
        last_seen: Option<Vec<(ChannelId, Seq)>>,
        socket: Socket,
    ) {
        if connection.index() >= self.sockets.len() {
            self.refuse(&socket, Refusal::UnknownConnection);
            return;
        }
        if let Some(old) = self.sockets[connection.index()].take() {
            // A new socket of an open connection takes its place.
            self.hang_up(now, connection, old);
        }
        if let Some(deadline) = self.hub.connections().resume_deadline(connection) {
            self.deadlines.remove(&(deadline, connection));
        }
        let Some(last_seen) = last_seen else {
            if self.hub.open(now, connection, HERE).is_ok() {
                send(&socket, Response::Welcome(connection).encode());
                self.sockets[connection.index()] = Some(socket);
            }
            return;
        };
        let mut slices = std::mem::take(&mut self.slices);
        if self
            .hub
            .resume(now, connection, HERE, &last_seen, &mut slices)
            .is_ok()
        {
            self.replay(connection, &slices, socket);
        } else {
            self.refuse(&socket, Refusal::NotResumable);
        }
        self.slices = slices;
    }

    /// Sends what a client that resumed has missed; one that cannot take it is slow.
    fn replay(&mut self, connection: ConnectionId, slices: &[ReplaySlice], socket: Socket) {
        let mut fits = send(&socket, Response::Resumed(slices.to_vec()).encode());
        for slice in slices {
            let Some(ring) = self.hub.ring(slice.channel) else {
                continue;
            };
            for seq in (slice.from.0..slice.to.0).map(Seq) {
                if let Some((_, frame)) = ring.get(seq) {
                    fits = fits && send(&socket, frame.clone());
                    self.audit.replayed += u64::from(fits);
                }
            }
        }
        self.sockets[connection.index()] = Some(socket);
        if !fits {
            self.drop_slow(connection);
        }
    }

    /// Takes a publish: to the store if there is one, else it is numbered at once.
    fn accept(&mut self, message: Message) {
        if message.channel.0 >= self.channels {
            self.refuse_message(&message, Refusal::UnknownChannel);
            return;
        }
        let Some(store) = &self.store else {
            self.publish(message);
            return;
        };
        match store.admit(&mut self.rng) {
            None => self.refuse_message(&message, Refusal::StoreFull),
            Some(visit) => {
                let inbox = self.inbox_sender.clone();
                tokio::spawn(async move {
                    visit.queries().await;
                    // A stopped owner takes no more messages.
                    let _ = inbox.send(message).await;
                });
            }
        }
    }

    /// Numbers a message and hands its one frame to every live member.
    fn publish(&mut self, message: Message) {
        let now = self.clock.now();
        self.expire(now);
        let Message {
            from,
            channel,
            stamp,
            payload,
        } = message;
        let seq = self
            .hub
            .ring(channel)
            .map_or(Seq(1), |ring| ring.last().next());
        let frame = protocol::deliver(channel, seq, stamp, &payload);
        let published = self
            .hub
            .publish(now, channel, HERE, frame.clone(), &mut self.plan);
        assert!(
            published.seq == seq,
            "a ring numbers messages one after the other"
        );
        self.audit.published += 1;
        self.audit.owed_live += published.owed_live;
        let (owed_live, owed_away) = (published.owed_live, published.owed_away);
        let response = Response::Published {
            channel,
            seq,
            owed_live,
            owed_away,
            stamp,
        };
        self.answer(from, &response);
        let mut recipients = std::mem::take(&mut self.recipients);
        recipients.clear();
        if self.plan.copies().iter().any(|copy| copy.server == HERE) {
            recipients.extend_from_slice(self.hub.directory().members_on(channel, HERE));
        }
        for &recipient in &recipients {
            self.deliver(recipient, frame.clone());
        }
        self.recipients = recipients;
    }

    fn deliver(&mut self, recipient: ConnectionId, frame: Bytes) {
        let Some(Some(socket)) = self.sockets.get(recipient.index()) else {
            return;
        };
        if send(socket, frame) {
            self.audit.delivered += 1;
        } else {
            self.drop_slow(recipient);
        }
    }

    fn change(&mut self, from: Peer, channel: ChannelId, join: bool) {
        if !self.is_current(from) {
            return;
        }
        if channel.0 >= self.channels {
            self.audit.refused += 1;
            self.answer(
                from,
                &Response::Refused(Refusal::UnknownChannel, Timestamp::ZERO),
            );
        } else if join {
            let changed = self.hub.join(channel, from.connection);
            self.answer(from, &Response::Joined(channel, changed));
        } else {
            let changed = self.hub.leave(channel, from.connection);
            self.answer(from, &Response::Left(channel, changed));
        }
    }

    /// Closes a connection whose socket is gone or said so. What waits for it is still written, if it can be.
    fn close(&mut self, now: Timestamp, from: Peer, may_resume: bool) {
        if self.is_current(from) {
            self.sockets[from.connection.index()] = None;
            self.closed(now, from.connection, may_resume);
        }
    }

    fn drop_slow(&mut self, connection: ConnectionId) {
        if let Some(socket) = self.sockets[connection.index()].take() {
            self.audit.slow += 1;
            self.hang_up(self.clock.now(), connection, socket);
        }
    }

    fn hang_up(&mut self, now: Timestamp, connection: ConnectionId, socket: Socket) {
        // A socket that has just ended needs no killing.
        let _ = socket.kill.send(());
        self.closed(now, connection, true);
    }

    fn closed(&mut self, now: Timestamp, connection: ConnectionId, may_resume: bool) {
        let resumable = may_resume && self.hub.options().replay.window_ns > 0;
        self.hub.close(now, connection, resumable);
        if self.hub.connections().state(connection) == ConnectionState::Away
            && let Some(deadline) = self.hub.connections().resume_deadline(connection)
        {
            self.deadlines.insert((deadline, connection));
        }
        self.closed.send_modify(|count| *count += 1);
    }

    fn is_current(&self, from: Peer) -> bool {
        let socket = self.sockets.get(from.connection.index());
        socket.is_some_and(|socket| {
            socket
                .as_ref()
                .is_some_and(|socket| socket.id == from.socket)
        })
    }

    fn answer(&mut self, to: Peer, response: &Response) {
        if self.is_current(to) {
            let socket = self.sockets[to.connection.index()].as_ref();
            if !socket.is_some_and(|socket| send(socket, response.encode())) {
                self.drop_slow(to.connection);
            }
        }
    }

    fn refuse(&mut self, socket: &Socket, reason: Refusal) {
        self.audit.refused += 1;
        send(socket, Response::Refused(reason, Timestamp::ZERO).encode());
    }

    fn refuse_message(&mut self, message: &Message, reason: Refusal) {
        self.audit.refused += 1;
        self.answer(message.from, &Response::Refused(reason, message.stamp));
    }
}

/// Queues a frame; `false` if there is no room. A socket that has ended takes everything: its loss is on its way.
fn send(socket: &Socket, frame: Bytes) -> bool {
    !matches!(
        socket.outbound.try_send(frame),
        Err(mpsc::error::TrySendError::Full(_))
    )
}
