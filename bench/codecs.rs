//! Real text, compressed by producers: how much smaller it gets and how fast, what the broker spends on it, and whether it keeps the bytes.

use std::fs;

use anyhow::ensure;
use klog::record::{BatchBuilder, BatchOptions, Codec, HEADER_LEN};

use crate::bare;
use crate::broker::{Broker, Subject};
use crate::clients::{Aims, BATCH, BOTH, Compared};
use crate::closed::{self, Load, Until};
use crate::figure::{Figure, Of, at_most};
use crate::load::{Work, text};
use crate::options::Options;
use crate::raw::{check_produced, create_served, produce_frame};
use crate::usage::measure;

const CODECS: [Codec; 4] = [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];
/// The first fields of a batch, which a broker sets: the base offset, the length, the leader's epoch.
const STAMPED: usize = 16;

pub fn run(options: &Options, subject: &Subject) -> anyhow::Result<Vec<Figure>> {
    let mut broker = Broker::start(subject, &options.dir)?;
    let values = text()?;
    let count = |mib: u64| ((mib << 20) / values[0].len() as u64).max(1);
    let mut figures = pass_through(options, &mut broker)?;
    for codec in CODECS {
        let warm_up = format!("{codec}-warm-up");
        create_served(&mut broker, &warm_up, 1, &[])?;
        let few = count(options.text_mib / 8);
        let few = Work { topic: &warm_up, count: few, values: &values, codec };
        let bytes = few.count * values[0].len() as u64;
        for library in BOTH {
            library.produce(broker.address(), &few)?;
            let topic = format!("{codec}-{library:?}");
            create_served(&mut broker, &topic, 1, &[])?;
            library.produce(broker.address(), &Work { topic: &topic, ..few })?;
            let written = size_of(&broker, &topic)?;
            let name = format!("{codec}, {}, bytes over compressed bytes", library.name());
            figures.push(Figure::new(name, bytes as f64 / written as f64));
        }
        let measured = format!("{codec}-measured");
        create_served(&mut broker, &measured, 1, &[])?;
        let half = count(options.text_mib / 2);
        let half = Work { topic: &measured, count: half, values: &values, codec };
        let size = [half.count, half.count * values[0].len() as u64];
        let compared = Compared::in_turns(&broker, size, |library| {
            library.produce(broker.address(), &half)?;
            Ok(None)
        })?;
        let aims = Aims { broker_cpu: vec![at_most(0.4, Of::Kafka)], ..Aims::default() };
        figures.extend(compared.figures(&codec.to_string(), &aims));
    }
    figures.push(Figure::new("broker peak RSS, MB", broker.peak_mb()?));
    Ok(figures)
}

fn size_of(broker: &Broker, topic: &str) -> anyhow::Result<u64> {
    let sizes = bare::segments(&broker.data(), topic)?
        .into_iter()
        .map(|path| Ok(fs::metadata(path)?.len()));
    sizes.sum()
}

/// The same zstd batch again and again, without a client's work, and what of it is on disk.
fn pass_through(options: &Options, broker: &mut Broker) -> anyhow::Result<Vec<Figure>> {
    let topic = "pass-through";
    create_served(broker, topic, 1, &[])?;
    let none: [(&[u8], Option<&[u8]>); 0] = [];
    let mut builder =
        BatchBuilder::new(BatchOptions { codec: Codec::Zstd, ..BatchOptions::default() });
    let mut plain = 0;
    for value in text()?.iter().take(BATCH / 1024) {
        builder.append(1_700_000_000_000, None, Some(value), none)?;
        plain += value.len() as u64;
    }
    let batch = builder.build()?;
    ensure!(batch.len() > HEADER_LEN, "a batch has records");
    let frame = produce_frame(topic, 0..1, &batch)?;
    let load = Load { frames: vec![vec![frame]; 2], check: check_produced };
    let count = ((options.text_mib << 20) / plain).max(1);
    let (done, used) =
        measure(broker, || closed::run(broker.address(), &load, Until::Requests(count)))?;
    let gb = (done.requests * plain) as f64 / 1e9;
    let cpu = Figure::new("zstd passed through, broker CPU s/GB", used.broker_seconds / gb);
    let changed =
        Figure::new("zstd batches not on disk as they were sent", changed(broker, topic, &batch)?);
    Ok(vec![
        Figure::new("zstd passed through, MB/s", gb * 1e3 / used.seconds),
        cpu.aim(at_most(0.4, Of::Kafka)),
        changed.aim(at_most(0.0, Of::One)),
    ])
}

/// How many batches of a topic are not `batch`, beside what a broker has to set.
fn changed(broker: &Broker, topic: &str, batch: &[u8]) -> anyhow::Result<f64> {
    let mut count = 0;
    for path in bare::segments(&broker.data(), topic)? {
        let written = fs::read(path)?;
        let same =
            |piece: &[u8]| piece.len() == batch.len() && piece[STAMPED..] == batch[STAMPED..];
        count += written.chunks(batch.len()).filter(|piece| !same(piece)).count();
    }
    Ok(count as f64)
}
