//! A consumer that reads from the start what no cache holds any more, beside a producer at a steady rate; broker and page cache together have
//! 1 GiB.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use klog::base::TopicName;
use klog::client::ProducerConfig;
use klog::perf::{Histogram, Length, Pace, Payload, ProduceLoad, Summary, produce};

use crate::bare;
use crate::broker::{Broker, Subject};
use crate::cgroup::Cgroup;
use crate::fetch::Uniform;
use crate::figure::{Figure, Of, at_least, at_most};
use crate::options::Options;
use crate::own;
use crate::raw::create_served;
use crate::usage::measure;

const MEMORY: u64 = 1 << 30;
const RECORD: usize = 1024;
const LIVE: &str = "live";
const WARM_UP: Duration = Duration::from_secs(1);

pub fn run(options: &Options, subject: &Subject) -> anyhow::Result<Vec<Figure>> {
    let cgroup = Cgroup::with_memory(MEMORY)?;
    let mut broker = Broker::start_in(cgroup, subject, &options.dir)?;
    create_served(&mut broker, LIVE, 1, &[])?;
    let data = Uniform::create(&mut broker, "cold", RECORD, options.cold_mib)?;
    data.write(broker.address(), 2)?;
    let files = bare::segments(&broker.data(), "cold")?;
    bare::forget(&files)?;
    let bare = bare::read(&files, u64::MAX, |_| {})?;
    bare::forget(&files)?;
    let mb = data.bytes() as f64 / 1e6;
    let address = broker.address().to_owned();
    let ((drained, latencies), used) = measure(&broker, || {
        klog::client::runtime()?.block_on(drain(address, data, options.cold_rate))
    })?;
    let ms = |quantile| latencies.value_at_quantile(quantile) as f64 / 1e6;
    let p99 = Figure::new("producer beside it, p99 ms", ms(0.99));
    let rate = mb / drained.as_secs_f64();
    let rate = Figure::beside("drain, MB/s", rate, bare.mb_per_second());
    Ok(vec![
        Figure::new("producer beside it, p50 ms", ms(0.5)),
        p99.aim(at_most(0.2, Of::Kafka)),
        Figure::new("producer beside it, max ms", ms(1.0)),
        rate.aim(at_least(0.8, Of::Bare)),
        Figure::new("broker CPU of both, s", used.broker_seconds),
        Figure::new("broker peak RSS, MB", broker.peak_mb()?),
    ])
}

/// Writes from a second before the drain to its end; how long that took, and the producer's latencies.
async fn drain(
    address: String,
    data: Uniform,
    rate: u64,
) -> anyhow::Result<(Duration, Histogram<u64>)> {
    let load = ProduceLoad {
        topic: TopicName::new(LIVE)?,
        producer: ProducerConfig { linger: Duration::ZERO, ..ProducerConfig::default() },
        pace: Pace::Open(rate),
        length: Length { warm_up: WARM_UP, records: None, duration: None },
        payload: Payload::Random(RECORD),
        transaction_size: None,
    };
    let mut run = produce(&[own::connect(&address).await?], &load).await?;
    let mut draining = tokio::task::spawn_blocking(move || {
        thread::sleep(WARM_UP);
        let clock = Instant::now();
        data.fetch(&address)?;
        anyhow::Ok(clock.elapsed())
    });
    let (mut summary, mut drained) = (Summary::default(), None);
    loop {
        tokio::select! {
            ended = &mut draining, if drained.is_none() => {
                drained = Some(ended??);
                run.stop();
            }
            interval = run.next() => match interval {
                Some(interval) => summary.add(interval),
                None => break,
            },
        }
    }
    let latencies = own::latencies(run, summary)?;
    Ok((drained.context("the producer ended before the drain")?, latencies))
}
