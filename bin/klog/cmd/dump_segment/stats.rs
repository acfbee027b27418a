//! `klog dump-segment --stats`

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use klog::forensics::{
    Here, Piece, Segments, Stats, Stop, Trail, contradiction, in_parallel, look_inside,
};
use klog::os::{Disk, Os};
use serde::Serialize;

use super::Args;
use super::damage::Damage;
use super::filter::Filter;
use super::sources::{self, Source};
use crate::logging::{LogArgs, wants_progress};
use crate::output::{ListFormat, Progress, Row, Rows, Stdout, aligned, local_time, or_dash, size};

/// The sums of one log.
#[derive(Serialize)]
struct Sums {
    path: String,
    topic: String,
    partition: Option<i32>,
    segments: usize,
    bytes: u64,
    batches: u64,
    /// Null where batches of old formats were not looked into.
    records: Option<u64>,
    first_offset: Option<i64>,
    last_offset: Option<i64>,
    gaps: u64,
    missing_offsets: u64,
    min_timestamp: Option<i64>,
    max_timestamp: Option<i64>,
    first_epoch: Option<i32>,
    last_epoch: Option<i32>,
    codecs: Vec<CodecSums>,
    batch_size: Option<Spread>,
    producers: usize,
    transactional_batches: u64,
    control_batches: u64,
    old_format_batches: u64,
    damaged_places: u64,
    damaged_bytes: u64,
    #[serde(skip)]
    of_segments: Vec<Segment>,
}

#[derive(Serialize)]
struct CodecSums {
    codec: String,
    batches: u64,
    bytes: u64,
    uncompressed_bytes: Option<u64>,
    ratio: Option<f64>,
}

#[derive(Serialize)]
struct Spread {
    min: u64,
    p50: u64,
    mean: u64,
    p99: u64,
    max: u64,
}

/// One file of a log.
struct Segment {
    path: PathBuf,
    stats: Stats,
}

impl Sums {
    fn new(source: &Source, of_segments: Vec<Segment>, deep: bool) -> Sums {
        let mut all = Stats::default();
        of_segments.iter().for_each(|segment| all.append(&segment.stats));
        let codecs = all.used().map(|(codec, packed)| CodecSums {
            codec: codec.to_string(),
            batches: packed.batches,
            bytes: packed.bytes,
            uncompressed_bytes: deep.then_some(packed.unpacked),
            ratio: packed.ratio(),
        });
        let sizes = &all.sizes;
        Sums {
            path: source.path.display().to_string(),
            topic: source.topic.clone(),
            partition: source.partition,
            segments: of_segments.len(),
            bytes: all.bytes + all.damaged_bytes,
            batches: all.batches,
            records: (deep || all.old_formats == 0).then_some(all.records),
            first_offset: all.first_offset,
            last_offset: all.last_offset,
            gaps: all.gaps,
            missing_offsets: all.missing,
            min_timestamp: all.min_timestamp,
            max_timestamp: all.max_timestamp,
            first_epoch: all.epochs.map(|(first, _)| first),
            last_epoch: all.epochs.map(|(_, last)| last),
            codecs: codecs.collect(),
            batch_size: sizes.mean().map(|mean| Spread {
                min: sizes.min,
                p50: sizes.percentile(50).unwrap_or(mean),
                mean,
                p99: sizes.percentile(99).unwrap_or(mean),
                max: sizes.max,
            }),
            producers: all.producers.len(),
            transactional_batches: all.transactional,
            control_batches: all.control,
            old_format_batches: all.old_formats,
            damaged_places: all.damaged,
            damaged_bytes: all.damaged_bytes,
            of_segments,
        }
    }

    /// `zstd 1.2 MiB ×3.4`
    fn codecs(&self) -> String {
        let one = |it: &CodecSums| {
            let ratio = it.ratio.filter(|_| it.codec != "none");
            let ratio = ratio.map(|ratio| format!(" (1:{ratio:.1})")).unwrap_or_default();
            format!("{} {}{ratio}", it.codec, size(it.bytes))
        };
        self.codecs.iter().map(one).collect::<Vec<_>>().join(", ")
    }

    fn damage(&self) -> String {
        damage_of(self.damaged_places, self.damaged_bytes)
    }
}

