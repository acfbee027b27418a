//! What a producer notices of segments that fill up: an open loop at a steady rate into segments of 64 MiB, by klog's own client.

use std::time::Duration;

use klog::base::TopicName;
use klog::client::ProducerConfig;
use klog::perf::{Length, Pace, Payload, ProduceLoad, Summary, produce};

use crate::broker::{Broker, Subject};
use crate::clients::{BATCH, LINGER_MS};
use crate::figure::Figure;
use crate::options::Options;
use crate::own;
use crate::raw::create_served;

const RECORD: usize = 1024;
/// With [`RECORD`], 80 MB/s: a roll in less than a second.
const RATE: u64 = 80_000;

pub fn run(options: &Options, subject: &Subject) -> anyhow::Result<Vec<Figure>> {
    let mut broker = Broker::start(subject, &options.dir)?;
    create_served(&mut broker, "rolls", 1, &[("segment.bytes", "67108864")])?;
    let time = options.time();
    let load = ProduceLoad {
        topic: TopicName::new("rolls")?,
        producer: ProducerConfig {
            batch_bytes: BATCH,
            linger: Duration::from_millis(LINGER_MS),
            ..ProducerConfig::default()
        },
        pace: Pace::Open(RATE),
        length: Length { warm_up: time / 5, records: None, duration: Some(time) },
        payload: Payload::Random(RECORD),
        transaction_size: None,
    };
    let seen = klog::client::runtime()?.block_on(async {
        let client = own::connect(broker.address()).await?;
        let (mut run, mut summary) = (produce(&[client], &load).await?, Summary::default());
        while let Some(interval) = run.next().await {
            summary.add(interval);
        }
        own::latencies(run, summary)
    })?;
    let ms = |name: &str, nanoseconds: u64| {
        Figure::new(name, Duration::from_nanos(nanoseconds).as_secs_f64() * 1e3)
    };
    Ok(vec![
        ms("p50 ms", seen.value_at_quantile(0.5)),
        ms("p99 ms", seen.value_at_quantile(0.99)),
        ms("p99.9 ms", seen.value_at_quantile(0.999)),
        ms("max ms", seen.max()),
    ])
}
