//! How soon a broker is of use, and what it holds while it has nothing to do.

use std::thread;
use std::time::{Duration, Instant};

use crate::broker::{Broker, Subject};
use crate::options::Options;
use crate::raw::Raw;
use crate::table::Figure;

const TOPIC: &str = "first";
const REST: Duration = Duration::from_secs(5);

pub fn run(options: &Options, subject: &Subject) -> anyhow::Result<Vec<Figure>> {
    let mut broker = Broker::prepare(subject, &options.dir)?;
    let clock = Instant::now();
    broker.launch()?;
    broker.wait_until(|address| Raw::connect(address)?.create_topic(TOPIC, 1, &[]))?;
    first_ack(&mut broker, TOPIC)?;
    let fresh = clock.elapsed();
    thread::sleep(REST);
    let idle = broker.rss_mb()?;
    broker.stop()?;
    let again = timed_start(&mut broker, TOPIC)?;
    Ok(vec![
        Figure::new("new data directory: start to first ack, ms", millis(fresh)),
        Figure::new("second start: start to first ack, ms", millis(again)),
        Figure::new(format!("RSS {} s after it, MB", REST.as_secs()), idle),
    ])
}

/// Starts the broker; returns how long it took until a record for `topic` was acknowledged.
pub fn timed_start(broker: &mut Broker, topic: &str) -> anyhow::Result<Duration> {
    let clock = Instant::now();
    broker.launch()?;
    first_ack(broker, topic)?;
    Ok(clock.elapsed())
}

fn first_ack(broker: &mut Broker, topic: &str) -> anyhow::Result<()> {
    broker.wait_until(|address| Raw::connect(address)?.produce(topic, 0..1))
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
