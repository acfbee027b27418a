//! `klog dump-segment --repair`: what is kept, what is lost, and where it stands.

use std::path::Path;

use anyhow::Context as _;
use klog::forensics::repair::{Options, RepairError, Repaired, repair_in_place, repair_to};
use klog::os::Os;
use serde::Serialize;

use super::Args;
use super::verify::{chosen, threads};
use crate::exit::advise;
use crate::logging::LogArgs;
use crate::output::{Row, Rows, or_dash};

/// A line tells what was kept, what of it was changed, what is lost, or what is left as it is.
#[derive(Serialize)]
struct Line {
    partition: String,
    kind: &'static str,
    file: Option<String>,
    first_offset: Option<i64>,
    last_offset: Option<i64>,
    position: Option<u64>,
    end: Option<u64>,
    batches: Option<u64>,
    detail: String,
    dry_run: bool,
}

impl Row for Line {
    const HEADER: &'static [&'static str] =
        &["PARTITION", "KIND", "FILE", "OFFSETS", "BYTES", "DETAIL"];

    fn cells(&self) -> Vec<String> {
        let offsets = match (self.first_offset, self.last_offset) {
            (Some(first), Some(last)) if first != last => format!("{first}..={last}"),
            (Some(first), None) if self.kind == "lost" => format!("{first}.."),
            (first, _) => or_dash(&first),
        };
        let bytes = match (self.position, self.end) {
            (Some(position), Some(end)) => format!("{position}..{end}"),
            (position, _) => or_dash(&position),
        };
        let file = self.file.as_ref().and_then(|file| Path::new(file).file_name());
        let file = file.map(|name| name.to_string_lossy().into_owned());
        let (partition, kind) = (self.partition.clone(), self.kind.to_owned());
        vec![partition, kind, or_dash(&file), offsets, bytes, self.detail.clone()]
    }

    fn is_bad(&self) -> bool {
        self.kind == "lost" || self.kind == "left"
    }
}

pub fn run(args: &Args, log: &LogArgs) -> anyhow::Result<()> {
    let os = Os::real();
    let (paths, progress) = chosen(&os, args, log)?;
    let tick = |bytes: u64| progress.advance_to(bytes, String::new);
    let dry_run = args.repair.dry_run;
    let options = Options { dry_run, threads: threads(), progress: &tick };
    let mut rows = Rows::new(args.lists());
    for path in &paths {
        let done = match &args.repair.to {
            Some(to) => repair_to(&os, path, to, options),
            None => repair_in_place(&os, path, options),
        };
        let done = match done.map_err(|error| hinted(error, path)) {
            Err(error) => {
                rows.finish()?;
                return Err(error);
            }
            done => done.with_context(|| format!("cannot repair {}", path.display()))?,
        };
        for repaired in &done {
            lines(repaired, args).into_iter().try_for_each(|line| rows.push(line))?;
        }
    }
    progress.finish();
    rows.finish()
}

fn hinted(error: RepairError, path: &Path) -> anyhow::Error {
    let hint = match &error {
        RepairError::InUse { .. } => "stop the broker first".to_owned(),
        RepairError::Exists(path) => format!("name another folder, or remove {}", path.display()),
        RepairError::NoExchange(_) => {
            format!("klog dump-segment --repair --to DIR {}", path.display())
        }
        RepairError::NoLog(_) => "give the partition's folder".to_owned(),
        RepairError::NoName(_) => "rename it to TOPIC-N".to_owned(),
        _ => return error.into(),
    };
    advise(error, hint)
}

fn lines(repaired: &Repaired, args: &Args) -> Vec<Line> {
    let folder = repaired.folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let line = |kind: &'static str, detail: String| Line {
        partition: folder.clone(),
        kind,
        file: None,
        first_offset: None,
        last_offset: None,
        position: None,
        end: None,
        batches: None,
        detail,
        dry_run: args.repair.dry_run,
    };
    let left = repaired.left.iter().map(|finding| Line {
        file: Some(finding.file.display().to_string()),
        first_offset: finding.offset,
        position: finding.position,
        ..line("left", format!("{}; only a copy mends it: {}", finding.detail, finding.fix))
    });
    let Some(target) = &repaired.target else {
        let sound = line("sound", "nothing was to be done".to_owned());
        return if repaired.left.is_empty() { vec![sound] } else { left.collect() };
    };
    let moved = repaired.moved.as_ref();
    let moved =
        moved.map_or(String::new(), |path| format!("; what was damaged: {}", path.display()));
    let verb = if args.repair.dry_run { "would stand" } else { "stands" };
    let kept = format!("what is sound {verb} in {}{moved}", target.display());
    let mut all = vec![Line { batches: Some(repaired.batches), ..line("kept", kept) }];
    for change in &repaired.changes {
        all.push(Line {
            file: Some(change.file.display().to_string()),
            first_offset: Some(change.offset),
            position: Some(change.position),
            ..line("changed", change.detail.clone())
        });
    }
    for lost in &repaired.lost {
        all.push(Line {
            file: Some(lost.file.display().to_string()),
            first_offset: Some(lost.first),
            last_offset: lost.last,
            position: Some(lost.position),
            end: Some(lost.end),
            ..line("lost", lost.detail.clone())
        });
    }
    all.extend(left);
    all
}
