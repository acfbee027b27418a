//! Which records come out of batches, and where the position is afterwards.

use bytes::BytesMut;

use super::*;
use crate::base::TopicName;
use crate::record::{BatchBuilder, BatchOptions, BatchProducer};

fn key() -> Key {
    (TopicName::new("t").unwrap(), 0)
}

/// One batch of records named by their offsets; a control batch where `marker` says which.
fn batch(base_offset: i64, count: i64, producer: Option<i64>, marker: Option<u8>) -> Bytes {
    let id = producer.unwrap_or(-1);
    let mut builder = BatchBuilder::new(BatchOptions {
        base_offset,
        transactional: producer.is_some(),
        control: marker.is_some(),
        producer: BatchProducer { id, epoch: 0, base_sequence: 0 },
        ..BatchOptions::default()
    });
    for offset in base_offset..base_offset + count {
        let value = offset.to_string();
        let control = marker.map(|kind| [0, 0, 0, kind]);
        let key = control.as_ref().map(|k| &k[..]);
        builder.append(7, key, Some(value.as_bytes()), []).unwrap();
    }
    builder.build().unwrap()
}

fn read(
    bytes: &[Bytes],
    aborted: &[(i64, i64)],
    from: i64,
    config: &ConsumerConfig,
) -> (Vec<i64>, i64) {
    let mut all = BytesMut::new();
    bytes.iter().for_each(|b| all.extend_from_slice(b));
    let mut chunk = Chunk::new(all.freeze(), aborted.to_vec());
    let (mut out, mut position) = (Vec::new(), from);
    while !chunk.read(&key(), &mut position, 2, config, &mut out).unwrap() {}
    (out.iter().map(|r| r.offset).collect(), position)
}

fn committed() -> ConsumerConfig {
    ConsumerConfig { isolation: Isolation::ReadCommitted, ..ConsumerConfig::default() }
}

#[test]
fn records_before_the_position_are_not_returned_again() {
    let config = ConsumerConfig::default();
    assert_eq!(read(&[batch(0, 5, None, None)], &[], 3, &config), (vec![3, 4], 5));
}

#[test]
fn the_position_passes_markers_and_gaps() {
    let bytes = [batch(0, 2, None, None), batch(9, 1, Some(1), Some(1))];
    assert_eq!(read(&bytes, &[], 0, &ConsumerConfig::default()), (vec![0, 1], 10));
}

#[test]
fn aborted_transactions_are_seen_by_read_uncommitted_only() {
    let bytes = [
        batch(0, 2, Some(1), None),
        batch(2, 2, Some(2), None),
        batch(4, 1, Some(1), Some(0)),
        batch(5, 2, Some(1), None),
        batch(7, 1, Some(1), Some(1)),
        batch(8, 1, Some(2), Some(1)),
    ];
    let aborted = [(0, 1)];
    assert_eq!(read(&bytes, &aborted, 0, &committed()), (vec![2, 3, 5, 6], 9));
    let all = vec![0, 1, 2, 3, 5, 6];
    assert_eq!(read(&bytes, &aborted, 0, &ConsumerConfig::default()), (all, 9));
}

#[test]
fn what_follows_an_abort_is_seen_also_by_a_fetch_that_begins_at_its_marker() {
    let marker = batch(3, 1, Some(1), Some(0));
    let next = batch(4, 2, Some(1), None);
    let end = batch(6, 1, Some(1), Some(1));
    // The broker names the aborted transaction, which began at 0: its marker lies in what is fetched.
    let bytes = [marker, next, end];
    assert_eq!(read(&bytes, &[(0, 1)], 3, &committed()), (vec![4, 5], 7));
    // Nor does it matter that the position is past the marker.
    assert_eq!(read(&bytes, &[(0, 1)], 4, &committed()), (vec![4, 5], 7));
}

#[test]
fn a_producers_transactions_are_told_apart_one_by_one() {
    let bytes = [
        batch(0, 2, Some(1), None),
        batch(2, 1, Some(1), Some(0)),
        batch(3, 2, Some(1), None),
        batch(5, 1, Some(1), Some(0)),
        batch(6, 2, Some(1), None),
        batch(8, 1, Some(1), Some(1)),
        batch(9, 1, None, None),
    ];
    // Told in any order.
    assert_eq!(read(&bytes, &[(3, 1), (0, 1)], 0, &committed()), (vec![6, 7, 9], 10));
    assert_eq!(read(&bytes, &[(0, 1)], 0, &committed()), (vec![3, 4, 6, 7, 9], 10));
}

#[test]
fn a_damaged_batch_is_an_error_at_its_offset() {
    let mut bytes = batch(0, 2, None, None).to_vec();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let mut chunk = Chunk::new(bytes.into(), Vec::new());
    let (mut out, mut position) = (Vec::new(), 0);
    let config = ConsumerConfig::default();
    let failed = chunk.read(&key(), &mut position, 9, &config, &mut out);
    assert!(matches!(failed, Err(ConsumeError::Corrupt { offset: 0, .. })), "{failed:?}");
    assert_eq!((out.len(), position), (0, 0));
}
