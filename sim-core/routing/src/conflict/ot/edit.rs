//! Edits of a list and their transformation.
//!
//! *Formula:* an edit at a place behind an insertion moves one to the right, behind a deletion one to the left;
//! two deletions of one item become one; of two insertions at one place that of the later edit goes behind.
//! *Leaves out:* edits of several items at once: a batch has one per item. *Source:* C. Ellis and S. Gibbs
//! (SIGMOD 1989).

/// One change to a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit<T> {
    /// A value before the item that is at this place now, or at the end.
    Insert {
        /// Where.
        at: usize,
        /// What.
        value: T,
    },
    /// The item at this place goes.
    Delete {
        /// Where.
        at: usize,
    },
    /// Somebody else has done it already.
    Nothing,
}

/// Carries an edit out. Whether it fits the list is asserted: one that does not was transformed wrongly.
pub fn apply<T: Clone>(list: &mut Vec<T>, edit: &Edit<T>) {
    match edit {
        Edit::Insert { at, value } => {
            assert!(*at <= list.len(), "an insertion at {at} of {}", list.len());
            list.insert(*at, value.clone());
        }
        Edit::Delete { at } => {
            assert!(*at < list.len(), "a deletion at {at} of {}", list.len());
            list.remove(*at);
        }
        Edit::Nothing => {}
    }
}

/// Two edits of the same list, the first ordered before the second, each as it is after the other.
#[must_use]
pub fn transform<T: Clone>(first: &Edit<T>, second: &Edit<T>) -> (Edit<T>, Edit<T>) {
    (moved(first, second, true), moved(second, first, false))
}

/// The same for two batches, in place. Returns the number of steps.
pub fn transform_all<T: Clone>(first: &mut [Edit<T>], second: &mut [Edit<T>]) -> u64 {
    for one in first.iter_mut() {
        for other in second.iter_mut() {
            let (a, b) = transform(one, other);
            (*one, *other) = (a, b);
        }
    }
    first.len() as u64 * second.len() as u64
}

/// An edit as it is after another; `leads` if it is ordered before that.
fn moved<T: Clone>(edit: &Edit<T>, after: &Edit<T>, leads: bool) -> Edit<T> {
    let mut edit = edit.clone();
    match (&mut edit, after) {
        (Edit::Insert { at, .. }, Edit::Insert { at: other, .. }) => {
            let behind = *at > *other || (*at == *other && !leads);
            *at += usize::from(behind);
        }
        (Edit::Insert { at, .. }, Edit::Delete { at: other }) => *at -= usize::from(*at > *other),
        (Edit::Delete { at }, Edit::Insert { at: other, .. }) => *at += usize::from(*at >= *other),
        (Edit::Delete { at }, Edit::Delete { at: other }) => {
            if *at == *other {
                return Edit::Nothing;
            }
            *at -= usize::from(*at > *other);
        }
        (Edit::Nothing, _) | (_, Edit::Nothing) => {}
    }
    edit
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every pair of edits of every list of up to five items.
    #[test]
    fn tp1_for_every_pair() {
        for len in 0..=5usize {
            let list: Vec<u32> = (0..len as u32).collect();
            let edits = |value| {
                let inserts = (0..=len).map(move |at| Edit::Insert { at, value });
                let deletes = (0..len).map(|at| Edit::Delete { at });
                inserts.chain(deletes).chain([Edit::Nothing])
            };
            for a in edits(100) {
                for b in edits(200) {
                    let (mut left, mut right) = (list.clone(), list.clone());
                    let (a_after_b, b_after_a) = transform(&a, &b);
                    apply(&mut left, &a);
                    apply(&mut left, &b_after_a);
                    apply(&mut right, &b);
                    apply(&mut right, &a_after_b);
                    assert_eq!(left, right, "{a:?} and {b:?}");
                }
            }
        }
    }
}
