use super::super::*;
use super::*;

fn batch() -> Batch {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    for timestamp in [100, 300, 200] {
        builder.append(timestamp, None, Some(b"value"), []).expect("fits");
    }
    Batch::new(builder.build().expect("builds")).expect("a batch")
}

fn stamped(stamp: Stamp) -> Batch {
    let batch = batch();
    let mut header = batch.header_bytes();
    stamp.apply(&mut header, &batch.payload());
    Batch::new([&header[..], &batch.payload()].concat().into()).expect("a batch")
}

fn stamp() -> Stamp {
    Stamp {
        base_offset: Offset::new(1 << 40),
        leader_epoch: LeaderEpoch::new(7),
        log_append_time: None,
        max_timestamp: Millis(300),
    }
}

#[test]
fn offset_and_epoch_are_stamped_under_the_producers_crc() {
    let stamped = stamped(stamp());
    assert_eq!(stamped.header().base_offset, 1 << 40);
    assert_eq!(stamped.header().partition_leader_epoch, 7);
    assert_eq!(stamped.header().crc, batch().header().crc, "nothing was checksummed anew");
    assert_eq!(stamped.check_crc(), Ok(()));
}

#[test]
fn log_append_time_sets_type_and_time_of_every_record_under_a_new_crc() {
    let stamped = stamped(Stamp { log_append_time: Some(Millis(999)), ..stamp() });
    assert_eq!(stamped.header().timestamp_type(), TimestampType::LogAppendTime);
    assert_eq!(stamped.check_crc(), Ok(()));
    let times: Vec<i64> = records(&stamped, 1 << 20)
        .expect("records")
        .map(|record| record.expect("a record").timestamp)
        .collect();
    assert_eq!(times, [999, 999, 999]);
}

#[test]
fn a_wrong_max_timestamp_is_mended_as_kafka_does() {
    let stamped = stamped(Stamp { max_timestamp: Millis(301), ..stamp() });
    assert_eq!(stamped.header().max_timestamp, 301);
    assert_eq!(stamped.header().timestamp_type(), TimestampType::CreateTime);
    assert_eq!(stamped.check_crc(), Ok(()));
}
