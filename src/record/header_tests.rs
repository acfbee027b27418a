use super::*;

fn header() -> BatchHeader {
    BatchHeader {
        base_offset: 42,
        batch_length: 49,
        partition_leader_epoch: 3,
        magic: 2,
        crc: 0xdead_beef,
        attributes: Attributes::default().with_codec(Codec::Zstd).with_transactional(true),
        last_offset_delta: 9,
        base_timestamp: 1_700_000_000_000,
        max_timestamp: 1_700_000_000_009,
        producer_id: 7,
        producer_epoch: 1,
        base_sequence: i32::MAX - 4,
        record_count: 10,
    }
}

#[test]
fn a_header_reads_what_it_wrote() {
    let bytes = header().to_bytes();
    assert_eq!(BatchHeader::parse(&bytes), Ok(header()));
    assert_eq!(Prefix::parse(&bytes), Ok(Prefix { offset: 42, size: 61, magic: 2 }));
}

#[test]
fn last_offset_and_sequence_follow_from_the_first() {
    assert_eq!(header().last_offset(), 51);
    assert_eq!(header().last_sequence(), 4, "the sequence wraps to 0 after i32::MAX");
    assert_eq!(BatchHeader { base_sequence: -1, ..header() }.last_sequence(), -1);
    assert_eq!(BatchHeader { base_offset: i64::MAX, ..header() }.last_offset(), i64::MAX);
}

#[test]
fn lengths_below_a_header_and_other_formats_are_refused() {
    for length in [48, 0, -1, i32::MIN] {
        let bytes = BatchHeader { batch_length: length, ..header() }.to_bytes();
        assert_eq!(BatchHeader::parse(&bytes), Err(BatchError::Length { length }));
    }
    for magic in [0, 1, 3, -1] {
        let bytes = BatchHeader { magic, ..header() }.to_bytes();
        assert_eq!(BatchHeader::parse(&bytes), Err(BatchError::Magic { magic }));
    }
    let bytes = header().to_bytes();
    assert_eq!(BatchHeader::parse(&bytes[..60]), Err(BatchError::Short { wanted: 61, left: 60 }));
}

#[test]
fn every_attribute_bit_is_where_kafka_has_it() {
    let none = Attributes::default();
    for codec in Codec::ALL {
        assert_eq!(none.with_codec(codec), Attributes(i16::from(codec.id())));
        assert_eq!(none.with_codec(codec).codec(), Ok(codec));
    }
    assert_eq!(none.with_timestamp_type(TimestampType::LogAppendTime), Attributes(0x08));
    assert_eq!(none.with_transactional(true), Attributes(0x10));
    assert_eq!(none.with_control(true), Attributes(0x20));
    assert!(Attributes(0x40).has_delete_horizon());
    assert_eq!(Attributes(5).codec(), Err(BatchError::Codec { id: 5 }));
}
