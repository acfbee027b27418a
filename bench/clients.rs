//! Two client libraries that do the same work: what it takes each of them, and the broker.

use std::time::Instant;

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

    /// Reads `count` records from the start of all partitions; tells how fast, once they came.
    pub fn consume(
        self,
        address: &str,
        topic: &str,
        partitions: i32,
        count: u64,
    ) -> anyhow::Result<Steady> {
        match self {
            Library::Librdkafka => librdkafka::consume(address, topic, partitions, count),
            Library::Klog => own::consume(address, topic, partitions, count),
        }
    }
}

/// How reading went once it did: what a client takes to start says nothing of how fast it reads.
#[derive(Clone, Copy, Default)]
pub struct Steady {
    /// From the beginning until the first records were there.
    start_seconds: f64,
    /// All that came after them.
    records: u64,
    /// From the first ones to the last ones.
    seconds: f64,
}

impl std::ops::AddAssign for Steady {
    fn add_assign(&mut self, more: Steady) {
        self.start_seconds += more.start_seconds;
        self.records += more.records;
        self.seconds += more.seconds;
    }
}

/// Notes when records come.
pub struct Pace {
    begun: Instant,
    first: Option<(Instant, u64)>,
    pub seen: u64,
}

impl Pace {
    pub fn begin() -> Pace {
        Pace { begun: Instant::now(), first: None, seen: 0 }
    }

    pub fn came(&mut self, records: u64) {
        self.seen += records;
        if records > 0 {
            self.first.get_or_insert_with(|| (Instant::now(), records));
        }
    }

    pub fn end(self) -> Steady {
        let Some((first, records)) = self.first else { return Steady::default() };
        Steady {
            start_seconds: (first - self.begun).as_secs_f64(),
            records: self.seen - records,
            seconds: first.elapsed().as_secs_f64(),
        }
    }
}

/// What the same work took each library.
pub struct Compared {
    used: [Used; 2],
    /// Of readers.
    steady: [Option<Steady>; 2],
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
        mut work: impl FnMut(Library) -> anyhow::Result<Option<Steady>>,
    ) -> anyhow::Result<Compared> {
        let (mut used, mut steady) = ([Used::default(); 2], [None; 2]);
        for library in BOTH.into_iter().chain(BOTH.into_iter().rev()) {
            let (went, took) = measure(broker, || work(library))?;
            used[library as usize] += took;
            if let Some(went) = went {
                *steady[library as usize].get_or_insert_with(Steady::default) += went;
            }
        }
        let (records, gb) = (2.0 * records as f64, 2.0 * bytes as f64 / 1e9);
        Ok(Compared { used, steady, records, gb })
    }

    /// Records a second.
    fn rate(&self, library: Library) -> f64 {
        match self.steady[library as usize] {
            Some(steady) => steady.records as f64 / steady.seconds,
            None => self.records / self.used[library as usize].seconds,
        }
    }

    pub fn figures(&self, what: &str, aims: &Aims) -> Vec<Figure> {
        let mut figures = Vec::new();
        for library in BOTH {
            let used = self.used[library as usize];
            let name = |unit: &str| format!("{what}, {}, {unit}", library.name());
            let rate = self.rate(library);
            let mut bytes = Figure::new(name("MB/s"), self.gb * 1e3 / self.records * rate);
            bytes.aims.extend(aims.rates[library as usize].clone());
            let cpu = used.broker_seconds / self.gb;
            let mut cpu = Figure::new(name("broker CPU s/GB"), cpu);
            (cpu.aims, cpu.bare) = (aims.broker_cpu.clone(), aims.bare_cpu);
            figures.extend([
                Figure::new(name("records/s"), rate),
                bytes,
                cpu,
                Figure::new(name("client CPU s/GB"), used.client_seconds / self.gb),
            ]);
            if let Some(steady) = self.steady[library as usize] {
                let start =
                    Figure::new(name("until the first record, ms"), steady.start_seconds * 500.0);
                figures.push(start);
            }
        }
        let [librdkafka, klog] = self.used;
        let name = |unit: &str| format!("{what}, klog's client over librdkafka, {unit}");
        let rate = self.rate(Library::Klog) / self.rate(Library::Librdkafka);
        let rate = Figure::new(name("MB/s"), rate);
        let cpu = Figure::new(name("CPU"), klog.client_seconds / librdkafka.client_seconds);
        figures.extend([rate.aim(at_least(1.0, Of::One)), cpu.aim(at_most(0.8, Of::One))]);
        figures
    }
}
