//! Three hints, each once: drag until it breaks, what would fix it, kill a server. What was done is not hinted at again.

/// What is hinted at, in this order.
const HINTS: [&str; 3] = [
    "next: drag until it breaks",
    "next: what would fix it?",
    "next: kill a server (Faults)",
];

/// Which hints were followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    followed: usize,
}

/// What somebody has done by now.
#[derive(Clone, Copy, Debug, Default)]
pub struct Done {
    /// The load is beyond what the design holds.
    pub beyond: bool,
    /// What would fix it was asked for.
    pub asked: bool,
    /// Something was broken.
    pub broken: bool,
}

impl Hints {
    /// After so many that were followed in earlier sessions.
    pub fn after(followed: usize) -> Self {
        let followed = followed.min(HINTS.len());
        Self { followed }
    }

    /// How many were followed: to be remembered.
    pub fn followed(self) -> usize {
        self.followed
    }

    /// The hint of the moment, or what the line is for.
    pub fn words(self) -> &'static str {
        HINTS
            .get(self.followed)
            .copied()
            .unwrap_or("drag to change the load")
    }

    /// What was done counts if it is what is hinted at.
    pub fn notice(&mut self, done: Done) {
        let followed = match self.followed {
            0 => done.beyond,
            1 => done.asked,
            2 => done.broken,
            _ => false,
        };
        if followed {
            self.followed += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hint_goes_when_it_was_followed_and_none_comes_again() {
        let mut hints = Hints::default();
        assert_eq!(hints.words(), HINTS[0]);
        let asked = Done {
            asked: true,
            ..Done::default()
        };
        hints.notice(asked);
        assert_eq!(hints.words(), HINTS[0]);
        let beyond = Done {
            beyond: true,
            ..Done::default()
        };
        let broken = Done {
            broken: true,
            ..Done::default()
        };
        for (done, next) in [(beyond, HINTS[1]), (asked, HINTS[2])] {
            hints.notice(done);
            assert_eq!(hints.words(), next);
        }
        hints.notice(broken);
        assert_eq!(hints.words(), "drag to change the load");
        assert_eq!(Hints::after(hints.followed()), hints);
        assert_eq!(Hints::after(99), hints);
    }
}
