//! One document: the original, the copies of its editors, and what has happened to it lately.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use routing::Timestamp;
use routing::conflict::LockTable;

use super::Message;
use super::content::{Content, Mine, Original, Version, What};
use super::saving::Saving;
use crate::scenario::{Conflict, DocumentsTier};
use crate::system::operation::Operation;
use crate::system::servers::timestamp;
use crate::time::SimTime;

/// A change as its owner ordered it.
#[derive(Clone, Debug)]
pub struct Change {
    /// Its number.
    pub revision: u64,
    /// Who made it.
    pub author: u32,
    /// Edits in it.
    pub edits: u32,
    /// When it was ordered.
    pub at: SimTime,
    /// What it does.
    pub what: What,
}

/// What an editor has sent and has no word of.
#[derive(Clone, Debug)]
pub struct Sent {
    /// When it was sent last.
    pub at: SimTime,
    /// Edits in it.
    pub edits: u32,
    /// What it says.
    pub content: Content,
    /// The last change that its author had seen.
    pub seen: u64,
    /// Its number among what this copy sent; the first is 1.
    pub number: u64,
}

/// An editor and the copy it has.
#[derive(Clone, Debug)]
pub struct Replica {
    /// The copy.
    pub mine: Mine,
    /// The last change taken over.
    pub heard: u64,
    /// Changes that arrive, or have arrived out of turn.
    pub inbox: BTreeMap<u64, (SimTime, Arc<Change>)>,
    /// What it has sent, the oldest first.
    pub unheard: VecDeque<Sent>,
    /// Edits that wait to be sent.
    pub waiting: Vec<Operation>,
    /// Edits made.
    pub edits: u64,
    /// Those of [`Self::in_hand`] of which is known what became of them.
    pub settled: u64,
    /// The life of the document that it belongs to.
    pub epoch: u32,
    /// Its own number, that no copy of the document had before.
    pub id: u32,
    /// Messages sent.
    pub sent: u64,
    /// Messages that the owner has taken.
    pub taken: u64,
    /// Messages that came to the owner before others of this copy that were sent earlier.
    pub early: BTreeMap<u64, Message>,
}

impl Replica {
    /// The copy of somebody who has just loaded the document.
    pub fn new(mine: Mine, id: u32, heard: u64, epoch: u32) -> Self {
        Self {
            mine,
            id,
            heard,
            epoch,
            sent: 0,
            taken: 0,
            early: BTreeMap::new(),
            settled: 0,
            inbox: BTreeMap::new(),
            unheard: VecDeque::new(),
            waiting: Vec::new(),
            edits: 0,
        }
    }

    /// Takes over what has arrived by now, in turn.
    pub fn drain(&mut self, editor: u32, now: SimTime) {
        while let Some(first) = self.inbox.first_entry() {
            let (receipt, change) = first.get();
            if *first.key() != self.heard + 1 || *receipt > now {
                break;
            }
            let own = change.author == editor;
            self.mine.receive(timestamp(*receipt), &change.what, own);
            if own {
                self.unheard.pop_front();
            }
            self.heard += 1;
            first.remove();
        }
    }

    /// Whether nothing of its own is on its way.
    pub fn is_settled(&self) -> bool {
        self.unheard.is_empty() && self.waiting.is_empty()
    }

    /// Edits that the owner is not known to have.
    pub fn in_hand(&self) -> u64 {
        let sent: u64 = self.unheard.iter().map(|one| u64::from(one.edits)).sum();
        sent + self.waiting.len() as u64
    }
}

/// A change that waits for the end of its window.
#[derive(Clone, Debug)]
pub struct Ready {
    /// Its edits.
    pub edits: Vec<Operation>,
    /// `None`: the document is not followed.
    pub change: Option<Arc<Change>>,
    /// When it was ordered.
    pub ordered: SimTime,
}

/// A document that has been edited.
#[derive(Clone, Debug)]
pub struct Document {
    /// The node that keeps it.
    pub owner: u32,
    /// Its life: rises when its owner dies.
    pub epoch: u32,
    /// Changes ordered.
    pub revision: u64,
    /// `None`: it is not followed.
    pub original: Option<Original>,
    /// The copies.
    pub replicas: BTreeMap<u32, Replica>,
    /// Numbers given to copies.
    pub numbers: u32,
    /// The last changes.
    pub log: VecDeque<Arc<Change>>,
    /// What the document was before the first of them, and after each.
    pub digests: VecDeque<u64>,
    /// The last author and the number of its last change; the same of somebody else before.
    pub latest: [(u32, u64); 2],
    /// Edits ordered.
    pub edits: u64,
    /// Changes that leave at the end of the window.
    pub window: Vec<Ready>,
    /// What it has stored.
    pub saving: Saving,
    /// Edits whose way ended when a copy was loaded anew.
    pub dropped: Vec<Operation>,
    /// Who may change it, and what others want to do.
    pub lock: Option<(LockTable, VecDeque<(SimTime, Message)>)>,
}

