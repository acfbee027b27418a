//! `klog dump-segment --index`, and index files by themselves.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use klog::forensics::{FileKind, Index, Place, Pointing};
use klog::log::{AbortedEntry, IndexEntry, OffsetEntry, TimeEntry};
use klog::os::{Disk, DiskFile, OpenMode, Os};
use serde::Serialize;

use super::Args;
use super::showing::Showing;
use super::sources;
use crate::exit::{Hint as _, usage};
use crate::output::{Row, local_time};

/// Shows all indexes at the paths.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let os = Os::real();
    let disk = &*os.disk;
    let mut showing = Showing::new(args.lists());
    let mut any = false;
    for path in files(disk, args)? {
        any |= file(disk, &path, &mut showing)?;
    }
    if !any {
        return Err(usage("no index is there"))
            .hint("an index ends in .index, .timeindex or .txnindex");
    }
    showing.finish()
}

/// The index files at the paths, in order of their names.
fn files(disk: &dyn Disk, args: &Args) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in &args.paths {
        let folders = match sources::place(disk, path)? {
            Place::File { path, .. } => {
                files.push(path);
                continue;
            }
            Place::Partition(folder) => vec![folder],
            Place::DataDir { path } => sources::folders(disk, &path, &args.filters)?,
        };
        for folder in folders {
            let named = folder.files(disk)?.into_iter().filter(|file| is_index(&file.kind));
            files.extend(named.map(|file| folder.path.join(file.name)));
        }
    }
    Ok(files)
}

fn is_index(kind: &FileKind) -> bool {
    matches!(
        kind,
        FileKind::OffsetIndex { .. } | FileKind::TimeIndex { .. } | FileKind::TxnIndex { .. }
    )
}

/// Shows one index file; `false` if it is none.
pub fn file(disk: &dyn Disk, path: &Path, showing: &mut Showing) -> anyhow::Result<bool> {
    match sources::kind_of(path) {
        FileKind::OffsetIndex { base } => offsets(disk, path, base, showing)?,
        FileKind::TimeIndex { base } => times(disk, path, base, showing)?,
        FileKind::TxnIndex { base } => aborted(disk, path, base, showing)?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// The segment file beside an index, `.deleted` beside `.deleted`; `None` if it is gone.
fn segment(disk: &dyn Disk, path: &Path) -> Option<Arc<dyn DiskFile>> {
    let name = path.file_name()?.to_string_lossy().into_owned();
    let (digits, rest) = name.split_once('.')?;
    let suffix = rest.split_once('.').map_or(String::new(), |(_, suffix)| format!(".{suffix}"));
    disk.open(&path.with_file_name(format!("{digits}.log{suffix}")), OpenMode::Read).ok()
}

/// What the rows of all indexes begin with: the file and the entry's place in it, from 0.
#[derive(Serialize)]
struct Head {
    file: String,
    entry: usize,
}

/// Whether an entry points at its batch: `None` where there is no segment to look into.
#[derive(Serialize)]
struct Verdict {
    valid: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    damage: Option<String>,
}

impl Verdict {
    fn cell(&self) -> String {
        match (&self.damage, self.valid) {
            (Some(why), _) => format!("WRONG: {why}"),
            (None, Some(_)) => "ok".to_owned(),
            (None, None) => "no segment".to_owned(),
        }
    }
}

#[derive(Serialize)]
struct OffsetRow {
    #[serde(flatten)]
    head: Head,
    offset: i64,
    position: u32,
    #[serde(flatten)]
    verdict: Verdict,
}

#[derive(Serialize)]
struct TimeRow {
    #[serde(flatten)]
    head: Head,
    timestamp: i64,
    offset: i64,
    #[serde(flatten)]
    verdict: Verdict,
}

#[derive(Serialize)]
struct AbortedRow {
    #[serde(flatten)]
    head: Head,
    version: i16,
    producer_id: i64,
    first_offset: i64,
    last_offset: i64,
    last_stable_offset: i64,
    #[serde(flatten)]
    verdict: Verdict,
}

impl Row for OffsetRow {
    const HEADER: &'static [&'static str] = &["offset", "position", "its_batch"];
    const NUMBERS: &'static [&'static str] = &["offset", "position"];
    fn cells(&self) -> Vec<String> {
        vec![self.offset.to_string(), self.position.to_string(), self.verdict.cell()]
    }
    fn plain(&self) -> Vec<String> {
        [vec![self.head.file.clone()], self.cells()].concat()
    }
    fn is_bad(&self) -> bool {
        self.verdict.damage.is_some()
    }
}

