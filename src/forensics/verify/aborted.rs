//! The index of aborted transactions of a segment against the markers in it.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::producers::State;
use crate::forensics::entries::{Entries, check_length};
use crate::forensics::finding::{Findings, Kind};
use crate::forensics::order::Span;
use crate::log::{AbortedEntry, IndexEntry as _};
use crate::os::DiskFile;

/// Holds an index against what the markers of its segment tell, each with whether its transaction has records in the segment. The
/// log begins at `first`; of a segment that is active, the last entries may not be in the file yet.
///
/// # Errors
/// As the system says.
pub fn check_index(
    path: &Path,
    index: Option<&dyn DiskFile>,
    told: &[(AbortedEntry, bool)],
    (span, first, is_active): (Span, i64, bool),
    state: State,
    findings: &mut Findings,
) -> io::Result<()> {
    let by_marker: BTreeMap<i64, AbortedEntry> =
        told.iter().map(|(entry, _)| (entry.aborted.last_offset, *entry)).collect();
    let mut present = BTreeMap::new();
    let mut check = Check { path, span, first, by_marker: &by_marker, state, findings };
    if let Some(index) = index {
        check.entries(index, &mut present)?;
    }
    let newest = present.last_key_value().map_or(-1, |(last, ())| *last);
    let wanted = |(entry, has_data): &&(AbortedEntry, bool)| {
        let last = entry.aborted.last_offset;
        let written = !is_active || last < newest;
        let is_left = entry.aborted.first_offset >= state.log_start;
        written && is_left && (*has_data || !state.compacted) && !present.contains_key(&last)
    };
    let missing = told.iter().filter(wanted).map(|(entry, _)| entry.aborted);
    for aborted in missing {
        let (kind, found) = match index {
            Some(_) => (Kind::TxnindexEntry, "it is not there"),
            None => (Kind::MissingFile, "there is no index"),
        };
        let detail = format!(
            "an entry was expected for the transaction of producer {} that began at offset {} and was aborted at {}; {found}",
            aborted.producer_id, aborted.first_offset, aborted.last_offset
        );
        findings.add(path, kind, None, aborted.last_offset, detail);
        if index.is_none() {
            break;
        }
    }
    Ok(())
}

struct Check<'a> {
    path: &'a Path,
    span: Span,
    first: i64,
    by_marker: &'a BTreeMap<i64, AbortedEntry>,
    state: State,
    findings: &'a mut Findings,
}

impl Check<'_> {
    fn entries(&mut self, index: &dyn DiskFile, present: &mut BTreeMap<i64, ()>) -> io::Result<()> {
        check_length::<AbortedEntry>(self.path, index, Kind::TxnindexEntry, self.findings)?;
        let mut entries = Entries::<AbortedEntry>::whole(index)?;
        let mut before: Option<AbortedEntry> = None;
        while let Some((at, entry)) = entries.next()? {
            let last = entry.aborted.last_offset;
            if let Some(detail) = self.is_wrong(entry, before) {
                self.findings.add(self.path, Kind::TxnindexEntry, at, last, detail);
            } else {
                before = Some(entry);
            }
            present.insert(last, ());
        }
        Ok(())
    }

    fn is_wrong(&self, entry: AbortedEntry, before: Option<AbortedEntry>) -> Option<String> {
        let aborted = entry.aborted;
        let words = |it: AbortedEntry| {
            let stable = it.last_stable_offset;
            let it = it.aborted;
            format!(
                "producer {}, offsets {} to {}, last stable offset {stable}",
                it.producer_id, it.first_offset, it.last_offset
            )
        };
        if !entry.is_sound() {
            return Some(format!(
                "an aborted transaction was expected; {} stands there",
                words(entry)
            ));
        }
        if !(self.span.base..self.span.limit).contains(&aborted.last_offset) {
            return Some(format!(
                "a marker in the segment was expected; {} stands there",
                words(entry)
            ));
        }
        if let Some(before) = before.filter(|before| !entry.follows(*before)) {
            return Some(format!(
                "entries that ascend were expected; {} follows {}",
                words(entry),
                words(before)
            ));
        }
        let State { compacted, damaged, sure, log_start, .. } = self.state;
        match self.by_marker.get(&aborted.last_offset) {
            Some(told) if compacted || damaged || !sure || starts_below(told, log_start) => {
                let same = told.aborted.producer_id == aborted.producer_id;
                (!same).then(|| {
                    format!("{} was expected; {} stands there", words(*told), words(entry))
                })
            }
            Some(told) if *told == entry => None,
            Some(told) => {
                Some(format!("{} was expected; {} stands there", words(*told), words(entry)))
            }
            None if compacted || damaged || aborted.first_offset < self.first => None,
            None => Some(format!(
                "no abort marker stands at offset {}; {}",
                aborted.last_offset,
                words(entry)
            )),
        }
    }
}

/// Whether the transaction, or the first that was open after it, began below the log's start.
fn starts_below(told: &AbortedEntry, log_start: i64) -> bool {
    told.aborted.first_offset.min(told.last_stable_offset) < log_start
}
