use proptest::prelude::*;

use super::super::{Batch, records};
use super::*;

fn samples() -> Vec<ControlRecord> {
    let change = |version, directory| {
        ControlRecord::LeaderChange(LeaderChange {
            version,
            leader_id: 1,
            voters: vec![(1, directory), (2, directory)],
            granting_voters: vec![(1, directory)],
        })
    };
    let voter = Voter {
        id: 1,
        directory_id: TopicId([9; 16]),
        endpoints: vec![("CONTROLLER".into(), "localhost".into(), 65_535)],
        kraft_versions: (0, 1),
    };
    vec![
        ControlRecord::Abort { coordinator_epoch: 4 },
        ControlRecord::Commit { coordinator_epoch: -1 },
        change(0, TopicId::ZERO),
        change(1, TopicId([7; 16])),
        ControlRecord::SnapshotHeader { last_contained_log_timestamp: Millis(1_700_000_000_000) },
        ControlRecord::SnapshotFooter,
        ControlRecord::KraftVersion { version: 1 },
        ControlRecord::Voters(vec![voter]),
    ]
}

fn parse(key: &[u8], value: &[u8]) -> Result<ControlRecord, ControlError> {
    let (key, value) = (Bytes::copy_from_slice(key), Bytes::copy_from_slice(value));
    ControlRecord::parse(Some(&key), Some(&value))
}

#[test]
fn every_control_record_reads_what_it_wrote() {
    for record in samples() {
        assert_eq!(parse(&record.key(), &record.value()), Ok(record));
    }
}

#[test]
fn a_control_batch_holds_one_record_and_only_markers_are_transactional() {
    for record in samples() {
        let producer = BatchProducer { id: 5, epoch: 2, base_sequence: -1 };
        let bytes = record.batch(42, 3, Millis(77), producer).expect("it builds");
        let batch = Batch::new(bytes).expect("a batch");
        assert!(batch.header().is_control());
        assert_eq!(batch.header().is_transactional(), record.kind() <= COMMIT);
        assert_eq!((batch.header().base_offset, batch.header().partition_leader_epoch), (42, 3));
        let inside =
            records(&batch, 1 << 20).expect("records").next().expect("one").expect("sound");
        assert_eq!(inside.timestamp, 77);
        let parsed = ControlRecord::parse(inside.key.as_ref(), inside.value.as_ref());
        assert_eq!(parsed, Ok(record));
    }
}

#[test]
fn unknown_kinds_are_stepped_over_and_unknown_versions_refused() {
    assert_eq!(parse(&[0, 0, 0, 99], b""), Ok(ControlRecord::Unknown { kind: 99 }));
    let version = ControlError::Version { kind: SNAPSHOT_FOOTER, version: 1 };
    assert_eq!(parse(&[0, 0, 0, 4], &[0, 1, 0]), Err(version));
    assert_eq!(ControlRecord::parse(None, None), Err(ControlError::Null));
}

#[test]
fn a_marker_of_a_newer_version_is_read_by_its_known_fields() {
    let marker = parse(&[0, 0, 0, 1], &[0, 1, 0, 0, 0, 8, 0xff]);
    assert_eq!(marker, Ok(ControlRecord::Commit { coordinator_epoch: 8 }));
}

#[test]
fn counts_beyond_the_bytes_are_refused_before_they_are_allocated() {
    let huge = parse(&[0, 0, 0, 6], &[0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f]);
    assert_eq!(huge, Err(ControlError::Length { length: u32::MAX, left: 0 }));
}

proptest! {
    #[test]
    fn random_values_never_panic(
        kind in 0u8..8,
        value in proptest::collection::vec(any::<u8>(), 0..80),
    ) {
        let _ = parse(&[0, 0, 0, kind], &value);
        let _ = parse(&[0, 0, 0, kind], &[&[0, 0], &value[..]].concat());
    }
}
