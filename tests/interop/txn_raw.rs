//! Transactions, request by request: what no client library would do, and what each would have to do thousands of times.

use std::time::{Duration, Instant};

use bytes::Bytes;
use klog::record::{BatchOptions, BatchProducer};
use klog::wire::Records;
use klog::wire::add_partitions_to_txn::{AddPartitionsToTxnRequest, AddPartitionsToTxnTopic};
use klog::wire::end_txn::EndTxnRequest;
use klog::wire::find_coordinator::FindCoordinatorRequest;
use klog::wire::init_producer_id::InitProducerIdRequest;
use klog::wire::list_transactions::ListTransactionsRequest;
use klog::wire::produce::PartitionProduceData;

use crate::broker::Broker;
use crate::librdkafka::Admin;
use crate::raw::{Raw, batch_of, produce_to};
use crate::transactions::{broker, until_stable};
use crate::transactor::Isolation::{Committed, Uncommitted};

const INVALID_PRODUCER_EPOCH: i16 = 47;
const INVALID_TXN_STATE: i16 = 48;
const INVALID_PRODUCER_ID_MAPPING: i16 = 49;
const CONCURRENT_TRANSACTIONS: i16 = 51;
const PRODUCER_FENCED: i16 = 90;
const TRANSACTION_ABORTABLE: i16 = 120;
/// Produce's version from which on partitions are added by producing to them, and the one before.
const V2: i16 = 12;
const V1: i16 = 11;
const DEADLINE: Duration = Duration::from_secs(60);

/// A transactional producer that says what it wants.
#[derive(Clone, Debug)]
struct Producer {
    transactional_id: String,
    id: i64,
    epoch: i16,
    sequence: i32,
}

impl Producer {
    /// Begins; waits until the coordinator is there, and has aborted what was open.
    fn init(raw: &mut Raw, transactional_id: &str) -> Producer {
        let end = Instant::now() + DEADLINE;
        let request = InitProducerIdRequest {
            transactional_id: Some(transactional_id.into()),
            transaction_timeout_ms: 60_000,
            producer_id: -1,
            producer_epoch: -1,
            ..Default::default()
        };
        loop {
            let told = raw.call(5, &request);
            if told.error_code == 0 {
                let (id, epoch) = (told.producer_id, told.producer_epoch);
                let transactional_id = transactional_id.into();
                return Producer { transactional_id, id, epoch, sequence: 0 };
            }
            assert!(Instant::now() < end, "{told:?}");
            let find = FindCoordinatorRequest {
                key_type: 1,
                coordinator_keys: vec![transactional_id.into()],
                ..Default::default()
            };
            raw.call(5, &find);
        }
    }

    fn batch(&self, value: &str) -> Vec<u8> {
        let producer =
            BatchProducer { id: self.id, epoch: self.epoch, base_sequence: self.sequence };
        let options = BatchOptions { producer, transactional: true, ..Default::default() };
        batch_of(&[value.as_bytes()], options)
    }

    /// Produces a record to a partition; returns the code.
    fn produce(&mut self, raw: &mut Raw, version: i16, partition: i32) -> i16 {
        let mut request = produce_to("t", partition, &self.batch("v"));
        (request.acks, request.transactional_id) =
            (-1, Some(self.transactional_id.as_str().into()));
        let response = raw.call(version, &request);
        let code = response.responses[0].partition_responses[0].error_code;
        self.sequence += i32::from(code == 0);
        code
    }

    fn end(&mut self, raw: &mut Raw, version: i16, committed: bool) -> i16 {
        let request = EndTxnRequest {
            transactional_id: self.transactional_id.as_str().into(),
            producer_id: self.id,
            producer_epoch: self.epoch,
            committed,
            ..Default::default()
        };
        let told = raw.call(version, &request);
        if told.error_code == 0 && version >= 5 {
            (self.id, self.epoch, self.sequence) = (told.producer_id, told.producer_epoch, 0);
        }
        told.error_code
    }

    /// Ends it by the newest protocol; waits until the one before is complete.
    fn end_for_sure(&mut self, raw: &mut Raw, committed: bool) {
        let end = Instant::now() + DEADLINE;
        loop {
            match self.end(raw, 5, committed) {
                0 => return,
                CONCURRENT_TRANSACTIONS => assert!(Instant::now() < end, "{self:?}"),
                other => panic!("{other}: {self:?}"),
            }
        }
    }

