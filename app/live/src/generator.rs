//! The load generator: every user is a real WebSocket, and publishes come when they are meant to, whatever the system does.
//!
//! *Models:* an open loop. Publishes of all users together are one Poisson process (their superposition) whose publisher is drawn
//! evenly, into one of the publisher's channels drawn evenly; all drawn from the seed. A schedule of intended times is kept by a
//! thread that sleeps (timers of the runtime round to milliseconds). *Leaves out:* reconnects; a lost connection stays lost and
//! is counted. *Source:* Schroeder et al., "Open versus closed: a cautionary tale" (NSDI 2006).

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use routing::{ChannelId, ConnectionId, Timestamp};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Bytes;

use crate::client::{Client, ClientError};
use crate::clock::{Clock, MonotonicClock};
use crate::measure::{LastSeen, Recorder};
use crate::plan::DeployPlan;
use crate::protocol::{Request, Response};

/// Time all users may take to connect.
const CONNECT_WITHIN: Duration = Duration::from_secs(60);
/// Handshakes at a time.
const HANDSHAKES: usize = 64;
/// Time after the last publish for what is under way.
const DRAIN: Duration = Duration::from_secs(5);
/// How often the drain is looked at.
const DRAIN_LOOK: Duration = Duration::from_millis(10);
/// Time clients may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(5);
/// Publishes that may wait for their client.
const WAITING: usize = 1024;
/// From the last connection to the first publish.
const BREATH: Duration = Duration::from_millis(50);

/// Why no load could be made.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A user could not connect.
    #[error("user {} could not connect", .0.0)]
    User(ConnectionId, #[source] ClientError),
    /// It took too long.
    #[error("only {connected} of {users} users had connected after {} s", CONNECT_WITHIN.as_secs())]
    Slow {
        /// Users connected.
        connected: u32,
        /// Users there are.
        users: u32,
    },
    /// A task of the generator failed.
    #[error("the load generator failed")]
    Failed,
}

/// What the generator brings home.
#[derive(Clone, Debug)]
pub struct Load {
    /// What was counted.
    pub recorder: Recorder,
    /// Time it took to connect all users.
    pub connecting: Duration,
}

/// A publish on its way to its client.
#[derive(Clone, Copy, Debug)]
struct Intent {
    channel: ChannelId,
    stamp: Timestamp,
}

/// What the clients share.
#[derive(Clone, Debug)]
struct Shared {
    clock: MonotonicClock,
    payload: Bytes,
    recorder: Arc<Mutex<Recorder>>,
    heartbeat: Duration,
}

