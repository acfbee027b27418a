//! The leader epochs of a partition's batches against the checkpoint that notes where each began.

use std::path::Path;

use super::report::{OtherEpoch, Report};
use crate::base::Offset;
use crate::forensics::finding::{Findings, Kind};
use crate::log::{LEADER_EPOCHS_FILE, LeaderEpochs};
use crate::os::{Disk, OpenMode};

const NOT_NOTED: &str = "the batches have leader epochs; where each began was expected to be noted";

/// Holds what the batches say against the checkpoint in `folder`; `None` if that is not there or cannot be read.
pub fn check(
    disk: &dyn Disk,
    folder: &Path,
    reports: &[Report],
    known: Option<&LeaderEpochs>,
    findings: &mut Findings,
) {
    let path = folder.join(LEADER_EPOCHS_FILE);
    others(&path, reports, findings);
    let has_epochs = reports.iter().any(|report| report.epochs.is_some_and(|(_, last)| last >= 0));
    match known {
        None if has_epochs && !findings.has(&path, Kind::Checkpoint) => {
            let is_there = disk.open(&path, OpenMode::Read).is_ok();
            let kind = if is_there { Kind::Checkpoint } else { Kind::MissingFile };
            findings.add(&path, kind, None, None, NOT_NOTED.to_owned());
        }
        Some(epochs) if has_epochs && epochs.entries().is_empty() => {
            let first = reports.first().map(|first| first.base);
            findings.add(&path, Kind::Checkpoint, None, first, NOT_NOTED.to_owned());
        }
        None | Some(_) => {}
    }
    let end = reports.last().filter(|report| !report.tail_is_damaged).map(|report| report.end);
    let newest = known.and_then(|epochs| epochs.entries().last().copied());
    if let (Some(end), Some((epoch, start))) = (end, newest)
        && start > Offset::new(end.max(0))
    {
        let detail = format!(
            "epochs up to the log's end at offset {end} were expected; epoch {epoch} begins at {start}"
        );
        findings.add(&path, Kind::Checkpoint, None, start.get(), detail);
    }
}

/// Batches of other epochs than the checkpoint has: one of them is itself what is wrong, several tell that the checkpoint is.
fn others(path: &Path, reports: &[Report], findings: &mut Findings) {
    let others: Vec<(&Report, &OtherEpoch)> = reports
        .iter()
        .flat_map(|report| report.other_epochs.iter().map(move |other| (report, other)))
        .collect();
    match others.as_slice() {
        [] => {}
        [(report, other)] => {
            let OtherEpoch { position, offset, found, known } = **other;
            let detail = format!("leader epoch {known} was expected; {found} stands there");
            findings.add(&report.path, Kind::EpochOrder, position + 12, offset, detail);
        }
        [(report, other), ..] => {
            let OtherEpoch { position, offset, found, known } = **other;
            let more = match others.len() {
                64.. => "many batches".to_owned(),
                count => format!("{} batches", count - 1),
            };
            let segment = report.path.display();
            let detail = format!(
                "epoch {found} was expected at offset {offset}, as in {segment} at byte {position} and in {more} more; epoch {known} is noted"
            );
            findings.add(path, Kind::Checkpoint, None, offset, detail);
        }
    }
}
