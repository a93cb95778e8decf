//! One routing library, two worlds: a trace fed through the live server over real sockets and fed to a hub with simulated
//! timestamps, as the simulator drives it, gives the same decisions, and every client receives what the hub planned.
//!
//! The driver waits for each step's answer, so that the order of the steps is the trace's; the server's clock is the trace's.
//! A lost client forgets the last deliveries of its connection, as if they had been in flight, and resumes before them.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use live::protocol::{Refusal, Request, Response};
use live::{Client, ManualClock, Server, ServerOptions, StorePlan};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use routing::{
    ChannelId, ConnectionId, FanoutPlan, Hub, HubOptions, ReplayLimits, ReplaySlice, RoutingMode,
    Seq, ServerId, Timestamp,
};

const USERS: u32 = 20;
const CHANNELS: u32 = 5;
const STEPS: usize = 250;
const SEEDS: u64 = 8;
const HERE: ServerId = ServerId(0);
/// Short in time and count, so that traces see complete replays, gaps and expired sessions.
const REPLAY: ReplayLimits = ReplayLimits {
    window_ns: 2_000_000_000,
    max_entries: 6,
};
/// Bounds a test that hangs; nothing is measured.
const PATIENCE: Duration = Duration::from_secs(240);

/// What a user does.
#[derive(Clone, Copy, Debug)]
enum Act {
    Hello,
    /// With what was seen; also from a second device, while the first is still connected.
    Resume,
    Publish(ChannelId),
    Join(ChannelId),
    Leave(ChannelId),
    /// The socket breaks and the last deliveries are not seen.
    Lose {
        forgotten: usize,
    },
    Bye,
}

#[derive(Clone, Copy, Debug)]
struct Step {
    now: Timestamp,
    user: ConnectionId,
    act: Act,
}

/// What a user is told.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    Welcome,
    Resumed(Vec<ReplaySlice>),
    Refused,
    Published {
        seq: Seq,
        owed_live: u64,
        owed_away: u64,
    },
    Changed(bool),
    Closed,
}

/// What one world made of a trace.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    answers: Vec<Answer>,
    received: Vec<Vec<(ChannelId, Seq)>>,
    decisions: u64,
    digest: u64,
}

/// What a user has received.
#[derive(Clone, Debug, Default)]
struct Inbox {
    received: Vec<(ChannelId, Seq)>,
    /// Where the present connection's deliveries begin.
    session: usize,
}

impl Inbox {
    fn forget(&mut self, count: usize) {
        let kept = self.received.len().saturating_sub(count).max(self.session);
        self.received.truncate(kept);
    }

    fn last_seen(&self) -> Vec<(ChannelId, Seq)> {
        self.received
            .iter()
            .copied()
            .collect::<BTreeMap<_, _>>()
            .into_iter()
            .collect()
    }

    fn reconnected(&mut self) {
        self.session = self.received.len();
    }
}

fn members_at_start() -> Vec<Vec<ConnectionId>> {
    let members =
        |channel: u32| (0..USERS).filter(move |user| (user + channel).is_multiple_of(channel + 1));
    (0..CHANNELS)
        .map(|channel| members(channel).map(ConnectionId).collect())
        .collect()
}

/// Steps that make sense for who is connected; the rest is chance.
fn trace(seed: u64) -> Vec<Step> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut open = BTreeSet::new();
    let mut now = Timestamp::ZERO;
    let mut steps = Vec::new();
    while steps.len() < STEPS {
        let pause_ms = if rng.random_range(0..40) == 0 {
            2_500
        } else {
            rng.random_range(0..120)
        };
        now = now.plus(pause_ms * 1_000_000);
        let user = ConnectionId(rng.random_range(0..USERS));
        let channel = ChannelId(rng.random_range(0..CHANNELS));
        let act = match (open.contains(&user), rng.random_range(0..100)) {
            (false, 0..25) => Act::Hello,
            (false, _) => Act::Resume,
            (true, 0..60) => Act::Publish(channel),
            (true, 60..70) => Act::Join(channel),
            (true, 70..76) => Act::Leave(channel),
            (true, 76..92) => Act::Lose {
                forgotten: rng.random_range(0..4),
            },
            (true, 92..96) => Act::Bye,
            (true, _) => Act::Resume,
        };
        match act {
            Act::Lose { .. } | Act::Bye => open.remove(&user),
            // A refused resume is followed by a hello, in both worlds.
            _ => open.insert(user),
        };
        steps.push(Step { now, user, act });
    }
    steps
}

