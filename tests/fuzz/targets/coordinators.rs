//! A directory with what coordinators keep: groups with their offsets, transactional ids, a transaction that is open.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use bytes::Bytes;
use klog::group::{CommittedOffset, Entry};
use klog::record::{BatchBuilder, BatchOptions, BatchProducer};
use klog::txn::{Transaction, TxnState, TxnVersion, encode};

use super::files::Template;

const NOW: i64 = 1_700_000_000_000;

pub static COORDINATORS: LazyLock<Template> = LazyLock::new(|| {
    Template::of(|folder| {
        log(folder, "__consumer_offsets-3", -1, &[offset("t", 1), offset("gone", 2)]);
        log(folder, "__transaction_state-7", -1, &[transaction("id", 7)]);
        log(folder, "t-0", 7, &[(Bytes::from_static(b"key"), Bytes::from_static(b"value"))]);
        fs::write(folder.join("meta.properties"), "version=1\nnode.id=0\ncluster.id=c\n")
            .expect("a file");
    })
});

fn offset(topic: &'static str, offset: i64) -> (Bytes, Bytes) {
    let committed = CommittedOffset {
        offset,
        leader_epoch: -1,
        metadata: Default::default(),
        committed_at: NOW,
        expires_at: None,
    };
    let entry = Entry::Offset("group".into(), (topic.into(), 0), Some(committed));
    let (key, value) = entry.encode().expect("it is short");
    (key, value.expect("an offset"))
}

fn transaction(id: &'static str, producer: i64) -> (Bytes, Bytes) {
    let transaction = Transaction {
        state: TxnState::Ongoing,
        epoch: 0,
        partitions: [("t".into(), 0)].into(),
        started_at: NOW,
        ..Transaction::fresh(producer, 60_000, NOW)
    };
    encode(&id.into(), &transaction, TxnVersion::V2).expect("it is short")
}

/// A segment with a batch per record, in a transaction of `producer` if that is one.
fn log(data: &Path, name: &str, producer: i64, records: &[(Bytes, Bytes)]) {
    let folder = data.join(name);
    fs::create_dir(&folder).expect("a folder");
    let mut segment = Vec::new();
    for (at, (key, value)) in records.iter().enumerate() {
        let options = BatchOptions {
            base_offset: at as i64,
            producer: BatchProducer { id: producer, epoch: 0, base_sequence: at as i32 },
            transactional: producer >= 0,
            ..BatchOptions::default()
        };
        let mut builder = BatchBuilder::new(options);
        builder.append(NOW, Some(key), Some(value), []).expect("it fits");
        segment.extend(builder.build().expect("it builds"));
    }
    fs::write(folder.join("00000000000000000000.log"), segment).expect("a file");
}
