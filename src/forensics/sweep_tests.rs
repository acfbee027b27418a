//! A sweep finds every batch that is whole, on both sides of damage.

use std::path::Path;

use super::{Gap, Piece, Sweep};
use crate::os::{OpenMode, Os};
use crate::record::{BatchBuilder, BatchOptions};

/// A batch of three records from this offset on.
fn batch(base: i64, value: &[u8]) -> Vec<u8> {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    let none: [(&[u8], Option<&[u8]>); 0] = [];
    for _ in 0..3 {
        builder.append(5, None, Some(value), none).unwrap();
    }
    let mut bytes = builder.build().unwrap().to_vec();
    bytes[..8].copy_from_slice(&base.to_be_bytes());
    bytes
}

/// First offsets of sound batches, `-` and the offset of those with a wrong checksum, and gaps.
fn sweep(bytes: &[u8]) -> (Vec<i64>, Vec<i64>, Vec<Gap>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("00000000000000000000.log");
    std::fs::write(&path, bytes).unwrap();
    let file = Os::real().disk.open(Path::new(&path), OpenMode::Read).unwrap();
    let mut sweep = Sweep::new(&*file, 0, bytes.len() as u64, 0);
    let (mut sound, mut wrong, mut gaps) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(piece) = sweep.next().unwrap() {
        match piece {
            Piece::Gap(gap) => gaps.push(gap),
            Piece::Batch(swept) => {
                let base = swept.found.header.unwrap().base_offset;
                if swept.crc.is_ok() { sound.push(base) } else { wrong.push(base) }
            }
        }
    }
    (sound, wrong, gaps)
}

#[test]
fn a_flipped_byte_costs_one_batch_and_a_bad_length_no_other() {
    let batches = [batch(0, b"one"), batch(3, b"two"), batch(6, b"three")];
    let size = batches[0].len();
    let whole = batches.concat();
    assert_eq!(sweep(&whole), (vec![0, 3, 6], vec![], vec![]));
    for at in 0..size {
        let mut bent = whole.clone();
        bent[size + at] ^= 0x40;
        let (sound, wrong, gaps) = sweep(&bent);
        match at {
            // Offset and leader epoch are not under the checksum.
            0..8 | 12..16 => assert_eq!(sound.len(), 3 - gaps.len() - wrong.len(), "byte {at}"),
            // The length, the format.
            8..12 | 16 => {
                assert_eq!((sound, wrong), (vec![0, 6], vec![]), "byte {at}");
                assert_eq!((gaps[0].position, gaps[0].end), (size as u64, 2 * size as u64));
            }
            _ => assert_eq!((sound, wrong, gaps), (vec![0, 6], vec![3], vec![]), "byte {at}"),
        }
    }
}

#[test]
fn a_batch_in_the_value_of_a_record_is_not_the_logs_own() {
    let inner = batch(0, b"produced as content");
    let whole = [batch(0, b"one"), batch(3, &inner), batch(6, b"three")].concat();
    let at = batch(0, b"one").len() + 8;
    let mut bent = whole.clone();
    bent[at] = 0x7f;
    let (sound, _, gaps) = sweep(&bent);
    assert_eq!(sound, [0, 6]);
    assert_eq!(gaps.len(), 1);
}

#[test]
fn a_torn_tail_is_a_gap_that_nothing_follows() {
    let whole = [batch(0, b"one"), batch(3, b"two")].concat();
    let size = batch(0, b"one").len();
    for cut in 1..size {
        let (sound, _, gaps) = sweep(&whole[..whole.len() - cut]);
        assert_eq!(sound, [0]);
        assert!(gaps[0].is_tail, "{cut} bytes cut");
    }
    let zeros = [whole, vec![0; 5000]].concat();
    let (sound, _, gaps) = sweep(&zeros);
    assert_eq!(sound, [0, 3]);
    assert!(gaps[0].is_tail && gaps[0].is_zero);
}
