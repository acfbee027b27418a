//! The readers of damaged directories, and their repair.

use std::path::Path;

use klog::forensics::repair::{self, repair_in_place, repair_to};
use klog::forensics::verify::{self, verify};
use klog::forensics::{Finding, Kind};
use klog::os::Os;

use super::agreement::agreed;
use super::coordinators::COORDINATORS;
use super::files::{LOG, METADATA};

/// Nothing panics, whatever the files are like; all who look see the same; what a repair has been through is sound.
pub fn forensics(data: &[u8]) {
    let os = Os::real();
    let look = |path: &Path| {
        let options = verify::Options { deep: true, threads: 1, progress: &|_| {} };
        verify(&os, path, options)
    };
    let mending = |dry_run| repair::Options { dry_run, threads: 1, progress: &|_| {} };
    for template in [&LOG, &METADATA, &COORDINATORS] {
        let Some(copy) = template.damaged(data) else { continue };
        if let Ok(found) = look(copy.path()) {
            agreed(&os, copy.path(), &found);
        }
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

/// What nobody can tell: whose partition or directory it is; what only a copy mends.
fn is_left(finding: &Finding) -> bool {
    let name = finding.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let is_folder = finding.kind == Kind::StrayFile;
    is_folder || finding.needs_a_copy() || name == "partition.metadata"
}
