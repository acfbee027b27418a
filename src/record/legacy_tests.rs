use proptest::collection::vec;
use proptest::prelude::*;

use super::super::codec;
use super::*;

const CAP: usize = 1 << 20;

fn entry(magic: i8, offset: i64, attributes: u8, timestamp: i64, value: Option<&[u8]>) -> Vec<u8> {
    let mut content = vec![magic as u8, attributes];
    if magic == 1 {
        content.extend_from_slice(&timestamp.to_be_bytes());
    }
    content.extend_from_slice(&3i32.to_be_bytes());
    content.extend_from_slice(b"key");
    match value {
        Some(value) => {
            content.extend_from_slice(&(value.len() as i32).to_be_bytes());
            content.extend_from_slice(value);
        }
        None => content.extend_from_slice(&(-1i32).to_be_bytes()),
    }
    let length = content.len() as i32 + 4;
    let crc = crc32fast::hash(&content).to_be_bytes();
    [&offset.to_be_bytes()[..], &length.to_be_bytes(), &crc, &content].concat()
}

fn wrapper(magic: i8, offset: i64, attributes: u8, timestamp: i64, inner: &[u8]) -> Entry {
    let codec = Codec::from_id(attributes & 7).expect("a codec");
    let mut packed = Vec::new();
    codec::compress(codec, None, inner, &mut packed).expect("compresses");
    Entry::new(entry(magic, offset, attributes, timestamp, Some(&packed)).into()).expect("an entry")
}

fn read(entry: &Entry) -> Result<Vec<(i64, i64)>, LegacyError> {
    entry.records(CAP)?.map(|record| record.map(|r| (r.offset, r.timestamp))).collect()
}

#[test]
fn plain_entries_are_records_themselves() {
    for magic in [0, 1] {
        let set = [entry(magic, 7, 0, 50, Some(b"a")), entry(magic, 8, 0, 60, None)].concat();
        let entries: Result<Vec<Entry>, _> = split(set.into()).collect();
        let records: Vec<Record> = entries
            .expect("whole entries")
            .iter()
            .flat_map(|entry| entry.records(CAP).expect("sound"))
            .collect::<Result<_, _>>()
            .expect("sound");
        assert_eq!(records[0].key.as_deref(), Some(&b"key"[..]));
        assert_eq!(records[0].value.as_deref(), Some(&b"a"[..]));
        assert_eq!((records[1].offset, records[1].value.as_ref()), (8, None));
        assert_eq!(records[1].timestamp, if magic == 0 { -1 } else { 60 });
    }
}

#[test]
fn offsets_inside_are_absolute_in_format_0_and_relative_in_format_1() {
    for codec in 1..=3 {
        let inner = [entry(0, 40, 0, 0, None), entry(0, 42, 0, 0, None)].concat();
        assert_eq!(read(&wrapper(0, 42, codec, 0, &inner)), Ok(vec![(40, -1), (42, -1)]));
        let inner = [entry(1, 0, 0, 5, None), entry(1, 2, 0, 6, None)].concat();
        assert_eq!(read(&wrapper(1, 42, codec, 6, &inner)), Ok(vec![(40, 5), (42, 6)]));
        let stamped = wrapper(1, 42, codec | 8, 99, &inner);
        assert_eq!(read(&stamped), Ok(vec![(40, 99), (42, 99)]), "LogAppendTime covers all inside");
    }
}

#[test]
fn wrappers_nest_once_and_keep_to_one_format() {
    let inner = wrapper(1, 0, 1, 0, &entry(1, 0, 0, 0, None));
    assert_eq!(read(&wrapper(1, 0, 1, 0, inner.bytes())), Err(LegacyError::Nested));
    let mixed = wrapper(1, 0, 1, 0, &entry(0, 0, 0, 0, None));
    assert_eq!(read(&mixed), Err(LegacyError::MixedFormats { inner: 0, outer: 1 }));
    assert_eq!(read(&wrapper(1, 0, 1, 0, &[])), Err(LegacyError::EmptyWrapper));
    let none = Entry::new(entry(1, 0, 1, 0, None).into()).expect("an entry");
    assert_eq!(read(&none), Err(LegacyError::EmptyWrapper));
}

#[test]
fn crcs_are_checked_outside_and_inside() {
    let mut bytes = entry(1, 0, 0, 0, Some(b"value"));
    *bytes.last_mut().expect("bytes") ^= 1;
    let broken = Entry::new(bytes.clone().into()).expect("an entry");
    assert!(matches!(read(&broken), Err(LegacyError::Frame(BatchError::Crc { .. }))));
    let inside = read(&wrapper(1, 0, 1, 0, &bytes));
    assert!(matches!(inside, Err(LegacyError::Frame(BatchError::Crc { .. }))));
}

#[test]
fn a_bomb_inside_stops_at_the_cap() {
    let bomb = wrapper(1, 0, 1, 0, &entry(1, 0, 0, 0, Some(&vec![0; 2 * CAP])));
    let error = LegacyError::Decompress(DecompressError::TooLarge { codec: Codec::Gzip, cap: CAP });
    assert_eq!(read(&bomb), Err(error));
}

proptest! {
    #[test]
    fn mutated_sets_never_panic(
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        magic in 0i8..2,
        codec in 0u8..4,
        mend in any::<bool>(),
    ) {
        let inner = [entry(magic, 0, 0, 5, Some(b"abc")), entry(magic, 1, 0, 6, None)].concat();
        let mut bytes = wrapper(magic, 42, codec, 6, &inner).bytes().to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if mend {
            let crc = crc32fast::hash(&bytes[16..]).to_be_bytes();
            bytes[12..16].copy_from_slice(&crc);
        }
        for entry in split(bytes.into()).flatten() {
            let _ = read(&entry);
        }
    }
}
