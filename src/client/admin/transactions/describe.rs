//! What a transaction reaches: DescribeTransactions to its coordinator.

use std::time::Duration;

use super::super::super::coordinator::Kind;
use super::super::super::error::ClientError;
use super::super::Admin;
use super::{PerId, TransactionState};
use crate::base::{Millis, TopicName};
use crate::wire::describe_transactions::{self as wire, DescribeTransactionsRequest};

/// One transactional id, with the transaction that is open or was the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionDescription {
    /// The transactional id.
    pub transactional_id: String,
    /// The node that coordinates it.
    pub coordinator: i32,
    /// What it is about.
    pub state: TransactionState,
    /// Whose it is.
    pub producer_id: i64,
    /// Its epoch; a producer of a lower one is fenced.
    pub producer_epoch: i16,
    /// How long a transaction may last before it is aborted.
    pub timeout: Duration,
    /// When the open one began.
    pub started_at: Option<Millis>,
    /// What it has reached, as far as markers are still to be written there. Sorted.
    pub partitions: Vec<(TopicName, i32)>,
}

impl Admin {
    /// These transactional ids, in the order asked.
    ///
    /// # Errors
    /// Per id what its coordinator refused; `TRANSACTIONAL_ID_NOT_FOUND` where there is none.
    pub async fn describe_transactions(&self, ids: &[String]) -> PerId<TransactionDescription> {
        let timeout = self.client.config().request_timeout;
        self.by_coordinator_of(Kind::Transaction, ids, |connection, node, ids| async move {
            let request = DescribeTransactionsRequest {
                transactional_ids: ids.iter().map(|id| id.as_str().into()).collect(),
                ..DescribeTransactionsRequest::default()
            };
            let answer = connection.call(&request, timeout).await?;
            Ok(answer.transaction_states.into_iter().map(|told| description(node, told)).collect())
        })
        .await
    }
}

fn description(
    coordinator: i32,
    told: wire::TransactionState,
) -> (String, Result<TransactionDescription, ClientError>) {
    let id = told.transactional_id.to_string();
    if let Err(cause) = Kind::Transaction.checked(&id, told.error_code, None) {
        return (id, Err(cause));
    }
    let mut partitions = Vec::new();
    for topic in told.topics {
        let Ok(name) = TopicName::new(&topic.topic) else { continue };
        partitions.extend(topic.partitions.into_iter().map(|partition| (name.clone(), partition)));
    }
    partitions.sort();
    let described = TransactionDescription {
        transactional_id: id.clone(),
        coordinator,
        state: TransactionState::told(&told.transaction_state),
        producer_id: told.producer_id,
        producer_epoch: told.producer_epoch,
        timeout: Duration::from_millis(told.transaction_timeout_ms.try_into().unwrap_or(0)),
        started_at: Some(Millis(told.transaction_start_time_ms)).filter(|at| at.0 >= 0),
        partitions,
    };
    (id, Ok(described))
}
