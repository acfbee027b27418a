//! From the moment a record was due to the moment a consumer has it: acks=all, no linger, an open loop at a steady rate, through two client
//! libraries, beside round trips over the loopback.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use klog::base::TopicName;
use klog::client::{ConsumerConfig, ProducerConfig};
use klog::perf::{
    EndToEndLoad, Histogram, Length, Pace, Payload, ProduceLoad, Summary, end_to_end,
};
use rdkafka::Message;
use rdkafka::Offset;
use rdkafka::consumer::BaseConsumer;
use rdkafka::producer::{BaseProducer, Producer};

use crate::bare;
use crate::broker::{Broker, Subject};
use crate::clients::{BOTH, Library};
use crate::figure::{Figure, Of, at_least, at_most};
use crate::librdkafka::{self, Count};
use crate::options::Options;
use crate::own;
use crate::raw::create_served;
use crate::usage::measure;

const RECORD: usize = 1024;
const STALL: Duration = Duration::from_secs(60);

pub fn run(options: &Options, subject: &Subject) -> anyhow::Result<Vec<Figure>> {
    let mut broker = Broker::start(subject, &options.dir)?;
    let (mut figures, mut client_cpu) = (Vec::new(), [0.0; 2]);
    for library in BOTH {
        let topic = format!("by-{library:?}");
        create_served(&mut broker, &topic, 1, &[])?;
        let (time, rate) = (options.latency_time(), options.rate);
        let (seen, used) = measure(&broker, || match library {
            Library::Librdkafka => by_librdkafka(broker.address(), &topic, time, rate),
            Library::Klog => by_klog(broker.address(), &topic, time, rate),
        })?;
        client_cpu[library as usize] = used.client_seconds;
        let name = |what: &str| format!("{}, {what}", library.name());
        let figure = |what: &str, quantile| {
            Figure::new(name(what), seen.value_at_quantile(quantile) as f64 / 1e6)
        };
        let mut p50 = figure("p50 ms", 0.5);
        p50.bare = Some(bare::round_trip_ms()?);
        figures.extend([
            p50.aim(at_most(20.0, Of::Bare)),
            figure("p99 ms", 0.99).aim(at_most(0.5, Of::Kafka)),
            figure("p99.9 ms", 0.999).aim(at_most(0.25, Of::Kafka)),
            figure("max ms", 1.0),
            Figure::new(name("records/s"), seen.len() as f64 / time.as_secs_f64())
                .aim(at_least(0.999 * rate as f64, Of::One)),
            Figure::new(
                name("broker CPU, % of a core"),
                100.0 * used.broker_seconds / used.seconds,
            ),
            Figure::new(
                name("client CPU, % of a core"),
                100.0 * used.client_seconds / used.seconds,
            ),
        ]);
    }
    let [librdkafka, klog] = client_cpu;
    let cpu = Figure::new("klog's client over librdkafka, CPU", klog / librdkafka);
    figures.push(cpu.aim(at_most(0.8, Of::One)));
    figures.push(Figure::new("broker peak RSS, MB", broker.peak_mb()?));
    Ok(figures)
}

/// A fifth of the time comes before, as a warm-up.
fn warm_up(time: Duration) -> Duration {
    time / 5
}

fn by_klog(
    address: &str,
    topic: &str,
    time: Duration,
    rate: u64,
) -> anyhow::Result<Histogram<u64>> {
    let producer = ProducerConfig { linger: Duration::ZERO, ..ProducerConfig::default() };
    let length = Length { warm_up: warm_up(time), records: None, duration: Some(time) };
    let produce = ProduceLoad {
        topic: TopicName::new(topic)?,
        producer,
        pace: Pace::Open(rate),
        length,
        payload: Payload::Random(RECORD),
        transaction_size: None,
    };
    let load = EndToEndLoad { produce, partitions: 1, consumer: ConsumerConfig::default() };
    klog::client::runtime()?.block_on(async {
        let (near, far) = (own::connect(address).await?, own::connect(address).await?);
        let (mut run, mut summary) =
            (end_to_end(&[near], &[far], &load).await?, Summary::default());
        while let Some(interval) = run.next().await {
            summary.add(interval);
        }
        own::latencies(run, summary)
    })
}

/// The same by librdkafka: its records bear when they were due, in nanoseconds from the beginning on.
fn by_librdkafka(
    address: &str,
    topic: &str,
    time: Duration,
    rate: u64,
) -> anyhow::Result<Histogram<u64>> {
    let counted = Count::default();
    let producer: BaseProducer<Count> = librdkafka::config(address)
        .set("acks", "all")
        .set("enable.idempotence", "true")
        .set("linger.ms", "0")
        .create_with_context(counted.clone())?;
    let consumer =
        librdkafka::consumer(&mut librdkafka::config(address), topic, 1, Offset::Beginning)?;
    let records_in = |time: Duration| (time.as_secs_f64() * rate as f64) as u64;
    let (warm, count) = (records_in(warm_up(time)), records_in(warm_up(time) + time));
    // Known before the first record is due, on both sides.
    producer.client().fetch_metadata(Some(topic), STALL)?;
    let begin = Instant::now();
    thread::scope(|scope| {
        let reader = scope.spawn(|| arrivals(&consumer, begin, [warm, count]));
        let mut value = crate::load::filling(RECORD);
        for number in 0..count {
            let due = Duration::from_nanos(
                (u128::from(number) * 1_000_000_000 / u128::from(rate)) as u64,
            );
            while let Some(pause) = due.checked_sub(begin.elapsed()) {
                producer.poll(Duration::ZERO);
                thread::sleep(pause);
            }
            value[..8].copy_from_slice(&u64::try_from(due.as_nanos())?.to_be_bytes());
            librdkafka::send(&producer, topic, &value)?;
        }
        counted.settle(&producer, count)?;
        reader.join().ok().context("the reader ended")?
    })
}

fn arrivals(
    consumer: &BaseConsumer,
    begin: Instant,
    [warm, count]: [u64; 2],
) -> anyhow::Result<Histogram<u64>> {
    let (mut seen, mut latencies) = (0, Histogram::new(3)?);
    while seen < count {
        let message = consumer.poll(STALL);
        let message = message.with_context(|| format!("only {seen} of {count} records came"))??;
        let now = u64::try_from(begin.elapsed().as_nanos())?;
        let due = message.payload().and_then(|value| value.first_chunk());
        let due = u64::from_be_bytes(*due.context("a record bears when it was due")?);
        if seen >= warm {
            latencies.record(now.saturating_sub(due))?;
        }
        seen += 1;
    }
    Ok(latencies)
}
