//! One record of 100 bytes a request, one request in flight on each of many connections, acks=1.

use crate::bare;
use crate::broker::{Broker, Subject};
use crate::closed::{self, Load, Outcome, Until};
use crate::figure::{Figure, Of, at_least, at_most};
use crate::options::Options;
use crate::raw::{batch, check_produced, create_served, produce_answer, produce_frame};
use crate::sink;
use crate::usage::{Used, measure};

const RECORD: usize = 100;

/// On one partition and on eight, beside a sink that only acknowledges.
pub fn run(options: &Options, subject: &Subject) -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for partitions in [1, 8] {
        let mut broker = Broker::start(subject, &options.dir)?;
        create_served(&mut broker, "small", partitions, &[])?;
        let load = load("small", options.connections, partitions)?;
        let (done, used) = run_load(&broker, &load, options)?;
        let sink = sink::start(options.connections, produce_answer("small")?)?;
        let bare = closed::run(&sink, &load, Until::Time(options.time() / 5))?;
        let name = |what: &str| format!("{partitions} partitions, {what}");
        let rate = Figure::beside(name("requests/s"), done.rate(), bare.rate());
        let latency = |what, of_1000| {
            Figure::beside(name(what), done.latency_ms(of_1000), bare.latency_ms(of_1000))
        };
        figures.extend([
            rate.aim(at_least(4.0, Of::Kafka)).aim(at_least(0.5, Of::Bare)),
            latency("p50 ms", 500),
            latency("p99 ms", 990),
            Figure::new(name("broker CPU µs/request"), cpu_each(&done, used)),
            Figure::new(name("broker peak RSS, MB"), broker.peak_mb()?),
        ]);
    }
    Ok(figures)
}

/// On one partition with `flush.messages=1`, beside an append and its fdatasync.
pub fn run_flush(options: &Options, subject: &Subject) -> anyhow::Result<Vec<Figure>> {
    let mut broker = Broker::start(subject, &options.dir)?;
    create_served(&mut broker, "flush", 1, &[("flush.messages", "1")])?;
    let load = load("flush", options.flush_connections, 1)?;
    let (done, used) = run_load(&broker, &load, options)?;
    let p50 = Figure::beside("p50 ms", done.latency_ms(500), bare::sync_ms(&options.dir)?);
    Ok(vec![
        Figure::new("requests/s", done.rate()).aim(at_least(10.0, Of::Kafka)),
        p50.aim(at_most(2.2, Of::Bare)),
        Figure::new("p99 ms", done.latency_ms(990)),
        Figure::new("broker CPU µs/request", cpu_each(&done, used)),
        Figure::new("broker peak RSS, MB", broker.peak_mb()?),
    ])
}

fn run_load(broker: &Broker, load: &Load, options: &Options) -> anyhow::Result<(Outcome, Used)> {
    measure(broker, || closed::run(broker.address(), load, Until::Time(options.time())))
}

/// Its warm-up has as many requests a second as the rest.
fn cpu_each(done: &Outcome, used: Used) -> f64 {
    used.broker_seconds * 1e6 / (done.rate() * used.seconds)
}

/// The connections take the partitions in turn.
fn load(topic: &str, connections: usize, partitions: i32) -> anyhow::Result<Load> {
    let batch = batch(1, RECORD)?;
    let frames = (0..partitions).cycle().take(connections);
    let frames = frames.map(|at| Ok(vec![produce_frame(topic, at..at + 1, &batch)?]));
    Ok(Load { frames: frames.collect::<anyhow::Result<_>>()?, check: check_produced })
}
