//! Which of many have rows of their own: a page stays small, however many topics and groups there are.

use std::collections::HashSet;
use std::hash::Hash;

/// What the row is called that sums up all others. No topic can have this name.
pub const OTHERS: &str = "(other)";

/// Who has a row of their own. Whoever has one keeps it for as long as it is there: series do not come and go with its size.
#[derive(Debug)]
pub struct Shown<K> {
    most: usize,
    keys: HashSet<K>,
}

impl<K: Clone + Eq + Hash + Ord> Shown<K> {
    /// So many at most.
    pub fn new(most: usize) -> Shown<K> {
        Shown { most, keys: HashSet::new() }
    }

    /// Gives places that are free to the heaviest of those that have none.
    pub fn choose<'a>(&mut self, there: impl Iterator<Item = (&'a K, u64)>)
    where
        K: 'a,
    {
        let mut kept = HashSet::with_capacity(self.keys.len());
        let mut new = Vec::new();
        for (key, weight) in there {
            match self.keys.take(key) {
                Some(key) => drop(kept.insert(key)),
                None => new.push((std::cmp::Reverse(weight), key)),
            }
        }
        let free = self.most.saturating_sub(kept.len());
        if new.len() > free && free > 0 {
            new.select_nth_unstable(free - 1);
        }
        kept.extend(new.into_iter().take(free).map(|(_, key)| key.clone()));
        self.keys = kept;
    }

    /// Whether it has one.
    pub fn has(&self, key: &K) -> bool {
        self.keys.contains(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heaviest_get_a_place_and_keep_it_until_they_are_gone() {
        let mut shown = Shown::new(2);
        let seen = |shown: &Shown<char>| ['a', 'b', 'c', 'd'].map(|key| shown.has(&key));
        shown.choose([(&'a', 1), (&'b', 3), (&'c', 2)].into_iter());
        assert_eq!(seen(&shown), [false, true, true, false]);
        shown.choose([(&'a', 9), (&'b', 0), (&'c', 0), (&'d', 8)].into_iter());
        assert_eq!(seen(&shown), [false, true, true, false], "others grew, and wait");
        shown.choose([(&'a', 9), (&'c', 0), (&'d', 8)].into_iter());
        assert_eq!(seen(&shown), [true, false, true, false]);
        let mut nobody = Shown::new(0);
        nobody.choose([(&'a', 1)].into_iter());
        assert!(!nobody.has(&'a'));
    }
}
