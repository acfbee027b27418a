//! Much data through two client libraries, acks=1, beside a bare loop that receives, checks and writes.

use bytes::Bytes;
use klog::record::Codec;

use crate::bare;
use crate::broker::{Broker, Subject};
use crate::clients::{Aims, BATCH, BOTH, Compared};
use crate::figure::{Figure, Of, at_least, at_most};
use crate::load::{Work, filling};
use crate::options::Options;
use crate::raw::create_served;

const RECORD: usize = 1024;

pub fn run(options: &Options, subject: &Subject) -> anyhow::Result<Vec<Figure>> {
    let mut broker = Broker::start(subject, &options.dir)?;
    for topic in ["warm-up", "measured"] {
        create_served(&mut broker, topic, options.partitions, &[])?;
    }
    let values = [Bytes::from(filling(RECORD))];
    let work = |topic, mib: u64| {
        let count = (mib << 20) / RECORD as u64;
        Work { topic, count, values: &values, codec: Codec::None }
    };
    for library in BOTH {
        library.produce(broker.address(), &work("warm-up", options.warm_up_mib / 2))?;
    }
    let bare = bare::receive(&options.dir, (options.mib << 20) / BATCH as u64, BATCH)?;
    let half = work("measured", options.mib / 2);
    let size = [half.count, half.count * RECORD as u64];
    let compared = Compared::in_turns(&broker, size, |library| {
        library.produce(broker.address(), &half)?;
        Ok(None)
    })?;
    let aims = Aims {
        rates: [1.4, 2.0].map(|limit| Some(at_least(limit, Of::Kafka))),
        broker_cpu: vec![at_most(0.4, Of::Kafka), at_most(2.0, Of::Bare)],
        bare_cpu: Some(bare.cpu_per_gb()),
    };
    let mut figures = compared.figures("1 KiB", &aims);
    let peak = Figure::new("peak RSS after producing 1 KiB, MB", broker.peak_mb()?);
    figures.push(peak.aim(at_most(0.15, Of::Kafka)).in_row(11));
    Ok(figures)
}
