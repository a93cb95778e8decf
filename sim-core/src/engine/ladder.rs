//! The event queue of the simulator: a sorted front over a 64-way radix ladder.
//!
//! Models: the contract of [`Queue`]. Events due soon lie in a small sorted array, the *front*,
//! from which they are popped. All later events lie unsorted in buckets. A bucket belongs to a
//! level ℓ (0 to 10) and a digit (0 to 63): it holds the instants whose highest base-64 digit
//! that differs from the current `base` is number ℓ, and has the value *digit*. When the front is
//! empty, the lowest buckets are sorted into it; a large bucket is first dealt out to lower levels.
//! Each event moves a few times (amortised constant), never compared with far events.
//!
//! Order on ties needs no stored sequence. Equal instants always share a bucket (a bucket is
//! opened before `base` enters its range), buckets are appended to and dealt out in order, the
//! sort is stable, and an insertion into the front goes behind its equals.
//!
//! When few events are pending, all of them live in the front and the ladder is not touched.
//! Source: radix heaps (Ahuja, Mehlhorn, Orlin, Tarjan 1990) and ladder queues (Tang, Goh, Thng 2005).
//! Leaves out: removal from the middle.

use super::prefetch::prefetch;
use super::queue::Queue;
use crate::time::SimTime;

const DIGIT_BITS: u32 = 6;
const WAYS: usize = 1 << DIGIT_BITS;
const LEVELS: usize = 11;
/// Entries per storage chunk.
const CHUNK: usize = 32;
/// A bucket of up to this many entries is sorted into the front; a larger one is dealt out.
const BUCKET_MAX: usize = 48;
/// Further buckets join it in the front up to this many entries.
const FRONT_FILL: usize = 32;
/// Beyond this many entries the later half of the front goes back to the ladder.
const FRONT_MAX: usize = 96;
/// Popped entries at the head of the front are cut off at this many.
const HEAD_MAX: usize = 192;
/// A bucket of these many entries, up to this level, is sorted by keys of 32 bits: the instant within the bucket and the
/// position, which keeps equals in order.
const KEYED_MIN: usize = 8;
const KEY_INDEX_BITS: u32 = 6;
const KEYED_MAX: usize = 1 << KEY_INDEX_BITS;
const KEY_LEVELS: usize = ((32 - KEY_INDEX_BITS) / DIGIT_BITS) as usize;
const NO_CHUNK: u32 = u32::MAX;

/// An event queue for any number of pending events, about 20 to 100 ns per push and pop.
#[derive(Clone, Debug)]
pub struct LadderQueue<E> {
    /// Ascending from `head`; everything before `head` has been popped.
    front: Vec<Entry<E>>,
    head: usize,
    /// Reused memory: a bucket that is being sorted.
    loading: Vec<Entry<E>>,
    /// Every instant up to and including this one belongs in the front.
    front_last: u64,
    /// The instant to which levels and digits refer. Never beyond what can still be pushed, or
    /// pushes before it would pile up in the front.
    base: u64,
    /// The instant of the last event popped.
    popped: u64,
    ladder: Ladder<E>,
}

#[derive(Clone, Copy, Debug)]
struct Entry<E> {
    at: u64,
    event: E,
}

/// The buckets, as linked chunks of one shared array.
#[derive(Clone, Debug)]
struct Ladder<E> {
    len: usize,
    /// Bit ℓ: level ℓ has entries.
    levels: u32,
    /// Per level, bit d: bucket d has entries.
    occupied: [u64; LEVELS],
    buckets: Vec<Bucket>,
    entries: Vec<Entry<E>>,
    /// Per chunk, the chunk that follows it in its bucket or in the free list.
    next: Vec<u32>,
    free: u32,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    first: u32,
    last: u32,
    len: u32,
}

impl<E: Copy> LadderQueue<E> {
    /// An empty queue.
    pub fn new() -> Self {
        LadderQueue {
            front: Vec::with_capacity(HEAD_MAX + FRONT_MAX),
            head: 0,
            loading: Vec::new(),
            front_last: u64::MAX,
            base: 0,
            popped: 0,
            ladder: Ladder::new(),
        }
    }

