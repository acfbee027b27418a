//! One producer, and consumers that read what it writes as it comes; beside the same without a protocol.

use std::thread;

use anyhow::Context;

use crate::broker::{Broker, Subject};
use crate::fetch::Uniform;
use crate::figure::{Figure, Of, at_least, at_most};
use crate::options::Options;
use crate::relay::relay;
use crate::usage::measure;

const RECORD: usize = 1024;

pub fn run(options: &Options, subject: &Subject) -> anyhow::Result<Vec<Figure>> {
    let mut broker = Broker::start(subject, &options.dir)?;
    let warm_up = Uniform::create(&mut broker, "warm-up", RECORD, options.warm_up_mib)?;
    work(&broker, &warm_up, 1)?;
    let mut figures = Vec::new();
    for consumers in &options.consumers {
        let topic = format!("to-{consumers}");
        let data = Uniform::create(&mut broker, &topic, RECORD, options.mib)?;
        let ((), used) = measure(&broker, || work(&broker, &data, *consumers))?;
        let bare = relay(&broker.data(), data.batches, data.batch_bytes, *consumers)?;
        let gb = data.bytes() as f64 / 1e9 * *consumers as f64;
        let name = |what: &str| format!("{consumers} consumers, {what}");
        let rate = gb * 1e3 / used.seconds;
        let rate = Figure::beside(name("all together, MB/s"), rate, bare.mb_per_second());
        let cpu = used.broker_seconds / gb;
        let cpu = Figure::beside(name("broker CPU s/GB consumed"), cpu, bare.cpu_per_gb());
        figures.push(rate.aim(at_least(1.5, Of::Kafka)).aim(at_least(0.8, Of::Bare)));
        figures.push(cpu.aim(at_most(0.7, Of::Kafka)));
    }
    figures.push(Figure::new("broker peak RSS, MB", broker.peak_mb()?));
    Ok(figures)
}

/// Writes the data, and returns once all consumers have it.
fn work(broker: &Broker, data: &Uniform, consumers: usize) -> anyhow::Result<()> {
    let address = broker.address();
    thread::scope(|scope| {
        let readers: Vec<_> = (0..consumers).map(|_| scope.spawn(|| data.fetch(address))).collect();
        data.write(address, 5)?;
        readers.into_iter().try_for_each(|reader| reader.join().ok().context("a consumer ended")?)
    })
}
