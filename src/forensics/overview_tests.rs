//! An overview tells what is in a directory, and what of it is damaged.

use super::*;
use crate::group::{CommittedOffset, Entry};
use crate::os::Os;
use crate::record::{BatchBuilder, BatchOptions, BatchProducer};

fn batch(offset: i64, producer: i64, key: Option<&[u8]>, value: Option<&[u8]>) -> Vec<u8> {
    let mut builder = BatchBuilder::new(BatchOptions {
        base_offset: offset,
        producer: BatchProducer { id: producer, epoch: 0, base_sequence: 0 },
        transactional: producer >= 0,
        ..BatchOptions::default()
    });
    let none: [(&[u8], Option<&[u8]>); 0] = [];
    builder.append(1000 + offset, key, value, none).unwrap();
    builder.build().unwrap().to_vec()
}

struct Data(tempfile::TempDir);

impl Data {
    fn put(&self, folder: &str, file: &str, bytes: &[u8]) {
        let folder = self.0.path().join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(file), bytes).unwrap();
    }

    fn overview(&self) -> Overview {
        let disk = Os::real().disk;
        let folders = crate::forensics::partitions_in(&*disk, self.0.path()).unwrap();
        let look = Look { threads: 2, wanted: &|_| true, progress: &|_| {} };
        Overview::of(&*disk, self.0.path(), &folders, look).unwrap()
    }
}

const FIRST: &str = "00000000000000000000.log";

#[test]
fn partitions_groups_and_open_transactions_are_told_and_what_is_damaged() {
    let data = Data(tempfile::tempdir().unwrap());
    let sound = [batch(0, -1, None, Some(b"a")), batch(1, 7, None, Some(b"b"))].concat();
    data.put("orders-0", FIRST, &sound);
    let mut bent = [batch(0, -1, None, Some(b"a")), batch(1, -1, None, Some(b"b"))].concat();
    *bent.last_mut().unwrap() ^= 1;
    data.put("orders-1", FIRST, &bent);
    let offset = |offset| CommittedOffset {
        offset,
        leader_epoch: -1,
        metadata: Default::default(),
        committed_at: 5,
        expires_at: None,
    };
    let entry = |topic: &'static str, at: Option<i64>| {
        Entry::Offset("g".into(), (topic.into(), 0), at.map(offset)).encode().unwrap()
    };
    let mut log = Vec::new();
    let entries = [entry("orders", Some(1)), entry("gone", Some(3)), entry("gone", None)];
    for (at, (key, value)) in entries.iter().enumerate() {
        log.extend(batch(at as i64, -1, Some(key), value.as_deref()));
    }
    data.put("__consumer_offsets-3", FIRST, &log);
    data.put("", "meta.properties", b"version=7\n");

    let overview = data.overview();
    assert_eq!(overview.partitions.len(), 3);
    let orders = &overview.partitions[1];
    assert_eq!((orders.end().get(), orders.segments), (2, 1));
    assert_eq!(orders.fates.open(), [(7, 1)]);
    assert_eq!(orders.stats.max_timestamp, Some(1001));
    let committed: Vec<_> = overview.groups.committed.iter().collect();
    assert_eq!(committed.len(), 1, "a tombstone takes an offset away");
    assert_eq!((committed[0].0.topic.as_ref(), committed[0].1.offset), ("orders", 1));
    let damage: Vec<String> = overview
        .damage()
        .iter()
        .map(|(path, _)| path.file_name().unwrap().to_string_lossy().into())
        .collect();
    assert_eq!(damage, ["meta.properties", FIRST]);
    assert!(overview.metadata.is_none());
}
