use std::path::Path;

use super::tests::{DAY, Fixture, config, open};
use crate::base::LeaderEpoch;
use crate::base::{Millis, Offset};
use crate::config::TopicConfig;
use crate::log::transactions::tests::{end, write_keyed};
use crate::log::{Aborted, ReadError};
use crate::record::control::ControlRecord;
use crate::record::{Batch, BatchProducer, Codec, records, split_batches};

fn fixture(folder: &Path) -> Fixture {
    open(folder, TopicConfig { delete_retention_ms: 1000, ..config() })
}

impl Fixture {
    fn in_transaction(&mut self, id: i64, base_sequence: i32, key: u8) -> i64 {
        write_keyed(&mut self.log, (id, 0, base_sequence), &[key]).base_offset.get()
    }

    /// Fills the segment and begins another one.
    fn roll(&mut self) {
        self.log.roll().unwrap();
    }

    fn batches(&self) -> Vec<Batch> {
        let slice = self.log.slice(self.log.start(), self.log.end(), usize::MAX, true).unwrap();
        let parts = slice.slices.iter().map(|part| part.read().unwrap());
        parts.flat_map(split_batches).map(Result::unwrap).collect()
    }

    fn markers(&self) -> Vec<i64> {
        let batches = self.batches();
        let markers = batches.iter().filter(|batch| batch.header().record_count > 0);
        markers.filter(|it| it.header().is_control()).map(|it| it.header().base_offset).collect()
    }

    fn keys(&self) -> Vec<(i64, u8)> {
        let batches = self.batches();
        let data = batches.iter().filter(|batch| !batch.header().is_control());
        let all = data.flat_map(|it| records(it, 1 << 20).unwrap().map(Result::unwrap));
        all.map(|record| (record.offset, record.key.unwrap()[0])).collect()
    }

    fn aborted(&mut self) -> Vec<Aborted> {
        let slice = self.log.slice(self.log.start(), self.log.end(), usize::MAX, true).unwrap();
        loop {
            match self.log.aborted(self.log.start(), &slice) {
                Err(ReadError::Unchecked(check)) => self.log.checked(check.run().unwrap()).unwrap(),
                found => return found.unwrap(),
            }
        }
    }

    /// The same log after a restart, its indexes checked and found as they are.
    fn again(mut self, folder: &Path) -> Fixture {
        let files = || {
            let entries =
                std::fs::read_dir(folder.join("t-0")).unwrap().map(|it| it.unwrap().path());
            let indexes = entries.filter(|path| path.to_str().unwrap().ends_with(".txnindex"));
            indexes.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect::<Vec<_>>()
        };
        self.log.remove_doomed(Millis(i64::MAX)).unwrap();
        self.log.close().unwrap();
        let (before, told) = (files(), self.aborted());
        drop(self);
        let mut again = fixture(folder);
        again.log.check_all().unwrap();
        assert_eq!(files(), before, "compaction wrote another index than the batches tell of");
        assert_eq!(again.aborted(), told);
        again
    }
}

#[test]
fn what_was_aborted_goes_what_was_committed_stays_and_what_is_undecided_is_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    let mut fixture = fixture(dir.path());
    fixture.in_transaction(1, 0, b'a');
    end(&mut fixture.log, 1, 0, true);
    fixture.in_transaction(1, 1, b'b');
    end(&mut fixture.log, 1, 0, false);
    fixture.append(&[(b'b', Some(vec![]))], Codec::None, BatchProducer::NONE);
    fixture.in_transaction(2, 0, b'a');
    end(&mut fixture.log, 2, 0, false);
    fixture.roll();
    let open_since = fixture.in_transaction(3, 0, b'a');
    fixture.roll();
    fixture.append(&[(b'a', Some(vec![]))], Codec::None, BatchProducer::NONE);
    fixture.roll();
    assert_eq!(fixture.log.last_stable_offset().get(), open_since);
    let filth = fixture.log.filth(Offset::ZERO, Millis(DAY));
    assert_eq!(filth.unwrap(), None, "not yet on disk");
    fixture.clean(DAY, 100);
    assert_eq!(fixture.keys(), [(0, b'a'), (4, b'b'), (7, b'a'), (8, b'a')]);
    assert_eq!(fixture.dir.cleaned_to(&super::tests::partition()).get(), open_since);
    // Once it is decided, the last one counts.
    end(&mut fixture.log, 3, 0, true);
    fixture.roll();
    fixture.clean(DAY, 100);
    assert_eq!(fixture.keys(), [(4, b'b'), (8, b'a')]);
    fixture.again(dir.path());
}

