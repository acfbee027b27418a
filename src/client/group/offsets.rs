//! What of the program's progress is stored, and what of that is committed. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::super::committed::{CommittedOffset, GroupOffsets};
use super::super::consumer::Key;

/// Progress per partition that the program has.
#[derive(Debug, Default)]
pub(super) struct Offsets {
    stored: GroupOffsets,
    committed: BTreeMap<Key, i64>,
}

impl Offsets {
    /// The program begins with these.
    pub(super) fn begin(&mut self, added: &[(Key, Option<CommittedOffset>)]) {
        for (key, committed) in added {
            self.stored.remove(key);
            match committed {
                Some(at) => self.committed.insert(key.clone(), at.offset),
                None => self.committed.remove(key),
            };
        }
    }

    /// The program is done with these.
    pub(super) fn forget(&mut self, gone: &BTreeSet<Key>) {
        self.stored.retain(|key, _| !gone.contains(key));
        self.committed.retain(|key, _| !gone.contains(key));
    }

    /// A partition was processed up to there.
    pub(super) fn store(&mut self, key: Key, upto: CommittedOffset) {
        self.stored.insert(key, upto);
    }

    /// What is stored and not committed.
    pub(super) fn dirty(&self) -> GroupOffsets {
        let differs = |key: &Key, at: &CommittedOffset| self.committed.get(key) != Some(&at.offset);
        let dirty = self.stored.iter().filter(|(key, at)| differs(key, at));
        dirty.map(|(key, at)| (key.clone(), at.clone())).collect()
    }

    /// A commit went through; of partitions that are gone meanwhile nothing is kept.
    pub(super) fn on_committed(&mut self, key: &Key, at: &CommittedOffset) {
        if self.stored.contains_key(key) {
            self.committed.insert(key.clone(), at.offset);
        }
    }

    /// The partition's offset is of no use any more.
    pub(super) fn drop_stored(&mut self, key: &Key) {
        self.stored.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::TopicName;

    fn key(partition: i32) -> Key {
        (TopicName::new("t").unwrap(), partition)
    }

    fn at(offset: i64) -> CommittedOffset {
        CommittedOffset::at(offset)
    }

    #[test]
    fn only_what_moved_since_the_last_commit_is_committed() {
        let mut offsets = Offsets::default();
        offsets.begin(&[(key(0), Some(at(5))), (key(1), None)]);
        offsets.store(key(0), at(5));
        offsets.store(key(1), at(0));
        assert_eq!(offsets.dirty(), BTreeMap::from([(key(1), at(0))]));
        offsets.on_committed(&key(1), &at(0));
        assert!(offsets.dirty().is_empty());
        offsets.store(key(1), at(7));
        offsets.store(key(1), at(9));
        assert_eq!(offsets.dirty(), BTreeMap::from([(key(1), at(9))]));
    }

    #[test]
    fn an_answer_that_comes_after_the_partition_is_gone_changes_nothing() {
        let mut offsets = Offsets::default();
        offsets.begin(&[(key(0), None)]);
        offsets.store(key(0), at(3));
        offsets.forget(&BTreeSet::from([key(0)]));
        offsets.on_committed(&key(0), &at(3));
        offsets.begin(&[(key(0), Some(at(1)))]);
        offsets.store(key(0), at(3));
        assert_eq!(offsets.dirty(), BTreeMap::from([(key(0), at(3))]));
    }
}