impl Row for Sums {
    const HEADER: &'static [&'static str] = &[
        "partition",
        "segments",
        "size",
        "batches",
        "records",
        "first",
        "last",
        "codecs",
        "damaged",
    ];
    const NUMBERS: &'static [&'static str] =
        &["segments", "size", "batches", "records", "first", "last"];

    fn cells(&self) -> Vec<String> {
        let name = match self.partition {
            Some(partition) => format!("{}-{partition}", self.topic),
            None => self.topic.clone(),
        };
        vec![
            name,
            self.segments.to_string(),
            size(self.bytes),
            self.batches.to_string(),
            or_dash(&self.records),
            or_dash(&self.first_offset),
            or_dash(&self.last_offset),
            self.codecs(),
            self.damage(),
        ]
    }

    fn plain(&self) -> Vec<String> {
        let mut cells = self.cells();
        cells[0].clone_from(&self.path);
        cells[2] = self.bytes.to_string();
        cells
    }

    fn is_bad(&self) -> bool {
        self.damaged_places > 0
    }
}

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
            print(&sums)?;
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
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let batches = AtomicU64::new(0);
    let done = in_parallel(threads, &files, |(base, path)| {
        let mut filter = Filter::new(args);
        let mut trail = Trail::new(disk, Segments::One(*base, path.clone()));
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
    match look_inside(&swept.batch(&**here.file)?) {
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

/// What is damaged: in how many places, if there are several, and how many bytes.
fn damage_of(places: u64, bytes: u64) -> String {
    match places {
        0 => "-".to_owned(),
        1 => size(bytes),
        places => format!("{places} places, {}", size(bytes)),
    }
}

/// So many segments are listed at each end of a long log.
const LISTED: usize = 6;

/// A log by itself, in no more than a screenful.
fn print(sums: &Sums) -> anyhow::Result<()> {
    let mut out = Stdout::new();
    let mut text = format!("{}\n", sums.path);
    let times = match (sums.min_timestamp, sums.max_timestamp) {
        (None, None) => "-".to_owned(),
        (from, to) => format!("{} to {}", local_time(from), local_time(to)),
    };
    let offsets = match (sums.first_offset, sums.last_offset) {
        (Some(first), Some(last)) => format!("{first} to {last}"),
        (None, Some(last)) => format!("up to {last}"),
        _ => "-".to_owned(),
    };
    let missing = match sums.gaps {
        0 => "none".to_owned(),
        gaps => format!("{} offsets in {gaps} places", sums.missing_offsets),
    };
    let sizes = sums.batch_size.as_ref().map_or("-".to_owned(), |it| {
        let (min, max) = (size(it.min), size(it.max));
        format!("{min} to {max}, median {}, p99 {}", size(it.p50), size(it.p99))
    });
    let epochs = match (sums.first_epoch, sums.last_epoch) {
        (Some(first), Some(last)) if first != last => format!("{first} to {last}"),
        (first, _) => or_dash(&first),
    };
    let lines = [
        ("segments", format!("{}, {}", sums.segments, size(sums.bytes))),
        ("batches", format!("{} of {sizes}", sums.batches)),
        ("records", or_dash(&sums.records)),
        ("offsets", offsets),
        ("missing", missing),
        ("times", times),
        ("epochs", epochs),
        ("codecs", if sums.codecs.is_empty() { "-".to_owned() } else { sums.codecs() }),
        (
            "producers",
            format!(
                "{} idempotent; batches in transactions: {}, control batches: {}",
                sums.producers, sums.transactional_batches, sums.control_batches
            ),
        ),
    ];
    for (name, value) in lines {
        text.push_str(&format!("  {name:<10}{value}\n"));
    }
    text.push('\n');
    text.push_str(&segments(&sums.of_segments));
    out.buffer().extend_from_slice(text.as_bytes());
    out.flush()
}

/// A line per file: all of a few, of many the first, the last and those that are damaged.
fn segments(all: &[Segment]) -> String {
    let header = ["segment", "size", "batches", "first", "last", "max_timestamp", "damaged"];
    let numbers = ["size", "batches", "first", "last"];
    let few = all.len() <= 2 * LISTED + 1;
    let mut rows = Vec::new();
    let (mut left_out, mut damaged) = (0, 0);
    for (at, segment) in all.iter().enumerate() {
        let stats = &segment.stats;
        let is_bad = stats.damaged > 0;
        let ends = at < LISTED || at + LISTED >= all.len();
        damaged += usize::from(is_bad && !ends);
        let stands_out = is_bad && damaged <= LISTED;
        if !(few || ends || stands_out) {
            left_out += 1;
            continue;
        }
        if left_out > 0 {
            rows.push(dots(std::mem::take(&mut left_out)));
        }
        let name = segment.path.file_name().map(|name| name.to_string_lossy().into_owned());
        let damage = damage_of(stats.damaged, stats.damaged_bytes);
        let cells = vec![
            name.unwrap_or_default(),
            size(stats.bytes + stats.damaged_bytes),
            stats.batches.to_string(),
            or_dash(&stats.first_offset),
            or_dash(&stats.last_offset),
            local_time(stats.max_timestamp),
            damage,
        ];
        rows.push((cells, is_bad));
    }
    if left_out > 0 {
        rows.push(dots(left_out));
    }
    aligned(&header, &numbers, &["batches", "first"], rows.into_iter())
}

fn dots(count: usize) -> (Vec<String>, bool) {
    let mut cells = vec![String::new(); 7];
    cells[0] = format!("… {count} more");
    (cells, false)
}
