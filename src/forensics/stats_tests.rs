//! Sums of parts are the sums of the whole.

use super::*;
use crate::forensics::Sweep;
use crate::os::{OpenMode, Os};
use crate::record::{BatchBuilder, BatchOptions};

fn batch(offset: i64, codec: Codec, records: usize) -> Vec<u8> {
    let options = BatchOptions { base_offset: offset, codec, ..BatchOptions::default() };
    let mut builder = BatchBuilder::new(options);
    let none: [(&[u8], Option<&[u8]>); 0] = [];
    for at in 0..records {
        builder.append(100 + offset + at as i64, None, Some(&[b'v'; 100]), none).unwrap();
    }
    builder.build().unwrap().to_vec()
}

fn stats(bytes: &[u8]) -> Stats {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("00000000000000000000.log");
    std::fs::write(&path, bytes).unwrap();
    let file = Os::real().disk.open(&path, OpenMode::Read).unwrap();
    let mut sweep = Sweep::new(&*file, 0, bytes.len() as u64, 0);
    let mut stats = Stats::default();
    while let Some(piece) = sweep.next().unwrap() {
        let inside = match &piece {
            Piece::Batch(swept) => {
                Some(crate::forensics::look_inside(&swept.batch(&*file).unwrap()).unwrap())
            }
            Piece::Gap(_) => None,
        };
        stats.add(&piece, inside.as_ref());
    }
    stats
}

#[test]
fn batches_records_times_codecs_and_missing_offsets_are_counted() {
    let bytes =
        [batch(5, Codec::None, 3), batch(8, Codec::Gzip, 50), batch(100, Codec::None, 1)].concat();
    let stats = stats(&bytes);
    assert_eq!((stats.batches, stats.records), (3, 54));
    assert_eq!((stats.first_offset, stats.last_offset), (Some(5), Some(100)));
    assert_eq!((stats.min_timestamp, stats.max_timestamp), (Some(105), Some(200)));
    assert_eq!((stats.gaps, stats.missing), (1, 42));
    let ratios: Vec<_> = stats.used().map(|(codec, packed)| (codec, packed.ratio())).collect();
    assert_eq!(ratios[0], (Codec::None, Some(1.0)));
    assert!(matches!(ratios[1], (Codec::Gzip, Some(ratio)) if ratio > 5.0), "{ratios:?}");
}

#[test]
fn sums_of_parts_are_the_sums_of_the_whole() {
    let parts = [batch(0, Codec::None, 3), batch(3, Codec::Zstd, 9), batch(20, Codec::None, 1)];
    let whole = stats(&parts.concat());
    let mut sum = Stats::default();
    parts.iter().for_each(|part| sum.append(&stats(part)));
    assert_eq!(format!("{sum:?}"), format!("{whole:?}"));
}

#[test]
fn a_percentile_is_exact_to_a_sixteenth() {
    let mut sizes = Sizes::default();
    (1..=10_000).for_each(|size| sizes.add(size));
    for percent in [1, 50, 90, 99, 100] {
        let (found, exact) = (sizes.percentile(percent).unwrap(), percent * 100);
        assert!(found <= exact && found + exact / 16 >= exact, "{percent} %: {found}, not {exact}");
    }
    assert_eq!(sizes.mean(), Some(5000));
    sizes.add(u64::MAX / 2);
    assert_eq!(Sizes::default().percentile(50), None);
}
