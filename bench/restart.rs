//! A start with data: after kill -9 in the middle of writing, and after a clean stop. The page cache stays as it is.

use crate::bare;
use crate::broker::{Broker, Subject};
use crate::closed::{self, Load, Until};
use crate::figure::{Figure, Of, at_most};
use crate::options::Options;
use crate::raw::{batch, check_produced, create_served, produce_frame};
use crate::start::timed_start;

const TOPIC: &str = "data";
const PARTITIONS: i32 = 8;
const BATCH_RECORDS: usize = 64;
const RECORD: usize = 1024;

pub fn run(options: &Options, subject: &Subject) -> anyhow::Result<Vec<Figure>> {
    let mut broker = Broker::start(subject, &options.dir)?;
    create_served(&mut broker, TOPIC, PARTITIONS, &[])?;
    let frame = produce_frame(TOPIC, 0..PARTITIONS, &batch(BATCH_RECORDS, RECORD)?)?;
    let requests = (options.data_mib << 20) / frame.len() as u64;
    let load = Load { frames: vec![vec![frame]; 2], check: check_produced };
    closed::run(broker.address(), &load, Until::Requests(requests.max(1)))?;
    let peak = broker.peak_mb()?;
    broker.kill()?;
    let (unsynced, floor_seconds) = unsynced(&broker)?;
    let after_kill = timed_start(&mut broker, TOPIC)?;
    let cpu = broker.cpu_seconds()?;
    broker.stop()?;
    let after_stop = timed_start(&mut broker, TOPIC)?;
    let name = |what: &str| format!("{} MiB, {what}", options.data_mib);
    let killed = name("after kill -9: start to first ack, s");
    let killed = Figure::beside(killed, after_kill.as_secs_f64(), floor_seconds);
    Ok(vec![
        killed.aim(at_most(0.05, Of::Kafka)).aim(at_most(1.0, Of::Bare)),
        Figure::new(name("after kill -9: broker CPU to first ack, s"), cpu),
        Figure::new(name("above its recovery points at the kill, MB"), unsynced),
        Figure::new(name("after a clean stop: start to first ack, s"), after_stop.as_secs_f64()),
        Figure::new(name("peak RSS while writing, MB"), peak),
    ])
}

/// How many MB stand above the recovery points that the broker has written down, and the time that it takes at least to check them: to read
/// as much, with its checksum, and 100 ms for all else.
fn unsynced(broker: &Broker) -> anyhow::Result<(f64, f64)> {
    let per_batch = batch(BATCH_RECORDS, RECORD)?.len() as u64;
    let points = broker.data().join("recovery-point-offset-checkpoint");
    // A version, a count, and a line per partition: its topic, its number, its offset. Without the file nothing is known to be synced.
    let points = std::fs::read_to_string(points).unwrap_or_default();
    let of_topic = points.lines().filter_map(|line| line.strip_prefix(TOPIC)?.split(' ').nth(2));
    let offsets = of_topic.map(|offset| offset.parse::<u64>());
    let synced = offsets.sum::<Result<u64, _>>()? / BATCH_RECORDS as u64 * per_batch;
    let files = bare::segments(&broker.data(), TOPIC)?;
    let lengths = files.iter().map(|path| Ok(path.metadata()?.len()));
    let unsynced = lengths.sum::<anyhow::Result<u64>>()?.saturating_sub(synced);
    let mut checksum = 0;
    let read = bare::read(&files, unsynced, |bytes| checksum ^= crc32c::crc32c(bytes))?;
    std::hint::black_box(checksum);
    Ok((unsynced as f64 / 1e6, read.seconds + 0.1))
}
