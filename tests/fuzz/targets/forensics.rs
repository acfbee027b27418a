//! The readers of damaged directories, and their repair.

use std::path::Path;

use klog::forensics::overview::{Look, Overview};
use klog::forensics::repair::{self, repair_in_place, repair_to};
use klog::forensics::verify::{self, of_indexes, verify};
use klog::forensics::{Finding, Kind, partitions_in};
use klog::os::Os;

use super::files::{LOG, METADATA};

/// Nothing panics, whatever the files are like; what a repair has been through is sound.
pub fn forensics(data: &[u8]) {
    let os = Os::real();
    let look = |path: &Path| {
        let options = verify::Options { deep: true, threads: 1, progress: &|_| {} };
        verify(&os, path, options)
    };
    let mending = |dry_run| repair::Options { dry_run, threads: 1, progress: &|_| {} };
    for template in [&LOG, &METADATA] {
        let Some(copy) = template.damaged(data) else { continue };
        let found = look(copy.path());
        shown(&os, copy.path(), &found.unwrap_or_default());
        let _ = repair_in_place(&os, copy.path(), mending(true));
        let elsewhere = tempfile::tempdir().expect("a folder");
        let _ = repair_to(&os, copy.path(), &elsewhere.path().join("copy"), mending(false));
        if repair_in_place(&os, copy.path(), mending(false)).is_ok() {
            let left = look(copy.path()).expect("it can be read");
            let left: Vec<Finding> = left.into_iter().filter(|it| !is_left(it)).collect();
            assert!(left.is_empty(), "a repair leaves {left:#?}");
        }
    }
}

/// What there is to see is shown, and what is wrong with the entries of indexes is what was `found`.
fn shown(os: &Os, data: &Path, found: &[Finding]) {
    let disk = &*os.disk;
    let Ok(folders) = partitions_in(disk, data) else { return };
    let look = Look { threads: 1, wanted: &|_| true, progress: &|_| {} };
    let _ = Overview::of(disk, data, &folders, look).map(|overview| overview.damage());
    let options = verify::Options { deep: false, threads: 1, progress: &|_| {} };
    for folder in folders {
        let Ok(all) = of_indexes(os, &folder.path, options) else { continue };
        let entries = found.iter().filter(|it| it.kind.is_of_entries());
        for it in entries.filter(|it| it.file.parent() == Some(&folder.path)) {
            let same = |other: &&Finding| {
                (&other.file, other.position) == (&it.file, it.position)
                    && it.detail.starts_with(&other.detail)
            };
            assert!(all.iter().any(|other| same(&other)), "{it:#?} is not among {all:#?}");
        }
    }
}

/// What nobody can tell: whose partition or directory it is; what of a snapshot of metadata is lost.
fn is_left(finding: &Finding) -> bool {
    let name = finding.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let is_folder = finding.kind == Kind::StrayFile;
    is_folder || ["partition.metadata", "meta.properties"].contains(&name.as_str())
}
