//! What the builder writes, the iterator reads and the validator accepts; what is mutated, nobody takes for sound.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::base::Millis;

const CAP: usize = 1 << 20;

fn bytes(max: usize) -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..max).prop_map(Bytes::from)
}

fn header() -> impl Strategy<Value = Header> {
    // Few keys, so that duplicates are common.
    ("[a-cü]{0,2}", option::of(bytes(9)))
        .prop_map(|(key, value)| Header { key: Bytes::from(key), value })
}

fn record() -> impl Strategy<Value = Record> {
    let parts = (option::of(bytes(40)), option::of(bytes(200)), vec(header(), 0..4));
    (-1i64..1 << 45, parts).prop_map(|(timestamp, (key, value, headers))| Record {
        offset: 0,
        timestamp,
        key,
        value,
        headers,
    })
}

fn build(options: BatchOptions, records: &[Record]) -> Batch {
    let mut builder = BatchBuilder::new(options);
    for record in records {
        let headers = record.headers.iter().map(|h| (&h.key[..], h.value.as_deref()));
        builder
            .append(record.timestamp, record.key.as_deref(), record.value.as_deref(), headers)
            .expect("it fits");
    }
    Batch::new(builder.build().expect("it builds")).expect("it is a batch")
}

fn read(batch: &Batch) -> Result<Vec<Record>, ReadRecordsError> {
    records(batch, CAP)?.collect()
}

fn limits() -> Limits {
    Limits { timestamp_after_max_ms: i64::MAX, ..Limits::default() }
}

