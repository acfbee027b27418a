//! The sums of a log as a line.

use std::path::PathBuf;

use klog::forensics::Stats;
use serde::Serialize;

use crate::cmd::dump_segment::sources::Source;
use crate::output::{Row, is_narrow, or_dash, size, together};

/// The sums of one log.
#[derive(Serialize)]
pub struct Sums {
    pub path: String,
    pub topic: String,
    pub partition: Option<i32>,
    pub segments: usize,
    pub bytes: u64,
    pub batches: u64,
    /// Null where batches of old formats were not looked into.
    pub records: Option<u64>,
    pub first_offset: Option<i64>,
    pub last_offset: Option<i64>,
    pub gaps: u64,
    pub missing_offsets: u64,
    pub min_timestamp: Option<i64>,
    pub max_timestamp: Option<i64>,
    pub first_epoch: Option<i32>,
    pub last_epoch: Option<i32>,
    pub codecs: Vec<CodecSums>,
    pub batch_size: Option<Spread>,
    pub producers: usize,
    pub transactional_batches: u64,
    pub control_batches: u64,
    pub old_format_batches: u64,
    pub damaged_places: u64,
    pub damaged_bytes: u64,
    #[serde(skip)]
    pub of_segments: Vec<Segment>,
}

#[derive(Serialize)]
pub struct CodecSums {
    pub codec: String,
    pub batches: u64,
    pub bytes: u64,
    pub uncompressed_bytes: Option<u64>,
    pub ratio: Option<f64>,
}

#[derive(Serialize)]
pub struct Spread {
    pub min: u64,
    pub p50: u64,
    pub mean: u64,
    pub p99: u64,
    pub max: u64,
}

/// One file of a log.
pub struct Segment {
    pub path: PathBuf,
    pub stats: Stats,
}

impl Sums {
    /// Of a log and its files; of records only where `deep` or the headers tell.
    pub fn new(source: &Source, of_segments: Vec<Segment>, deep: bool) -> Sums {
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

    /// `zstd 1.2 MiB (1:3.4)`
    pub fn codecs(&self) -> Vec<String> {
        let one = |it: &CodecSums| {
            let ratio = it.ratio.filter(|_| it.codec != "none");
            let ratio = ratio.map(|ratio| format!(" (1:{ratio:.1})")).unwrap_or_default();
            format!("{} {}{ratio}", it.codec, size(it.bytes))
        };
        self.codecs.iter().map(one).collect()
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
    const WIDE_ONLY: &'static [&'static str] = &["first"];

    fn cells(&self) -> Vec<String> {
        let codecs: Vec<String> = self.codecs().iter().map(|codec| together(codec)).collect();
        let between = if is_narrow() { "\n" } else { ", " };
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
            codecs.join(between),
            self.damage(),
        ]
    }

    fn plain(&self) -> Vec<String> {
        let mut cells = self.cells();
        cells[0].clone_from(&self.path);
        cells[2] = self.bytes.to_string();
        cells[7] = self.codecs().join(", ");
        cells
    }

    fn is_bad(&self) -> bool {
        self.damaged_places > 0
    }
}

/// What is damaged: in how many places, if there are several, and how many bytes.
pub fn damage_of(places: u64, bytes: u64) -> String {
    match places {
        0 => "-".to_owned(),
        1 => size(bytes),
        places => format!("{places} places, {}", size(bytes)),
    }
}
