use bytes::Bytes;

use super::super::*;
use super::*;

const NOW: i64 = 1_700_000_000_000;

fn limits() -> Limits {
    Limits { now: Millis(NOW), ..Limits::default() }
}

fn builder(options: BatchOptions) -> BatchBuilder {
    let mut builder = BatchBuilder::new(options);
    for at in 0..3 {
        let header: [(&[u8], Option<&[u8]>); 2] = [(b"h", Some(b"1")), (b"h", None)];
        builder.append(NOW + [5, 9, 9][at], Some(b"key"), Some(b"value"), header).expect("fits");
    }
    builder
}

fn batch(codec: Codec) -> Batch {
    let options = BatchOptions { codec, ..BatchOptions::default() };
    Batch::new(builder(options).build().expect("builds")).expect("is a batch")
}

/// The batch with its header or records changed by `change`, and its CRC right again.
fn changed(codec: Codec, change: impl FnOnce(&mut BatchHeader, &mut Vec<u8>)) -> Batch {
    let batch = batch(codec);
    let mut header = *batch.header();
    let mut records = Vec::new();
    codec::decompress(codec, &batch.payload(), 1 << 20, &mut records).expect("decompresses");
    change(&mut header, &mut records);
    let mut out = vec![0; HEADER_LEN];
    codec::compress(codec, None, &records, &mut out).expect("compresses");
    header.batch_length = out.len() as i32 - 12;
    super::super::builder::put_header(&mut out, &header);
    Batch::new(Bytes::from(out)).expect("is a batch")
}

fn check(batch: &Batch) -> Result<Checked, InvalidBatch> {
    validate_produced(batch, &limits(), &mut Scratch::new())
}

#[track_caller]
fn refused(batch: &Batch, code: ErrorCode) -> InvalidBatch {
    let error = check(batch).expect_err("it is wrong");
    assert_eq!(error.code(), code, "{error}");
    error
}

#[test]
fn a_sound_batch_passes_in_every_codec_with_its_largest_timestamp() {
    let mut scratch = Scratch::new();
    for codec in Codec::ALL {
        let checked = validate_produced(&batch(codec), &limits(), &mut scratch).expect("sound");
        assert_eq!(checked.max_timestamp, Millis(NOW + 9));
    }
}

#[test]
fn a_wrong_crc_is_a_corrupt_message() {
    let mut bytes = batch(Codec::None).bytes().to_vec();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    refused(&Batch::new(bytes.into()).expect("a batch"), ErrorCode::CorruptMessage);
}

#[test]
fn count_and_last_offset_have_to_agree() {
    for codec in Codec::ALL {
        refused(&changed(codec, |header, _| header.record_count = 2), ErrorCode::InvalidRecord);
        refused(&changed(codec, |header, _| header.record_count = 0), ErrorCode::InvalidRecord);
        refused(
            &changed(codec, |header, _| header.last_offset_delta = 7),
            ErrorCode::InvalidRecord,
        );
        let none = changed(codec, |header, records| {
            (header.record_count, header.last_offset_delta) = (0, -1);
            records.clear();
        });
        refused(&none, ErrorCode::InvalidRecord);
        let more = changed(codec, |header, _| {
            (header.record_count, header.last_offset_delta) = (4, 3);
        });
        assert_eq!(refused(&more, ErrorCode::InvalidRecord).record_index(), Some(3));
        let fewer = changed(codec, |header, _| {
            (header.record_count, header.last_offset_delta) = (2, 1);
        });
        let error = refused(&fewer, ErrorCode::InvalidRecord);
        assert!(matches!(error, InvalidBatch::Trailing { .. }), "{error}");
    }
}

#[test]
fn trailing_bytes_and_wrong_offset_deltas_are_invalid_records() {
    for codec in Codec::ALL {
        refused(&changed(codec, |_, records| records.push(0)), ErrorCode::InvalidRecord);
        // Length, attributes, timestamp delta, offset delta.
        refused(&changed(codec, |_, records| records[3] = 2), ErrorCode::InvalidRecord);
    }
}

#[test]
fn a_records_parts_add_up_to_its_length() {
    // Length, attributes, timestamp delta, offset delta, null key, null value, no headers; then a byte too much.
    let fault = |record: &[u8]| {
        let batch = changed(Codec::None, |header, records| {
            (header.record_count, header.last_offset_delta) = (1, 0);
            *records = record.to_vec();
        });
        match refused(&batch, ErrorCode::InvalidRecord) {
            InvalidBatch::Record { index: 0, fault } => fault,
            other => panic!("{other}"),
        }
    };
    assert_eq!(fault(&[14, 0, 0, 0, 1, 1, 0, 9]), RecordFault::Size { declared: 7, walked: 6 });
    assert_eq!(fault(&[12, 0, 0, 0, 3, 1, 0]), RecordFault::Length { length: -2 });
    assert_eq!(fault(&[12, 0, 0, 0, 1, 3, 0]), RecordFault::Length { length: -2 });
    assert_eq!(fault(&[12, 0, 0, 0, 1, 1, 2]), RecordFault::HeaderCount { count: 1 });
    assert_eq!(fault(&[12, 0, 0, 0, 1, 1, 1]), RecordFault::HeaderCount { count: -1 });
    assert_eq!(fault(&[14, 0, 0, 0, 1, 1, 0]), RecordFault::Short);
    assert_eq!(fault(&[1]), RecordFault::Length { length: -1 });
    assert_eq!(fault(&[0x80; 6]), RecordFault::Varint);
}

