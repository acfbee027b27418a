//! A walk goes through the files in order, and on when they have grown.

use super::*;
use crate::log::StorageError;
use crate::os::Os;
use crate::record::{BatchBuilder, BatchOptions};

/// A batch of one record at this offset.
fn batch(offset: i64) -> Vec<u8> {
    let options = BatchOptions { base_offset: offset, ..BatchOptions::default() };
    let mut builder = BatchBuilder::new(options);
    let none: [(&[u8], Option<&[u8]>); 0] = [];
    builder.append(5, None, Some(b"value"), none).unwrap();
    builder.build().unwrap().to_vec()
}

struct Log {
    folder: tempfile::TempDir,
    os: Os,
}

impl Log {
    fn new() -> Log {
        Log { folder: tempfile::tempdir().unwrap(), os: Os::real() }
    }

    fn write(&self, base: i64, offsets: &[i64], cut: usize) {
        let bytes: Vec<u8> = offsets.iter().flat_map(|offset| batch(*offset)).collect();
        let path = self.folder.path().join(format!("{base:020}.log"));
        std::fs::write(path, &bytes[..bytes.len() - cut]).unwrap();
    }

    fn trail(&self) -> Trail<'_> {
        Trail::new(&*self.os.disk, Segments::Of(Folder::at(self.folder.path())))
    }
}

/// The offsets of the batches that come next, -1 for a gap.
fn next(trail: &mut Trail<'_>, from: i64, to: i64) -> Vec<i64> {
    let mut seen = Vec::new();
    trail
        .walk(from, to, |_, piece| {
            seen.push(match piece {
                Piece::Batch(swept) => swept.found.last_offset,
                Piece::Gap(_) => -1,
            });
            Ok::<_, StorageError>(ControlFlow::Continue(()))
        })
        .unwrap();
    seen
}

#[test]
fn only_the_segments_that_may_hold_the_offsets_are_read() {
    let log = Log::new();
    log.write(0, &[0, 1], 0);
    log.write(2, &[2, 3], 0);
    log.write(4, &[4, 5], 0);
    assert_eq!(next(&mut log.trail(), 0, i64::MAX), [0, 1, 2, 3, 4, 5]);
    assert_eq!(next(&mut log.trail(), 3, i64::MAX), [2, 3, 4, 5]);
    assert_eq!(next(&mut log.trail(), 0, 4), [0, 1, 2, 3]);
    assert_eq!(next(&mut log.trail(), 2, 3), [2, 3]);
}

#[test]
fn a_walk_goes_on_where_it_ended_also_in_the_next_segment() {
    let log = Log::new();
    log.write(0, &[0, 1], 0);
    let mut trail = log.trail().of_a_live_log();
    assert_eq!(next(&mut trail, 0, i64::MAX), [0, 1]);
    assert_eq!(next(&mut trail, 0, i64::MAX), [0; 0]);
    log.write(0, &[0, 1, 2], 0);
    log.write(3, &[3], 0);
    assert_eq!(next(&mut trail, 0, i64::MAX), [2, 3]);
}

#[test]
fn what_is_not_whole_at_the_end_is_waited_for_in_a_live_log_alone() {
    let log = Log::new();
    log.write(0, &[0, 1], 3);
    assert_eq!(next(&mut log.trail(), 0, i64::MAX), [0, -1]);
    let mut trail = log.trail().of_a_live_log();
    assert_eq!(next(&mut trail, 0, i64::MAX), [0]);
    log.write(0, &[0, 1], 0);
    assert_eq!(next(&mut trail, 0, i64::MAX), [1]);
    // Another segment follows: nobody will finish it.
    log.write(0, &[0, 1, 2], 3);
    log.write(3, &[3], 0);
    assert_eq!(next(&mut trail, 0, i64::MAX), [-1, 3]);
}

#[test]
fn a_piece_before_which_a_walk_stops_comes_again() {
    let log = Log::new();
    log.write(0, &[0, 1, 2], 0);
    let mut trail = log.trail();
    let mut seen = Vec::new();
    for stop in [Stop::Before, Stop::Behind, Stop::Behind] {
        trail
            .walk(0, i64::MAX, |_, piece| {
                seen.push(piece.position());
                let first = piece.position() == 0;
                let go_on = first && stop == Stop::Before;
                Ok::<_, StorageError>(match go_on {
                    true => ControlFlow::Continue(()),
                    false => ControlFlow::Break(stop),
                })
            })
            .unwrap();
    }
    let size = batch(0).len() as u64;
    assert_eq!(seen, [0, size, size, 2 * size], "the second comes twice");
}