impl Row for TimeRow {
    const HEADER: &'static [&'static str] = &["timestamp", "offset", "its_batch"];
    const NUMBERS: &'static [&'static str] = &["offset"];
    fn cells(&self) -> Vec<String> {
        vec![local_time(Some(self.timestamp)), self.offset.to_string(), self.verdict.cell()]
    }
    fn plain(&self) -> Vec<String> {
        let time = self.timestamp.to_string();
        vec![self.head.file.clone(), time, self.offset.to_string(), self.verdict.cell()]
    }
    fn is_bad(&self) -> bool {
        self.verdict.damage.is_some()
    }
}

impl Row for AbortedRow {
    const HEADER: &'static [&'static str] =
        &["producer_id", "first_offset", "last_offset", "last_stable_offset", "its_marker"];
    const NUMBERS: &'static [&'static str] =
        &["producer_id", "first_offset", "last_offset", "last_stable_offset"];
    fn cells(&self) -> Vec<String> {
        vec![
            self.producer_id.to_string(),
            self.first_offset.to_string(),
            self.last_offset.to_string(),
            self.last_stable_offset.to_string(),
            self.verdict.cell(),
        ]
    }
    fn plain(&self) -> Vec<String> {
        [vec![self.head.file.clone()], self.cells()].concat()
    }
    fn is_bad(&self) -> bool {
        self.verdict.damage.is_some()
    }
}

fn offsets(disk: &dyn Disk, path: &Path, base: i64, showing: &mut Showing) -> anyhow::Result<()> {
    let segment = segment(disk, path);
    let pointing = segment.as_ref().map(|segment| Pointing::new(segment, base)).transpose()?;
    each::<OffsetEntry, _>(disk, path, showing, |head, entry, before| {
        let wrong = pointing.as_ref().map(|pointing| pointing.offset(entry, before)).transpose()?;
        let offset = base.saturating_add(entry.relative_offset.into());
        let verdict = verdict(wrong);
        Ok(OffsetRow { head, offset, position: entry.position, verdict })
    })
}

fn times(disk: &dyn Disk, path: &Path, base: i64, showing: &mut Showing) -> anyhow::Result<()> {
    let segment = segment(disk, path);
    let mut pointing = segment.as_ref().map(|segment| Pointing::new(segment, base)).transpose()?;
    each::<TimeEntry, _>(disk, path, showing, |head, entry, before| {
        let wrong = pointing.as_mut().map(|pointing| pointing.time(entry, before)).transpose()?;
        let offset = base.saturating_add(entry.relative_offset.into());
        Ok(TimeRow { head, timestamp: entry.timestamp, offset, verdict: verdict(wrong) })
    })
}

fn aborted(disk: &dyn Disk, path: &Path, base: i64, showing: &mut Showing) -> anyhow::Result<()> {
    let segment = segment(disk, path);
    let mut pointing = segment.as_ref().map(|segment| Pointing::new(segment, base)).transpose()?;
    each::<AbortedEntry, _>(disk, path, showing, |head, entry, before| {
        let wrong =
            pointing.as_mut().map(|pointing| pointing.aborted(entry, before)).transpose()?;
        Ok(AbortedRow {
            head,
            version: entry.version,
            producer_id: entry.aborted.producer_id,
            first_offset: entry.aborted.first_offset,
            last_offset: entry.aborted.last_offset,
            last_stable_offset: entry.last_stable_offset,
            verdict: verdict(wrong),
        })
    })
}

/// Of an entry that was looked at, and of one that could not be.
fn verdict(wrong: Option<Option<String>>) -> Verdict {
    Verdict { valid: wrong.as_ref().map(Option::is_none), damage: wrong.flatten() }
}

/// Prints a row per entry.
fn each<E: IndexEntry, R: Row>(
    disk: &dyn Disk,
    path: &Path,
    showing: &mut Showing,
    mut row: impl FnMut(Head, E, Option<E>) -> anyhow::Result<R>,
) -> anyhow::Result<()> {
    let index = Index::read::<E>(disk, path)?;
    let mut rows = showing.rows(path)?;
    let mut before = None;
    let file = path.display().to_string();
    for (at, entry) in index.entries::<E>().enumerate() {
        let row = row(Head { file: file.clone(), entry: at }, entry, before)?;
        match row.is_bad() {
            true => showing.damage(path, (at * E::LEN) as u64),
            // One that is wrong tells nothing of those behind it.
            false => before = Some(entry),
        }
        rows.push(row)?;
    }
    rows.finish()?;
    if index.odd > 0 {
        tracing::warn!("{file} ends with {} bytes that are no entry", index.odd);
        showing.damage(path, index.entries::<E>().count() as u64 * E::LEN as u64 + index.zeros);
    }
    Ok(())
}
