//! `klog dump-segment --batches`

mod row;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use klog::forensics::{Here, Piece, Stop, Trail};
use klog::os::Os;

use row::Batch;

use super::damage::Damage;
use super::filter::Filter;
use super::sources::{self, Source};
use super::verify::threads;
use super::{Args, follow};
use crate::logging::{LogArgs, wants_progress};
use crate::output::{ListFormat, Progress, Row as _, Rows};

pub fn run(args: &Args, log: &LogArgs) -> anyhow::Result<()> {
    let os = Os::real();
    let sources = sources::logs(&*os.disk, &args.paths, &args.filters)?;
    let mut shown = Shown::new(args);
    for source in &sources {
        shown.filter.begin();
        shown.of_source(args, log, &os, source)?;
        if shown.left == 0 {
            break;
        }
    }
    shown.rows.finish()?;
    shown.damage.finish()
}

/// What was shown, and what may yet be.
struct Shown {
    rows: Rows<Batch>,
    filter: Filter,
    left: u64,
    damage: Damage,
    /// The file whose batches the table has.
    file: Option<PathBuf>,
}

impl Shown {
    fn new(args: &Args) -> Shown {
        Shown {
            rows: Rows::streamed(args.lists()),
            filter: Filter::new(args),
            left: args.filters.most.unwrap_or(u64::MAX),
            damage: Damage::default(),
            file: None,
        }
    }

    fn of_source(
        &mut self,
        args: &Args,
        log: &LogArgs,
        os: &Os,
        source: &Source,
    ) -> anyhow::Result<()> {
        let pace = args.pace(threads());
        let mut trail = Trail::new(&*os.disk, source.segments.clone()).at(pace);
        if args.follow {
            trail = trail.of_a_live_log();
        }
        let (from, to) = self.filter.offsets();
        let total = trail.bytes_within(from, to)?;
        let progress = Progress::between_lines(wants_progress(log) && !args.follow, total);
        let mut batches = 0u64;
        loop {
            let before = batches;
            trail.walk(from, to, |here, piece| {
                batches += 1;
                progress
                    .advance_to(piece.end() - piece.position(), || format!("{batches} batches"));
                self.piece(args, here, piece)
            })?;
            if self.is_done() || !args.follow {
                return Ok(());
            }
            self.rows.flush()?;
            follow::wait(batches > before);
        }
    }

    fn piece(
        &mut self,
        args: &Args,
        here: Here<'_>,
        piece: &Piece,
    ) -> anyhow::Result<ControlFlow<Stop>> {
        let row = match piece {
            Piece::Batch(swept) if !self.filter.takes_batch(swept) => None,
            Piece::Batch(swept) => Some(Batch::of(here, swept, args.deep)?),
            Piece::Gap(gap) => Some(Batch::gap(here.path, gap)),
        };
        if let Some(row) = row {
            self.begin_file(args, here.path)?;
            if row.is_bad() {
                self.damage.at(here.path, row.position);
            }
            self.rows.push(row)?;
            self.left -= 1;
        }
        Ok(if self.is_done() {
            ControlFlow::Break(Stop::Behind)
        } else {
            ControlFlow::Continue(())
        })
    }

    /// A table is of one file: the name stands above it, not in each line.
    fn begin_file(&mut self, args: &Args, path: &Path) -> anyhow::Result<()> {
        if args.lists() != ListFormat::Table || self.file.as_deref() == Some(path) {
            return Ok(());
        }
        self.file = Some(path.to_path_buf());
        self.rows.title(&path.display().to_string())
    }

    fn is_done(&self) -> bool {
        self.left == 0 || self.filter.is_past()
    }
}
