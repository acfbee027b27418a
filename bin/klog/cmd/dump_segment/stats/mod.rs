//! `klog dump-segment --stats`

mod page;
mod sums;

use std::sync::atomic::{AtomicU64, Ordering};

use klog::base::{in_parallel, threads_each};
use klog::forensics::{Here, Piece, Segments, Stats, Stop, Trail, contradiction};
use klog::os::{Disk, Os};

use sums::{Segment, Sums};

use super::Args;
use super::damage::Damage;
use super::filter::Filter;
use super::sources::{self, Source};
use super::verify::threads;
use crate::logging::{LogArgs, wants_progress};
use crate::output::{ListFormat, Progress, Rows};

pub fn run(args: &Args, log: &LogArgs) -> anyhow::Result<()> {
    let os = Os::real();
    let disk = &*os.disk;
    let sources = sources::logs(disk, &args.paths, &args.filters)?;
    let (from, to) = Filter::new(args).offsets();
    let mut total = 0;
    for source in &sources {
        total += Trail::new(disk, source.segments.clone()).bytes_within(from, to)?;
    }
    let progress = Progress::of_files(wants_progress(log), total);
    let mut damage = Damage::default();
    let mut rows = Rows::new(args.lists());
    let alone = sources.len() == 1 && args.lists() == ListFormat::Table;
    for source in &sources {
        let sums = sum(args, disk, source, &progress, &mut damage)?;
        if alone {
            progress.finish();
            page::print(&sums)?;
        } else {
            rows.push(sums)?;
        }
    }
    progress.finish();
    rows.finish()?;
    damage.finish()
}

/// Sums a log up, its files side by side.
fn sum(
    args: &Args,
    disk: &dyn Disk,
    source: &Source,
    progress: &Progress,
    damage: &mut Damage,
) -> anyhow::Result<Sums> {
    let (from, to) = Filter::new(args).offsets();
    let files = Trail::new(disk, source.segments.clone()).files_within(from, to)?;
    let threads = threads();
    let pace = args.pace(threads_each(threads, files.len()));
    let batches = AtomicU64::new(0);
    let done = in_parallel(threads, &files, |(base, path)| {
        let mut filter = Filter::new(args);
        let mut trail = Trail::new(disk, Segments::One(*base, path.clone())).at(pace.clone());
        let (mut stats, mut wrong) = (Stats::default(), Vec::new());
        trail.walk(i64::MIN, i64::MAX, |here, piece| {
            let batches = batches.fetch_add(1, Ordering::Relaxed);
            progress.advance_to(piece.end() - piece.position(), || format!("{batches} batches"));
            let wanted = match piece {
                Piece::Batch(swept) => filter.takes_batch(swept),
                Piece::Gap(_) => true,
            };
            if wanted && !look_at(args, here, piece, &mut stats)? {
                wrong.push(piece.position());
            }
            Ok::<_, anyhow::Error>(std::ops::ControlFlow::<Stop>::Continue(()))
        })?;
        Ok::<_, anyhow::Error>((Segment { path: path.clone(), stats }, wrong))
    });
    let mut segments = Vec::new();
    for segment in done {
        let (segment, wrong) = segment?;
        wrong.into_iter().for_each(|position| damage.at(&segment.path, position));
        segments.push(segment);
    }
    Ok(Sums::new(source, segments, args.deep))
}

/// Adds a batch or a gap; `false` if it is damaged.
fn look_at(args: &Args, here: Here<'_>, piece: &Piece, stats: &mut Stats) -> anyhow::Result<bool> {
    let Piece::Batch(swept) = piece else {
        stats.add(piece, None);
        return Ok(false);
    };
    if !args.deep || swept.crc.is_err() {
        stats.add(piece, None);
        return Ok(swept.crc.is_ok());
    }
    match swept.inside(&**here.file)? {
        Ok(inside) if contradiction(&swept.found, &inside).is_none() => {
            stats.add(piece, Some(&inside));
            Ok(true)
        }
        Ok(_) | Err(_) => {
            stats.damage(swept.found.size as u64);
            Ok(false)
        }
    }
}
