//! What there is to measure, and which row of the matrix of aims it is.

use clap::ValueEnum;

use crate::broker::Subject;
use crate::figure::Figure;
use crate::options::Options;
use crate::{
    codecs, cold, consume, dump, fan_out, groups, idle, latency, many, members, produce, restart,
    rolls, small, start, transactions,
};

#[derive(Clone, Copy, PartialEq, Debug, ValueEnum)]
pub enum Case {
    /// Produce 1 KiB through librdkafka and klog's own client, acks=1; the broker's CPU beside a bare loop of recv, CRC and pwritev
    Produce,
    /// Many connections, each with one small request in flight; beside a sink that only acknowledges
    Small,
    /// From the moment a record was due to the moment a consumer has it, acks=all, at a steady rate; beside a round trip over the loopback
    Latency,
    /// Many connections where each record is on disk before it is acknowledged; beside a bare fdatasync
    Flush,
    /// One producer, and consumers that read what it writes as it comes; beside bare loops that do the same
    FanOut,
    /// A consumer of what no cache holds any more, beside a producer, in 1 GiB of memory; beside a bare read. Needs root, for a cgroup
    Cold,
    /// Ten thousand partitions: making them, writing to all of them, memory, restart after kill -9
    Partitions,
    /// Ten thousand connections that do nothing
    Idle,
    /// From the start of the process to the first acknowledged record; memory at rest
    Start,
    /// The same with data, after kill -9 and after a clean stop
    Restart,
    /// Real text compressed by producers: how far, how fast, what it costs the broker, and whether the bytes stay as they are
    Codecs,
    /// Consume through librdkafka and klog's own client, and by a fetcher that drops the bytes; beside a bare sendfile loop
    Consume,
    /// Groups of the consumer protocol: how long a rebalance takes with heartbeats every 100 ms, and commits a second
    Groups,
    /// Groups of the classic protocol, of klog's own members: how long a cooperative rebalance takes with heartbeats every 100 ms, and
    /// how fast a group reads beside a consumer without one
    Members,
    /// What a producer of 80 MB/s notices of segments of 64 MiB that fill up
    Rolls,
    /// Transactions a second, how soon what is committed is read, what they cost beside plain records
    Transactions,
    /// Dump a segment file, without a broker: headers and checksums, every record, memory; beside Kafka's DumpLogSegments and bare pread
    Dump,
}

impl Case {
    /// Measures one broker once.
    pub fn run(self, options: &Options, subject: &Subject) -> anyhow::Result<Vec<Figure>> {
        let measure = match self {
            Case::Produce => produce::run,
            Case::Small => small::run,
            Case::Latency => latency::run,
            Case::Flush => small::run_flush,
            Case::FanOut => fan_out::run,
            Case::Cold => cold::run,
            Case::Partitions => many::run,
            Case::Idle => idle::run,
            Case::Start => start::run,
            Case::Restart => restart::run,
            Case::Codecs => codecs::run,
            Case::Consume => consume::run,
            Case::Groups => groups::run,
            Case::Members => members::run,
            Case::Rolls => rolls::run,
            Case::Transactions => transactions::run,
            Case::Dump => dump::run,
        };
        measure(options, subject)
    }

    /// The row in which most of its figures stand; row 11 has some of two cases. None where there are no aims.
    pub fn row(self) -> Option<u8> {
        Some(match self {
            Case::Produce => 1,
            Case::Small => 2,
            Case::Latency => 3,
            Case::Flush => 4,
            Case::FanOut => 5,
            Case::Cold => 6,
            Case::Partitions => 7,
            Case::Idle => 8,
            Case::Start => 9,
            Case::Restart => 10,
            Case::Codecs => 12,
            Case::Consume => 13,
            Case::Groups | Case::Members | Case::Rolls | Case::Transactions | Case::Dump => {
                return None;
            }
        })
    }

    pub fn name(self) -> String {
        self.to_possible_value().map_or(String::new(), |value| value.get_name().into())
    }
}