#[test]
fn a_marker_goes_once_all_of_its_transaction_is_gone_and_its_time_has_passed() {
    let dir = tempfile::tempdir().unwrap();
    let mut fixture = fixture(dir.path());
    fixture.in_transaction(1, 0, b'a');
    let committed = end(&mut fixture.log, 1, 0, true);
    fixture.in_transaction(1, 1, b'b');
    let aborted = end(&mut fixture.log, 1, 0, false);
    // Five later ones: no batch of those is remembered any more.
    for at in 2..7 {
        fixture.in_transaction(1, at, b'c');
    }
    end(&mut fixture.log, 1, 0, true);
    fixture.append(&[(b'a', Some(vec![])), (b'b', Some(vec![]))], Codec::None, BatchProducer::NONE);
    fixture.roll();
    fixture.append(&[(b'z', None)], Codec::None, BatchProducer::NONE);
    fixture.roll();
    // The first pass takes the records, the second one dates the markers.
    fixture.clean(DAY, 100);
    assert!(fixture.markers().starts_with(&[committed, aborted]));
    assert!(!fixture.keys().iter().any(|(at, _)| *at < 4));
    fixture.clean_again(DAY);
    fixture.clean_again(DAY + 999);
    assert!(fixture.markers().starts_with(&[committed, aborted]), "it is too early");
    let dated: Vec<Batch> = fixture.batches();
    assert_eq!(dated[0].header().base_timestamp, DAY + 1000);
    assert_eq!(marker(&dated[0]), ControlRecord::Commit { coordinator_epoch: 5 });
    assert_eq!(marker(&dated[1]), ControlRecord::Abort { coordinator_epoch: 5 });
    fixture.clean_again(DAY + 1000);
    let left = fixture.markers();
    assert!(!left.contains(&committed) && !left.contains(&aborted), "{left:?}");
    assert_eq!(left.len(), 1, "the last one's batches are remembered");
    fixture.again(dir.path());
}

fn marker(batch: &Batch) -> ControlRecord {
    batch.check_crc().unwrap();
    let record = records(batch, 1 << 10).unwrap().next().unwrap().unwrap();
    ControlRecord::parse(record.key.as_ref(), record.value.as_ref()).unwrap()
}

#[test]
fn a_marker_stays_while_without_it_a_snapshot_would_leave_its_transaction_open() {
    let dir = tempfile::tempdir().unwrap();
    let mut fixture =
        open(dir.path(), TopicConfig { delete_retention_ms: 0, segment_bytes: 300, ..config() });
    fixture.in_transaction(1, 0, b'a');
    fixture.append(&[(b'x', Some(vec![7; 100]))], Codec::None, BatchProducer::NONE);
    fixture.roll();
    let ends = end(&mut fixture.log, 1, 0, false);
    fixture.append(&[(b'y', Some(vec![7; 150]))], Codec::None, BatchProducer::NONE);
    fixture.roll();
    let wrote_since = (0..6).map(|at| fixture.in_transaction(1, at + 1, b'q')).collect::<Vec<_>>();
    end(&mut fixture.log, 1, 0, true);
    fixture.append(&[(b'z', None)], Codec::None, BatchProducer::NONE);
    fixture.roll();
    for round in 0..4 {
        fixture.clean_again(DAY + round);
    }
    assert!(fixture.keys().iter().all(|(at, _)| *at != 0), "{wrote_since:?}");
    assert!(fixture.markers().contains(&ends));
    // Even with the newer snapshots lost, it is known to have ended.
    fixture.log.remove_doomed(Millis(i64::MAX)).unwrap();
    fixture.flush();
    let keep = format!("{ends:020}.snapshot");
    for entry in std::fs::read_dir(dir.path().join("t-0")).unwrap() {
        let path = entry.unwrap().path();
        let is_snapshot = path.extension().is_some_and(|kind| kind == "snapshot");
        if is_snapshot && !path.ends_with(&keep) {
            std::fs::remove_file(path).unwrap();
        }
    }
    drop(fixture);
    let again = open(dir.path(), config());
    assert_eq!(again.log.last_stable_offset(), again.log.end());
}

#[test]
fn the_last_marker_of_a_producer_stays_for_its_epoch() {
    let dir = tempfile::tempdir().unwrap();
    let mut fixture = fixture(dir.path());
    fixture.in_transaction(1, 0, b'a');
    end(&mut fixture.log, 1, 1, false);
    fixture.append(&[(b'a', Some(vec![]))], Codec::None, BatchProducer::NONE);
    fixture.roll();
    for round in 0..4 {
        fixture.clean_again(DAY + round * 1000);
    }
    assert_eq!(fixture.markers(), Vec::<i64>::new(), "it tells no more than the epoch");
    let header = *fixture.batches()[0].header();
    assert_eq!((header.base_offset, header.producer_epoch, header.is_control()), (1, 1, true));
    assert_eq!(header.partition_leader_epoch, LeaderEpoch::ZERO.get());
    fixture.again(dir.path());
}