proptest! {
    #[test]
    fn what_is_built_is_read_and_passes(
        mut expected in vec(record(), 1..30),
        codec in proptest::sample::select(&Codec::ALL[..]),
        base_offset in 0i64..1 << 50,
    ) {
        for (at, record) in expected.iter_mut().enumerate() {
            record.offset = base_offset + at as i64;
        }
        let batch = build(BatchOptions { codec, base_offset, ..BatchOptions::default() }, &expected);
        prop_assert_eq!(batch.check_crc(), Ok(()));
        prop_assert_eq!(read(&batch), Ok(expected.clone()));
        let checked = validate_produced(&batch, &limits(), &mut Scratch::new());
        let max = expected.iter().map(|record| record.timestamp).max();
        prop_assert_eq!(checked.map(|checked| checked.max_timestamp).ok(), max.map(Millis));
        prop_assert_eq!(max, Some(batch.header().max_timestamp));
    }

    #[test]
    fn another_codec_changes_nothing_but_the_bytes(
        expected in vec(record(), 1..10),
        from in proptest::sample::select(&Codec::ALL[..]),
        to in proptest::sample::select(&Codec::ALL[..]),
    ) {
        let batch = build(BatchOptions { codec: from, ..BatchOptions::default() }, &expected);
        let other = recompress(&batch, to, None, CAP).expect("sound");
        prop_assert_eq!(other.header().codec(), Ok(to));
        prop_assert_eq!(other.check_crc(), Ok(()));
        prop_assert_eq!(read(&other), read(&batch));
        let back = recompress(&other, from, None, CAP).expect("sound");
        prop_assert_eq!(back, batch);
    }

    #[test]
    fn one_changed_byte_anywhere_under_the_crc_is_found(
        expected in vec(record(), 1..10),
        codec in proptest::sample::select(&Codec::ALL[..]),
        at in any::<prop::sample::Index>(),
        flip in 1u8..,
    ) {
        let batch = build(BatchOptions { codec, ..BatchOptions::default() }, &expected);
        let mut bytes = batch.bytes().to_vec();
        let at = 17 + at.index(bytes.len() - 17);
        bytes[at] ^= flip;
        let found = check_crc(&bytes);
        prop_assert!(matches!(found, Err(BatchError::Crc { .. })), "{:?} at {}", found, at);
    }

    #[test]
    fn mutated_records_under_a_right_crc_neither_panic_nor_disagree_with_the_reader(
        expected in vec(record(), 1..10),
        codec in proptest::sample::select(&Codec::ALL[..]),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in 0usize..8,
    ) {
        let batch = build(BatchOptions { codec, ..BatchOptions::default() }, &expected);
        let mut bytes = batch.bytes().to_vec();
        bytes.truncate((bytes.len() - cut).max(HEADER_LEN));
        for (at, byte) in changes {
            let at = 21 + at.index(bytes.len() - 21);
            bytes[at] = byte;
        }
        let length = bytes.len() as i32 - 12;
        bytes[8..12].copy_from_slice(&length.to_be_bytes());
        let crc = crc32c::crc32c(&bytes[21..]);
        bytes[17..21].copy_from_slice(&crc.to_be_bytes());
        let batch = Batch::new(Bytes::from(bytes)).expect("a frame");
        let limits = Limits { max_decompressed_bytes: CAP, ..limits() };
        let valid = validate_produced(&batch, &limits, &mut Scratch::new());
        let read = read(&batch);
        if valid.is_ok() {
            let read = read.expect("what passes can be read");
            prop_assert_eq!(read.len(), batch.header().record_count as usize);
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in vec(any::<u8>(), 0..300), magic in 0u8..4) {
        let mut bytes = bytes;
        if bytes.len() > 17 {
            let length = bytes.len() as i32 - 12;
            bytes[8..12].copy_from_slice(&length.to_be_bytes());
            bytes[16] = magic;
        }
        let _ = check_crc(&bytes);
        for batch in split_batches(Bytes::from(bytes)).flatten() {
            let _ = read(&batch);
            let _ = validate_produced(&batch, &limits(), &mut Scratch::new());
        }
    }
}

#[test]
fn batches_are_split_whole_and_a_torn_one_is_an_error_only_where_none_is_expected() {
    let record = Record { offset: 0, timestamp: 5, key: None, value: None, headers: Vec::new() };
    let one = build(BatchOptions::default(), std::slice::from_ref(&record));
    let two = build(BatchOptions { base_offset: 1, ..BatchOptions::default() }, &[record]);
    let stream = Bytes::from([&one.bytes()[..], two.bytes()].concat());
    let whole: Result<Vec<Batch>, _> = split_batches(stream.clone()).collect();
    assert_eq!(whole, Ok(vec![one.clone(), two]));

    for cut in 1..one.size_in_bytes() {
        let torn = stream.slice(..stream.len() - cut);
        assert_eq!(
            split_fetched(torn.clone()).collect::<Result<Vec<_>, _>>(),
            Ok(vec![one.clone()])
        );
        let error = split_batches(torn).find_map(Result::err);
        assert!(matches!(error, Some(BatchError::Short { .. })), "{error:?} without {cut}");
    }
}

#[test]
fn the_builder_keeps_to_its_limits() {
    let empty = BatchBuilder::new(BatchOptions::default());
    assert_eq!(empty.build(), Err(BuildError::Empty));

    let mut builder = BatchBuilder::new(BatchOptions::default());
    builder.append(i64::MIN, None, None, []).expect("any first timestamp");
    let before = builder.estimated_size();
    let far = builder.append(i64::MAX, None, None, []);
    assert_eq!(far, Err(BuildError::Timestamp { timestamp: i64::MAX, base: i64::MIN }));
    assert_eq!((builder.record_count(), builder.estimated_size()), (1, before));
}

#[test]
fn a_part_of_two_gibibytes_is_refused_before_it_is_copied() {
    // Never touched, so it costs no memory.
    let huge = vec![0; i32::MAX as usize];
    let mut builder = BatchBuilder::new(BatchOptions::default());
    assert_eq!(builder.append(0, None, Some(&huge), []), Err(BuildError::Full));
    assert_eq!(builder.append(0, Some(&huge), None, []), Err(BuildError::Full));
    assert_eq!(builder.append(0, None, None, [(&huge[..], None)]), Err(BuildError::Full));
    assert!(builder.is_empty());
}

#[test]
fn a_record_never_takes_more_than_its_bound() {
    let header: [(&[u8], Option<&[u8]>); 1] = [(b"key", Some(b"value"))];
    let mut builder = BatchBuilder::new(BatchOptions::default());
    builder.append(0, None, None, []).expect("fits");
    let before = builder.estimated_size();
    builder.append(i64::MAX, Some(&[1; 300]), Some(&[2; 70_000]), header).expect("fits");
    let bound = BatchBuilder::record_size_bound(Some(&[1; 300]), Some(&[2; 70_000]), header);
    assert!(builder.estimated_size() - before <= bound);
}
