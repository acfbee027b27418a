//! What transactions promise, as functions of a broker's address: they run against Apache Kafka, with both protocols, and against klog.

use std::collections::BTreeMap;
use std::time::Duration;

use klog::base::{ErrorCode, TopicName};
use klog::client::{
    Admin, Client, CommittedOffset, ConsumedRecord, Consumer, ConsumerConfig, ErrorClass,
    GroupConsumer, GroupMetadata, GroupOffsets, Isolation, NewTopic, OffsetReset, OffsetSpec,
    Polled, ProduceError, ProducerConfig, ProducerRecord, StartAt, Subscription, TransactionError,
    TransactionalProducer,
};
use rand::{RngExt as _, SeedableRng as _, rngs::SmallRng};
use tokio::time::Instant;

use crate::proxy::Proxy;
use crate::reach::{client, read, topic};

/// Hands the names of all specs to a macro.
macro_rules! all {
    ($with:ident) => {
        $with! {
            a_transaction_shows_as_a_whole_or_not_at_all,
            what_is_aborted_is_not_seen,
            a_second_producer_fences_the_first,
            a_transaction_that_lasts_too_long_is_aborted,
            errors_say_what_to_do,
            a_producer_that_comes_back_aborts_what_it_left,
            an_abandoned_transaction_is_aborted,
            a_runtime_may_end_in_the_middle_of_a_transaction,
            after_a_lost_record_the_next_transaction_goes_through,
            after_a_refused_record_the_next_transaction_goes_through,
            cut_connections_break_no_transaction,
            offsets_of_a_member_that_is_over_are_refused,
            consume_transform_produce_is_exactly_once,
        }
    };
}
pub(crate) use all;

const PATIENCE: Duration = Duration::from_secs(60);

fn config(id: &str) -> ProducerConfig {
    ProducerConfig { transactional_id: Some(id.into()), ..ProducerConfig::default() }
}

async fn producer(client: &Client, id: &str) -> TransactionalProducer {
    TransactionalProducer::init(client, config(id)).await.unwrap()
}

fn record(topic: &TopicName, partition: i32, value: &str) -> ProducerRecord {
    let partition = Some(partition);
    ProducerRecord { partition, ..ProducerRecord::new(topic.clone(), value.to_owned()) }
}

/// Sends one record per value to a partition, within the open transaction.
async fn send(
    producer: &TransactionalProducer,
    topic: &TopicName,
    partition: i32,
    values: &[&str],
) {
    for value in values {
        drop(producer.send(record(topic, partition, value)).await.unwrap());
    }
}

/// The end of a partition as this isolation sees it.
async fn end(client: &Client, topic: &TopicName, partition: i32, isolation: Isolation) -> i64 {
    let wanted = [(topic.clone(), partition, OffsetSpec::Latest)];
    let listed = Admin::new(client).list_offsets(&wanted, isolation).await.unwrap();
    listed[0].1.as_ref().unwrap().offset.unwrap()
}

