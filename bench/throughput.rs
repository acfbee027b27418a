//! Much data through librdkafka: records/s at the client, and what a GB costs the broker.

use std::time::Instant;

use crate::bare;
use crate::broker::{Broker, Subject};
use crate::load;
use crate::options::Options;
use crate::raw::create_served;
use crate::table::Figure;

pub fn run(options: &Options, subject: &Subject) -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for size in &options.sizes {
        figures.extend(run_size(options, subject, *size)?);
    }
    Ok(figures)
}

fn run_size(options: &Options, subject: &Subject, size: usize) -> anyhow::Result<Vec<Figure>> {
    let mut broker = Broker::start(subject, &options.dir)?;
    let partitions = options.partitions;
    for topic in ["warm-up", "measured"] {
        create_served(&mut broker, topic, partitions, &[])?;
    }
    let records = |mib: u64| (mib << 20) / size as u64;
    let (few, count) = (records(options.warm_up_mib), records(options.mib));
    load::produce(broker.address(), "warm-up", few, size)?;
    load::consume(broker.address(), "warm-up", partitions, few)?;
    let produced = measure(&broker, || load::produce(broker.address(), "measured", count, size))?;
    let consumed =
        measure(&broker, || load::consume(broker.address(), "measured", partitions, count))?;
    let sent = bare::send_topic(&broker.data(), "measured")?;
    let gb = (count * size as u64) as f64 / 1e9;
    let rate = |done: &Measured| count as f64 / done.seconds;
    let name = |what: &str, unit: &str| format!("{what}, {size} B, {unit}");
    Ok(vec![
        Figure::new(name("produce", "records/s"), rate(&produced)),
        Figure::new(name("produce", "MB/s"), gb * 1e3 / produced.seconds),
        Figure::new(name("produce", "broker CPU s/GB"), produced.cpu_seconds / gb),
        Figure::new(name("consume", "records/s"), rate(&consumed)),
        Figure::new(name("consume", "MB/s"), gb * 1e3 / consumed.seconds),
        Figure::beside(
            name("consume", "broker CPU s/GB"),
            consumed.cpu_seconds / gb,
            sent.cpu_seconds / (sent.bytes as f64 / 1e9),
        ),
    ])
}

struct Measured {
    seconds: f64,
    /// The broker's.
    cpu_seconds: f64,
}

fn measure(broker: &Broker, work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Measured> {
    let (cpu, clock) = (broker.cpu_seconds()?, Instant::now());
    work()?;
    let seconds = clock.elapsed().as_secs_f64();
    Ok(Measured { seconds, cpu_seconds: broker.cpu_seconds()? - cpu })
}
