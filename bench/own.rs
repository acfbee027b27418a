//! The work by klog's own client library.

use std::time::Duration;

use anyhow::ensure;
use klog::base::TopicName;
use klog::client::{
    Acks, Client, ClientConfig, Compression, Consumer, ConsumerConfig, OffsetReset, Producer,
    ProducerConfig, ProducerRecord, StartAt,
};
use klog::perf::{Histogram, Run, Summary};
use klog::record::Codec;

use crate::clients::{BATCH, LINGER_MS, Pace, Steady};
use crate::load::Work;

const STALL: Duration = Duration::from_secs(60);

pub async fn connect(address: &str) -> anyhow::Result<Client> {
    let bootstrap = vec![address.to_owned()];
    Ok(Client::connect(ClientConfig { bootstrap, ..ClientConfig::default() }).await?)
}

pub fn produce(address: &str, work: &Work<'_>) -> anyhow::Result<()> {
    let topic = TopicName::new(work.topic)?;
    let config = ProducerConfig {
        acks: Acks::Leader,
        idempotent: false,
        may_reorder: true, // as librdkafka does
        batch_bytes: BATCH,
        linger: Duration::from_millis(LINGER_MS),
        compression: match work.codec {
            Codec::None => Compression::None,
            Codec::Gzip => Compression::Gzip(None),
            Codec::Snappy => Compression::Snappy,
            Codec::Lz4 => Compression::Lz4(None),
            Codec::Zstd => Compression::Zstd(None),
        },
        ..ProducerConfig::default()
    };
    klog::client::runtime()?.block_on(async {
        let producer = Producer::new(&connect(address).await?, config);
        for value in work.values() {
            drop(producer.send(ProducerRecord::new(topic.clone(), value.clone())).await?);
        }
        let totals = producer.close().await;
        ensure!(totals.failed == 0, "{:?}", totals.first_error);
        ensure!(totals.delivered == work.count, "some records went missing");
        Ok(())
    })
}

pub fn consume(address: &str, topic: &str, partitions: i32, count: u64) -> anyhow::Result<Steady> {
    let mut pace = Pace::begin();
    let topic = TopicName::new(topic)?;
    let config = ConsumerConfig {
        offset_reset: OffsetReset::Earliest,
        max_poll_records: 10_000,
        ..ConsumerConfig::default()
    };
    klog::client::runtime()?.block_on(async {
        let consumer = Consumer::new(&connect(address).await?, config);
        let all: Vec<_> = (0..partitions).map(|p| (topic.clone(), p, StartAt::Earliest)).collect();
        consumer.assign(&all);
        while pace.seen < count {
            let records = consumer.poll(STALL).await?;
            ensure!(!records.is_empty(), "only {} of {count} records came", pace.seen);
            pace.came(records.len() as u64);
        }
        Ok(pace.end())
    })
}

/// What a run has seen that is over; none of its records may have failed.
pub fn latencies(run: Run, summary: Summary) -> anyhow::Result<Histogram<u64>> {
    run.outcome()?;
    ensure!(summary.counts.failed() == 0, "{:?}", summary.counts.first_error);
    Ok(summary.counts.latencies)
}