/// The world of the simulator: a hub, simulated timestamps, no socket.
struct Simulated {
    hub: Hub<()>,
    inboxes: Vec<Inbox>,
    open: BTreeSet<ConnectionId>,
    deadlines: BTreeSet<(Timestamp, ConnectionId)>,
    answers: Vec<Answer>,
}

impl Simulated {
    fn run(trace: &[Step]) -> Outcome {
        let options = HubOptions {
            mode: RoutingMode::Local,
            replay: REPLAY,
            owners: None,
        };
        let mut hub = Hub::new(options, 1);
        for (channel, members) in (0..).map(ChannelId).zip(members_at_start()) {
            for member in members {
                hub.join(channel, member);
            }
        }
        let mut world = Self {
            hub,
            inboxes: vec![Inbox::default(); USERS as usize],
            open: BTreeSet::new(),
            deadlines: BTreeSet::new(),
            answers: Vec::new(),
        };
        for &step in trace {
            world.expire(step.now);
            world.step(step);
        }
        Outcome {
            answers: world.answers,
            received: world
                .inboxes
                .into_iter()
                .map(|inbox| inbox.received)
                .collect(),
            decisions: world.hub.decisions(),
            digest: world.hub.digest(),
        }
    }

    fn expire(&mut self, now: Timestamp) {
        while let Some((deadline, user)) = self
            .deadlines
            .first()
            .copied()
            .filter(|(deadline, _)| *deadline < now)
        {
            self.deadlines.remove(&(deadline, user));
            assert!(self.hub.expire(now, user));
        }
    }

    fn step(&mut self, Step { now, user, act }: Step) {
        match act {
            Act::Hello => self.hello(now, user),
            Act::Resume => {
                if self.open.contains(&user) {
                    self.close(now, user, true);
                }
                self.resume(now, user);
            }
            Act::Publish(channel) => self.publish(now, channel),
            Act::Join(channel) => {
                let changed = self.hub.join(channel, user);
                self.answers.push(Answer::Changed(changed));
            }
            Act::Leave(channel) => {
                let changed = self.hub.leave(channel, user);
                self.answers.push(Answer::Changed(changed));
            }
            Act::Lose { forgotten } => {
                self.inboxes[user.index()].forget(forgotten);
                self.close(now, user, true);
                self.answers.push(Answer::Closed);
            }
            Act::Bye => {
                self.close(now, user, false);
                self.answers.push(Answer::Closed);
            }
        }
    }

    fn hello(&mut self, now: Timestamp, user: ConnectionId) {
        self.forget_deadline(user);
        self.hub.open(now, user, HERE).unwrap();
        self.open.insert(user);
        self.inboxes[user.index()].reconnected();
        self.answers.push(Answer::Welcome);
    }

    fn resume(&mut self, now: Timestamp, user: ConnectionId) {
        self.forget_deadline(user);
        let last_seen = self.inboxes[user.index()].last_seen();
        let mut slices = Vec::new();
        if self
            .hub
            .resume(now, user, HERE, &last_seen, &mut slices)
            .is_err()
        {
            self.answers.push(Answer::Refused);
            self.hello(now, user);
            return;
        }
        self.open.insert(user);
        let inbox = &mut self.inboxes[user.index()];
        inbox.reconnected();
        for slice in &slices {
            inbox
                .received
                .extend((slice.from.0..slice.to.0).map(|seq| (slice.channel, Seq(seq))));
        }
        self.answers.push(Answer::Resumed(slices));
    }

    fn publish(&mut self, now: Timestamp, channel: ChannelId) {
        let mut plan = FanoutPlan::new();
        let published = self.hub.publish(now, channel, HERE, (), &mut plan);
        let members = self.hub.directory().members_on(channel, HERE);
        assert_eq!(plan.recipients(), members.len() as u64);
        for member in members {
            self.inboxes[member.index()]
                .received
                .push((channel, published.seq));
        }
        let (seq, owed_live, owed_away) = (published.seq, published.owed_live, published.owed_away);
        self.answers.push(Answer::Published {
            seq,
            owed_live,
            owed_away,
        });
    }

