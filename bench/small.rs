//! One record of 100 bytes a request, one request in flight on each of many connections, acks=1.

use crate::broker::{Broker, Subject};
use crate::closed::{self, Load, Outcome, Until};
use crate::options::Options;
use crate::raw::{batch, check_produced, create_served, produce_answer, produce_frame};
use crate::sink;
use crate::table::Figure;

const RECORD: usize = 100;

/// On one partition and on eight, beside a sink that only acknowledges.
pub fn run(options: &Options, subject: &Subject) -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for partitions in [1, 8] {
        let mut broker = Broker::start(subject, &options.dir)?;
        create_served(&mut broker, "small", partitions, &[])?;
        let load = load("small", options.connections, partitions)?;
        let done = closed::run(broker.address(), &load, Until::Time(options.time()))?;
        let sink = sink::start(options.connections, produce_answer("small")?)?;
        let bare = closed::run(&sink, &load, Until::Time(options.time() / 5))?;
        figures.extend(compare(&format!("{partitions} partitions"), &done, &bare));
    }
    Ok(figures)
}

/// On one partition with `flush.messages=1`.
pub fn run_flush(options: &Options, subject: &Subject) -> anyhow::Result<Vec<Figure>> {
    let mut broker = Broker::start(subject, &options.dir)?;
    create_served(&mut broker, "flush", 1, &[("flush.messages", "1")])?;
    let load = load("flush", options.flush_connections, 1)?;
    let done = closed::run(broker.address(), &load, Until::Time(options.time()))?;
    Ok(vec![
        Figure::new("flush.messages=1, requests/s", done.rate()),
        Figure::new("flush.messages=1, p50 ms", done.latency_ms(500)),
        Figure::new("flush.messages=1, p99 ms", done.latency_ms(990)),
    ])
}

/// The connections take the partitions in turn.
fn load(topic: &str, connections: usize, partitions: i32) -> anyhow::Result<Load> {
    let batch = batch(1, RECORD)?;
    let frames = (0..partitions).cycle().take(connections);
    let frames = frames.map(|at| Ok(vec![produce_frame(topic, at..at + 1, &batch)?]));
    Ok(Load { frames: frames.collect::<anyhow::Result<_>>()?, check: check_produced })
}

fn compare(what: &str, broker: &Outcome, bare: &Outcome) -> [Figure; 3] {
    let latency = |of_1000| (broker.latency_ms(of_1000), bare.latency_ms(of_1000));
    let ((p50, bare_p50), (p99, bare_p99)) = (latency(500), latency(990));
    [
        Figure::beside(format!("{what}, requests/s"), broker.rate(), bare.rate()),
        Figure::beside(format!("{what}, p50 ms"), p50, bare_p50),
        Figure::beside(format!("{what}, p99 ms"), p99, bare_p99),
    ]
}