    fn add(&self, raw: &mut Raw, partitions: Vec<i32>) -> i16 {
        let topic = AddPartitionsToTxnTopic { name: "t".into(), partitions, ..Default::default() };
        let request = AddPartitionsToTxnRequest {
            v3_and_below_transactional_id: self.transactional_id.as_str().into(),
            v3_and_below_producer_id: self.id,
            v3_and_below_producer_epoch: self.epoch,
            v3_and_below_topics: vec![topic],
            ..Default::default()
        };
        let told = raw.call(3, &request);
        let partitions = told.results_by_topic_v3_and_below.iter();
        let codes = partitions.flat_map(|topic| &topic.results_by_partition);
        codes.map(|partition| partition.partition_error_code).max().expect("a partition")
    }
}

/// A broker with a topic `t`, and a connection to it.
fn with_topic(broker: Broker, partitions: i32) -> (Broker, Raw) {
    Admin::new(broker.address()).create("t", partitions, &[]);
    let mut raw = Raw::connect(broker.address());
    for partition in 0..partitions {
        raw.end("t", partition, Uncommitted);
    }
    (broker, raw)
}

#[test]
fn records_that_belong_to_no_transaction_of_their_producer_are_refused() {
    let (broker, mut raw) = with_topic(broker(), 1);
    let mut producer = Producer::init(&mut raw, "a");
    assert_eq!(producer.produce(&mut raw, 10, 0), INVALID_TXN_STATE);
    assert_eq!(producer.produce(&mut raw, V1, 0), TRANSACTION_ABORTABLE);
    assert_eq!(producer.produce(&mut raw, V2, 0), 0, "it is added");
    let mut stranger = Producer { id: producer.id + 77, sequence: 0, ..producer.clone() };
    assert_eq!(stranger.produce(&mut raw, V2, 0), INVALID_PRODUCER_ID_MAPPING);
    let mut newer = Producer::init(&mut raw, "a");
    assert_eq!(producer.produce(&mut raw, V2, 0), INVALID_PRODUCER_EPOCH);
    assert_eq!(producer.end(&mut raw, 5, true), PRODUCER_FENCED);
    assert_eq!(producer.end(&mut raw, 1, true), INVALID_PRODUCER_EPOCH, "as old clients know it");
    assert_eq!(newer.produce(&mut raw, V2, 0), 0);
    newer.end_for_sure(&mut raw, true);
    until_stable(&broker, "t", 1);
}

#[test]
fn one_producer_in_a_request_does_not_let_another_one_in() {
    let (broker, mut raw) = with_topic(broker(), 2);
    let mut producer = Producer::init(&mut raw, "a");
    let stranger = Producer { id: producer.id + 77, ..producer.clone() };
    let mut request = produce_to("t", 0, &producer.batch("v"));
    (request.acks, request.transactional_id) = (-1, Some("a".into()));
    let smuggled = PartitionProduceData {
        index: 1,
        records: Some(Records::Bytes(Bytes::from(stranger.batch("v")))),
        ..Default::default()
    };
    request.topic_data[0].partition_data.push(smuggled);
    let told = raw.call(V2, &request);
    assert_ne!(told.responses[0].partition_responses[1].error_code, 0);
    assert_eq!(raw.end("t", 1, Uncommitted), 0, "nothing is appended that nobody would end");
    if told.responses[0].partition_responses[0].error_code == 0 {
        producer.end_for_sure(&mut raw, true);
    }
    until_stable(&broker, "t", 2);
}

#[test]
fn an_end_that_comes_late_does_not_end_the_next_transaction() {
    let (broker, mut raw) = with_topic(broker(), 1);
    let mut producer = Producer::init(&mut raw, "a");
    assert_eq!(producer.produce(&mut raw, V2, 0), 0);
    let mut late = producer.clone();
    producer.end_for_sure(&mut raw, true);
    let mut again = late.clone();
    assert_eq!(again.end(&mut raw, 5, true), 0, "repeated at once it says the same");
    assert_eq!((again.id, again.epoch), (producer.id, producer.epoch));
    let begun = Instant::now();
    // Its markers may be on their way.
    while producer.produce(&mut raw, V2, 0) == CONCURRENT_TRANSACTIONS {
        assert!(begun.elapsed() < DEADLINE);
    }
    let stable = raw.end("t", 0, Committed);
    for committed in [true, false] {
        assert_eq!(late.end(&mut raw, 5, committed), PRODUCER_FENCED);
    }
    assert_eq!(late.produce(&mut raw, V2, 0), INVALID_PRODUCER_EPOCH);
    assert_eq!(raw.end("t", 0, Committed), stable, "the next one is open still");
    producer.end_for_sure(&mut raw, false);
    until_stable(&broker, "t", 1);
}

