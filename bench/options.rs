//! What a user can choose.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use crate::broker::{Kind, Subject};
use crate::cases::Case;
use crate::table::Side;

/// Measure klog beside Apache Kafka, or beside itself with other settings
///
/// Each case runs in the order A B B A, every time on a fresh broker with a fresh data directory, and prints a table in
/// Markdown: medians, in brackets the lowest and the highest, and A's over B's. Quiet the machine first: both brokers and
/// the client share its cores.
#[derive(Parser)]
#[command(name = "bench/run", bin_name = "bench/run")]
pub struct Options {
    /// What to measure [default: all]
    #[arg(value_enum, value_name = "CASE")]
    pub cases: Vec<Case>,
    /// Measure what has aims, each case by its row, and write bench/RESULTS.md
    #[arg(long, conflicts_with = "cases")]
    pub all: bool,
    /// Also write a report here: the machine, and for each row its settings, its figures and what they should come to
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Only see that each case works, in seconds: small sizes, each broker once. The figures mean nothing
    #[arg(long)]
    pub smoke: bool,
    /// The broker that is measured
    #[arg(long, value_enum, default_value_t = Kind::Klog)]
    pub a: Kind,
    /// The broker that it is measured against; the same as A shows how much is noise [default: kafka, with --set-b the same as A]
    #[arg(long, value_enum)]
    pub b: Option<Kind>,
    /// Set a key of B's configuration, as `serve --set` does; repeatable. Without --b, A is measured against itself with these
    #[arg(long, value_name = "KEY=VALUE", value_parser = setting)]
    pub set_b: Vec<String>,
    /// How often to go through A B B A
    #[arg(long, default_value_t = 1)]
    pub rounds: u32,
    /// Where the brokers keep their data; emptied afterwards
    #[arg(long, default_value = "target/bench")]
    pub dir: PathBuf,
    /// First write a file of this many GiB and leave it there during the run: on a machine that has been up for a while the
    /// page cache is full, and a write must first evict something
    #[arg(long, default_value_t = 0)]
    pub fill_page_cache_gib: u64,

    /// Bytes of data, in MiB
    #[arg(
        long,
        default_value_t = 1024,
        help_heading = "produce, consume, fan-out, members, transactions"
    )]
    pub mib: u64,
    /// Bytes of data in the warm-up, in MiB
    #[arg(long, default_value_t = 256, help_heading = "produce, consume, fan-out")]
    pub warm_up_mib: u64,
    /// Record sizes in bytes
    #[arg(long, value_delimiter = ',', default_values_t = [100, 1024], help_heading = "consume, members")]
    pub sizes: Vec<usize>,
    /// Partitions of the topic
    #[arg(long, default_value_t = 1, help_heading = "produce, members")]
    pub partitions: i32,

    /// Connections, each with one request in flight
    #[arg(long, default_value_t = 64, help_heading = "small")]
    pub connections: usize,
    /// Connections, each with one request in flight
    #[arg(long, default_value_t = 16, help_heading = "flush")]
    pub flush_connections: usize,
    /// How long to measure, after a warm-up of a fifth of it
    #[arg(long, default_value_t = 10, help_heading = "small, flush, groups, transactions")]
    seconds: u64,

    /// How long to measure, after a warm-up of a fifth of it
    #[arg(long, default_value_t = 180, help_heading = "latency")]
    latency_seconds: u64,
    /// Records a second
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..), help_heading = "latency")]
    pub rate: u64,

    /// Consumers of one producer
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2, 4, 8], help_heading = "fan-out")]
    pub consumers: Vec<usize>,

    /// How much there is to read, in MiB
    #[arg(long, default_value_t = 4096, help_heading = "cold")]
    pub cold_mib: u64,
    /// Records of 1 KiB a second that are written beside it
    #[arg(long, default_value_t = 5000, value_parser = clap::value_parser!(u64).range(1..), help_heading = "cold")]
    pub cold_rate: u64,

    /// Partitions in all, a thousand a topic
    #[arg(long, default_value_t = 10_000, help_heading = "partitions")]
    pub all_partitions: i32,
    /// Records of 1 KiB in a batch
    #[arg(long, default_value_t = 16, help_heading = "partitions")]
    pub batch_records: usize,
    /// Records in all
    #[arg(long, default_value_t = 1_000_000, help_heading = "partitions")]
    pub records: u64,

    /// Connections that do nothing
    #[arg(long, default_value_t = 10_000, help_heading = "idle")]
    pub idle_connections: usize,

    /// How much data the broker has, in MiB
    #[arg(long, default_value_t = 10_240, help_heading = "restart")]
    pub data_mib: u64,

    /// Bytes of text for each codec and client, in MiB
    #[arg(long, default_value_t = 256, help_heading = "codecs")]
    pub text_mib: u64,

    /// How much data the segment file has, in MiB
    #[arg(long, default_value_t = 2048, help_heading = "dump")]
    pub segment_mib: u64,

    /// Members of a group that rebalances
    #[arg(long, value_delimiter = ',', default_values_t = [2, 20, 200], help_heading = "groups, members")]
    pub members: Vec<usize>,
    /// Connections, each with one commit in flight
    #[arg(long, default_value_t = 16, help_heading = "groups")]
    pub committers: usize,

    /// Producers, each with one transaction after the other
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16], help_heading = "transactions")]
    pub transactors: Vec<usize>,

    /// cargo bench adds this
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    /// What was asked for.
    pub fn read() -> Options {
        let given = Options::parse();
        let options = if given.smoke { given.smoked() } else { given };
        let report =
            Some(PathBuf::from("bench/RESULTS.md")).filter(|_| options.all && !options.smoke);
        Options { report: options.report.clone().or(report), ..options }
    }

    fn smoked(self) -> Options {
        Options {
            mib: 32,
            warm_up_mib: 8,
            seconds: 1,
            latency_seconds: 3,
            rate: 1000,
            consumers: vec![1, 2],
            cold_mib: 256,
            cold_rate: 500,
            all_partitions: 100,
            records: 20_000,
            idle_connections: 200,
            data_mib: 256,
            text_mib: 16,
            segment_mib: 32,
            members: vec![2],
            transactors: vec![1],
            ..self
        }
    }

    /// A and B.
    pub fn subjects(&self) -> [Subject; 2] {
        let other = if self.set_b.is_empty() { Kind::Kafka } else { self.a };
        let b = Subject { kind: self.b.unwrap_or(other), settings: self.set_b.clone() };
        [Subject { kind: self.a, settings: Vec::new() }, b]
    }

    pub fn cases(&self) -> Vec<Case> {
        if !self.cases.is_empty() {
            return self.cases.clone();
        }
        let all = Case::value_variants().iter().copied();
        all.filter(|case| !self.all || case.row().is_some()).collect()
    }

    /// The turns of a round.
    pub fn turns(&self) -> &'static [Side] {
        if self.smoke { &[Side::A, Side::B] } else { &[Side::A, Side::B, Side::B, Side::A] }
    }

    pub fn time(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    pub fn latency_time(&self) -> Duration {
        Duration::from_secs(self.latency_seconds)
    }
}

fn setting(text: &str) -> Result<String, String> {
    let key = text.split_once('=').map(|(key, _)| key.trim());
    match key {
        None | Some("") => Err("it is KEY=VALUE".into()),
        Some(_) => Ok(text.into()),
    }
}
