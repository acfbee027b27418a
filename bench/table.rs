//! The results as a table in Markdown.

use std::fmt;

use crate::broker::Kind;

#[derive(Clone, Copy, PartialEq)]
pub enum Side {
    A,
    B,
}

/// One broker's run at one record size.
pub struct Leg {
    pub side: Side,
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
        let Leg { kind, size, produced, consumed, .. } = self;
        write!(f, "{kind:?}, {size} B: produce {produced}, consume {consumed}")
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = self.records as f64 / self.seconds;
        write!(f, "{rate:.0} records/s ({:.1} CPU s)", self.broker_cpu_seconds)
    }
}

/// A line for each record size and direction: means over the legs, and A's over B's. MB is 10⁶ bytes.
pub fn markdown(legs: &[Leg], [a, b]: [Kind; 2]) -> String {
    let mut text = format!(
        "| case | {a:?} records/s | {b:?} records/s | ratio | {a:?} MB/s | {b:?} MB/s | {a:?} CPU s | {b:?} CPU s | ratio |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    let mut sizes: Vec<usize> = legs.iter().map(|leg| leg.size).collect();
    sizes.dedup();
    for size in sizes {
        for (name, pick) in DIRECTIONS {
            let of = |side: Side| {
                let legs = legs.iter().filter(|leg| leg.side == side && leg.size == size);
                Mean::of(legs.map(pick))
            };
            let (a, b) = (of(Side::A), of(Side::B));
            text.push_str(&format!(
                "| {name}, {size} B | {:.0} | {:.0} | {:.2} | {:.0} | {:.0} | {:.1} | {:.1} | {:.2} |\n",
                a.rate,
                b.rate,
                a.rate / b.rate,
                a.rate * size as f64 / 1e6,
                b.rate * size as f64 / 1e6,
                a.cpu,
                b.cpu,
                a.cpu / b.cpu,
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