/// Waits until no transaction is open in a partition.
async fn settled(client: &Client, topic: &TopicName, partition: i32, within: Duration) {
    let give_up_at = Instant::now() + within;
    loop {
        let all = end(client, topic, partition, Isolation::ReadUncommitted).await;
        if end(client, topic, partition, Isolation::ReadCommitted).await == all {
            return;
        }
        assert!(Instant::now() < give_up_at, "a transaction stays open for {within:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// All values that this isolation sees up to its end, and the position after them.
async fn all_of(
    client: &Client,
    topic: &TopicName,
    partition: i32,
    isolation: Isolation,
) -> (Vec<String>, i64) {
    let end = end(client, topic, partition, isolation).await;
    let consumer = Consumer::new(client, ConsumerConfig { isolation, ..Default::default() });
    consumer.assign(&[(topic.clone(), partition, StartAt::Earliest)]);
    let (mut out, give_up_at) = (Vec::new(), Instant::now() + PATIENCE);
    while consumer.position(topic, partition).is_none_or(|at| at < end) {
        assert!(Instant::now() < give_up_at, "{:?} of {end}", consumer.position(topic, partition));
        out.extend(values(&consumer.poll(Duration::from_millis(100)).await.unwrap()));
    }
    (out, consumer.position(topic, partition).unwrap())
}

fn values(records: &[ConsumedRecord]) -> Vec<String> {
    let text = |r: &ConsumedRecord| String::from_utf8_lossy(r.value.as_deref().unwrap()).into();
    records.iter().map(text).collect()
}

/// A transaction's records show at once in all partitions, and not before.
pub async fn a_transaction_shows_as_a_whole_or_not_at_all(address: &str) {
    use Isolation::{ReadCommitted, ReadUncommitted};
    let client = client(address).await;
    let topic = topic(&client, "atomic", 3).await;
    let producer = producer(&client, "atomic").await;
    producer.begin().unwrap();
    let mut deliveries = Vec::new();
    for n in 0..300 {
        let one = record(&topic, n % 3, &n.to_string());
        deliveries.push(producer.send(one).await.unwrap());
    }
    for delivery in deliveries {
        delivery.await.unwrap();
    }
    for partition in 0..3 {
        assert_eq!(all_of(&client, &topic, partition, ReadUncommitted).await.0.len(), 100);
        assert_eq!(all_of(&client, &topic, partition, ReadCommitted).await, (vec![], 0));
    }
    producer.commit().await.unwrap();
    for partition in 0..3 {
        settled(&client, &topic, partition, PATIENCE).await;
        let (seen, position) = all_of(&client, &topic, partition, ReadCommitted).await;
        assert_eq!(seen.len(), 100);
        // 100 records and a marker: the last offset holds no record, and is passed all the same.
        assert_eq!(position, 101);
    }
    // One that is not there costs nothing.
    producer.begin().unwrap();
    producer.commit().await.unwrap();
    producer.begin().unwrap();
    producer.abort().await.unwrap();
    assert_eq!(end(&client, &topic, 0, ReadUncommitted).await, 101);
    producer.close().await.unwrap();
}

/// What is aborted is seen by nobody who reads committed records; what follows is.
pub async fn what_is_aborted_is_not_seen(address: &str) {
    use Isolation::{ReadCommitted, ReadUncommitted};
    let client = client(address).await;
    let topic = topic(&client, "aborted", 2).await;
    let producer = producer(&client, "aborted").await;
    for round in 0..4 {
        let aborts = round % 2 == 0;
        producer.begin().unwrap();
        let (a, b) = (format!("a{round}"), format!("b{round}"));
        send(&producer, &topic, 0, &[&a, &b]).await;
        if aborts && round > 0 {
            // Once with all records written, once with whatever had been sent.
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        match aborts {
            true => producer.abort().await.unwrap(),
            false => producer.commit().await.unwrap(),
        }
        settled(&client, &topic, 0, PATIENCE).await;
    }
    let (seen, position) = all_of(&client, &topic, 0, ReadCommitted).await;
    assert_eq!(seen, ["a1", "b1", "a3", "b3"]);
    let (all, end) = all_of(&client, &topic, 0, ReadUncommitted).await;
    assert!(all.ends_with(&["a2".into(), "b2".into(), "a3".into(), "b3".into()]), "{all:?}");
    assert_eq!(position, end);
    // From the marker of the aborted transaction on, the next one of the same producer is whole.
    let consumer =
        Consumer::new(&client, ConsumerConfig { isolation: ReadCommitted, ..Default::default() });
    consumer.assign(&[(topic.clone(), 0, StartAt::Offset(end - 4))]);
    assert_eq!(values(&read(&consumer, 2).await), ["a3", "b3"]);
    producer.close().await.unwrap();
}

/// A second producer of the same transactional id fences the first, and aborts what that had open.
pub async fn a_second_producer_fences_the_first(address: &str) {
    let client = client(address).await;
    let topic = topic(&client, "fenced", 1).await;
    let first = producer(&client, "fenced").await;
    first.begin().unwrap();
    first.send(record(&topic, 0, "first")).await.unwrap().await.unwrap();
    let second = producer(&client, "fenced").await;
    let told = first.commit().await.unwrap_err();
    assert!(matches!(told, TransactionError::Fenced { .. }), "{told:?}");
    assert_eq!(told.class(), ErrorClass::Fatal);
    assert_eq!(first.begin().unwrap_err().class(), ErrorClass::Fatal);
    assert_eq!(first.abort().await.unwrap_err().class(), ErrorClass::Fatal);
    second.begin().unwrap();
    send(&second, &topic, 0, &["second"]).await;
    second.commit().await.unwrap();
    settled(&client, &topic, 0, PATIENCE).await;
    assert_eq!(all_of(&client, &topic, 0, Isolation::ReadCommitted).await.0, ["second"]);
    // One that is fenced in the middle finds out by its records, too.
    second.begin().unwrap();
    let third = producer(&client, "fenced").await;
    let lost = match second.send(record(&topic, 0, "lost")).await {
        Ok(delivery) => delivery.await.unwrap_err(),
        Err(cause) => cause,
    };
    assert!(!lost.retriable(), "{lost}");
    let told = second.commit().await.unwrap_err();
    assert!(matches!(told.class(), ErrorClass::Abortable | ErrorClass::Fatal), "{told:?}");
    let told = second.abort().await.unwrap_err();
    assert_eq!(told.class(), ErrorClass::Fatal, "{told:?}");
    third.close().await.unwrap();
    assert_eq!(all_of(&client, &topic, 0, Isolation::ReadCommitted).await.0, ["second"]);
}

/// A transaction that lasts longer than its timeout is aborted by the coordinator, and its producer hears of it.
pub async fn a_transaction_that_lasts_too_long_is_aborted(address: &str) {
    let client = client(address).await;
    let topic = topic(&client, "too-long", 1).await;
    let config =
        ProducerConfig { transaction_timeout: Duration::from_secs(1), ..config("too-long") };
    let producer = TransactionalProducer::init(&client, config.clone()).await.unwrap();
    producer.begin().unwrap();
    producer.send(record(&topic, 0, "slow")).await.unwrap().await.unwrap();
    settled(&client, &topic, 0, PATIENCE).await;
    let told = producer.commit().await.unwrap_err();
    assert_eq!(told.class(), ErrorClass::Fatal, "{told:?}");
    // A new one goes on.
    let producer = TransactionalProducer::init(&client, config).await.unwrap();
    producer.begin().unwrap();
    send(&producer, &topic, 0, &["quick"]).await;
    producer.commit().await.unwrap();
    settled(&client, &topic, 0, PATIENCE).await;
    assert_eq!(all_of(&client, &topic, 0, Isolation::ReadCommitted).await.0, ["quick"]);
}

/// Errors say by their class what to do.
pub async fn errors_say_what_to_do(address: &str) {
    let client = client(address).await;
    let topic = topic(&client, "classes", 1).await;
    let producer = producer(&client, "classes").await;
    for told in [producer.commit().await, producer.abort().await] {
        assert_eq!(told.unwrap_err().class(), ErrorClass::Misuse);
    }
    let told = producer.send(record(&topic, 0, "early")).await.unwrap_err();
    assert!(
        matches!(&told, ProduceError::Transaction(cause) if cause.class() == ErrorClass::Misuse),
        "{told}"
    );
    producer.begin().unwrap();
    assert_eq!(producer.begin().unwrap_err().class(), ErrorClass::Misuse);
    // A record that is too large for the topic: the transaction is not whole, so it can only be aborted.
    send(&producer, &topic, 0, &["small"]).await;
    let large = "x".repeat(3 << 20);
    let told = producer.send(record(&topic, 0, &large)).await.unwrap_err();
    assert!(matches!(told, ProduceError::TooLarge { .. }), "{told}");
    for _ in 0..2 {
        let told = producer.commit().await.unwrap_err();
        assert!(matches!(told, TransactionError::Abortable { .. }), "{told:?}");
        assert_eq!(told.class(), ErrorClass::Abortable);
    }
    let told = producer.send(record(&topic, 0, "late")).await.unwrap_err();
    assert!(!told.retriable(), "{told}");
    producer.abort().await.unwrap();
    producer.begin().unwrap();
    send(&producer, &topic, 0, &["whole"]).await;
    producer.commit().await.unwrap();
    settled(&client, &topic, 0, PATIENCE).await;
    assert_eq!(all_of(&client, &topic, 0, Isolation::ReadCommitted).await.0, ["whole"]);
    // What no coordinator takes.
    let endless = Duration::from_secs(30 * 24 * 3600);
    let long = ProducerConfig { transaction_timeout: endless, ..config("classes-endless") };
    let told = TransactionalProducer::init(&client, long).await.unwrap_err();
    assert_eq!(told.class(), ErrorClass::Fatal);
    assert_eq!(told.code(), Some(ErrorCode::InvalidTransactionTimeout));
    let weak = ProducerConfig { idempotent: false, ..config("classes-weak") };
    let told = TransactionalProducer::init(&client, weak).await.unwrap_err();
    assert_eq!(told.class(), ErrorClass::Misuse);
    // A plain producer has no business with a transactional id.
    let plain = klog::client::Producer::new(&client, config("classes"));
    assert!(plain.send(record(&topic, 0, "plain")).await.is_err());
}

/// A producer ends in the middle of a transaction and cannot say so; the next one of its id aborts that and goes on.
pub async fn a_producer_that_comes_back_aborts_what_it_left(address: &str) {
    let direct = client(address).await;
    let topic = topic(&direct, "comes-back", 1).await;
    let proxy = Proxy::start(address.to_owned()).await;
    let gone = producer(&proxy.client().await, "comes-back").await;
    gone.begin().unwrap();
    gone.send(record(&topic, 0, "left")).await.unwrap().await.unwrap();
    proxy.refuse(true);
    drop(gone);
    let back = producer(&direct, "comes-back").await;
    settled(&direct, &topic, 0, PATIENCE).await;
    back.begin().unwrap();
    send(&back, &topic, 0, &["back"]).await;
    back.commit().await.unwrap();
    settled(&direct, &topic, 0, PATIENCE).await;
    assert_eq!(all_of(&direct, &topic, 0, Isolation::ReadCommitted).await.0, ["back"]);
}

/// A producer that is dropped or closed in the middle of a transaction aborts it at once, not after its timeout.
pub async fn an_abandoned_transaction_is_aborted(address: &str) {
    let client = client(address).await;
    let topic = topic(&client, "abandoned", 1).await;
    for closes in [true, false] {
        let producer = producer(&client, "abandoned").await;
        producer.begin().unwrap();
        producer.send(record(&topic, 0, "abandoned")).await.unwrap().await.unwrap();
        match closes {
            true => drop(producer.close().await.unwrap()),
            false => drop(producer),
        }
        settled(&client, &topic, 0, Duration::from_secs(10)).await;
    }
    assert_eq!(all_of(&client, &topic, 0, Isolation::ReadCommitted).await.0, [""; 0]);
}

/// A runtime ends with a producer in the middle of a transaction: so does the producer, and the next one of its id goes on.
pub async fn a_runtime_may_end_in_the_middle_of_a_transaction(address: &str) {
    let client = client(address).await;
    let topic = topic(&client, "runtime", 1).await;
    let (of, to) = (address.to_owned(), topic.clone());
    let ended = std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let held = runtime.block_on(async {
            let client = crate::reach::client(&of).await;
            let producer = producer(&client, "runtime").await;
            producer.begin().unwrap();
            producer.send(record(&to, 0, "left")).await.unwrap().await.unwrap();
            producer
        });
        runtime.spawn(async move {
            let _held = held;
            std::future::pending::<()>().await;
        });
        drop(runtime);
    });
    tokio::task::spawn_blocking(|| ended.join().unwrap()).await.unwrap();
    let next = producer(&client, "runtime").await;
    settled(&client, &topic, 0, PATIENCE).await;
    next.begin().unwrap();
    send(&next, &topic, 0, &["next"]).await;
    next.commit().await.unwrap();
    settled(&client, &topic, 0, PATIENCE).await;
    assert_eq!(all_of(&client, &topic, 0, Isolation::ReadCommitted).await.0, ["next"]);
}

/// A record that cannot be delivered in time ends its transaction, not its producer: the epoch is raised, and sequences begin
/// anew (KIP-360).
pub async fn after_a_lost_record_the_next_transaction_goes_through(address: &str) {
    let direct = client(address).await;
    let topic = topic(&direct, "lost", 1).await;
    let proxy = Proxy::start(address.to_owned()).await;
    let client = proxy.client().await;
    let config = ProducerConfig { delivery_timeout: Duration::from_millis(700), ..config("lost") };
    let producer = TransactionalProducer::init(&client, config).await.unwrap();
    producer.begin().unwrap();
    send(&producer, &topic, 0, &["kept"]).await;
    producer.commit().await.unwrap();
    producer.begin().unwrap();
    producer.send(record(&topic, 0, "written")).await.unwrap().await.unwrap();
    proxy.refuse(true);
    let failed = producer.send(record(&topic, 0, "lost")).await.unwrap().await.unwrap_err();
    assert!(matches!(failed, ProduceError::TimedOut { .. }), "{failed}");
    proxy.refuse(false);
    let told = producer.commit().await.unwrap_err();
    assert_eq!(told.class(), ErrorClass::Abortable, "{told:?}");
    producer.abort().await.unwrap();
    for value in ["next", "last"] {
        producer.begin().unwrap();
        send(&producer, &topic, 0, &[value]).await;
        producer.commit().await.unwrap();
    }
    settled(&direct, &topic, 0, PATIENCE).await;
    let (seen, _) = all_of(&direct, &topic, 0, Isolation::ReadCommitted).await;
    assert_eq!(seen, ["kept", "next", "last"]);
}

/// A record that the broker refuses for good leaves a gap in the sequences: no transaction goes on under this epoch (KIP-360).
pub async fn after_a_refused_record_the_next_transaction_goes_through(address: &str) {
    let client = client(address).await;
    let name = TopicName::new("refused").unwrap();
    let configs = vec![("max.message.bytes".to_owned(), "1000".to_owned())];
    let new = NewTopic { partitions: Some(1), configs, ..NewTopic::new(name.clone()) };
    Admin::new(&client).create_topics(&[new], false).await.unwrap()[0].1.clone().unwrap();
    let producer = producer(&client, "refused").await;
    for round in 0..3 {
        producer.begin().unwrap();
        producer.send(record(&name, 0, &format!("aborted {round}"))).await.unwrap().await.unwrap();
        let large = producer.send(record(&name, 0, &"x".repeat(2000))).await.unwrap();
        let behind = producer.send(record(&name, 0, "behind")).await;
        let failed = large.await.unwrap_err();
        assert_eq!(failed.code(), Some(ErrorCode::MessageTooLarge), "{failed}");
        if let Ok(behind) = behind {
            assert!(!behind.await.is_err_and(|cause| cause.retriable()));
        }
        assert_eq!(producer.commit().await.unwrap_err().class(), ErrorClass::Abortable);
        producer.abort().await.unwrap();
        producer.begin().unwrap();
        send(&producer, &name, 0, &[&format!("kept {round}")]).await;
        producer.commit().await.unwrap();
    }
    settled(&client, &name, 0, PATIENCE).await;
    let (seen, _) = all_of(&client, &name, 0, Isolation::ReadCommitted).await;
    assert_eq!(seen, ["kept 0", "kept 1", "kept 2"]);
}

/// Connections are cut again and again: each committed transaction is there once and whole, in order, and nothing else.
pub async fn cut_connections_break_no_transaction(address: &str) {
    let direct = client(address).await;
    let topic = topic(&direct, "cut-transactions", 2).await;
    let proxy = Proxy::start(address.to_owned()).await;
    let producer = producer(&proxy.client().await, "cut").await;
    let seed = rand::random();
    println!("seed {seed}");
    let mut random = SmallRng::seed_from_u64(seed);
    let mut wanted: [Vec<String>; 2] = Default::default();
    for round in 0..60 {
        producer.begin().unwrap();
        let mut sent: [Vec<String>; 2] = Default::default();
        for n in 0..random.random_range(1..40) {
            let partition = random.random_range(0..2);
            let value = format!("{round}-{n}");
            send(&producer, &topic, partition, &[&value]).await;
            sent[partition as usize].push(value);
            if random.random_ratio(1, 20) {
                tokio::time::sleep(Duration::from_millis(random.random_range(0..10))).await;
                proxy.cut();
            }
        }
        let (proxy, delay) = (&proxy, Duration::from_millis(random.random_range(0..10)));
        let cut = async {
            tokio::time::sleep(delay).await;
            proxy.cut();
        };
        if random.random_ratio(1, 4) {
            let (aborted, ()) = tokio::join!(producer.abort(), cut);
            aborted.unwrap();
            continue;
        }
        let (committed, ()) = tokio::join!(producer.commit(), cut);
        committed.unwrap();
        for (wanted, sent) in wanted.iter_mut().zip(sent) {
            wanted.extend(sent);
        }
    }
    for (partition, wanted) in wanted.iter().enumerate() {
        settled(&direct, &topic, partition as i32, PATIENCE).await;
        let (seen, _) = all_of(&direct, &topic, partition as i32, Isolation::ReadCommitted).await;
        assert_eq!(&seen, wanted, "partition {partition}");
    }
}

fn member(client: &Client, group: &str, topic: &TopicName) -> GroupConsumer {
    let mut config = ConsumerConfig {
        offset_reset: OffsetReset::Earliest,
        isolation: Isolation::ReadCommitted,
        max_poll_records: 20,
        ..ConsumerConfig::default()
    };
    config.group.id = Some(group.into());
    config.group.auto_commit = None;
    config.group.heartbeat_interval = Duration::from_millis(100);
    GroupConsumer::new(client, config, Subscription::Topics(vec![topic.clone()])).unwrap()
}

async fn committed(client: &Client, group: &str, topic: &TopicName, partition: i32) -> Option<i64> {
    let told = Admin::new(client).list_group_offsets(&[group.to_owned()], true).await;
    let offsets = told.into_iter().next().unwrap().1.unwrap();
    offsets.get(&(topic.clone(), partition)).map(|committed| committed.offset)
}

/// An offset shows once the marker has reached the group's coordinator.
async fn will_be_committed(client: &Client, group: &str, topic: &TopicName, offset: i64) {
    let give_up_at = Instant::now() + PATIENCE;
    while committed(client, group, topic, 0).await != Some(offset) {
        assert!(Instant::now() < give_up_at, "offset {offset} is not committed");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Offsets are part of a transaction only while their member is one: a generation that is over is refused (KIP-447).
pub async fn offsets_of_a_member_that_is_over_are_refused(address: &str) {
    let client = client(address).await;
    let topic = topic(&client, "over", 1).await;
    let member = member(&client, "over", &topic);
    let give_up_at = Instant::now() + PATIENCE;
    while !matches!(member.poll(Duration::from_millis(200)).await.unwrap(), Polled::Assigned(_)) {
        assert!(Instant::now() < give_up_at, "no share came");
    }
    let producer = producer(&client, "over").await;
    let offsets = |offset| GroupOffsets::from([((topic.clone(), 0), CommittedOffset::at(offset))]);
    let now = member.group_metadata();
    assert!(now.generation > 0 && !now.member_id.is_empty());
    let stale = [
        (
            GroupMetadata { generation: now.generation - 1, ..now.clone() },
            ErrorCode::IllegalGeneration,
        ),
        (GroupMetadata { member_id: "nobody".into(), ..now.clone() }, ErrorCode::UnknownMemberId),
    ];
    for (stale, code) in stale {
        producer.begin().unwrap();
        let told = producer.send_offsets(offsets(3), &stale).await.unwrap_err();
        assert_eq!((told.class(), told.code()), (ErrorClass::Abortable, Some(code)), "{told:?}");
        assert_eq!(producer.commit().await.unwrap_err().class(), ErrorClass::Abortable);
        producer.abort().await.unwrap();
        assert_eq!(committed(&client, "over", &topic, 0).await, None);
    }
    producer.begin().unwrap();
    producer.send_offsets(offsets(5), &now).await.unwrap();
    producer.abort().await.unwrap();
    assert_eq!(committed(&client, "over", &topic, 0).await, None);
    producer.begin().unwrap();
    producer.send_offsets(offsets(7), &now).await.unwrap();
    producer.commit().await.unwrap();
    will_be_committed(&client, "over", &topic, 7).await;
    member.close().await.unwrap();
    // In nobody's name, once the group is empty.
    producer.begin().unwrap();
    producer.send_offsets(offsets(9), &GroupMetadata::of("over")).await.unwrap();
    producer.commit().await.unwrap();
    will_be_committed(&client, "over", &topic, 9).await;
}

/// One worker of a consume-transform-produce loop: reads as a member, writes what it read, both in one transaction; aborts one in
/// four and reads again. Ends once the group has read `until` of each partition.
async fn worker(address: String, id: usize, (from, to): (TopicName, TopicName), until: i64) {
    let client = client(&address).await;
    let producer = producer(&client, &format!("loop-{id}")).await;
    let member = member(&client, "loop", &from);
    let mut random = SmallRng::seed_from_u64(id as u64);
    let give_up_at = Instant::now() + PATIENCE * 2;
    loop {
        assert!(Instant::now() < give_up_at, "the loop does not end");
        let records = match member.poll(Duration::from_millis(100)).await.unwrap() {
            Polled::Records(records) => records,
            // A rebalance between two transactions: there is nothing to finish.
            Polled::Assigned(_) | Polled::Revoked(_) | Polled::Lost(_) => continue,
        };
        if records.is_empty() {
            let mut done = true;
            for partition in 0..2 {
                done &= committed(&client, "loop", &from, partition).await == Some(until);
            }
            if done {
                break;
            }
            continue;
        }
        let mut next = GroupOffsets::new();
        let mut begins = BTreeMap::new();
        producer.begin().unwrap();
        for read in &records {
            let value = read.value.clone().unwrap();
            let written = ProducerRecord::new(to.clone(), value);
            drop(producer.send(written).await.unwrap());
            let key = (read.topic.clone(), read.partition);
            begins.entry(key.clone()).or_insert(read.offset);
            next.insert(key, CommittedOffset::at(read.offset + 1));
        }
        let sent = producer.send_offsets(next, &member.group_metadata()).await;
        let committed = match sent {
            Ok(()) if random.random_ratio(3, 4) => producer.commit().await,
            sent => sent.and(Err(TransactionError::BadConfig("a whim"))),
        };
        if let Err(cause) = committed {
            assert_ne!(cause.class(), ErrorClass::Fatal, "{cause:?}");
            producer.abort().await.unwrap();
            for ((topic, partition), offset) in begins {
                // Where the partition went to another, that reads on from what is committed.
                let _ = member.seek(&topic, partition, StartAt::Offset(offset));
            }
        }
    }
    member.close().await.unwrap();
    producer.close().await.unwrap();
}

/// Consume, transform, produce, with members coming and going and transactions aborted: each record is there exactly once.
pub async fn consume_transform_produce_is_exactly_once(address: &str) {
    let client = client(address).await;
    let (from, to) = (topic(&client, "loop-from", 2).await, topic(&client, "loop-to", 3).await);
    let input = producer(&client, "loop-input").await;
    for round in 0..10 {
        input.begin().unwrap();
        for partition in 0..2 {
            for n in 0..30 {
                let value = format!("{partition}-{round}-{n}");
                drop(input.send(record(&from, partition, &value)).await.unwrap());
            }
        }
        input.commit().await.unwrap();
    }
    // 300 records of each partition, and a marker behind every 30; the last one is read past by nobody.
    let until = 309;
    let topics = || (from.clone(), to.clone());
    let first = tokio::spawn(worker(address.to_owned(), 1, topics(), until));
    tokio::time::sleep(Duration::from_millis(500)).await;
    let second = tokio::spawn(worker(address.to_owned(), 2, topics(), until));
    first.await.unwrap();
    second.await.unwrap();
    let mut seen = Vec::new();
    for partition in 0..3 {
        settled(&client, &to, partition, PATIENCE).await;
        seen.extend(all_of(&client, &to, partition, Isolation::ReadCommitted).await.0);
    }
    seen.sort();
    let mut wanted: Vec<String> = (0..2)
        .flat_map(|p| (0..10).flat_map(move |r| (0..30).map(move |n| format!("{p}-{r}-{n}"))))
        .collect();
    wanted.sort();
    assert_eq!(seen, wanted);
}