/// The rows: what is measured.
pub const ROWS: [(u8, &str); 13] = [
    (1, "Produce 1 KiB in batches of 64 KiB, acks=1, one partition"),
    (2, "100 B, one record per request, 64 connections"),
    (3, "End to end at a steady rate, acks=all, linger.ms=0"),
    (4, "Each record on disk before it is acknowledged, 16 producers"),
    (5, "One producer, hot consumers"),
    (6, "A cold drain beside live writes in 1 GiB of memory"),
    (7, "Ten thousand partitions"),
    (8, "Ten thousand idle connections"),
    (9, "From the start to the first acknowledgement"),
    (10, "Restart after kill -9 with data"),
    (11, "Memory"),
    (12, "Compressed batches"),
    (13, "Consume from the page cache, one partition"),
];

/// How a row was measured.
pub fn settings(row: u8, options: &Options) -> String {
    let o = options;
    let seconds = o.time().as_secs();
    match row {
        1 => format!(
            "{} MiB, half of it through each client, in turns; batch.size=65536, linger.ms=5, acks=1, no idempotence, {} partition(s), \
             after a warm-up of {} MiB. Bare is one thread that receives 64 KiB, takes its CRC-32C and writes it with pwritev.",
            o.mib, o.partitions, o.warm_up_mib
        ),
        2 => format!(
            "{} connections, each with one request in flight, acks=1, on one partition and on eight, for {seconds} s; ready-made frames, one \
             thread with epoll. Bare is a server of one thread that answers the same frames and does nothing else.",
            o.connections
        ),
        3 => format!(
            "{} records of 1 KiB a second for {} s, idempotent, one partition, one producer and one consumer; a record's time counts from the \
             moment it was due. Bare is the median round trip of 1 KiB over the loopback.",
            o.rate,
            o.latency_time().as_secs()
        ),
        4 => format!(
            "flush.messages=1 on the topic; {} connections, each with one request of one record of 100 B in flight, for {seconds} s. Bare is the median \
             of an append and its fdatasync on the same file system.",
            o.flush_connections
        ),
        5 => format!(
            "{} MiB of 1 KiB in batches of 64 KiB, five requests in flight, as a client has; consumers fetch at most 8 MiB at a time and drop the bytes. Until the \
             last consumer has all. Bare is the same without a protocol: a loop of recv, CRC and pwritev, and for each consumer one of sendfile as far as \
             is written.",
            o.mib
        ),
        6 => format!(
            "Broker and page cache in a cgroup of 1 GiB, Kafka with -Xmx512m; {} MiB are written and taken out of the page cache, then one consumer \
             fetches them, at most 8 MiB at a time, while a producer writes {} records of 1 KiB a second, acks=all, linger.ms=0, and each \
             one's latency counts from when it was due. Bare reads the same files in pieces of 1 MiB, out of the page cache as well.",
            o.cold_mib, o.cold_rate
        ),
        7 => format!(
            "{} partitions, a thousand a topic; {} records of 1 KiB, {} a batch, 50 partitions a request, 8 connections with one request in flight.",
            o.all_partitions, o.records, o.batch_records
        ),
        8 => format!("{} connections, each after one ApiVersions.", o.idle_connections),
        9 => "The process starts, and one record is offered once a millisecond until it is acknowledged, acks=1.".into(),
        10 => format!(
            "{} MiB in 8 partitions of one topic, 64 records of 1 KiB a batch; killed after the last acknowledgement; the page cache stays as it is. Bare reads as \
             many bytes as stood above klog's own recovery points, with their CRC-32C, and 100 ms are added.",
            o.data_mib
        ),
        11 => "At rest 5 s after the first acknowledgement, and the most that was held in row 1.".into(),
        12 => format!(
            "klog's own sources and documents in records of 1 KiB, {} MiB for each codec and client, half of it measured; default levels, \
             batch.size=65536, linger.ms=5, acks=1. A GB is of text. What is passed through is one batch of 64 such records, again and again, \
             two connections with one request in flight.",
            o.text_mib
        ),
        _ => format!(
            "{} MiB in batches of 64 KiB, records of {:?} B; fetch.queue.backoff.ms=5 for librdkafka, up to 10,000 records a poll for \
             klog's client; the fetcher asks for at most 8 MiB at a time and drops the bytes. Clients' rates count from the first record \
             on, their processor time from their start. Bare is a loop of sendfile and recv over the same file.",
            o.mib, o.sizes
        ),
    }
}
