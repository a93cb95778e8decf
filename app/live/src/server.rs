//! A connection server: one listener on the loopback device, one task per socket, one [`owner`](crate::owner) of the hub.
//!
//! *Models:* a socket task writes what its bounded outbound queue holds before it reads; a full command queue stops reading, so
//! that pressure reaches the client. Silent clients are given up after `heartbeat_timeout`. The WebSocket's read buffer is 4 KiB:
//! its default of 128 KiB is the memory of a connection. *Leaves out:* TLS, accept limits, any address but 127.0.0.1.
//! *Source:* tungstenite's `WebSocketConfig`; the simulator's discipline (drain the inbox, then poll sockets).

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use routing::{ConnectionId, Hub, HubOptions, ReplayLimits, RoutingMode};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Bytes, Message as Frame};
use tokio_tungstenite::{WebSocketStream, accept_async_with_config};

use crate::clock::Clock;
use crate::owner::{Audit, Command, Message, Owner, Peer, Socket, SocketId};
use crate::plan::{DeployPlan, StorePlan};
use crate::protocol::{MAX_FRAME_BYTES, Request};
use crate::store::Store;

/// Commands that may wait for the owner.
const COMMANDS: usize = 1024;
/// Stored messages that may wait for the owner.
const INBOX: usize = 1024;
/// Sockets beyond one per connection: those whose loss is not noticed yet.
const SPARE_SOCKETS: usize = 64;
/// Time a socket may take to become a WebSocket and say hello.
const HANDSHAKE: Duration = Duration::from_secs(30);
/// Time the owner may take to say what was decided.
const STOP: Duration = Duration::from_secs(30);
/// Frames written before the socket is flushed.
const WRITE_BATCH: usize = 64;

/// What a server needs to know.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Connections that may open: 0 to this.
    pub connections: u32,
    /// Channels there are, with their members at the start; members join in this order.
    pub channels: Vec<Vec<ConnectionId>>,
    /// How messages find their servers.
    pub routing: RoutingMode,
    /// What is held for clients that come back.
    pub replay: ReplayLimits,
    /// Messages that may wait for a slow client.
    pub outbound_messages: usize,
    /// Silence after which a client is given up.
    pub heartbeat_timeout: Duration,
    /// The embedded store, if publishes go through it.
    pub store: Option<StorePlan>,
    /// Seed of service times.
    pub seed: u64,
}

impl ServerOptions {
    /// The server of a plan.
    #[must_use]
    pub fn of(plan: &DeployPlan) -> Self {
        Self {
            connections: plan.users,
            channels: plan.channels.clone(),
            routing: plan.routing,
            replay: plan.replay,
            outbound_messages: plan.outbound_messages,
            heartbeat_timeout: plan.heartbeat_timeout,
            store: plan.store.clone().filter(|store| store.queries > 0),
            seed: plan.seed,
        }
    }
}

/// A running server. Dropping it ends it.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    commands: mpsc::Sender<Command>,
    closed: watch::Receiver<u64>,
    listener: JoinHandle<()>,
    owner: JoinHandle<()>,
}

/// The server ended before it could say what it decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server ended before it was stopped")]
pub struct ServerGone;

