//! What a producer was told and what a consumer found, and whether the two agree.
//!
//! Records are numbered in the order in which the producer sent them, over all partitions.

use std::collections::BTreeMap;

/// A record's number, and its partition and offset. Offset −1: acknowledged without saying where (a retry that was a duplicate).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    pub number: u64,
    pub partition: i32,
    pub offset: i64,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// Acknowledged, but not there.
    Lost(Place),
    /// There, but not where the producer was told.
    Moved { told: Place, found: Place },
    /// There more than once.
    Duplicate { first: Place, again: Place },
    /// After a record that was sent later to the same partition.
    OutOfOrder { earlier: Place, later: Place },
}

/// All that is wrong with `found` (in order of partition and offset), given what was `acked`.
pub fn check(acked: &[Place], found: &[Place]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen: BTreeMap<u64, Place> = BTreeMap::new();
    for place in found {
        if let Some(first) = seen.insert(place.number, *place) {
            findings.push(Finding::Duplicate { first, again: *place });
        }
    }
    for pair in found.windows(2) {
        let (earlier, later) = (pair[0], pair[1]);
        if earlier.partition == later.partition && earlier.number > later.number {
            findings.push(Finding::OutOfOrder { earlier, later });
        }
    }
    for told in acked {
        match seen.get(&told.number) {
            None => findings.push(Finding::Lost(*told)),
            Some(found) if !agree(told, found) => {
                findings.push(Finding::Moved { told: *told, found: *found });
            }
            Some(_) => {}
        }
    }
    findings
}

fn agree(told: &Place, found: &Place) -> bool {
    told.partition == found.partition && (told.offset == found.offset || told.offset == -1)
}

fn places(numbers: &[u64]) -> Vec<Place> {
    let place = |(offset, number): (i64, &u64)| Place { number: *number, partition: 0, offset };
    (0..).zip(numbers).map(place).collect()
}

#[test]
fn a_faithful_history_has_no_findings() {
    let told = places(&[1, 2, 3]);
    assert_eq!(check(&told, &told), []);
    assert_eq!(check(&told[..2], &told), [], "a record may be there without having been acked");
    let mut unsaid = told.clone();
    unsaid[1].offset = -1;
    assert_eq!(check(&unsaid, &told), [], "an ack need not say where");
}

#[test]
fn a_doctored_history_is_found_out() {
    let told = places(&[1, 2, 3]);
    assert_eq!(check(&told, &told[..2]), [Finding::Lost(told[2])]);

    let twice = places(&[1, 2, 3, 3]);
    let duplicate = Finding::Duplicate { first: twice[2], again: twice[3] };
    let moved = Finding::Moved { told: twice[2], found: twice[3] };
    assert_eq!(check(&twice[..3], &twice), [duplicate, moved]);

    let swapped = places(&[1, 3, 2]);
    let out_of_order = Finding::OutOfOrder { earlier: swapped[1], later: swapped[2] };
    assert_eq!(check(&[], &swapped), [out_of_order]);

    let elsewhere = Place { partition: 1, ..told[0] };
    assert_eq!(
        check(&told[..1], &[elsewhere]),
        [Finding::Moved { told: told[0], found: elsewhere }]
    );
}