    /// [`Queue::pop_until`], which shows the events that are likely to follow soon when it has sorted them into the front.
    #[inline]
    pub fn pop_foreseeing(
        &mut self,
        until: SimTime,
        mut foresee: impl FnMut(&E),
    ) -> Option<(SimTime, E)> {
        if self.head == self.front.len() {
            if self.ladder.len == 0 {
                return None;
            }
            self.refill(until.as_nanos());
            for entry in &self.front {
                foresee(&entry.event);
            }
        }
        let &entry = self.front.get(self.head)?;
        if entry.at > until.as_nanos() {
            return None;
        }
        self.head += 1;
        self.popped = entry.at;
        Some((SimTime::from_nanos(entry.at), entry.event))
    }

    /// Inserts into the sorted front, behind everything at or before `at`.
    #[inline]
    fn insert(&mut self, entry: Entry<E>) {
        if self.head == self.front.len() {
            self.front.clear();
            self.head = 0;
        }
        let mut hole = self.front.len();
        self.front.push(entry);
        while hole > self.head && self.front[hole - 1].at > entry.at {
            self.front[hole] = self.front[hole - 1];
            hole -= 1;
        }
        self.front[hole] = entry;
        if self.front.len() - self.head > FRONT_MAX {
            self.spill();
        } else if self.head >= HEAD_MAX {
            self.cut_head();
        }
    }

    #[cold]
    fn cut_head(&mut self) {
        self.front.drain(..self.head);
        self.head = 0;
    }

    /// Returns the later half of the front to the ladder, or more.
    ///
    /// No bucket of the ladder reaches into the instants from the base to the end of the front, so
    /// the base may move to any of them without changing the place of what is in the ladder. The
    /// front is cut at the start of a bucket as seen from the new base, which keeps that true.
    #[cold]
    fn spill(&mut self) {
        self.base = self.base.max(self.popped);
        let middle = self.front[(self.head + self.front.len()) / 2].at;
        let after_base = self.front.partition_point(|entry| entry.at <= self.base);
        let Some(first_after) = self.front.get(after_base) else {
            return;
        };
        let cut = middle.max(first_after.at);
        let start = cut & !low_bits(level_of(cut ^ self.base));
        let split = self
            .front
            .partition_point(|entry| entry.at < start)
            .max(self.head);
        self.front_last = start - 1;
        for index in split..self.front.len() {
            let entry = self.front[index];
            self.ladder.push(self.base, entry);
        }
        self.front.truncate(split);
    }

    /// Sorts the lowest buckets into the empty front, unless all lie beyond `until`.
    #[cold]
    #[inline(never)]
    fn refill(&mut self, until: u64) {
        self.front.clear();
        self.head = 0;
        let mut first = true;
        while let Some((level, digit)) = self.ladder.lowest() {
            let len = self.ladder.bucket(level, digit).len as usize;
            let start = bucket_start(self.base, level, digit);
            if first && start > until {
                // Nothing in the ladder lies before the base.
                self.front_last = self.front_last.max(self.base.saturating_sub(1));
                return;
            }
            let fits = if first { BUCKET_MAX } else { FRONT_FILL };
            if self.front.len() + len <= fits || (level == 0 && first) {
                self.load(level, digit);
                self.front_last = start | low_bits(level);
                if first {
                    self.base = start;
                    first = false;
                }
            } else if first {
                self.base = start;
                self.ladder.deal_out(level, digit, start);
            } else {
                return;
            }
        }
        self.front_last = u64::MAX;
    }

    /// Appends one bucket, in stable order, to the front.
    fn load(&mut self, level: usize, digit: usize) {
        let len = self.ladder.bucket(level, digit).len as usize;
        if level > KEY_LEVELS || !(KEYED_MIN..=KEYED_MAX).contains(&len) {
            let begin = self.front.len();
            self.ladder.drain_into(level, digit, &mut self.front);
            if level > 0 {
                sort_stable(&mut self.front[begin..]);
            }
            return;
        }
        self.loading.clear();
        self.ladder.drain_into(level, digit, &mut self.loading);
        let mut keys = [0; KEYED_MAX];
        let keys = &mut keys[..len];
        for (index, (key, entry)) in keys.iter_mut().zip(&self.loading).enumerate() {
            *key = ((entry.at & low_bits(level)) as u32) << KEY_INDEX_BITS | index as u32;
        }
        keys.sort_unstable();
        let in_order = keys
            .iter()
            .map(|&key| self.loading[key as usize % KEYED_MAX]);
        self.front.extend(in_order);
    }
}