impl Shared {
    fn record(&self) -> MutexGuard<'_, Recorder> {
        self.recorder.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Connects all users, publishes for warm-up and duration, waits for what is owed and says goodbye.
///
/// # Errors
/// If a user cannot connect.
pub async fn generate(
    plan: &DeployPlan,
    address: SocketAddr,
    clock: MonotonicClock,
) -> Result<Load, LoadError> {
    let began = clock.now();
    let clients = connect(plan, address).await?;
    let connecting = Duration::from_nanos(clock.now().since(began));
    let start = clock.now().plus(nanos(BREATH));
    let from = start.plus(nanos(plan.warmup));
    let to = from.plus(nanos(plan.duration));
    let shared = Shared {
        clock,
        payload: Bytes::from(vec![b'.'; plan.payload_bytes]),
        recorder: Arc::new(Mutex::new(Recorder::new(from, to))),
        heartbeat: plan.heartbeat,
    };
    let (stop, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    let mut queues = Vec::with_capacity(clients.len());
    for (user, client) in (0..).zip(clients) {
        let (queue, intents) = mpsc::channel(WAITING);
        queues.push(queue);
        let phase = plan
            .heartbeat
            .mul_f64(f64::from(user) / f64::from(plan.users));
        tasks.spawn(user_life(
            client,
            intents,
            stopped.clone(),
            shared.clone(),
            phase,
        ));
    }
    let schedule = Schedule::new(plan, start, to);
    let publisher = shared.clone();
    tokio::task::spawn_blocking(move || publish_on_time(schedule, &queues, &publisher))
        .await
        .map_err(|_| LoadError::Failed)?;
    drain(&shared).await;
    // All clients may have lost their connections.
    let _ = stop.send(true);
    let goodbyes = async { while tasks.join_next().await.is_some() {} };
    if timeout(GOODBYE, goodbyes).await.is_err() {
        tasks.shutdown().await;
    }
    let recorder = shared.record().clone();
    Ok(Load {
        recorder,
        connecting,
    })
}

/// All users' connections, in order.
async fn connect(plan: &DeployPlan, address: SocketAddr) -> Result<Vec<Client>, LoadError> {
    let room = Arc::new(Semaphore::new(HANDSHAKES));
    let mut tasks = JoinSet::new();
    for user in (0..plan.users).map(ConnectionId) {
        let room = Arc::clone(&room);
        tasks.spawn(async move {
            // The semaphore is never closed.
            let _permit = room.acquire().await;
            let client = greet(address, user).await;
            (user, client)
        });
    }
    let mut clients: Vec<Option<Client>> = (0..plan.users).map(|_| None).collect();
    let mut connected = 0;
    let all = async {
        while let Some(joined) = tasks.join_next().await {
            let (user, client) = joined.map_err(|_| LoadError::Failed)?;
            let client = client.map_err(|error| LoadError::User(user, error))?;
            clients[user.index()] = Some(client);
            connected += 1;
        }
        Ok(())
    };
    let outcome = timeout(CONNECT_WITHIN, all).await;
    match outcome {
        Ok(result) => result?,
        Err(_) => {
            let users = plan.users;
            return Err(LoadError::Slow { connected, users });
        }
    }
    Ok(clients.into_iter().flatten().collect())
}

async fn greet(address: SocketAddr, user: ConnectionId) -> Result<Client, ClientError> {
    let mut client = Client::connect(address, &Request::Hello(user)).await?;
    match client.answer().await? {
        Response::Welcome(connection) if connection == user => Ok(client),
        other => Err(ClientError::Unexpected(Box::new(other))),
    }
}

/// One user: reads, publishes what it is told to, and says goodbye.
async fn user_life(
    mut client: Client,
    mut intents: mpsc::Receiver<Intent>,
    mut stopped: watch::Receiver<bool>,
    shared: Shared,
    phase: Duration,
) {
    let mut seen = LastSeen::default();
    let mut heartbeat = tokio::time::interval_at(Instant::now() + phase, shared.heartbeat);
    let lost = loop {
        tokio::select! {
            biased;
            response = client.next() => match response {
                Ok(Some(response)) => receive(response, &mut seen, &shared),
                Ok(None) | Err(_) => break true,
            },
            Some(intent) = intents.recv() => {
                let request = Request::Publish {
                    channel: intent.channel,
                    stamp: intent.stamp,
                    payload: shared.payload.clone(),
                };
                shared.record().publish(intent.stamp, shared.clock.now());
                if client.send(&request).await.is_err() {
                    break true;
                }
            }
            _ = heartbeat.tick() => if client.heartbeat().await.is_err() {
                break true;
            },
            // An error means that the generator is gone.
            _ = stopped.changed() => break false,
        }
    };
    if lost {
        shared.record().disconnected += 1;
        return;
    }
    // Whether or not the server still listens.
    if client.send(&Request::Bye).await.is_ok() {
        while let Ok(Some(_)) = client.next().await {}
    }
}

fn receive(response: Response, seen: &mut LastSeen, shared: &Shared) {
    match response {
        Response::Deliver {
            channel,
            seq,
            stamp,
            ..
        } => {
            let now = shared.clock.now();
            let is_first = seen.note(channel, seq);
            shared.record().receive(stamp, now, is_first);
        }
        Response::Published {
            owed_live,
            owed_away,
            stamp,
            ..
        } => shared.record().acknowledge(stamp, owed_live + owed_away),
        Response::Refused(_, stamp) => shared.record().refuse(stamp),
        _ => {}
    }
}

/// When who publishes where.
#[derive(Debug)]
struct Schedule {
    rng: Xoshiro256PlusPlus,
    /// Channels of every user that has any.
    publishers: Vec<(ConnectionId, Vec<ChannelId>)>,
    mean_gap_ns: f64,
    /// Since `start`; kept as a float so that short gaps add up.
    at_ns: f64,
    start: Timestamp,
    end: Timestamp,
}

impl Schedule {
    fn new(plan: &DeployPlan, start: Timestamp, end: Timestamp) -> Self {
        let mut channels_of = vec![Vec::new(); plan.users as usize];
        for (channel, members) in (0..).map(ChannelId).zip(&plan.channels) {
            for member in members {
                channels_of[member.index()].push(channel);
            }
        }
        let users = (0..).map(ConnectionId).zip(channels_of);
        let publishers: Vec<_> = users.filter(|(_, channels)| !channels.is_empty()).collect();
        let per_s = plan.publish_per_user_s * publishers.len() as f64;
        Self {
            rng: Xoshiro256PlusPlus::seed_from_u64(plan.seed),
            publishers,
            mean_gap_ns: 1e9 / per_s,
            at_ns: 0.0,
            start,
            end,
        }
    }
}

impl Iterator for Schedule {
    type Item = (ConnectionId, Intent);

    fn next(&mut self) -> Option<Self::Item> {
        if self.publishers.is_empty() || !self.mean_gap_ns.is_finite() {
            return None;
        }
        let unit: f64 = self.rng.random();
        self.at_ns -= (1.0 - unit).ln() * self.mean_gap_ns;
        let stamp = self.start.plus(self.at_ns as u64);
        let (user, channels) = &self.publishers[self.rng.random_range(0..self.publishers.len())];
        let channel = channels[self.rng.random_range(0..channels.len())];
        (stamp < self.end).then_some((*user, Intent { channel, stamp }))
    }
}

/// Hands every publish to its client at its intended time, until the schedule ends.
fn publish_on_time(schedule: Schedule, queues: &[mpsc::Sender<Intent>], shared: &Shared) {
    for (user, intent) in schedule {
        let early = shared.clock.until(intent.stamp);
        if !early.is_zero() {
            std::thread::sleep(early);
        }
        if queues[user.index()].try_send(intent).is_err() {
            shared.record().unsent(intent.stamp);
        }
    }
}

/// Waits for what is owed, not for ever.
async fn drain(shared: &Shared) {
    let complete = async {
        loop {
            tokio::time::sleep(DRAIN_LOOK).await;
            if shared.record().is_complete() {
                return;
            }
        }
    };
    // What is not here by then is counted as lost or unanswered.
    let _ = timeout(DRAIN, complete).await;
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::small;

    #[test]
    fn the_schedule_is_the_seeds_and_has_the_rate() {
        let plan = DeployPlan {
            publish_per_user_s: 100.0,
            ..small()
        };
        let end = Timestamp(60_000_000_000);
        let schedule =
            || Schedule::new(&plan, Timestamp(5), end).map(|(user, intent)| (user, intent.stamp));
        let publishes: Vec<_> = schedule().collect();
        assert!(schedule().eq(publishes.iter().copied()));
        // 48 000 expected, five standard deviations allowed.
        let expected = 48_000.0_f64;
        let off = (publishes.len() as f64 - expected).abs();
        assert!(off < 5.0 * expected.sqrt(), "{}", publishes.len());
        assert!(publishes.windows(2).all(|pair| pair[0].1 <= pair[1].1));
        let silent = DeployPlan {
            publish_per_user_s: 0.0,
            ..small()
        };
        assert_eq!(Schedule::new(&silent, Timestamp(0), end).count(), 0);
    }
}
