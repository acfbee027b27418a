//! `klog dump-segment --index`, and index files by themselves. What is wrong with an entry is what `--verify` says of it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use klog::forensics::verify::{Options, bytes_below, of_indexes};
use klog::forensics::{Entries, FileKind, Finding, Folder, Place};
use klog::log::{AbortedEntry, IndexEntry, OffsetEntry, TimeEntry};
use klog::os::{OpenMode, Os};
use serde::Serialize;

use super::Args;
use super::showing::Showing;
use super::sources;
use super::verify::threads;
use crate::exit::{Hint as _, usage};
use crate::logging::{LogArgs, wants_progress};
use crate::output::{Progress, Row, local_time};

/// Shows all indexes at the paths.
pub fn run(args: &Args, log: &LogArgs) -> anyhow::Result<()> {
    let os = Os::real();
    let mut showing = Showing::new(args.lists());
    let mut any = false;
    for path in &args.paths {
        let folders = match sources::place(&*os.disk, path)? {
            Place::File { path, .. } => {
                any |= file(&os, &path, &mut showing)?;
                continue;
            }
            Place::Partition(folder) => vec![folder],
            Place::DataDir { path } | Place::Nothing { path } => {
                sources::folders(&*os.disk, &path, &args.filters)?
            }
        };
        for of_one in folders {
            any |= folder(&os, &of_one, log, &mut showing)?;
        }
    }
    if !any {
        return Err(usage("no index is there"))
            .hint("an index ends in .index, .timeindex or .txnindex");
    }
    showing.finish()
}

/// Shows all indexes of a partition; `false` if it has none.
fn folder(os: &Os, folder: &Folder, log: &LogArgs, showing: &mut Showing) -> anyhow::Result<bool> {
    let named = folder.files(&*os.disk)?.into_iter().filter(|file| is_index(&file.kind));
    let files: Vec<PathBuf> = named.map(|file| folder.path.join(file.name)).collect();
    if files.is_empty() {
        return Ok(false);
    }
    let total = bytes_below(os, &folder.path)?;
    let progress = Progress::of_files(wants_progress(log), total);
    let tick = |bytes| progress.advance_to(bytes, || folder.to_string());
    let wrong = of_indexes(os, &folder.path, with(&tick))?;
    progress.finish();
    drop(progress);
    for path in files {
        show(os, &path, &wrong, showing)?;
    }
    tell_of_segments(&wrong, showing);
    Ok(true)
}

/// Shows one index file; `false` if it is none.
pub fn file(os: &Os, path: &Path, showing: &mut Showing) -> anyhow::Result<bool> {
    if !is_index(&sources::kind_of(path)) {
        return Ok(false);
    }
    let wrong = match is_alone(os, path) {
        true => Vec::new(),
        false => of_indexes(os, path, with(&|_| {}))?,
    };
    show(os, path, &wrong, showing)?;
    tell_of_segments(&wrong, showing);
    Ok(true)
}

fn with(progress: &(dyn Fn(u64) + Sync)) -> Options<'_> {
    Options { deep: false, threads: threads(), progress }
}

fn is_index(kind: &FileKind) -> bool {
    matches!(
        kind,
        FileKind::OffsetIndex { .. } | FileKind::TimeIndex { .. } | FileKind::TxnIndex { .. }
    )
}

/// Whether an index, or what was one before it was deleted, has no segment beside it.
fn is_alone(os: &Os, path: &Path) -> bool {
    os.disk.open(&path.with_extension("log"), OpenMode::Read).is_err()
}

/// What an entry says of a batch that is damaged cannot be told.
fn tell_of_segments(wrong: &[Finding], showing: &mut Showing) {
    let is_segment = |it: &&Finding| matches!(sources::kind_of(&it.file), FileKind::Segment { .. });
    wrong.iter().filter(is_segment).for_each(|finding| tell(finding, showing));
}

fn tell(finding: &Finding, showing: &mut Showing) {
    tracing::warn!("{}: {}", finding.file.display(), finding.detail);
    showing.damage(&finding.file, finding.position.unwrap_or(0));
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

/// Prints the entries of one file, and what `wrong` says of them.
fn show(os: &Os, path: &Path, wrong: &[Finding], showing: &mut Showing) -> anyhow::Result<()> {
    let file = os.disk.open(path, OpenMode::Read)?;
    let of_it = |it: &&Finding| it.kind.is_of_entries() && it.file.file_name() == path.file_name();
    let wrong = wrong.iter().filter(of_it).collect();
    let index = Index { path, wrong, is_judged: !is_alone(os, path) };
    match sources::kind_of(path) {
        FileKind::OffsetIndex { base } => {
            index.each(Entries::new(&*file)?, showing, |head, entry: OffsetEntry, verdict| {
                let offset = base.saturating_add(entry.relative_offset.into());
                OffsetRow { head, offset, position: entry.position, verdict }
            })
        }
        FileKind::TimeIndex { base } => {
            index.each(Entries::new(&*file)?, showing, |head, entry: TimeEntry, verdict| {
                let offset = base.saturating_add(entry.relative_offset.into());
                TimeRow { head, timestamp: entry.timestamp, offset, verdict }
            })
        }
        _ => index.each(Entries::whole(&*file)?, showing, |head, entry: AbortedEntry, verdict| {
            AbortedRow {
                head,
                version: entry.version,
                producer_id: entry.aborted.producer_id,
                first_offset: entry.aborted.first_offset,
                last_offset: entry.aborted.last_offset,
                last_stable_offset: entry.last_stable_offset,
                verdict,
            }
        }),
    }
}

/// An index file, and what is wrong with it.
struct Index<'a> {
    path: &'a Path,
    wrong: Vec<&'a Finding>,
    is_judged: bool,
}

impl Index<'_> {
    /// Prints a row per entry, then tells what is wrong with none of them: bytes behind the last one, one that is missing.
    fn each<E: IndexEntry, R: Row>(
        &self,
        mut entries: Entries<'_, E>,
        showing: &mut Showing,
        row: impl Fn(Head, E, Verdict) -> R,
    ) -> anyhow::Result<()> {
        let mut wrong: HashMap<u64, &str> =
            self.wrong.iter().filter_map(|it| Some((it.position?, &*it.detail))).collect();
        let mut rows = showing.rows(self.path)?;
        let file = self.path.display().to_string();
        for entry in 0.. {
            let Some((at, found)) = entries.next()? else { break };
            let damage = wrong.remove(&at).map(str::to_owned);
            if damage.is_some() {
                showing.damage(self.path, at);
            }
            let verdict = Verdict { valid: self.is_judged.then_some(damage.is_none()), damage };
            rows.push(row(Head { file: file.clone(), entry }, found, verdict))?;
        }
        rows.finish()?;
        let is_told = |it: &&&Finding| it.position.is_some_and(|at| !wrong.contains_key(&at));
        self.wrong.iter().filter(|it| !is_told(it)).for_each(|finding| tell(finding, showing));
        Ok(())
    }
}
