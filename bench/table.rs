//! The results as a table in Markdown.

use std::fmt;

use crate::broker::Kind;

/// One broker's run at one record size.
pub struct Leg {
    pub kind: Kind,
    pub size: usize,
    pub produced: Measured,
    pub consumed: Measured,
}

#[derive(Clone, Copy)]
pub struct Measured {
    pub records: u64,
    pub seconds: f64,
    pub broker_cpu_seconds: f64,
}

impl fmt::Display for Leg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Leg { kind, size, produced, consumed } = self;
        write!(f, "{kind:?}, {size} B: produce {produced}, consume {consumed}")
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = self.records as f64 / self.seconds;
        write!(f, "{rate:.0} records/s ({:.1} CPU s)", self.broker_cpu_seconds)
    }
}

/// A line for each record size and direction: means over the legs, and klog's over Kafka's. MB is 10⁶ bytes.
pub fn markdown(legs: &[Leg]) -> String {
    let mut text = String::from(
        "| case | klog records/s | Kafka records/s | ratio | klog MB/s | Kafka MB/s | klog CPU s | Kafka CPU s | ratio |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    let mut sizes: Vec<usize> = legs.iter().map(|leg| leg.size).collect();
    sizes.dedup();
    for size in sizes {
        for (name, pick) in DIRECTIONS {
            let of = |kind: Kind| {
                let legs = legs.iter().filter(|leg| leg.kind == kind && leg.size == size);
                Mean::of(legs.map(pick))
            };
            let (klog, kafka) = (of(Kind::Klog), of(Kind::Kafka));
            text.push_str(&format!(
                "| {name}, {size} B | {:.0} | {:.0} | {:.2} | {:.0} | {:.0} | {:.1} | {:.1} | {:.2} |\n",
                klog.rate,
                kafka.rate,
                klog.rate / kafka.rate,
                klog.rate * size as f64 / 1e6,
                kafka.rate * size as f64 / 1e6,
                klog.cpu,
                kafka.cpu,
                klog.cpu / kafka.cpu,
            ));
        }
    }
    text
}

type Direction = (&'static str, fn(&Leg) -> Measured);

const DIRECTIONS: [Direction; 2] =
    [("produce", |leg| leg.produced), ("consume", |leg| leg.consumed)];

struct Mean {
    rate: f64,
    cpu: f64,
}

impl Mean {
    fn of(measured: impl Iterator<Item = Measured>) -> Mean {
        let all: Vec<Measured> = measured.collect();
        let mean =
            |value: fn(&Measured) -> f64| all.iter().map(value).sum::<f64>() / all.len() as f64;
        Mean { rate: mean(|m| m.records as f64 / m.seconds), cpu: mean(|m| m.broker_cpu_seconds) }
    }
}
