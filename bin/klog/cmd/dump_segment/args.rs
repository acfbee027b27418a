//! The options of `klog dump-segment`.

use std::path::PathBuf;

use clap::ValueEnum;
use klog::base::TopicName;
use klog::forensics::{Folder, Pace};
use regex::bytes::Regex;

use crate::exit::usage;
use crate::output::ListFormat;
use crate::values::{self, Span, When};

/// Show, check and repair the files of logs, with no broker
///
/// Apache Kafka's files or klog's own. A file is shown by its kind, a partition's folder by its batches, a data directory by what is
/// in it. Nothing is written but by
/// --repair, and a broker may run meanwhile. Whatever is damaged is shown as such; then the exit code is 1.
#[derive(clap::Args, Clone, Debug)]
#[command(
    after_long_help = "Times are in ms since 1970 in JSON, in local time with its zone in tables. Sizes are in bytes.

Examples:
  klog dump-segment klog-data/                                        what is in here
  klog dump-segment klog-data/orders-0/                               its batches
  klog dump-segment --records --times -2h.. orders-0/ --format json   what came in the last two hours
  klog dump-segment --records --format json dead-disk/orders-0/ | klog produce orders --input json"
)]
pub struct Args {
    /// Files, partitions' folders, data directories
    ///
    /// .log, .index, .timeindex, .txnindex, .snapshot, checkpoints of any kind, and all else that stands in a data directory of
    /// Kafka's. A folder named topic-N is partition N of a topic.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,

    #[command(flatten)]
    pub mode: Mode,

    /// Decompress and read every record too: with --batches, --stats and --verify
    ///
    /// Counts are compared with what the headers say, and formats 0 and 1 get their first offsets and counts.
    #[arg(long, conflicts_with_all = ["records", "index", "repair"])]
    pub deep: bool,

    #[command(flatten)]
    pub records: RecordOptions,

    #[command(flatten)]
    pub filters: Filters,

    #[command(flatten)]
    pub repair: RepairOptions,

    /// Go on and wait for what is written next; until Ctrl-C or -n
    ///
    /// With --batches and --records of one partition. New segments are found by themselves.
    #[arg(long, conflicts_with_all = ["index", "stats", "verify", "repair"])]
    pub follow: bool,

    /// How to print [default: table, plain with --records]
    ///
    /// Plain is the values of records, a line each; of all else the values between tabs.
    #[arg(long, value_enum, value_name = "HOW")]
    pub format: Option<ListFormat>,
}

/// What is shown or done; batches by default, of a data directory an overview.
#[derive(clap::Args, Clone, Debug)]
#[group(multiple = false)]
pub struct Mode {
    /// Show every batch: the default for .log files and partitions
    #[arg(long, help_heading = "What to show")]
    pub batches: bool,

    /// Show every record
    ///
    /// In JSON the shape of `klog consume` with "file" and "position", which `klog produce --input json` takes. Keys and values of
    /// __consumer_offsets, __transaction_state, __share_group_state and __cluster_metadata are decoded.
    #[arg(long, help_heading = "What to show")]
    pub records: bool,

    /// Show the entries of indexes, and whether each points at its batch
    #[arg(long, help_heading = "What to show")]
    pub index: bool,

    /// Show sums: records, bytes, codecs and ratios, sizes, times, producers, gaps
    #[arg(long, help_heading = "What to show")]
    pub stats: bool,

    /// Check everything, and print a line per thing that is wrong
    ///
    /// Checksums, lengths, order of offsets and epochs, indexes, producer snapshots, checkpoints. Exit code 1 if anything is wrong.
    #[arg(long, help_heading = "What to do")]
    pub verify: bool,

    /// Save every valid batch of damaged partitions: into --to DIR, or --in-place
    #[arg(long, help_heading = "What to do")]
    pub repair: bool,
}

/// What of the records is shown, and how.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "With --records")]
pub struct RecordOptions {
    /// Which transactions are shown [default: read_committed]
    ///
    /// Which ones were aborted is told by the markers in the segments, not by the .txnindex: that has no checksum. A transaction
    /// without a marker is open: nothing from its first record on is shown.
    #[arg(long, value_enum, value_name = "LEVEL", requires = "records")]
    pub isolation: Option<Isolation>,