    fn close(&mut self, now: Timestamp, user: ConnectionId, resumable: bool) {
        self.hub.close(now, user, resumable);
        self.open.remove(&user);
        if let Some(deadline) = self
            .hub
            .connections()
            .resume_deadline(user)
            .filter(|_| resumable)
        {
            self.deadlines.insert((deadline, user));
        }
    }

    fn forget_deadline(&mut self, user: ConnectionId) {
        self.deadlines.retain(|(_, other)| *other != user);
    }
}

/// The live world: a server, and one real socket per connected user.
struct Deployed {
    server: Server,
    clock: Arc<ManualClock>,
    clients: BTreeMap<ConnectionId, Client>,
    inboxes: Vec<Inbox>,
    answers: Vec<Answer>,
    closed: u64,
    nonce: u64,
}

impl Deployed {
    async fn run(trace: &[Step], store: Option<StorePlan>) -> Outcome {
        let clock = Arc::new(ManualClock::default());
        let options = ServerOptions {
            connections: USERS,
            channels: members_at_start(),
            routing: RoutingMode::Local,
            replay: REPLAY,
            outbound_messages: 10 * STEPS,
            heartbeat_timeout: PATIENCE,
            store,
            seed: 1,
        };
        let mut world = Self {
            server: Server::start(&options, Arc::clone(&clock) as Arc<dyn live::Clock>)
                .await
                .unwrap(),
            clock,
            clients: BTreeMap::new(),
            inboxes: vec![Inbox::default(); USERS as usize],
            answers: Vec::new(),
            closed: 0,
            nonce: 0,
        };
        for &step in trace {
            world.clock.set(step.now);
            world.step(step).await;
        }
        for user in world.clients.keys().copied().collect::<Vec<_>>() {
            world.catch_up(user).await;
        }
        let audit = world.server.stop().await.unwrap();
        assert_eq!(audit.slow, 0);
        Outcome {
            answers: world.answers,
            received: world
                .inboxes
                .into_iter()
                .map(|inbox| inbox.received)
                .collect(),
            decisions: audit.decisions,
            digest: audit.digest,
        }
    }

    async fn step(&mut self, Step { now, user, act }: Step) {
        match act {
            Act::Hello => self.hello(user).await,
            Act::Resume => self.resume(user).await,
            Act::Publish(channel) => {
                let payload = Vec::from(now.0.to_le_bytes()).into();
                self.ask(
                    user,
                    Request::Publish {
                        channel,
                        stamp: now,
                        payload,
                    },
                )
                .await;
            }
            Act::Join(channel) => self.ask(user, Request::Join(channel)).await,
            Act::Leave(channel) => self.ask(user, Request::Leave(channel)).await,
            Act::Lose { forgotten } => {
                self.catch_up(user).await;
                self.inboxes[user.index()].forget(forgotten);
                drop(self.clients.remove(&user));
                self.has_closed().await;
            }
            Act::Bye => {
                self.catch_up(user).await;
                let mut client = self.clients.remove(&user).unwrap();
                client.send(&Request::Bye).await.unwrap();
                assert_eq!(
                    client.next().await.unwrap(),
                    None,
                    "the server closes in peace"
                );
                self.has_closed().await;
            }
        }
    }

    async fn hello(&mut self, user: ConnectionId) {
        let client = Client::connect(self.server.address(), &Request::Hello(user))
            .await
            .unwrap();
        self.clients.insert(user, client);
        self.inboxes[user.index()].reconnected();
        assert_eq!(self.next_answer(user).await, Response::Welcome(user));
        self.answers.push(Answer::Welcome);
    }

    async fn resume(&mut self, user: ConnectionId) {
        if self.clients.contains_key(&user) {
            self.catch_up(user).await;
            self.closed += 1;
        }
        let last_seen = self.inboxes[user.index()].last_seen();
        let request = Request::Resume(user, last_seen);
        let client = Client::connect(self.server.address(), &request)
            .await
            .unwrap();
        self.clients.insert(user, client);
        self.inboxes[user.index()].reconnected();
        match self.next_answer(user).await {
            Response::Resumed(slices) => self.answers.push(Answer::Resumed(slices)),
            Response::Refused(Refusal::NotResumable, _) => {
                self.answers.push(Answer::Refused);
                self.hello(user).await;
            }
            other => panic!("{user:?} resumes: {other:?}"),
        }
    }

