//! The best posts of a list.
//!
//! *Models:* posts by score, then number, the best first, at most so many. *Leaves out:* pages. *Source:* as
//! [`super`].

use super::MemberOfFeed;

/// A post, ordered by score, then number: the greater is shown first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Post {
    /// Its rank; the time of posting makes a feed chronological.
    pub score: u64,
    /// When it came among all posts.
    pub number: u64,
    /// Whose it is.
    pub author: MemberOfFeed,
}

/// A bounded list of posts.
#[derive(Clone, Debug)]
pub struct Timeline {
    keep: usize,
    /// Ascending: the best is last.
    posts: Vec<Post>,
}

impl Timeline {
    /// An empty list of at most `keep` posts.
    #[must_use]
    pub fn new(keep: usize) -> Self {
        Self {
            keep,
            posts: Vec::new(),
        }
    }

    /// Puts a post in its place. Returns whether it is kept.
    pub fn insert(&mut self, post: Post) -> bool {
        let place = self.posts.partition_point(|other| *other < post);
        if self.posts.get(place) == Some(&post) {
            return false;
        }
        if self.posts.len() < self.keep {
            self.posts.insert(place, post);
            return true;
        }
        if place == 0 {
            return false;
        }
        // The least goes.
        self.posts.copy_within(1..place, 0);
        self.posts[place - 1] = post;
        true
    }

    /// Takes out the posts of an author.
    pub fn remove_author(&mut self, author: MemberOfFeed) {
        self.posts.retain(|post| post.author != author);
    }

    /// The posts, the best first.
    pub fn iter(&self) -> impl Iterator<Item = &Post> {
        self.posts.iter().rev()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_are_kept_in_order() {
        let mut timeline = Timeline::new(3);
        for (number, score) in [5, 1, 9, 5, 0, 7].into_iter().enumerate() {
            timeline.insert(Post {
                score,
                number: number as u64,
                author: MemberOfFeed(score as u32),
            });
        }
        let kept: Vec<(u64, u64)> = timeline.iter().map(|one| (one.score, one.number)).collect();
        assert_eq!(kept, [(9, 2), (7, 5), (5, 3)]);
        timeline.remove_author(MemberOfFeed(7));
        assert_eq!(timeline.iter().count(), 2);
    }
}