#[test]
fn a_producer_whose_epochs_are_used_up_gets_another_id_and_goes_on() {
    let (broker, mut raw) = with_topic(broker(), 1);
    let mut producer = Producer::init(&mut raw, "a");
    let first = producer.clone();
    let mut ends = 0;
    while producer.id == first.id {
        producer.end_for_sure(&mut raw, false);
        ends += 1;
        assert!(ends <= 1 << 15, "{producer:?}");
    }
    assert_eq!(producer.epoch, 0);
    assert!(ends > 32_700, "{ends}");
    let begun = Instant::now();
    while producer.produce(&mut raw, V2, 0) == CONCURRENT_TRANSACTIONS {
        assert!(begun.elapsed() < DEADLINE);
    }
    producer.end_for_sure(&mut raw, true);
    until_stable(&broker, "t", 1);
    assert_eq!(raw.end("t", 0, Committed), 2, "a record and its marker");
    let mut old = first;
    assert_eq!(old.produce(&mut raw, V2, 0), INVALID_PRODUCER_ID_MAPPING);
}

#[test]
fn ten_thousand_open_transactions_outlive_the_broker_and_end_one_by_one() {
    const COUNT: usize = 10_000;
    let (mut broker, mut raw) = with_topic(broker(), 4);
    let mut producers: Vec<Producer> =
        (0..COUNT).map(|at| Producer::init(&mut raw, &format!("id-{at}"))).collect();
    for (at, producer) in producers.iter_mut().enumerate() {
        assert_eq!(producer.produce(&mut raw, V2, at as i32 % 4), 0);
    }
    assert_eq!(raw.end("t", 0, Committed), 0);
    broker.kill();
    broker.restart();
    let mut raw = Raw::connect(broker.address());
    let end = Instant::now() + DEADLINE;
    let ongoing = ListTransactionsRequest {
        state_filters: vec!["Ongoing".into()],
        duration_filter: -1,
        ..Default::default()
    };
    while raw.call(2, &ongoing).transaction_states.len() < COUNT {
        assert!(Instant::now() < end, "all are known again");
    }
    for (at, producer) in producers.iter_mut().enumerate() {
        producer.end_for_sure(&mut raw, at % 2 == 0);
    }
    until_stable(&broker, "t", 4);
    assert_eq!(raw.end("t", 0, Committed), COUNT as i64 / 4 * 2, "records and markers");
}

#[test]
fn a_transaction_over_a_thousand_partitions_ends_in_all_of_them() {
    const COUNT: i32 = 1_000;
    let (broker, mut raw) = with_topic(broker(), COUNT);
    let mut producer = Producer::init(&mut raw, "a");
    let everywhere = |producer: &Producer| {
        let mut request = produce_to("t", 0, &[]);
        request.acks = -1;
        request.transactional_id = Some(producer.transactional_id.as_str().into());
        let one = |index: i32| PartitionProduceData {
            index,
            records: Some(Records::Bytes(Bytes::from(producer.batch("v")))),
            ..Default::default()
        };
        request.topic_data[0].partition_data = (0..COUNT).map(one).collect();
        request
    };
    let mut write = |producer: &mut Producer, version: i16| {
        let request = everywhere(producer);
        let told = raw.call(version, &request);
        let wrong: Vec<_> = told.responses[0]
            .partition_responses
            .iter()
            .filter(|partition| partition.error_code != 0)
            .collect();
        assert!(wrong.is_empty(), "{wrong:?}");
        producer.sequence += 1;
    };
    write(&mut producer, V2);
    let mut other = Raw::connect(broker.address());
    producer.end_for_sure(&mut other, true);
    until_stable(&broker, "t", COUNT);
    // The same by the first version of the protocol.
    let mut producer = Producer::init(&mut other, "b");
    assert_eq!(producer.add(&mut other, (0..COUNT).collect()), 0);
    write(&mut producer, V1);
    assert_eq!(producer.end(&mut other, 4, true), 0);
    until_stable(&broker, "t", COUNT);
    for partition in [0, COUNT - 1] {
        assert_eq!(other.end("t", partition, Committed), 4, "two records and two markers");
    }
}