    /// Show control records too: transaction markers, leader changes, snapshot headers
    #[arg(long, requires = "records")]
    pub control: bool,

    /// Show keys and values of internal topics as they are
    #[arg(long, requires = "records")]
    pub raw: bool,

    /// Only records whose key matches; a null key does not
    #[arg(long, value_name = "RE", value_parser = values::pattern, allow_hyphen_values = true, requires = "records")]
    pub key_regex: Option<Regex>,
}

/// Which batches and records are shown.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Which ones")]
pub struct Filters {
    /// Only offsets from A up to, not including, B
    ///
    /// A batch is shown if any of its offsets is. Either end may be missing.
    #[arg(long, value_name = "A..B", value_parser = values::offsets)]
    pub offsets: Option<Span<i64>>,

    /// Only timestamps from A up to, not including, B
    ///
    /// RFC 3339, @UNIX_MS, or -15m (ago); either end may be missing. A batch is shown if it may have such a record.
    #[arg(long, value_name = "A..B", value_parser = values::times, allow_hyphen_values = true)]
    pub times: Option<Span<When>>,

    /// Only what this idempotent producer wrote
    #[arg(long, value_name = "N")]
    pub producer_id: Option<i64>,

    /// Stop after N batches or records
    #[arg(short = 'n', long = "max", value_name = "N")]
    pub most: Option<u64>,

    /// Only this topic's partitions in a data directory
    #[arg(long, value_name = "T", value_parser = values::topic)]
    pub topic: Option<TopicName>,

    /// Only these partitions in a data directory
    #[arg(short, long, value_name = "N[,…]", value_delimiter = ',', value_parser = clap::value_parser!(i32).range(0..))]
    pub partition: Vec<i32>,
}

impl Filters {
    /// Whether a partition's folder in a data directory is wanted.
    pub fn takes(&self, folder: &Folder) -> bool {
        let number = folder.number().is_some_and(|number| self.partition.contains(&number));
        let named = |topic: &TopicName| folder.topic() == topic.as_str();
        self.topic.as_ref().is_none_or(named) && (self.partition.is_empty() || number)
    }
}

/// How a repair is done.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "With --repair")]
pub struct RepairOptions {
    /// Write a clean copy into this folder, which must not have the partition yet
    #[arg(long, value_name = "DIR", requires = "repair", conflicts_with = "in_place")]
    pub to: Option<PathBuf>,

    /// Mend the partition itself; the damaged files are kept in PARTITION/damaged-TIME/
    #[arg(long, requires = "repair")]
    pub in_place: bool,

    /// Only say what would be done and what is lost
    #[arg(long, requires = "repair")]
    pub dry_run: bool,
}

/// `--isolation`
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
#[value(rename_all = "snake_case")]
pub enum Isolation {
    /// Committed ones, up to the first that is still open
    ReadCommitted,
    /// All, also aborted ones
    ReadUncommitted,
}

impl Args {
    /// How lists are printed.
    pub fn lists(&self) -> ListFormat {
        self.format.unwrap_or(ListFormat::Table)
    }

    /// How records are printed.
    pub fn records_format(&self) -> ListFormat {
        self.format.unwrap_or(ListFormat::Plain)
    }

    /// How files are read whose batches are shown. With filters by more than offsets, batches are looked into as they come up.
    pub fn pace(&self, threads: usize) -> Pace {
        let Filters { offsets, times, producer_id, .. } = &self.filters;
        let span = offsets.unwrap_or(Span { from: None, to: None });
        let all = span.from.unwrap_or(i64::MIN)..span.to.unwrap_or(i64::MAX);
        let ready = self.deep && times.is_none() && producer_id.is_none();
        Pace { threads, inside: if ready { all } else { 0..0 } }
    }

    /// Whether the options go together.
    ///
    /// # Errors
    /// A usage error where they do not.
    pub fn check(&self) -> anyhow::Result<()> {
        if self.mode.repair && self.repair.to.is_none() && !self.repair.in_place {
            return Err(usage("--repair needs --to DIR or --in-place"));
        }
        if self.follow && self.paths.len() > 1 {
            return Err(usage("--follow takes one partition"));
        }
        Ok(())
    }
}
