//! Feeds: which posts a reader sees, and who does the work.
//!
//! *Models:* fan-out on write (a post is put into every follower's timeline), on read (a timeline is merged
//! from what the followed have posted when it is read), and hybrid (on write below a threshold of followers, on
//! read above). Posts are ranked by score, then by number, the greater first. *Formula:* timeline writes per
//! post = followers, or 0 above the threshold; lists merged per read = 1 + followed authors above it.
//! *Property:* all three show the same feed, that of a naive merge of everything, while readers ask for no more
//! than timelines keep. *Leaves out:* scores that change after the post; deleted posts. *Source:* R. Krikorian,
//! Timelines at Scale (QCon 2012); A. Silberstein et al., Feeding Frenzy (SIGMOD 2010).

mod timeline;

pub use timeline::{Post, Timeline};

use std::collections::BTreeSet;

/// Somebody who posts, reads or both; dense from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberOfFeed(pub u32);

impl MemberOfFeed {
    /// The number as an index.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Who does the work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FanOut {
    /// The writer.
    #[default]
    OnWrite,
    /// The reader.
    OnRead,
    /// The writer up to so many followers, else the reader.
    Hybrid {
        /// Followers above which readers fetch.
        threshold: u32,
    },
}

impl FanOut {
    /// Whether the posts of an author with so many followers are fetched by readers.
    #[must_use]
    pub const fn is_fetched(self, followers: u64) -> bool {
        match self {
            Self::OnWrite => false,
            Self::OnRead => true,
            Self::Hybrid { threshold } => followers > threshold as u64,
        }
    }
}

/// The work of one read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadWork {
    /// Lists merged.
    pub lists: u64,
    /// Posts looked at.
    pub posts: u64,
}

#[derive(Clone, Debug)]
struct Member {
    followers: BTreeSet<MemberOfFeed>,
    followed: BTreeSet<MemberOfFeed>,
    posted: Timeline,
    timeline: Timeline,
    /// Whether any of its posts was left for readers to fetch.
    fetched: bool,
}

/// Members, whom they follow, and what they posted.
#[derive(Clone, Debug)]
pub struct Feeds {
    fan_out: FanOut,
    keep: usize,
    members: Vec<Member>,
    next_post: u64,
    timeline_writes: u64,
}

impl Feeds {
    /// Feeds without members; a timeline keeps the best `keep` posts, and so does an author's list.
    #[must_use]
    pub fn new(fan_out: FanOut, keep: u32) -> Self {
        Self {
            fan_out,
            keep: keep as usize,
            members: Vec::new(),
            next_post: 0,
            timeline_writes: 0,
        }
    }

    /// A reader follows an author; what that has posted before is in the feed too.
    pub fn follow(&mut self, reader: MemberOfFeed, author: MemberOfFeed) {
        self.reach(reader.max(author));
        if reader == author || !self.members[reader.index()].followed.insert(author) {
            return;
        }
        let of_author = &mut self.members[author.index()];
        of_author.followers.insert(reader);
        if !matches!(self.fan_out, FanOut::OnRead) {
            let posted = of_author.posted.clone();
            let timeline = &mut self.members[reader.index()].timeline;
            for post in posted.iter() {
                self.timeline_writes += u64::from(timeline.insert(*post));
            }
        }
    }

    /// A reader follows an author no more.
    pub fn unfollow(&mut self, reader: MemberOfFeed, author: MemberOfFeed) {
        self.reach(reader.max(author));
        self.members[author.index()].followers.remove(&reader);
        let of_reader = &mut self.members[reader.index()];
        of_reader.followed.remove(&author);
        of_reader.timeline.remove_author(author);
    }

    /// A member posts. Returns the post, and how many timelines it was put into.
    pub fn post(&mut self, author: MemberOfFeed, score: u64) -> (Post, u64) {
        self.reach(author);
        let post = Post {
            score,
            number: self.next_post,
            author,
        };
        self.next_post += 1;
        let of_author = &mut self.members[author.index()];
        of_author.posted.insert(post);
        let followers = of_author.followers.len() as u64;
        if self.fan_out.is_fetched(followers) {
            of_author.fetched = true;
            return (post, 0);
        }
        let followers: Vec<MemberOfFeed> = of_author.followers.iter().copied().collect();
        for reader in &followers {
            self.members[reader.index()].timeline.insert(post);
        }
        self.timeline_writes += followers.len() as u64;
        (post, followers.len() as u64)
    }

    /// The best `count` posts for a reader, pushed to `feed`.
    pub fn read(&self, reader: MemberOfFeed, count: usize, feed: &mut Vec<Post>) -> ReadWork {
        feed.clear();
        let mut work = ReadWork::default();
        let Some(of_reader) = self.members.get(reader.index()) else {
            return work;
        };
        let mut take = |list: &Timeline| {
            work.lists += 1;
            let before = feed.len();
            feed.extend(list.iter().take(count));
            work.posts += (feed.len() - before) as u64;
        };
        if !matches!(self.fan_out, FanOut::OnRead) {
            take(&of_reader.timeline);
        }
        for author in &of_reader.followed {
            let of_author = &self.members[author.index()];
            if of_author.fetched {
                take(&of_author.posted);
            }
        }
        // A post may be in the timeline and in its author's list, if the author has crossed the threshold since.
        feed.sort_unstable_by(|a, b| b.cmp(a));
        feed.dedup();
        feed.truncate(count);
        work
    }

    /// Posts put into timelines so far.
    #[must_use]
    pub fn timeline_writes(&self) -> u64 {
        self.timeline_writes
    }

    /// Followers of a member.
    #[must_use]
    pub fn followers(&self, author: MemberOfFeed) -> usize {
        self.members
            .get(author.index())
            .map_or(0, |one| one.followers.len())
    }

    fn reach(&mut self, member: MemberOfFeed) {
        while self.members.len() <= member.index() {
            self.members.push(Member {
                followers: BTreeSet::new(),
                followed: BTreeSet::new(),
                posted: Timeline::new(self.keep),
                timeline: Timeline::new(self.keep),
                fetched: false,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn member(number: u32) -> MemberOfFeed {
        MemberOfFeed(number)
    }

    #[test]
    fn work_moves_from_the_writer_to_the_reader() {
        for (fan_out, writes, lists) in [
            (FanOut::OnWrite, [3, 1], 1),
            (FanOut::OnRead, [0, 0], 2),
            (FanOut::Hybrid { threshold: 2 }, [0, 1], 2),
        ] {
            let mut feeds = Feeds::new(fan_out, 10);
            for reader in 1..=3 {
                feeds.follow(member(reader), member(0));
            }
            feeds.follow(member(1), member(2));
            let written = [feeds.post(member(0), 5).1, feeds.post(member(2), 9).1];
            let mut feed = Vec::new();
            let work = feeds.read(member(1), 10, &mut feed);
            let authors: Vec<u32> = feed.iter().map(|post| post.author.0).collect();
            assert_eq!((written, work.lists, authors), (writes, lists, vec![2, 0]));
        }
    }
}
