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

/// What a producer may count on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Promise {
    /// An idempotent one: every record once.
    Once,
    /// Any other: a record whose ack was lost is sent again, and stands there twice.
    AtLeastOnce,
}

/// All that is wrong with `found` (in order of partition and offset), given what was `acked`. A record's order is that of its
/// first appearance.
pub fn check(promise: Promise, acked: &[Place], found: &[Place]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen: BTreeMap<u64, Vec<Place>> = BTreeMap::new();
    let mut newest: BTreeMap<i32, Place> = BTreeMap::new();
    for place in found {
        let again = seen.entry(place.number).or_default();
        again.push(*place);
        if let [first, _, ..] = again[..] {
            if promise == Promise::Once {
                findings.push(Finding::Duplicate { first, again: *place });
            }
            continue;
        }
        let newest = newest.entry(place.partition).or_insert(*place);
        if newest.number > place.number {
            findings.push(Finding::OutOfOrder { earlier: *newest, later: *place });
        } else {
            *newest = *place;
        }
    }
    for told in acked {
        match seen.get(&told.number).map(Vec::as_slice) {
            None | Some([]) => findings.push(Finding::Lost(*told)),
            Some(found) if !found.iter().any(|found| agree(told, found)) => {
                findings.push(Finding::Moved { told: *told, found: found[0] });
            }
            Some(_) => {}
        }
    }
    findings
}

/// Fails with the first of the findings.
pub fn assert_none(findings: &[Finding]) {
    let first: Vec<String> = findings.iter().take(10).map(|f| format!("{f:?}")).collect();
    assert!(findings.is_empty(), "{} findings, first\n{}", findings.len(), first.join("\n"));
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
    assert_eq!(check(Promise::Once, &told, &told), []);
    let more = "a record may be there without having been acked";
    assert_eq!(check(Promise::Once, &told[..2], &told), [], "{more}");
    let mut unsaid = told.clone();
    unsaid[1].offset = -1;
    assert_eq!(check(Promise::Once, &unsaid, &told), [], "an ack need not say where");
    let again = places(&[1, 2, 1, 2, 3]);
    let told = [again[0], again[3], again[4]];
    assert_eq!(
        check(Promise::AtLeastOnce, &told, &again),
        [],
        "an ack names one of several places"
    );
}

#[test]
fn a_doctored_history_is_found_out() {
    let told = places(&[1, 2, 3]);
    for promise in [Promise::Once, Promise::AtLeastOnce] {
        assert_eq!(check(promise, &told, &told[..2]), [Finding::Lost(told[2])]);

        let swapped = places(&[1, 3, 2]);
        let out_of_order = Finding::OutOfOrder { earlier: swapped[1], later: swapped[2] };
        assert_eq!(check(promise, &[], &swapped), [out_of_order]);

        let elsewhere = Place { partition: 1, ..told[0] };
        let moved = Finding::Moved { told: told[0], found: elsewhere };
        assert_eq!(check(promise, &told[..1], &[elsewhere]), [moved]);
    }
    let twice = places(&[1, 2, 3, 3]);
    let duplicate = Finding::Duplicate { first: twice[2], again: twice[3] };
    assert_eq!(check(Promise::Once, &twice[..3], &twice), [duplicate]);
}