impl<E: Copy> Default for LadderQueue<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E: Copy> Queue<E> for LadderQueue<E> {
    #[inline]
    fn push(&mut self, at: SimTime, event: E) {
        let entry = Entry {
            at: at.as_nanos(),
            event,
        };
        if entry.at <= self.front_last {
            self.insert(entry);
        } else {
            self.ladder.push(self.base, entry);
        }
    }

    #[inline]
    fn pop_until(&mut self, until: SimTime) -> Option<(SimTime, E)> {
        self.pop_foreseeing(until, |_| {})
    }

    fn peek_time(&self) -> Option<SimTime> {
        let first = match self.front.get(self.head) {
            Some(entry) => Some(entry.at),
            None => self.ladder.earliest(),
        };
        first.map(SimTime::from_nanos)
    }

    #[inline]
    fn len(&self) -> usize {
        self.front.len() - self.head + self.ladder.len
    }
}

impl<E: Copy> Ladder<E> {
    fn new() -> Self {
        Ladder {
            len: 0,
            levels: 0,
            occupied: [0; LEVELS],
            buckets: vec![
                Bucket {
                    first: NO_CHUNK,
                    last: NO_CHUNK,
                    len: 0
                };
                LEVELS * WAYS
            ],
            entries: Vec::new(),
            next: Vec::new(),
            free: NO_CHUNK,
        }
    }

    #[inline]
    fn bucket(&self, level: usize, digit: usize) -> &Bucket {
        &self.buckets[level * WAYS + digit]
    }

    #[inline]
    fn push(&mut self, base: u64, entry: Entry<E>) {
        let level = level_of(entry.at ^ base);
        self.append(level, digit_of(entry.at, level), entry);
    }

    #[inline]
    fn append(&mut self, level: usize, digit: usize, entry: Entry<E>) {
        let index = level * WAYS + digit;
        let offset = self.buckets[index].len as usize % CHUNK;
        if offset == 0 {
            self.grow(index, entry);
            self.levels |= 1 << level;
            self.occupied[level] |= 1 << digit;
        }
        let bucket = &mut self.buckets[index];
        self.entries[bucket.last as usize * CHUNK + offset] = entry;
        bucket.len += 1;
        self.len += 1;
    }

    /// Adds a chunk to a bucket.
    #[cold]
    #[inline(never)]
    fn grow(&mut self, index: usize, filler: Entry<E>) {
        let chunk = self.take_chunk(filler);
        let bucket = &mut self.buckets[index];
        if bucket.len == 0 {
            bucket.first = chunk;
        } else {
            self.next[bucket.last as usize] = chunk;
        }
        bucket.last = chunk;
    }

    /// Begins to load a chunk, if there is such.
    #[inline]
    fn prefetch_chunk(&self, chunk: u32) {
        let per_line = (64 / size_of::<Entry<E>>()).max(1);
        let begin = (chunk as usize).saturating_mul(CHUNK);
        for index in (begin..begin.saturating_add(CHUNK)).step_by(per_line) {
            prefetch(&self.entries, index);
        }
    }

    fn take_chunk(&mut self, filler: Entry<E>) -> u32 {
        let chunk = self.free;
        if chunk != NO_CHUNK {
            self.free = self.next[chunk as usize];
            return chunk;
        }
        let chunk = self.next.len() as u32;
        assert!(chunk != NO_CHUNK, "more than 2^32 chunks of pending events");
        self.next.push(NO_CHUNK);
        self.entries.resize(self.entries.len() + CHUNK, filler);
        chunk
    }

    fn free_chunk(&mut self, chunk: u32) {
        self.next[chunk as usize] = self.free;
        self.free = chunk;
    }

