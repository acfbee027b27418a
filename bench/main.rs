//! klog beside Apache Kafka 4.3.1, both driven by librdkafka with the same settings on the same machine.
//!
//! Each case runs in the order A B B A, every time on a fresh broker with a fresh data directory, after a warm-up that is not
//! measured. Throughput is the client's; CPU is the broker's own, from /proc/PID/stat. Run it through `bench/run`.

mod broker;
mod load;
mod table;

use std::path::PathBuf;

use broker::{Broker, Kind};
use clap::Parser;
use table::{Leg, Measured, Side};

#[derive(Parser)]
#[command(name = "bench/run", about = "Measure klog beside Apache Kafka, through librdkafka")]
struct Options {
    /// The broker that is measured
    #[arg(long, value_enum, default_value_t = Kind::Klog)]
    a: Kind,
    /// The broker that it is measured against; the same as A shows how much is noise
    #[arg(long, value_enum, default_value_t = Kind::Kafka)]
    b: Kind,
    /// Bytes of data per leg, in MiB
    #[arg(long, default_value_t = 1024)]
    mib: u64,
    /// Bytes of data in the warm-up of each leg, in MiB
    #[arg(long, default_value_t = 256)]
    warm_up_mib: u64,
    /// Record sizes in bytes
    #[arg(long, value_delimiter = ',', default_values_t = [100, 1024])]
    sizes: Vec<usize>,
    /// Partitions of the topic
    #[arg(long, default_value_t = 4)]
    partitions: i32,
    /// How often to go through A B B A
    #[arg(long, default_value_t = 1)]
    rounds: u32,
    /// Where the brokers keep their data; emptied afterwards
    #[arg(long, default_value = "target/bench")]
    dir: PathBuf,
    /// First write a file of this many GiB and leave it there during the run: on a machine that has been up for a while the
    /// page cache is full, and a write must first evict something
    #[arg(long, default_value_t = 0)]
    fill_page_cache_gib: u64,
    /// cargo bench adds this
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    std::fs::create_dir_all(&options.dir)?;
    let filler = options.dir.join("filler");
    if options.fill_page_cache_gib > 0 {
        eprintln!("filling the page cache with {} GiB", options.fill_page_cache_gib);
        load::write_filler(&filler, options.fill_page_cache_gib)?;
    }
    let mut legs = Vec::new();
    for size in &options.sizes {
        for round in 0..options.rounds {
            for (place, side) in [Side::A, Side::B, Side::B, Side::A].into_iter().enumerate() {
                let leg = run_leg(&options, side, *size)?;
                eprintln!("round {}, leg {} of 4: {leg}", round + 1, place + 1);
                legs.push(leg);
            }
        }
    }
    if options.fill_page_cache_gib > 0 {
        std::fs::remove_file(&filler)?;
    }
    println!("{}", table::markdown(&legs, [options.a, options.b]));
    Ok(())
}

fn run_leg(options: &Options, side: Side, size: usize) -> anyhow::Result<Leg> {
    let kind = if side == Side::A { options.a } else { options.b };
    let broker = Broker::start(kind, &options.dir)?;
    let records = |mib: u64| (mib << 20) / size as u64;
    load::create_topics(broker.address(), &["warm-up", "measured"], options.partitions)?;
    load::produce(broker.address(), "warm-up", records(options.warm_up_mib), size)?;
    load::consume(broker.address(), "warm-up", options.partitions, records(options.warm_up_mib))?;
    let count = records(options.mib);
    let produced =
        measure(&broker, count, || load::produce(broker.address(), "measured", count, size))?;
    let consumed = measure(&broker, count, || {
        load::consume(broker.address(), "measured", options.partitions, count)
    })?;
    Ok(Leg { side, kind, size, produced, consumed })
}

fn measure(
    broker: &Broker,
    records: u64,
    work: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<Measured> {
    let (cpu, clock) = (broker.cpu_seconds()?, std::time::Instant::now());
    work()?;
    let seconds = clock.elapsed().as_secs_f64();
    Ok(Measured { records, seconds, broker_cpu_seconds: broker.cpu_seconds()? - cpu })
}
