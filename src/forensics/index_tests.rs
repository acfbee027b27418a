//! An entry that leads to its batch is sound; any other is told apart.

use super::*;
use crate::base::Millis;
use crate::log::Aborted;
use crate::os::Os;
use crate::record::control::ControlRecord;
use crate::record::{BatchBuilder, BatchOptions, BatchProducer};

/// A segment of three batches of one record at offsets 10, 11 and 12 and times 100, 300 and 200, and an abort marker at 13.
fn segment() -> (tempfile::TempDir, Arc<dyn DiskFile>, u32) {
    let none: [(&[u8], Option<&[u8]>); 0] = [];
    let mut bytes = Vec::new();
    for (at, time) in [(10, 100), (11, 300), (12, 200)] {
        let mut builder =
            BatchBuilder::new(BatchOptions { base_offset: at, ..BatchOptions::default() });
        builder.append(time, None, Some(b"value"), none).unwrap();
        bytes.extend_from_slice(&builder.build().unwrap());
    }
    let size = bytes.len() as u32 / 3;
    let producer = BatchProducer { id: 7, epoch: 0, base_sequence: -1 };
    let abort = ControlRecord::Abort { coordinator_epoch: 0 };
    bytes.extend_from_slice(&abort.batch(13, 0, Millis(400), producer).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("00000000000000000010.log");
    std::fs::write(&path, bytes).unwrap();
    let file = Os::real().disk.open(&path, OpenMode::Read).unwrap();
    (folder, file, size)
}

#[test]
fn an_offset_entry_leads_to_the_batch_that_ends_with_its_offset() {
    let (_folder, file, size) = segment();
    let pointing = Pointing::new(&file, 10).unwrap();
    let entry = |relative_offset, position| OffsetEntry { relative_offset, position };
    let wrong = |entry| pointing.offset(entry, None).unwrap();
    assert_eq!(wrong(entry(1, size)), None);
    assert_eq!(wrong(entry(2, size)).as_deref(), Some("the batch there ends with offset 11"));
    assert!(wrong(entry(1, size + 1)).is_some_and(|why| why.starts_with("no batch begins there")));
    assert!(wrong(entry(9, 1 << 20)).is_some_and(|why| why.starts_with("the segment ends")));
    let after = pointing.offset(entry(1, size), Some(entry(1, size))).unwrap();
    assert!(after.is_some_and(|why| why.contains("does not come after")));
}

#[test]
fn a_time_entry_leads_to_a_batch_of_its_time() {
    let (_folder, file, _) = segment();
    let entry = |timestamp, relative_offset| TimeEntry { timestamp, relative_offset };
    let wrong = |entry| Pointing::new(&file, 10).unwrap().time(entry, None).unwrap();
    assert_eq!(wrong(entry(300, 1)), None);
    assert_eq!(
        wrong(entry(300, 2)).as_deref(),
        Some("the batch with its offset has timestamp 200")
    );
    assert_eq!(wrong(entry(300, 9)).as_deref(), Some("no batch has its offset"));
}

#[test]
fn an_entry_of_an_aborted_transaction_leads_to_its_marker() {
    let (_folder, file, _) = segment();
    let wrong = |first_offset, last_offset, producer_id| {
        let aborted = Aborted { first_offset, last_offset, producer_id };
        let entry = AbortedEntry::new(aborted, last_offset + 1);
        Pointing::new(&file, 10).unwrap().aborted(entry, None).unwrap()
    };
    assert_eq!(wrong(10, 13, 7), None);
    assert_eq!(wrong(10, 13, 8).as_deref(), Some("the marker is of producer 7"));
    assert_eq!(wrong(10, 12, 7).as_deref(), Some("no marker stands at its last offset"));
    assert_eq!(wrong(14, 13, 7).as_deref(), Some("it is no entry"));
}

#[test]
fn zeros_behind_the_entries_are_none_and_odd_bytes_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("00000000000000000010.index");
    let mut bytes = Vec::new();
    OffsetEntry { relative_offset: 256, position: 512 }.write(&mut bytes);
    bytes.resize(8 + 80 + 3, 0);
    std::fs::write(&path, bytes).unwrap();
    let index = Index::read::<OffsetEntry>(&*Os::real().disk, &path).unwrap();
    assert_eq!(index.entries::<OffsetEntry>().count(), 1);
    assert_eq!((index.zeros, index.odd), (80, 3));
}
