//! What `--index`, `--verify` and the overview of a directory say of the same files: none contradicts another.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use klog::forensics::overview::{Look, Overview};
use klog::forensics::verify::{self, of_indexes};
use klog::forensics::{Entries, FileKind, Finding, Folder, Piece, Sweep, partitions_in};
use klog::log::{IndexEntry, OffsetEntry, TimeEntry};
use klog::os::{DiskFile, OpenMode, Os};

/// Holds what is shown of a data directory against what was `found` there.
pub fn agreed(os: &Os, data: &Path, found: &[Finding]) {
    let Ok(folders) = partitions_in(&*os.disk, data) else { return };
    let look = Look { threads: 1, wanted: &|_| true, progress: &|_| {} };
    if let Ok(overview) = Overview::of(&*os.disk, data, &folders, look) {
        for (path, why) in overview.damage() {
            let is_found = found.iter().any(|it| it.file == path);
            assert!(is_found, "{}: {why}: not in {found:#?}", path.display());
        }
    }
    let options = verify::Options { deep: false, threads: 1, progress: &|_| {} };
    for folder in folders {
        if let Ok(shown) = of_indexes(os, &folder.path, options) {
            entries(&folder, &shown, found);
        }
        indexes(os, &folder, found);
    }
}

/// What is wrong with entries is what was found, all of it and nothing else.
fn entries(folder: &Folder, shown: &[Finding], found: &[Finding]) {
    let of_entries =
        |it: &&Finding| it.kind.is_of_entries() && it.file.parent() == Some(&folder.path);
    for it in found.iter().filter(of_entries) {
        let same = |other: &Finding| {
            (&other.file, other.position) == (&it.file, it.position)
                && it.detail.starts_with(&other.detail)
        };
        assert!(shown.iter().any(same), "{it:#?} is not among {shown:#?}");
    }
    for it in shown.iter().filter(of_entries) {
        let same = |other: &Finding| (&other.file, other.kind) == (&it.file, it.kind);
        assert!(found.iter().any(same), "{it:#?} is not among {found:#?}");
    }
}

/// A batch as an index may name it: its first and last offset, and its youngest timestamp.
type Named = (i64, i64, i64);

/// Every entry leads to a batch, of an index and a segment of which nothing was found.
fn indexes(os: &Os, folder: &Folder, found: &[Finding]) {
    let open = |path: &Path| os.disk.open(path, OpenMode::Read).ok();
    for named in folder.files(&*os.disk).unwrap_or_default() {
        let index = folder.path.join(&named.name);
        let segment = index.with_extension("log");
        if found.iter().any(|it| it.file == index || it.file == segment) {
            continue;
        }
        let (Some(file), Some(log)) = (open(&index), open(&segment)) else { continue };
        match named.kind {
            FileKind::OffsetIndex { base } => {
                let batches = batches(&log, base);
                each(&*file, |entry: OffsetEntry| {
                    let there = batches.get(&u64::from(entry.position));
                    let offset = base + i64::from(entry.relative_offset);
                    assert!(there.is_some_and(|it| it.1 <= offset), "{index:?}: {entry:?}");
                });
            }
            FileKind::TimeIndex { base } => {
                let batches = batches(&log, base);
                each(&*file, |entry: TimeEntry| {
                    let offset = base + i64::from(entry.relative_offset);
                    let is_its =
                        |it: &Named| (it.0..=it.1).contains(&offset) && it.2 == entry.timestamp;
                    assert!(batches.values().any(is_its), "{index:?}: {entry:?}");
                });
            }
            _ => {}
        }
    }
}

fn each<E: IndexEntry>(file: &dyn DiskFile, check: impl Fn(E)) {
    let mut entries = Entries::new(file).expect("it can be read");
    while let Some((_, entry)) = entries.next().expect("it can be read") {
        check(entry);
    }
}

/// All batches of a sound segment, by the byte at which each begins.
fn batches(file: &Arc<dyn DiskFile>, base: i64) -> HashMap<u64, Named> {
    let mut sweep = Sweep::new(&**file, 0, file.len().expect("a length"), base);
    let mut batches = HashMap::new();
    while let Some(piece) = sweep.next().expect("it can be read") {
        if let Piece::Batch(swept) = piece {
            let youngest = swept.max_timestamp().unwrap_or(-1);
            let named = (swept.first_offset(), swept.found.last_offset, youngest);
            batches.insert(swept.found.position, named);
        }
    }
    batches
}
