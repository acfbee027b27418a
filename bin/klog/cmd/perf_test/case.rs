//! The cases of `klog perf-test compare`: what each does, and which numbers of it count.

use std::time::Duration;

use klog::base::TopicName;
use klog::client::{Acks, Client, ConsumerConfig, Isolation, ProducerConfig};
use klog::perf::{
    self, ConsumeLoad, EndToEndLoad, Failure, Length, Pace, Payload, ProduceLoad, Run, Summary,
};

use super::consume::POLL_RECORDS;
use super::report::millis;

/// What there is to be read where reading is measured.
const FILLED_BYTES: u64 = 256 << 20;

/// What is compared.
#[derive(clap::ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// Write 1 KiB records to one partition, acks=1, batches of 64 KiB, as fast as it goes
    #[value(name = "produce-1kib")]
    Produce1KiB,
    /// Write 100 B records to six partitions, acks=all, batches of 64 KiB, as fast as it goes
    #[value(name = "produce-100b")]
    Produce100B,
    /// Write 10,000 records of 1 KiB a second, acks=all, no linger: until the acknowledgement
    #[value(name = "produce-10k")]
    Produce10k,
    /// The same, until a consumer has them
    #[value(name = "end-to-end-10k")]
    EndToEnd10k,
    /// Write 100 B records in transactions of 100, one after the other
    Transactions,
    /// Read 256 MiB of 1 KiB records that were just written
    #[value(name = "consume-1kib")]
    Consume1KiB,
    /// Read 256 MiB of 100 B records that were just written
    #[value(name = "consume-100b")]
    Consume100B,
}

/// One number of a run.
#[derive(Debug, Clone, Copy)]
pub struct Measure {
    pub name: &'static str,
    pub value: f64,
    /// Whether more of it is better.
    pub wants_more: bool,
}

impl Case {
    /// Its name on the command line.
    pub fn name(self) -> String {
        let value = clap::ValueEnum::to_possible_value(&self);
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// How many partitions its topic has.
    pub fn partitions(self) -> i32 {
        if self == Case::Produce100B { 6 } else { 1 }
    }

    /// Whether it reads what [`Case::fill`] has written.
    pub fn reads(self) -> bool {
        matches!(self, Case::Consume1KiB | Case::Consume100B)
    }

    /// Writes what is then read.
    ///
    /// # Errors
    /// As [`perf::produce`].
    pub async fn fill(self, client: &Client, topic: &TopicName) -> Result<Run, Failure> {
        let records = Some(self.records_to_read());
        let length = Length { warm_up: Duration::ZERO, records, duration: None };
        perf::produce(std::slice::from_ref(client), &self.load(topic, length)).await
    }

    /// Starts it with a client to write and one to read, on a topic of its own.
    ///
    /// # Errors
    /// As what it starts.
    pub async fn start(
        self,
        [writer, reader]: &[Client; 2],
        topic: &TopicName,
        length: Length,
    ) -> Result<Run, Failure> {
        let consumer = ConsumerConfig {
            isolation: Isolation::ReadCommitted,
            max_poll_records: POLL_RECORDS,
            ..ConsumerConfig::default()
        };
        let (writers, readers) = (std::slice::from_ref(writer), std::slice::from_ref(reader));
        let partitions = self.partitions();
        if self.reads() {
            let records = Some(self.records_to_read());
            let length = Length { warm_up: Duration::ZERO, records, duration: None };
            let load = ConsumeLoad { topic: topic.clone(), partitions, consumer, length };
            return perf::consume(readers, &load).await;
        }
        let produce = self.load(topic, length);
        match self {
            Case::EndToEnd10k => {
                let load = EndToEndLoad { produce, partitions, consumer };
                perf::end_to_end(writers, readers, &load).await
            }
            _ => perf::produce(writers, &produce).await,
        }
    }

    /// The numbers that count.
    pub fn measures(self, summary: &Summary) -> Vec<Measure> {
        let more = |name, value| Measure { name, value, wants_more: true };
        let less = |name, quantile| {
            let nanos = summary.counts.latencies.value_at_quantile(quantile);
            Measure { name, value: millis(nanos), wants_more: false }
        };
        match self {
            Case::Produce10k | Case::EndToEnd10k => {
                vec![less("p50 ms", 0.5), less("p99 ms", 0.99), less("p99.9 ms", 0.999)]
            }
            _ => vec![
                more("records/s", summary.records_per_second()),
                more("MB/s", summary.bytes_per_second() / 1e6),
            ],
        }
    }

    fn size(self) -> usize {
        match self {
            Case::Produce100B | Case::Transactions | Case::Consume100B => 100,
            Case::Produce1KiB | Case::Produce10k | Case::EndToEnd10k | Case::Consume1KiB => 1024,
        }
    }

    fn records_to_read(self) -> u64 {
        FILLED_BYTES / self.size() as u64
    }

    fn load(self, topic: &TopicName, length: Length) -> ProduceLoad {
        let is_paced = matches!(self, Case::Produce10k | Case::EndToEnd10k);
        let is_transactional = self == Case::Transactions;
        let mut producer = ProducerConfig { batch_bytes: 64 << 10, ..ProducerConfig::default() };
        if self == Case::Produce1KiB {
            (producer.acks, producer.idempotent, producer.may_reorder) =
                (Acks::Leader, false, true);
        }
        if is_paced {
            producer.linger = Duration::ZERO;
        }
        producer.transactional_id = is_transactional.then(|| topic.to_string());
        ProduceLoad {
            topic: topic.clone(),
            producer,
            pace: if is_paced { Pace::Open(10_000) } else { Pace::Closed },
            length,
            payload: Payload::Random(self.size()),
            transaction_size: is_transactional.then_some(100),
        }
    }
}
