//! What must hold of records that went through transactions, whatever happened on the way: a pure function over what was read.

use std::collections::{BTreeMap, BTreeSet};

/// A record as it was read: the nth of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    pub partition: i32,
    pub offset: i64,
    pub key: u32,
    pub number: u32,
    /// Written by a transaction that was to be aborted.
    pub doomed: bool,
}

/// How far a partition is stable, and where it ends.
#[derive(Clone, Debug, PartialEq)]
pub struct End {
    pub topic: String,
    pub partition: i32,
    pub stable: i64,
    pub last: i64,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    Lost {
        key: u32,
        number: u32,
    },
    Repeated(Seen),
    /// After a later one of its key.
    OutOfOrder(Seen),
    /// Nobody wrote it.
    Invented(Seen),
    AbortedVisible(Seen),
    Stuck(End),
}

/// Parses "KEY NUMBER", or "doomed KEY NUMBER".
pub fn seen(partition: i32, offset: i64, value: &str) -> Option<Seen> {
    let (doomed, value) = match value.strip_prefix("doomed ") {
        Some(rest) => (true, rest),
        None => (false, value),
    };
    let (key, number) = value.split_once(' ')?;
    Some(Seen { partition, offset, key: key.parse().ok()?, number: number.parse().ok()?, doomed })
}

/// All that is wrong with what a reader of committed records saw, in the order in which it saw each partition, where `written` records
/// of each key went in, numbered from 0.
pub fn faults(written: &BTreeMap<u32, u32>, seen: &[Seen], ends: &[End]) -> Vec<Fault> {
    let mut found = Vec::new();
    let mut numbers: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
    for record in seen {
        let of_key = numbers.entry(record.key).or_default();
        let is_last = of_key.last().is_none_or(|last| record.number > *last);
        if record.doomed {
            found.push(Fault::AbortedVisible(*record));
        } else if written.get(&record.key).is_none_or(|count| record.number >= *count) {
            found.push(Fault::Invented(*record));
        } else if !of_key.insert(record.number) {
            found.push(Fault::Repeated(*record));
        } else if !is_last {
            found.push(Fault::OutOfOrder(*record));
        }
    }
    for (key, count) in written {
        let of_key = numbers.get(key);
        let missing = (0..*count).filter(|n| of_key.is_none_or(|found| !found.contains(n)));
        found.extend(missing.map(|number| Fault::Lost { key: *key, number }));
    }
    found.extend(ends.iter().filter(|end| end.stable != end.last).cloned().map(Fault::Stuck));
    found
}

/// Two keys of two records, each on a partition of its own, as they should be.
fn sound() -> (BTreeMap<u32, u32>, Vec<Seen>) {
    let seen = |(partition, offset, value)| seen(partition, offset, value).expect("a record");
    let records = [(0, 0, "7 0"), (0, 1, "7 1"), (1, 0, "8 0"), (1, 4, "8 1")];
    (BTreeMap::from([(7, 2), (8, 2)]), records.into_iter().map(seen).collect())
}

#[test]
fn what_went_through_once_and_in_order_is_no_fault() {
    let (written, seen) = sound();
    let end = End { topic: "t".into(), partition: 0, stable: 5, last: 5 };
    assert_eq!(faults(&written, &seen, &[end]), []);
}

#[test]
fn a_record_that_is_lost_is_found_wherever_it_was() {
    for lost in 0..4 {
        let (written, mut seen) = sound();
        let Seen { key, number, .. } = seen.remove(lost);
        assert_eq!(faults(&written, &seen, &[]), [Fault::Lost { key, number }]);
    }
    let written = BTreeMap::from([(9, 1)]);
    assert_eq!(faults(&written, &[], &[]), [Fault::Lost { key: 9, number: 0 }]);
}

#[test]
fn a_record_that_is_there_twice_is_found_wherever_it_is() {
    for twice in 0..4 {
        let (written, mut seen) = sound();
        let again = Seen { offset: 9, ..seen[twice] };
        seen.push(again);
        assert_eq!(faults(&written, &seen, &[]), [Fault::Repeated(again)]);
    }
}

#[test]
fn records_of_a_key_that_changed_places_are_found() {
    let (written, mut seen) = sound();
    seen.swap(0, 1);
    assert_eq!(faults(&written, &seen, &[]), [Fault::OutOfOrder(seen[1])]);
}

#[test]
fn an_aborted_record_that_is_seen_is_found_also_beside_its_committed_twin() {
    let (written, mut seen) = sound();
    let aborted = Seen { offset: 2, doomed: true, ..seen[1] };
    seen.insert(1, aborted);
    assert_eq!(faults(&written, &seen, &[]), [Fault::AbortedVisible(aborted)]);
}

#[test]
fn a_record_that_nobody_wrote_is_found() {
    let (written, mut seen) = sound();
    let invented = Seen { offset: 9, number: 2, ..seen[1] };
    seen.push(invented);
    assert_eq!(faults(&written, &seen, &[]), [Fault::Invented(invented)]);
}

#[test]
fn a_partition_that_is_not_stable_to_its_end_is_stuck() {
    let (written, seen) = sound();
    let stuck = End { topic: "t".into(), partition: 1, stable: 3, last: 5 };
    let found = faults(&written, &seen, std::slice::from_ref(&stuck));
    assert_eq!(found, [Fault::Stuck(stuck)]);
}

#[test]
fn values_tell_their_key_their_number_and_their_doom() {
    let record = Seen { partition: 1, offset: 2, key: 3, number: 4, doomed: false };
    assert_eq!(seen(1, 2, "3 4"), Some(record));
    assert_eq!(seen(1, 2, "doomed 3 4"), Some(Seen { doomed: true, ..record }));
    assert_eq!(seen(1, 2, "3"), None);
}
