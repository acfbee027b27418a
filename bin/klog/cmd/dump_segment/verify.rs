//! `klog dump-segment --verify`: a line per thing that is wrong.

use std::num::NonZero;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use klog::forensics::verify::{Options, bytes_below, verify};
use klog::forensics::{Finding, Place};
use klog::os::Os;
use serde::Serialize;

use super::Args;
use super::sources::{folders, place};
use crate::exit::Hint as _;
use crate::logging::{LogArgs, is_quiet, wants_progress};
use crate::output::{ListFormat, Progress, Row, Rows, is_narrow, or_dash};

#[derive(Serialize)]
struct Line {
    file: String,
    kind: &'static str,
    position: Option<u64>,
    offset: Option<i64>,
    detail: String,
    fix: String,
}

impl Row for Line {
    const HEADER: &'static [&'static str] = &["FILE", "KIND", "POSITION", "OFFSET", "DETAIL"];
    const NUMBERS: &'static [&'static str] = &["POSITION", "OFFSET"];
    const WIDE_ONLY: &'static [&'static str] = &["FILE"];

    fn cells(&self) -> Vec<String> {
        let (position, offset) = (or_dash(&self.position), or_dash(&self.offset));
        vec![self.file.clone(), self.kind.to_owned(), position, offset, self.detail.clone()]
    }

    fn plain(&self) -> Vec<String> {
        [self.cells(), vec![self.fix.clone()]].concat()
    }

    fn is_bad(&self) -> bool {
        true
    }
}

impl From<Finding> for Line {
    fn from(it: Finding) -> Line {
        let Finding { kind, position, offset, detail, fix, .. } = it;
        let file = it.file.display().to_string();
        Line { file, kind: kind.name(), position, offset, detail, fix }
    }
}

pub fn run(args: &Args, log: &LogArgs) -> anyhow::Result<()> {
    let os = Os::real();
    let (paths, progress) = chosen(&os, args, log)?;
    let tick = |bytes: u64| progress.advance_to(bytes, String::new);
    let options = Options { deep: args.deep, threads: threads(), progress: &tick };
    let mut found = Vec::new();
    for path in &paths {
        let wrong = verify(&os, path, options)
            .with_context(|| format!("cannot verify {}", path.display()))?;
        found.extend(wrong);
    }
    progress.finish();
    drop(progress);
    let fixes = fixes(&found);
    let (count, first) = (found.len(), found.first().map(|it| it.fix.clone()));
    show(found, args.lists())?;
    let Some(fix) = first else {
        if args.lists() == ListFormat::Table && !is_quiet(log) {
            let deep = if args.deep { "" } else { "; --deep reads every record too" };
            anstream::eprintln!("nothing is wrong{deep}");
        }
        return Ok(());
    };
    let what = match count {
        1 => "1 thing is wrong".to_owned(),
        more => format!("{more} things are wrong"),
    };
    let hint =
        if fixes == 1 { fix } else { format!("{fix} (and {} more, see --format json)", fixes - 1) };
    Err(anyhow::anyhow!(what)).hint(hint)
}

/// A narrow terminal has a table for each file, with its name above it.
fn show(found: Vec<Finding>, format: ListFormat) -> anyhow::Result<()> {
    let mut rows = Rows::new(format);
    let titled = format == ListFormat::Table && is_narrow();
    let mut file = PathBuf::new();
    for finding in found {
        if titled && file != finding.file {
            file.clone_from(&finding.file);
            rows.title(&file.display().to_string())?;
        }
        rows.push(Line::from(finding))?;
    }
    rows.finish()
}

/// How many commands mend all that was found.
fn fixes(found: &[Finding]) -> usize {
    let mut fixes: Vec<&str> = found.iter().map(|it| it.fix.as_str()).collect();
    fixes.sort_unstable();
    fixes.dedup();
    fixes.len()
}

/// The paths, of a data directory only the partitions that `--topic` and `-p` choose, if they are given; and a bar for their bytes.
pub fn chosen(os: &Os, args: &Args, log: &LogArgs) -> anyhow::Result<(Vec<PathBuf>, Progress)> {
    let filters = &args.filters;
    let all = filters.topic.is_none() && filters.partition.is_empty();
    let mut paths = Vec::new();
    for path in &args.paths {
        match place(&*os.disk, path)? {
            Place::DataDir { path } if !all => {
                let chosen = folders(&*os.disk, &path, filters)?;
                paths.extend(chosen.into_iter().map(|folder| folder.path));
            }
            _ => paths.push(without_slash(path)),
        }
    }
    let total = paths.iter().map(|path| bytes_below(os, path)).sum::<Result<u64, _>>()?;
    Ok((paths, Progress::bytes(wants_progress(log), Some(total))))
}

/// `orders-0/` as `orders-0`, so that what is printed can be compared.
fn without_slash(path: &Path) -> PathBuf {
    path.components().collect()
}

/// As many as there are processors.
pub fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}
