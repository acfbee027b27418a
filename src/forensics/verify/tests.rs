//! What `--deep` alone can tell, and what is told of small files.

use std::path::Path;

use super::{Options, verify};
use crate::forensics::Kind;
use crate::os::Os;
use crate::record::{BatchBuilder, BatchOptions, Codec, codec};

/// Where a batch has its checksum and its count, and from where on the checksum covers it.
const CRC_AT: usize = 17;
const ATTRIBUTES_AT: usize = 21;
const COUNT_AT: usize = 57;

fn batch(codec: Codec) -> Vec<u8> {
    let mut builder = BatchBuilder::new(BatchOptions { codec, ..BatchOptions::default() });
    for at in 0..3 {
        builder.append(at, None, Some(&[b'x'; 200]), []).unwrap();
    }
    builder.build().unwrap().to_vec()
}

/// Gives bytes that were changed a right checksum again, as if a broker had written them so.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let crc = crc32c::crc32c(&bytes[ATTRIBUTES_AT..]);
    bytes[CRC_AT..ATTRIBUTES_AT].copy_from_slice(&crc.to_be_bytes());
    bytes
}

fn kinds(bytes: &[u8], deep: bool) -> Vec<Kind> {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("t-0");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("00000000000000000000.log"), bytes).unwrap();
    let options = Options { deep, threads: 1, progress: &|_| {} };
    let found = verify(&Os::real(), Path::new(&folder), options).unwrap();
    found.into_iter().map(|finding| finding.kind).collect()
}

#[test]
fn records_that_are_not_as_many_as_the_batch_says_are_found_when_they_are_read() {
    for (codec, count) in [(Codec::None, 2), (Codec::Zstd, 2), (Codec::Lz4, 9)] {
        let mut bytes = batch(codec);
        bytes[COUNT_AT + 3] = count;
        let bytes = sealed(bytes);
        assert_eq!(kinds(&bytes, false), []);
        assert_eq!(kinds(&bytes, true), [Kind::CountMismatch], "{codec}: {count} of 3");
    }
}

#[test]
fn records_that_cannot_be_decompressed_are_found_when_they_are_read() {
    for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let mut bytes = batch(codec);
        bytes[62..70].fill(0xff);
        let bytes = sealed(bytes);
        assert_eq!(kinds(&bytes, false), []);
        assert_eq!(kinds(&bytes, true), [Kind::DecompressFailed], "{codec}");
    }
}

/// An entry of message format 1 with no key.
fn entry(attributes: u8, value: &[u8]) -> Vec<u8> {
    let mut content = vec![1, attributes];
    content.extend_from_slice(&7_i64.to_be_bytes());
    content.extend_from_slice(&(-1_i32).to_be_bytes());
    content.extend_from_slice(&(value.len() as i32).to_be_bytes());
    content.extend_from_slice(value);
    let crc = crc32fast::hash(&content).to_be_bytes();
    let length = (content.len() as i32 + 4).to_be_bytes();
    [&0_i64.to_be_bytes()[..], &length, &crc, &content].concat()
}

#[test]
fn an_old_entry_with_a_wrong_checksum_inside_of_a_sound_wrapper_is_found_when_it_is_read() {
    let wrapped = |inner: &[u8]| {
        let mut packed = Vec::new();
        codec::compress(Codec::Gzip, None, inner, &mut packed).unwrap();
        entry(Codec::Gzip.id(), &packed)
    };
    let mut inner = entry(0, b"value");
    assert_eq!(kinds(&wrapped(&inner), true), []);
    *inner.last_mut().unwrap() ^= 1;
    assert_eq!(kinds(&wrapped(&inner), false), []);
    assert_eq!(kinds(&wrapped(&inner), true), [Kind::CrcMismatch]);
}