impl Document {
    /// A document with its editors; `followed`: they have copies.
    pub fn new(
        now: SimTime,
        (channel, owner): (u32, u32),
        tier: &DocumentsTier,
        editors: impl Iterator<Item = (u32, i64)>,
        followed: bool,
    ) -> Self {
        let version = Version::new(tier.conflict, tier.items);
        let saving = Saving::new(now, tier, version.clone(), channel);
        let lock = (tier.conflict == Conflict::Lock && followed)
            .then(|| (LockTable::new(tier.lease.as_nanos()), VecDeque::new()));
        let original = Original::restored(version, 0, tier.conflict);
        let mut document = Self {
            owner,
            epoch: 0,
            revision: 0,
            replicas: BTreeMap::new(),
            numbers: 0,
            log: VecDeque::new(),
            digests: [original.digest()].into(),
            latest: [(u32::MAX, 0); 2],
            edits: 0,
            window: Vec::new(),
            dropped: Vec::new(),
            saving,
            lock,
            original: followed.then_some(original),
        };
        for (editor, skew_ns) in editors.take_while(|_| followed) {
            document.load(editor, skew_ns);
        }
        document
    }

    /// Whether its editors have copies.
    pub fn is_followed(&self) -> bool {
        self.original.is_some()
    }

    /// An editor loads it, under a new number. Returns the edits that were in its hands and are gone.
    pub fn load(&mut self, editor: u32, skew_ns: i64) -> u64 {
        let Some(original) = &self.original else {
            return 0;
        };
        self.numbers += 1;
        let mine = Mine::loaded(original, self.numbers, self.revision, skew_ns);
        let replica = Replica::new(mine, self.numbers, self.revision, self.epoch);
        let Some(earlier) = self.replicas.insert(editor, replica) else {
            return 0;
        };
        let in_hand = earlier.in_hand();
        let early = earlier.early.into_values();
        self.dropped.extend(early.flat_map(|message| message.edits));
        let ordered = self.log.iter().filter(|one| one.author == editor);
        let unheard = ordered.filter(|one| one.revision > earlier.heard);
        let kept: u64 = unheard.map(|one| u64::from(one.edits)).sum();
        if let Some(replica) = self.replicas.get_mut(&editor) {
            replica.edits = earlier.edits;
        }
        in_hand.saturating_sub(earlier.settled + kept)
    }

    /// Those whose copies are of an earlier life.
    pub fn outdated(&self) -> Vec<u32> {
        let behind = self.replicas.iter();
        let behind = behind.filter(|(_, one)| one.epoch != self.epoch);
        behind.map(|(&editor, _)| editor).collect()
    }

    /// A change is ordered at `now`.
    pub fn ordered(&mut self, now: SimTime, message: &Message, what: What) -> Arc<Change> {
        self.revision += 1;
        let change = Arc::new(Change {
            revision: self.revision,
            author: message.author,
            edits: message.count,
            at: now,
            what,
        });
        self.log.push_back(Arc::clone(&change));
        if let Some(original) = &self.original {
            self.digests.push_back(original.digest());
        }
        change
    }

    /// Whether somebody else changed it since `seen`; notes the author of one more change.
    pub fn is_concurrent(&mut self, author: u32, seen: u64) -> bool {
        let other = self.latest.iter().find(|one| one.0 != author);
        let concurrent = other.is_some_and(|&(_, revision)| revision > seen);
        if self.latest[0].0 != author {
            self.latest[1] = self.latest[0];
        }
        self.latest[0] = (author, self.revision + 1);
        concurrent
    }

    /// The number before the first change of the log.
    pub fn log_from(&self) -> u64 {
        self.revision - self.log.len() as u64
    }

    /// What it was after a change.
    pub fn digest_at(&self, revision: u64) -> Option<u64> {
        let index = revision.checked_sub(self.log_from())?;
        self.digests.get(index as usize).copied()
    }

    /// Changes up to a number that were ordered before `since` are not asked for again.
    pub fn forget_log(&mut self, upto: u64, since: SimTime) {
        let old = |log: &VecDeque<Arc<Change>>| log.front().is_some_and(|one| one.at < since);
        while self.log_from() < upto && old(&self.log) {
            self.log.pop_front();
            self.digests.pop_front();
        }
    }

    /// Edits that others overwrote.
    pub fn overwritten(&self) -> u64 {
        let original = self.original.as_ref();
        original.map_or(0, |original| original.overwritten(self.edits))
    }

    /// Nothing that is under way counts.
    pub fn forget_measured(&mut self) {
        let waiting = self.replicas.values_mut().flat_map(|one| &mut one.waiting);
        let window = self.window.iter_mut().flat_map(|one| &mut one.edits);
        let locked = self.lock.iter_mut().flat_map(|(_, queue)| queue);
        let locked = locked.flat_map(|(_, message)| &mut message.edits);
        for edit in waiting.chain(window).chain(locked) {
            edit.measured = false;
        }
        let early = self
            .replicas
            .values_mut()
            .flat_map(|one| one.early.values_mut());
        for edit in early
            .flat_map(|message| &mut message.edits)
            .chain(&mut self.dropped)
        {
            edit.measured = false;
        }
    }
}

/// The time as the routing library counts it, at least 1: nothing is written at the zero timestamp.
pub fn written_at(now: SimTime) -> Timestamp {
    Timestamp(timestamp(now).0.max(1))
}