    async fn ask(&mut self, user: ConnectionId, request: Request) {
        self.clients
            .get_mut(&user)
            .unwrap()
            .send(&request)
            .await
            .unwrap();
        let answer = match self.next_answer(user).await {
            Response::Published {
                seq,
                owed_live,
                owed_away,
                ..
            } => Answer::Published {
                seq,
                owed_live,
                owed_away,
            },
            Response::Joined(_, changed) | Response::Left(_, changed) => Answer::Changed(changed),
            other => panic!("{request:?} is answered with {other:?}"),
        };
        self.answers.push(answer);
    }

    /// Reads all that was sent to a user before now.
    async fn catch_up(&mut self, user: ConnectionId) {
        self.nonce += 1;
        let client = self.clients.get_mut(&user).unwrap();
        client.send(&Request::Sync(self.nonce)).await.unwrap();
        assert_eq!(self.next_answer(user).await, Response::Synced(self.nonce));
    }

    /// The next response that is no delivery; deliveries go to the inbox.
    async fn next_answer(&mut self, user: ConnectionId) -> Response {
        let client = self.clients.get_mut(&user).unwrap();
        loop {
            match client.answer().await.unwrap() {
                Response::Deliver { channel, seq, .. } => {
                    self.inboxes[user.index()].received.push((channel, seq))
                }
                other => return other,
            }
        }
    }

    async fn has_closed(&mut self) {
        self.closed += 1;
        self.server.closed(self.closed).await.unwrap();
        self.answers.push(Answer::Closed);
    }
}

#[test]
fn the_live_server_decides_as_the_simulators_hub() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut seen = BTreeSet::new();
    let mut totals = (0, 0);
    for seed in 0..SEEDS {
        let trace = trace(seed);
        let simulated = Simulated::run(&trace);
        let store = StorePlan {
            pool: 2,
            queue: 10,
            queries: 1,
            times: vec![Duration::from_micros(100)],
        };
        let deployed = Deployed::run(&trace, (seed % 2 == 1).then_some(store));
        let deployed =
            runtime.block_on(async { tokio::time::timeout(PATIENCE, deployed).await.unwrap() });
        for (step, (simulated, deployed)) in trace
            .iter()
            .zip(simulated.answers.iter().zip(&deployed.answers))
        {
            assert_eq!(simulated, deployed, "seed {seed}, first at about {step:?}");
        }
        assert_eq!(simulated, deployed, "seed {seed}");
        assert_no_duplicates(&deployed);
        seen.extend(deployed.answers.iter().map(kind));
        totals.0 += deployed.decisions;
        totals.1 += deployed.received.iter().map(Vec::len).sum::<usize>();
    }
    println!(
        "{SEEDS} traces of {STEPS} steps: {} equal decisions, {} equal deliveries",
        totals.0, totals.1
    );
    let all = [
        "away",
        "changed",
        "closed",
        "gap",
        "live",
        "refused",
        "replayed",
        "resumed",
        "unchanged",
        "welcome",
    ];
    assert_eq!(
        seen.into_iter().collect::<Vec<_>>(),
        all,
        "the traces leave something out"
    );
}

#[test]
fn a_trace_that_differs_in_one_step_is_told_apart() {
    let mut other = trace(1);
    let last = other.pop().unwrap();
    let (a, b) = (Simulated::run(&trace(1)), Simulated::run(&other));
    assert_ne!(a.digest, b.digest, "without {last:?}");
}

/// Every client has each channel's messages in order, each once.
fn assert_no_duplicates(outcome: &Outcome) {
    for received in &outcome.received {
        let mut last = BTreeMap::new();
        for &(channel, seq) in received {
            assert!(
                last.insert(channel, seq).is_none_or(|before| before < seq),
                "{channel:?} {seq:?}"
            );
        }
    }
}

/// What a trace exercised, by name.
fn kind(answer: &Answer) -> &'static str {
    match answer {
        Answer::Welcome => "welcome",
        Answer::Resumed(slices) if slices.iter().any(|slice| slice.missed > 0) => "gap",
        Answer::Resumed(slices) if slices.iter().any(|slice| slice.from < slice.to) => "replayed",
        Answer::Resumed(_) => "resumed",
        Answer::Refused => "refused",
        Answer::Published { owed_away: 0, .. } => "live",
        Answer::Published { .. } => "away",
        Answer::Changed(true) => "changed",
        Answer::Changed(false) => "unchanged",
        Answer::Closed => "closed",
    }
}
