//! Two client libraries that do the same work: what it takes each of them, and the broker.

use crate::broker::Broker;
use crate::figure::{Aim, Figure, Of, at_least, at_most};
use crate::load::Work;
use crate::usage::{Used, measure};
use crate::{librdkafka, own};

/// Bytes of a batch.
pub const BATCH: usize = 64 << 10;
pub const LINGER_MS: u64 = 5;

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Library {
    Librdkafka,
    Klog,
}

pub const BOTH: [Library; 2] = [Library::Librdkafka, Library::Klog];

impl Library {
    pub fn name(self) -> &'static str {
        match self {
            Library::Librdkafka => "librdkafka",
            Library::Klog => "klog's client",
        }
    }

    /// Writes with acks=1, and waits for the last acknowledgement.
    pub fn produce(self, address: &str, work: &Work<'_>) -> anyhow::Result<()> {
        match self {
            Library::Librdkafka => librdkafka::produce(address, work),
            Library::Klog => own::produce(address, work),
        }
    }

    /// Reads `count` records from the start of all partitions.
    pub fn consume(
        self,
        address: &str,
        topic: &str,
        partitions: i32,
        count: u64,
    ) -> anyhow::Result<()> {
        match self {
            Library::Librdkafka => librdkafka::consume(address, topic, partitions, count),
            Library::Klog => own::consume(address, topic, partitions, count),
        }
    }
}

/// What the same work took each library.
pub struct Compared {
    used: [Used; 2],
    records: f64,
    gb: f64,
}

/// Aims of a comparison.
#[derive(Clone, Default)]
pub struct Aims {
    /// The rate through librdkafka, and through klog's client.
    pub rates: [Option<Aim>; 2],
    pub broker_cpu: Vec<Aim>,
    /// What a GB costs without a broker.
    pub bare_cpu: Option<f64>,
}

impl Compared {
    /// Each library does `work`, of so many records of so many bytes, twice: there and back, so that what changes meanwhile touches both
    /// alike.
    pub fn in_turns(
        broker: &Broker,
        [records, bytes]: [u64; 2],
        mut work: impl FnMut(Library) -> anyhow::Result<()>,
    ) -> anyhow::Result<Compared> {
        let mut used = [Used::default(); 2];
        for library in BOTH.into_iter().chain(BOTH.into_iter().rev()) {
            used[library as usize] += measure(broker, || work(library))?.1;
        }
        Ok(Compared { used, records: 2.0 * records as f64, gb: 2.0 * bytes as f64 / 1e9 })
    }

    pub fn figures(&self, what: &str, aims: &Aims) -> Vec<Figure> {
        let mut figures = Vec::new();
        for library in BOTH {
            let used = self.used[library as usize];
            let name = |unit: &str| format!("{what}, {}, {unit}", library.name());
            let mut rate = Figure::new(name("MB/s"), self.gb * 1e3 / used.seconds);
            rate.aims.extend(aims.rates[library as usize].clone());
            let cpu = used.broker_seconds / self.gb;
            let mut cpu = Figure::new(name("broker CPU s/GB"), cpu);
            (cpu.aims, cpu.bare) = (aims.broker_cpu.clone(), aims.bare_cpu);
            figures.extend([
                Figure::new(name("records/s"), self.records / used.seconds),
                rate,
                cpu,
                Figure::new(name("client CPU s/GB"), used.client_seconds / self.gb),
            ]);
        }
        let [librdkafka, klog] = self.used;
        let name = |unit: &str| format!("{what}, klog's client over librdkafka, {unit}");
        let rate = Figure::new(name("MB/s"), librdkafka.seconds / klog.seconds);
        let cpu = Figure::new(name("CPU"), klog.client_seconds / librdkafka.client_seconds);
        figures.extend([rate.aim(at_least(1.0, Of::One)), cpu.aim(at_most(0.8, Of::One))]);
        figures
    }
}
