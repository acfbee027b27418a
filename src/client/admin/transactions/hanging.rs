//! Transactions that are open in partitions, and of which their coordinator knows nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::super::super::error::ClientError;
use super::super::partitions::ActiveProducer;
use super::super::{Admin, partitions::Key};
use super::{TransactionDescription, TransactionFilter};
use crate::base::{ErrorCode, Millis, TopicName};

/// How many partitions or producers one request names.
const AT_ONCE: usize = 500;

/// A transaction that is open in a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenTransaction {
    /// The topic.
    pub topic: TopicName,
    /// The partition.
    pub partition: i32,
    /// Whose it is; `transaction_start` says from which offset on.
    pub producer: ActiveProducer,
}

impl Admin {
    /// The transactions that are open in these partitions and in which nothing was written since `idle_since`, as a broker's replicas
    /// know them, or without one the leaders.
    ///
    /// # Errors
    /// Where a broker does not answer or refuses.
    pub async fn open_transactions(
        &self,
        partitions: &[(TopicName, i32)],
        broker: Option<i32>,
        idle_since: Millis,
    ) -> Result<Vec<OpenTransaction>, ClientError> {
        let mut out = Vec::new();
        for some in partitions.chunks(AT_ONCE) {
            for ((topic, partition), told) in self.describe_producers_at(broker, some).await? {
                let open = told?.into_iter().filter(|producer| {
                    producer.transaction_start.is_some() && producer.last_timestamp < idle_since.0
                });
                out.extend(open.map(|producer| OpenTransaction {
                    topic: topic.clone(),
                    partition,
                    producer,
                }));
            }
        }
        Ok(out)
    }

    /// Those of the open transactions that hang, as Kafka's own tool finds them: no transactional id has the producer, or its
    /// transaction does not reach the partition (any more). Pick with [`Self::open_transactions`] those that are open for longer than
    /// any transaction may last: a younger one may be under way between its coordinator and the partition.
    ///
    /// # Errors
    /// Where a broker does not answer or refuses.
    pub async fn hanging_transactions(
        &self,
        open: Vec<OpenTransaction>,
    ) -> Result<Vec<OpenTransaction>, ClientError> {
        let producers: BTreeSet<i64> = open.iter().map(|one| one.producer.producer_id).collect();
        let producers: Vec<i64> = producers.into_iter().collect();
        let mut ids: BTreeMap<i64, String> = BTreeMap::new();
        for some in producers.chunks(AT_ONCE) {
            let filter =
                TransactionFilter { producer_ids: some.to_vec(), ..TransactionFilter::default() };
            let listed = self.list_transactions(&filter).await?;
            ids.extend(listed.into_iter().map(|one| (one.producer_id, one.transactional_id)));
        }
        let names: Vec<String> = ids.values().cloned().collect();
        let mut known: BTreeMap<String, TransactionDescription> = BTreeMap::new();
        for (id, told) in self.describe_transactions(&names).await {
            match told {
                Ok(told) => drop(known.insert(id, told)),
                Err(cause) if cause.code() == Some(ErrorCode::TransactionalIdNotFound) => {}
                Err(cause) => return Err(cause),
            }
        }
        let reached = |one: &OpenTransaction| -> Option<&[Key]> {
            let id = ids.get(&one.producer.producer_id)?;
            Some(&known.get(id)?.partitions)
        };
        Ok(open.into_iter().filter(|one| hangs(one, reached(one))).collect())
    }
}

/// Whether nobody will write the transaction's marker. `reached`: where its coordinator still has to.
fn hangs(open: &OpenTransaction, reached: Option<&[Key]>) -> bool {
    let here = |(topic, partition): &Key| (topic, *partition) == (&open.topic, open.partition);
    !reached.is_some_and(|reached| reached.iter().any(here))
}

impl OpenTransaction {
    /// How long nothing was written in it.
    pub fn idle_for(&self, now: Millis) -> Duration {
        let idle = now.0.saturating_sub(self.producer.last_timestamp);
        Duration::from_millis(u64::try_from(idle).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_where_its_coordinator_still_writes_a_marker_a_transaction_does_not_hang() {
        let topic = TopicName::new("t").unwrap();
        let producer = ActiveProducer {
            producer_id: 7,
            producer_epoch: 0,
            last_sequence: 0,
            last_timestamp: 1000,
            coordinator_epoch: None,
            transaction_start: Some(5),
        };
        let open = OpenTransaction { topic: topic.clone(), partition: 1, producer };
        assert!(hangs(&open, None));
        assert!(hangs(&open, Some(&[])));
        assert!(hangs(&open, Some(&[(topic.clone(), 0)])));
        assert!(!hangs(&open, Some(&[(topic.clone(), 0), (topic, 1)])));
        assert_eq!(open.idle_for(Millis(1500)), Duration::from_millis(500));
        assert_eq!(open.idle_for(Millis(500)), Duration::ZERO);
    }
}
