//! What is read ahead is what a sweep alone would find.

use std::ops::Range;
use std::sync::Arc;

use tempfile::TempDir;

use super::{Ahead, PATIENCE};
use crate::forensics::{Inside, Pace, Piece, Sweep, Unreadable};
use crate::os::{DiskFile, OpenMode, Os};
use crate::record::{BatchBuilder, BatchOptions, Codec};

/// Batches of different sizes, some larger than what is read in a turn, one larger than what is read ahead at all; 9 MB.
fn batches() -> Vec<Vec<u8>> {
    let sizes = [1, 70, 300, 20_000, 130_000, 500, 1_000_000, 64_000, 5_000_000];
    let few = sizes.iter().take(8).cycle().take(25);
    let mut offset = 0;
    few.chain([&sizes[8]])
        .chain(sizes.iter().take(8).cycle().take(20))
        .enumerate()
        .map(|(at, size)| {
            let codec = if at % 3 == 0 { Codec::Zstd } else { Codec::None };
            let mut builder = BatchBuilder::new(BatchOptions { codec, ..BatchOptions::default() });
            let none: [(&[u8], Option<&[u8]>); 0] = [];
            let value: Vec<u8> = (0..*size).map(|byte| (byte * 7919 + at) as u8).collect();
            for _ in 0..2 {
                builder.append(5, None, Some(&value), none).unwrap();
            }
            let mut bytes = builder.build().unwrap().to_vec();
            bytes[..8].copy_from_slice(&i64::to_be_bytes(offset));
            offset += 2;
            bytes
        })
        .collect()
}

/// A segment file of these bytes, in a folder that goes with it.
fn written(bytes: &[u8]) -> (TempDir, Arc<dyn DiskFile>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("00000000000000000000.log");
    std::fs::write(&path, bytes).unwrap();
    let file = Os::real().disk.open(&path, OpenMode::Read).unwrap();
    (folder, file)
}

type Seen = (String, Option<Result<Inside, Unreadable>>);

/// All pieces, and what is inside of those with offsets in `inside`.
fn sweep(bytes: &[u8], threads: usize, inside: Range<i64>) -> Vec<Seen> {
    let (_folder, file) = written(bytes);
    let pace = Pace { threads, inside: inside.clone() };
    let mut sweep = Sweep::ahead(&file, 0, bytes.len() as u64, 0, pace);
    let mut seen = Vec::new();
    while let Some(piece) = sweep.next().unwrap() {
        seen.push(as_seen(&piece, &file, &inside));
    }
    seen
}

fn as_seen(piece: &Piece, file: &Arc<dyn DiskFile>, wanted: &Range<i64>) -> Seen {
    match piece {
        Piece::Gap(gap) => (format!("{gap:?}"), None),
        Piece::Batch(swept) => {
            let is_wanted = wanted.contains(&swept.found.last_offset) && swept.crc.is_ok();
            let inside = is_wanted.then(|| swept.inside(&**file).unwrap());
            (format!("{:?} {:?} {:?}", swept.found, swept.head, swept.crc), inside)
        }
    }
}

#[test]
fn what_was_read_ahead_is_what_a_sweep_alone_finds_also_amid_damage() {
    let batches = batches();
    let whole = batches.concat();
    let starts: Vec<usize> = batches
        .iter()
        .scan(0, |at, batch| {
            *at += batch.len();
            Some(*at - batch.len())
        })
        .collect();
    let bent = |places: &[usize]| {
        let mut bytes = whole.clone();
        places.iter().for_each(|at| bytes[*at] ^= 0x40);
        bytes
    };
    let checksum = starts[21] + 100;
    let length = starts[30] + 8;
    let cut = whole[..whole.len() - 40_000].to_vec();
    for bytes in [whole.clone(), bent(&[checksum]), bent(&[length]), bent(&[checksum, length]), cut]
    {
        let alone = sweep(&bytes, 1, 0..i64::MAX);
        for threads in [2, 3, 20] {
            assert_eq!(sweep(&bytes, threads, 0..i64::MAX), alone);
            assert_eq!(sweep(&bytes, threads, 0..0).len(), alone.len());
        }
    }
}

/// A batch with the bytes of one record, 9 MB of it at ascending offsets: some begin at the very end of what is read in a turn.
fn many_small() -> (usize, Vec<u8>) {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    let none: [(&[u8], Option<&[u8]>); 0] = [];
    builder.append(5, None, Some(b"a value"), none).unwrap();
    let mut batch = builder.build().unwrap().to_vec();
    let mut bytes = Vec::new();
    for offset in 0..9_000_000 / batch.len() as i64 {
        batch[..8].copy_from_slice(&offset.to_be_bytes());
        bytes.extend_from_slice(&batch);
    }
    (batch.len(), bytes)
}

#[test]
fn sound_batches_are_all_read_ahead_wherever_they_begin() {
    let (size, bytes) = many_small();
    let (_folder, file) = written(&bytes);
    let mut ahead = Ahead::new(file, 0, bytes.len() as u64, Pace::of(3));
    let after = (0..bytes.len()).step_by(size).skip_while(|at| *at < PATIENCE as usize);
    for position in after {
        assert!(ahead.next(position as u64).is_some(), "the batch at {position} is left over");
    }
}

#[test]
fn only_batches_of_the_wanted_offsets_are_looked_into_ahead() {
    let mut looked_into = Vec::new();
    let batches = batches();
    let bytes = batches.concat();
    let (_folder, file) = written(&bytes);
    let pace = Pace { threads: 2, inside: 41..45 };
    let mut sweep = Sweep::ahead(&file, 0, bytes.len() as u64, 0, pace);
    while let Some(piece) = sweep.next().unwrap() {
        let Piece::Batch(swept) = piece else { panic!("{piece:?}") };
        if swept.inside.is_some() {
            looked_into.push(swept.first_offset());
        }
    }
    assert_eq!(looked_into, [40, 42, 44]);
}

#[test]
fn a_sweep_that_is_left_leaves_no_thread_behind() {
    let bytes = batches().concat();
    let (_folder, file) = written(&bytes);
    let mut sweep = Sweep::ahead(&file, 0, bytes.len() as u64, 0, Pace::of(2));
    for _ in 0..20 {
        sweep.next().unwrap();
    }
    assert!(Arc::strong_count(&file) > 1);
    drop(sweep);
    // Each thread holds the file.
    let waited = std::time::Instant::now();
    while Arc::strong_count(&file) > 1 {
        assert!(waited.elapsed().as_secs() < 20);
        std::thread::yield_now();
    }
}