#[test]
fn header_keys_are_utf8_and_not_null() {
    let with_key = |key: u8, length: u8| {
        changed(Codec::None, |_, records| {
            let at = records.iter().position(|byte| *byte == b'h').expect("a header key");
            records[at - 1] = length;
            records[at] = key;
        })
    };
    refused(&with_key(0xff, 2), ErrorCode::InvalidRecord);
    refused(&with_key(b'h', 1), ErrorCode::InvalidRecord);
    assert!(check(&with_key(b'x', 2)).is_ok());
}

#[test]
fn control_batches_and_the_brokers_timestamp_type_are_not_the_clients() {
    let set =
        |attributes: Attributes| changed(Codec::None, |header, _| header.attributes = attributes);
    refused(&set(Attributes::default().with_control(true)), ErrorCode::InvalidRecord);
    let kind = TimestampType::LogAppendTime;
    refused(&set(Attributes::default().with_timestamp_type(kind)), ErrorCode::InvalidTimestamp);
    refused(&set(Attributes::default().with_transactional(true)), ErrorCode::InvalidRecord);
    refused(&set(Attributes(6)), ErrorCode::UnsupportedCompressionType);
}

#[test]
fn a_producer_id_needs_a_sequence() {
    let batch = changed(Codec::None, |header, _| header.producer_id = 4);
    refused(&batch, ErrorCode::InvalidRecord);
}

#[test]
fn timestamps_outside_of_the_topics_window_are_refused_unless_the_broker_sets_them() {
    let batch = batch(Codec::Zstd);
    let late = Limits { timestamp_after_max_ms: 8, ..limits() };
    let error = validate_produced(&batch, &late, &mut Scratch::new()).expect_err("too new");
    assert_eq!((error.code(), error.record_index()), (ErrorCode::InvalidTimestamp, Some(1)));

    let old = Limits { now: Millis(NOW + 100), timestamp_before_max_ms: 94, ..limits() };
    let error = validate_produced(&batch, &old, &mut Scratch::new()).expect_err("too old");
    assert_eq!(error.record_index(), Some(0));

    let stamped = Limits { timestamp_type: TimestampType::LogAppendTime, ..late };
    assert!(validate_produced(&batch, &stamped, &mut Scratch::new()).is_ok());
}

#[test]
fn a_compacted_topic_takes_no_record_without_a_key() {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    builder.append(NOW, Some(b""), None, []).expect("fits");
    builder.append(NOW, None, Some(b"x"), []).expect("fits");
    let batch = Batch::new(builder.build().expect("builds")).expect("a batch");
    assert!(check(&batch).is_ok());
    let compacted = Limits { require_keys: true, ..limits() };
    let error = validate_produced(&batch, &compacted, &mut Scratch::new());
    assert_eq!(error, Err(InvalidBatch::NoKey { index: 1 }));
}

#[test]
fn large_batches_and_bombs_are_too_large() {
    let batch = batch(Codec::None);
    let small = Limits { max_message_bytes: batch.size_in_bytes() - 1, ..limits() };
    let error = validate_produced(&batch, &small, &mut Scratch::new()).expect_err("too large");
    assert_eq!(error.code(), ErrorCode::MessageTooLarge);

    for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let mut builder = BatchBuilder::new(BatchOptions { codec, ..BatchOptions::default() });
        builder.append(NOW, None, Some(&vec![0; 8 << 20]), []).expect("fits");
        let bomb = Batch::new(builder.build().expect("builds")).expect("a batch");
        let tight = Limits { max_decompressed_bytes: 1 << 20, ..limits() };
        let mut scratch = Scratch::new();
        let error = validate_produced(&bomb, &tight, &mut scratch).expect_err("a bomb");
        assert_eq!(error.code(), ErrorCode::MessageTooLarge);
        let checked = validate_produced(&bomb, &limits(), &mut scratch).expect("within limits");
        assert!(checked.decompressed_bytes > 8 << 20);
        assert!(scratch.records.capacity() <= SCRATCH_KEPT_BYTES, "a huge buffer is given back");
    }
}

#[test]
fn broken_compressed_data_is_an_invalid_record() {
    for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let batch = changed(Codec::None, |header, _| {
            header.attributes = header.attributes.with_codec(codec);
        });
        refused(&batch, ErrorCode::InvalidRecord);
    }
}
