//! librdkafka in this process, as a client that carries out transactions step by step: see [`crate::transactor`].

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};

use crate::librdkafka::{self, config};
use crate::transactor::{Answer, Found};

const DEADLINE: Duration = Duration::from_secs(30);

pub struct InProcess {
    address: String,
    producers: HashMap<String, ThreadedProducer<DefaultProducerContext>>,
}

impl InProcess {
    pub fn new(address: &str) -> InProcess {
        InProcess { address: address.to_owned(), producers: HashMap::new() }
    }

    pub fn carry_out(&mut self, step: &str) -> Answer {
        let words: Vec<&str> = step.split(' ').collect();
        let done = match words[..] {
            ["read", isolation, topic, count] => {
                return Ok(self.read(isolation, topic, count.parse().expect("a number")));
            }
            ["init", name, id, timeout] => self.init(name, id, timeout),
            ["begin", name] => self.producers[name].begin_transaction(),
            ["send", name, topic, partition, ref values @ ..] => {
                self.send(name, topic, partition.parse().expect("a number"), values)
            }
            ["offsets", name, group, topic, partition, offset] => {
                let mut offsets = TopicPartitionList::new();
                let offset = Offset::Offset(offset.parse().expect("a number"));
                offsets
                    .add_partition_offset(topic, partition.parse().expect("a number"), offset)
                    .and_then(|()| self.offsets(name, group, &offsets))
            }
            ["commit", name] => self.producers[name].commit_transaction(DEADLINE),
            ["abort", name] => self.producers[name].abort_transaction(DEADLINE),
            _ => panic!("no such step: {step}"),
        };
        done.map(|()| Vec::new()).map_err(name_of)
    }

    fn init(&mut self, name: &str, id: &str, timeout: &str) -> Result<(), KafkaError> {
        let producer: ThreadedProducer<DefaultProducerContext> = config(&self.address)
            .set("transactional.id", id)
            .set("transaction.timeout.ms", timeout)
            .set("linger.ms", "0")
            .create()?;
        producer.init_transactions(DEADLINE)?;
        self.producers.insert(name.to_owned(), producer);
        Ok(())
    }

    fn send(
        &self,
        name: &str,
        topic: &str,
        partition: i32,
        values: &[&str],
    ) -> Result<(), KafkaError> {
        let producer = &self.producers[name];
        for value in values {
            let record: BaseRecord<'_, (), str> =
                BaseRecord::to(topic).partition(partition).payload(value);
            producer.send(record).map_err(|(error, _)| error)?;
        }
        producer.flush(DEADLINE)?;
        // Whoever is fenced learns it by a fatal error; a record that failed otherwise fails the commit.
        producer.client().fatal_error().map_or(Ok(()), |(code, _)| Err(KafkaError::Flush(code)))
    }

    fn offsets(
        &self,
        name: &str,
        group: &str,
        offsets: &TopicPartitionList,
    ) -> Result<(), KafkaError> {
        // Only a consumer can say what group it is of.
        let consumer: BaseConsumer = config(&self.address).set("group.id", group).create()?;
        let metadata = consumer.group_metadata().expect("a consumer with a group");
        self.producers[name].send_offsets_to_transaction(offsets, &metadata, DEADLINE)
    }

    fn read(&self, isolation: &str, topic: &str, partitions: i32) -> Vec<Found> {
        let mut settings = config(&self.address);
        settings.set("isolation.level", format!("read_{isolation}"));
        settings.set("enable.partition.eof", "true").set("fetch.wait.max.ms", "20");
        let consumer = librdkafka::consumer(&settings, topic, partitions);
        // librdkafka takes half a second to ask for the beginning.
        let mut places = TopicPartitionList::new();
        for partition in 0..partitions {
            places.add_partition_offset(topic, partition, Offset::Offset(0)).expect("can be added");
        }
        consumer.assign(&places).expect("partitions can be assigned");
        let (mut found, mut ended) = (Vec::new(), BTreeSet::new());
        let end = Instant::now() + DEADLINE;
        while ended.len() < partitions as usize {
            assert!(Instant::now() < end, "the end is not reached, but of {ended:?}; {found:?}");
            match consumer.poll(Duration::from_millis(100)) {
                None => {}
                Some(Ok(record)) => {
                    let value = String::from_utf8_lossy(record.payload().unwrap_or_default());
                    found.push((record.partition(), record.offset(), value.into_owned()));
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    ended.insert(partition);
                }
                Some(Err(error)) => panic!("librdkafka could not consume: {error}"),
            }
        }
        found
    }
}

fn name_of(error: KafkaError) -> String {
    println!("librdkafka: {error:?}");
    let code = match &error {
        KafkaError::Transaction(error) => Some(error.code()),
        _ => error.rdkafka_error_code(),
    };
    code.map_or_else(|| error.to_string(), |code: RDKafkaErrorCode| format!("{code:?}"))
}