    /// The bucket with the earliest entries.
    #[inline]
    fn lowest(&self) -> Option<(usize, usize)> {
        if self.levels == 0 {
            return None;
        }
        let level = self.levels.trailing_zeros() as usize;
        Some((level, self.occupied[level].trailing_zeros() as usize))
    }

    fn earliest(&self) -> Option<u64> {
        let (level, digit) = self.lowest()?;
        let Bucket { first, len, .. } = *self.bucket(level, digit);
        let mut chunk = first;
        let mut left = len as usize;
        let mut earliest = u64::MAX;
        while left > 0 {
            let begin = chunk as usize * CHUNK;
            for entry in &self.entries[begin..begin + left.min(CHUNK)] {
                earliest = earliest.min(entry.at);
            }
            left -= left.min(CHUNK);
            chunk = self.next[chunk as usize];
        }
        Some(earliest)
    }

    /// Takes a bucket out; its chunks still hold its entries.
    fn detach(&mut self, level: usize, digit: usize) -> Bucket {
        let bucket = &mut self.buckets[level * WAYS + digit];
        let taken = *bucket;
        *bucket = Bucket {
            first: NO_CHUNK,
            last: NO_CHUNK,
            len: 0,
        };
        self.occupied[level] &= !(1 << digit);
        if self.occupied[level] == 0 {
            self.levels &= !(1 << level);
        }
        self.len -= taken.len as usize;
        taken
    }

    fn drain_into(&mut self, level: usize, digit: usize, out: &mut Vec<Entry<E>>) {
        let bucket = self.detach(level, digit);
        let mut chunk = bucket.first;
        let mut left = bucket.len as usize;
        while left > 0 {
            let begin = chunk as usize * CHUNK;
            let taken = left.min(CHUNK);
            out.extend_from_slice(&self.entries[begin..begin + taken]);
            left -= taken;
            let next = self.next[chunk as usize];
            self.free_chunk(chunk);
            chunk = next;
        }
    }

    /// Deals a bucket out to the levels below, in order.
    fn deal_out(&mut self, level: usize, digit: usize, base: u64) {
        let bucket = self.detach(level, digit);
        let mut chunk = bucket.first;
        let mut left = bucket.len as usize;
        while left > 0 {
            let begin = chunk as usize * CHUNK;
            let taken = left.min(CHUNK);
            let next = self.next[chunk as usize];
            self.prefetch_chunk(next);
            for index in begin..begin + taken {
                let entry = self.entries[index];
                // Almost all go one level down.
                let below = level - 1;
                match digit_of(entry.at, below) {
                    0 => self.push(base, entry),
                    digit => self.append(below, digit, entry),
                }
            }
            left -= taken;
            self.free_chunk(chunk);
            chunk = next;
        }
    }
}

/// The number of the highest base-64 digit in which two instants differ, given their xor.
#[inline]
fn level_of(difference: u64) -> usize {
    ((63 - (difference | 1).leading_zeros()) / DIGIT_BITS) as usize
}

#[inline]
fn digit_of(at: u64, level: usize) -> usize {
    (at >> (level as u32 * DIGIT_BITS)) as usize & (WAYS - 1)
}

/// The bits below the digit of a level.
#[inline]
fn low_bits(level: usize) -> u64 {
    (1 << (level as u32 * DIGIT_BITS)) - 1
}

/// The first instant of a bucket: the digits of `base` above the level, then the digit, then zeros.
#[inline]
fn bucket_start(base: u64, level: usize, digit: usize) -> u64 {
    let shift = level as u32 * DIGIT_BITS;
    let above = base & !low_bits(level) & !((WAYS as u64 - 1) << shift);
    above | (digit as u64) << shift
}

/// Stable insertion sort; the slices are short.
#[inline]
fn sort_stable<E: Copy>(entries: &mut [Entry<E>]) {
    for next in 1..entries.len() {
        let entry = entries[next];
        let mut hole = next;
        while hole > 0 && entries[hole - 1].at > entry.at {
            entries[hole] = entries[hole - 1];
            hole -= 1;
        }
        entries[hole] = entry;
    }
}
