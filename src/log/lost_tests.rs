//! Logs that are gone between two starts: they go on where they ended, so that no offset is given out twice; names that are free for
//! another topic begin at 0.

use std::fs;

use super::damage_tests::{BATCHES, Stop, append, id, left_behind, open, open_dir, served};
use super::*;
use crate::base::TopicId;

const BOTH: [Stop; 2] = [Stop::Clean, Stop::Killed];

#[test]
fn a_log_whose_segments_are_gone_goes_on_empty_from_its_end() {
    for stop in BOTH {
        for whole in [true, false] {
            let home = left_behind(stop);
            let folder = home.path().join(id().to_string());
            fs::remove_dir_all(&folder).unwrap();
            if !whole {
                let metadata = "version: 0\ntopic_id: BwcHBwcHBwcHBwcHBwcHBw";
                fs::create_dir(&folder).unwrap();
                fs::write(folder.join("partition.metadata"), metadata).unwrap();
            }
            for again in 0..2 {
                let (dir, mut log) = open(home.path()).unwrap();
                let end = BATCHES + again;
                let row = format!("{stop:?}, the folder too: {whole}, {again} later");
                assert_eq!((log.start().get(), log.end().get()), (BATCHES, end), "{row}");
                assert_eq!(append(&mut log, end).unwrap().base_offset.get(), end, "{row}");
                served(&mut log, end).unwrap();
                log.close().unwrap();
                let of = |offset| Offsets::from([(id(), offset)]);
                dir.write_checkpoints(&of(log.recovery_point()), &of(log.start())).unwrap();
            }
        }
    }
}

#[test]
fn a_log_that_was_deleted_is_not_missed() {
    for stop in BOTH {
        for killed in [false, true] {
            let home = left_behind(stop);
            let (dir, log) = open(home.path()).unwrap();
            drop(log);
            dir.doom(&id()).unwrap();
            let dir = if killed {
                // Before it could write in the checkpoint that the log is gone.
                drop(dir);
                let dir = open_dir(home.path());
                assert_eq!(dir.partitions().unwrap(), []);
                dir
            } else {
                dir
            };
            let (log, _) = dir.open_log(&id(), TopicId([8; 16]), Default::default()).unwrap();
            let row = format!("{stop:?}, killed: {killed}");
            assert_eq!((log.start(), log.end()), (Offset::ZERO, Offset::ZERO), "{row}");
        }
    }
}
