//! Transactions as the broker tells of them, and the broker that tests of transactions want.

use std::time::{Duration, Instant};

use klog::wire::list_offsets::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic};
use klog::wire::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};

use crate::broker::Broker;
use crate::peers::kafka_tool;
use crate::raw::Raw;
use crate::transactor::Isolation;

const DEADLINE: Duration = Duration::from_secs(60);

/// What OffsetFetch says of a partition whose transaction is open: UNSTABLE_OFFSET_COMMIT.
pub const UNSTABLE: i16 = 88;

/// Settings with which timed-out transactions are looked for often, and groups rebalance at once.
pub const SETTINGS: [(&str, &str); 6] = [
    ("transaction.abort.timed.out.transaction.cleanup.interval.ms", "100"),
    ("transaction.state.log.num.partitions", "4"),
    ("offsets.topic.num.partitions", "4"),
    ("group.initial.rebalance.delay.ms", "0"),
    ("group.min.session.timeout.ms", "100"),
    ("auto.create.topics.enable", "false"),
];

/// A broker for transactions, of the newest `transaction.version`.
pub fn broker() -> Broker {
    Broker::with(&SETTINGS)
}

/// A broker whose cluster has the feature `transaction.version` at 1, as one that was upgraded from Kafka 3.
pub fn broker_of_version_1() -> Broker {
    let broker = broker();
    downgrade_transactions(&broker);
    broker
}

/// Takes the cluster's `transaction.version` down to 1.
pub fn downgrade_transactions(broker: &Broker) {
    let feature = ["--bootstrap-server", broker.address(), "downgrade"];
    let feature = [&feature[..], &["--feature", "transaction.version=1"]].concat();
    kafka_tool("org.apache.kafka.tools.FeatureCommand", &feature, b"").ok();
}

/// Waits until a transaction's markers are written: where `topic` ends for those who read committed records is its end.
pub fn until_stable(broker: &Broker, topic: &str, partitions: i32) {
    let end = Instant::now() + DEADLINE;
    let mut raw = Raw::connect(broker.address());
    for partition in 0..partitions {
        loop {
            let [stable, last] = [Isolation::Committed, Isolation::Uncommitted]
                .map(|isolation| raw.end(topic, partition, isolation));
            if stable == last {
                break;
            }
            assert!(Instant::now() < end, "{topic}-{partition}: stable to {stable} of {last}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Raw {
    /// Where a partition ends, or how far it is stable. Kafka's broker leads a new partition a moment after the topic is made.
    pub fn end(&mut self, topic: &str, partition: i32, isolation: Isolation) -> i64 {
        let deadline = Instant::now() + DEADLINE;
        loop {
            match self.end_now(topic, partition, isolation) {
                Ok(end) => return end,
                Err(error) => assert!(Instant::now() < deadline, "{topic}-{partition}: {error}"),
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn end_now(&mut self, topic: &str, partition: i32, isolation: Isolation) -> Result<i64, i16> {
        let partition = ListOffsetsPartition {
            partition_index: partition,
            timestamp: -1,
            ..Default::default()
        };
        let partitions = vec![partition];
        let topic = ListOffsetsTopic { name: topic.into(), partitions, ..Default::default() };
        let request = ListOffsetsRequest {
            replica_id: -1,
            isolation_level: i8::from(isolation == Isolation::Committed),
            topics: vec![topic],
            ..Default::default()
        };
        let found = self.call(8, &request).topics.remove(0).partitions.remove(0);
        match found.error_code {
            0 => Ok(found.offset),
            error => Err(error),
        }
    }

    /// The offset that a group committed for partition 0 of a topic, -1 if none; or the error code, which is
    /// [`UNSTABLE`] where a transaction is still to decide and only what is decided is asked for.
    pub fn committed_in(
        &mut self,
        group: &str,
        topic: &str,
        require_stable: bool,
    ) -> Result<i64, i16> {
        let topics = OffsetFetchRequestTopics {
            name: topic.into(),
            partition_indexes: vec![0],
            ..Default::default()
        };
        let group = OffsetFetchRequestGroup {
            group_id: group.into(),
            topics: Some(vec![topics]),
            member_epoch: -1,
            ..Default::default()
        };
        let request =
            OffsetFetchRequest { groups: vec![group], require_stable, ..Default::default() };
        let mut found = self.call(9, &request).groups.remove(0);
        assert_eq!(found.error_code, 0);
        let partition = found.topics.remove(0).partitions.remove(0);
        match partition.error_code {
            0 => Ok(partition.committed_offset),
            error => Err(error),
        }
    }
}