impl Server {
    /// Starts a server on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// If the port cannot be had.
    pub async fn start(options: &ServerOptions, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (closed_sender, closed) = watch::channel(0);
        let owner = Owner::new(
            hub(options),
            clock,
            (options.connections, options.channels.len() as u32),
            options.store.clone().map(Store::new),
            options.seed,
            INBOX,
            closed_sender,
        );
        let (commands, receiver) = mpsc::channel(COMMANDS);
        let acceptor = Acceptor {
            commands: commands.clone(),
            outbound_messages: options.outbound_messages,
            heartbeat_timeout: options.heartbeat_timeout,
        };
        let sockets = options.connections as usize + SPARE_SOCKETS;
        Ok(Self {
            address,
            commands,
            closed,
            listener: tokio::spawn(acceptor.accept(listener, sockets)),
            owner: tokio::spawn(owner.run(receiver)),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until `count` connections have closed since the start.
    ///
    /// # Errors
    /// If the server ends before.
    pub async fn closed(&self, count: u64) -> Result<(), ServerGone> {
        let mut closed = self.closed.clone();
        let reached = closed.wait_for(|closed| *closed >= count).await;
        reached.map(|_| ()).map_err(|_| ServerGone)
    }

    /// Stops the server, which closes its sockets, and says what was decided.
    ///
    /// # Errors
    /// If the server has ended before, or does not answer.
    pub async fn stop(self) -> Result<Audit, ServerGone> {
        let (reply, audit) = oneshot::channel();
        self.commands
            .send(Command::Stop(reply))
            .await
            .map_err(|_| ServerGone)?;
        match timeout(STOP, audit).await {
            Ok(Ok(audit)) => Ok(audit),
            _ => Err(ServerGone),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.listener.abort();
        self.owner.abort();
    }
}

/// The hub of a server before anyone connects: its channels have their members.
fn hub(options: &ServerOptions) -> Hub<Bytes> {
    let hub_options = HubOptions {
        mode: options.routing,
        replay: options.replay,
        owners: None,
    };
    let mut hub = Hub::new(hub_options, 1);
    for (channel, members) in (0..).map(routing::ChannelId).zip(&options.channels) {
        for &member in members {
            hub.join(channel, member);
        }
    }
    hub
}

/// The configuration of every WebSocket here.
pub(crate) fn web_socket() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(4 << 10)
        .write_buffer_size(16 << 10)
        .max_write_buffer_size(4 * MAX_FRAME_BYTES)
        .max_message_size(Some(MAX_FRAME_BYTES))
        .max_frame_size(Some(MAX_FRAME_BYTES))
}

#[derive(Clone, Debug)]
struct Acceptor {
    commands: mpsc::Sender<Command>,
    outbound_messages: usize,
    heartbeat_timeout: Duration,
}

impl Acceptor {
    async fn accept(self, listener: TcpListener, sockets: usize) {
        let room = Arc::new(Semaphore::new(sockets));
        let mut next = 0;
        loop {
            // The semaphore is never closed.
            let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
                return;
            };
            match listener.accept().await {
                Ok((stream, _)) => {
                    tokio::spawn(self.clone().serve(stream, SocketId(next), permit));
                    next += 1;
                }
                // Out of descriptors, or the client gave up: the next may fare better.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }

    /// Serves one socket to its end; whoever misbehaves is disconnected.
    async fn serve(self, stream: TcpStream, id: SocketId, _permit: OwnedSemaphorePermit) {
        // Latency, not packets; a socket without the option still works.
        let _ = stream.set_nodelay(true);
        let Ok(Some((stream, connection, last_seen))) = timeout(HANDSHAKE, greet(stream)).await
        else {
            return;
        };
        let (outbound, queue) = mpsc::channel(self.outbound_messages);
        let (kill, killed) = oneshot::channel();
        let socket = Socket { id, outbound, kill };
        let open = Command::Open {
            connection,
            last_seen,
            socket,
        };
        if self.commands.send(open).await.is_err() {
            return;
        }
        let from = Peer {
            connection,
            socket: id,
        };
        tokio::select! {
            biased;
            // An error means that the owner let go in peace: what is queued is written.
            Ok(()) = killed => {}
            () = self.converse(stream, queue, from) => {}
        }
        // A stopped owner knows.
        let _ = self.commands.send(Command::Lost(from)).await;
    }

    /// Writes what is queued, then reads, until either side ends.
    async fn converse(
        &self,
        mut stream: WebSocketStream<TcpStream>,
        mut queue: mpsc::Receiver<Bytes>,
        from: Peer,
    ) {
        let mut silent_at = Instant::now() + self.heartbeat_timeout;
        loop {
            tokio::select! {
                biased;
                frame = queue.recv() => {
                    let Some(frame) = frame else {
                        // The client may be gone already.
                        let _ = timeout(HANDSHAKE, stream.close(None)).await;
                        return;
                    };
                    if write(&mut stream, frame, &mut queue).await.is_none() {
                        return;
                    }
                }
                received = timeout_at(silent_at, stream.next()) => {
                    let Ok(Some(Ok(frame))) = received else { return };
                    silent_at = Instant::now() + self.heartbeat_timeout;
                    let command = match frame {
                        Frame::Binary(bytes) => Request::decode(&bytes).ok().and_then(|request| command(from, request)),
                        // Pings are answered by the protocol's own layer.
                        Frame::Ping(_) | Frame::Pong(_) => continue,
                        _ => None,
                    };
                    let Some(command) = command else { return };
                    if self.commands.send(command).await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}

/// Writes a frame and those queued behind it, then flushes; `None` when the socket has ended.
async fn write(
    stream: &mut WebSocketStream<TcpStream>,
    first: Bytes,
    queue: &mut mpsc::Receiver<Bytes>,
) -> Option<()> {
    let mut next = Some(first);
    let mut left = WRITE_BATCH;
    while let Some(frame) = next {
        stream.feed(Frame::Binary(frame)).await.ok()?;
        left -= 1;
        next = (left > 0).then(|| queue.try_recv().ok()).flatten();
    }
    stream.flush().await.ok()
}

type Greeted = (
    WebSocketStream<TcpStream>,
    ConnectionId,
    Option<Vec<(routing::ChannelId, routing::Seq)>>,
);

/// Turns a socket into a WebSocket and reads its hello or resume.
async fn greet(stream: TcpStream) -> Option<Greeted> {
    let mut stream = accept_async_with_config(stream, Some(web_socket()))
        .await
        .ok()?;
    let Some(Ok(Frame::Binary(bytes))) = stream.next().await else {
        return None;
    };
    match Request::decode(&bytes).ok()? {
        Request::Hello(connection) => Some((stream, connection, None)),
        Request::Resume(connection, seen) => Some((stream, connection, Some(seen))),
        _ => None,
    }
}

/// What a request asks of the owner; `None` for one that has no place in an open session.
fn command(from: Peer, request: Request) -> Option<Command> {
    match request {
        Request::Publish {
            channel,
            stamp,
            payload,
        } => Some(Command::Publish(Message {
            from,
            channel,
            stamp,
            payload,
        })),
        Request::Join(channel) => Some(Command::Join(from, channel)),
        Request::Leave(channel) => Some(Command::Leave(from, channel)),
        Request::Sync(nonce) => Some(Command::Sync(from, nonce)),
        Request::Bye => Some(Command::Bye(from)),
        Request::Hello(_) | Request::Resume(..) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{Client, ClientError};
    use crate::clock::ManualClock;
    use crate::protocol::{Refusal, Response};

    const ALICE: ConnectionId = ConnectionId(0);
    const BOB: ConnectionId = ConnectionId(1);
    const ROOM: routing::ChannelId = routing::ChannelId(0);

    /// Alice publishes into a room whose only member is Bob.
    fn options() -> ServerOptions {
        ServerOptions {
            connections: 2,
            channels: vec![vec![BOB]],
            routing: RoutingMode::Local,
            replay: ReplayLimits::default(),
            outbound_messages: 4,
            heartbeat_timeout: Duration::from_secs(3600),
            store: None,
            seed: 1,
        }
    }

    fn on_a_server<F: Future<Output = Result<(), ClientError>>>(test: impl FnOnce(Server) -> F) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let bounded = async {
            let server = Server::start(&options(), Arc::new(ManualClock::default()))
                .await
                .unwrap();
            timeout(Duration::from_secs(120), test(server)).await
        };
        runtime
            .block_on(bounded)
            .expect("the test ends in time")
            .unwrap();
    }

    async fn hello(server: &Server, who: ConnectionId) -> Result<Client, ClientError> {
        let mut client = Client::connect(server.address(), &Request::Hello(who)).await?;
        assert_eq!(client.answer().await?, Response::Welcome(who));
        Ok(client)
    }

    fn publish(bytes: usize) -> Request {
        let payload = Bytes::from(vec![7; bytes]);
        Request::Publish {
            channel: ROOM,
            stamp: routing::Timestamp(9),
            payload,
        }
    }

    #[test]
    fn a_client_that_does_not_read_is_disconnected_and_resumes() {
        on_a_server(|server| async move {
            let mut alice = hello(&server, ALICE).await?;
            let bob = hello(&server, BOB).await?;
            // Socket buffers hold some megabytes before the queue of four fills.
            let mut sent = 0;
            loop {
                alice.send(&publish(256 << 10)).await?;
                sent += 1;
                let Response::Published {
                    owed_live,
                    owed_away,
                    ..
                } = alice.answer().await?
                else {
                    panic!("a publish is answered first");
                };
                assert_eq!(owed_live + owed_away, 1, "Bob is live or may resume");
                assert!(sent < 1_000, "nobody holds 250 MiB for Bob");
                if owed_live == 0 {
                    break;
                }
            }
            server.closed(1).await.unwrap();
            drop(bob);
            let seen = vec![(ROOM, routing::Seq(sent - 2))];
            let mut bob = Client::connect(server.address(), &Request::Resume(BOB, seen)).await?;
            assert!(matches!(bob.answer().await?, Response::Resumed(slices) if slices.len() == 1));
            for number in [sent - 1, sent] {
                assert!(
                    matches!(bob.answer().await?, Response::Deliver { seq, .. } if seq.0 == number)
                );
            }
            let audit = server.stop().await.unwrap();
            assert_eq!((audit.slow, audit.replayed, audit.published), (1, 2, sent));
            Ok(())
        });
    }

    #[test]
    fn strangers_and_wrong_frames_are_turned_away() {
        on_a_server(|server| async move {
            let mut alice = hello(&server, ALICE).await?;
            alice.send(&Request::Join(routing::ChannelId(1))).await?;
            let unknown = Response::Refused(Refusal::UnknownChannel, routing::Timestamp::ZERO);
            assert_eq!(alice.answer().await?, unknown);
            // A second hello has no place in a session.
            alice.send(&Request::Hello(ALICE)).await?;
            assert!(!matches!(alice.next().await, Ok(Some(_))));
            server.closed(1).await.unwrap();
            let stranger = Request::Hello(ConnectionId(2));
            let mut stranger = Client::connect(server.address(), &stranger).await?;
            let unknown = Response::Refused(Refusal::UnknownConnection, routing::Timestamp::ZERO);
            assert_eq!(stranger.answer().await?, unknown);
            assert!(matches!(stranger.next().await, Ok(None)));
            assert_eq!(server.stop().await.unwrap().refused, 2);
            Ok(())
        });
    }
}
