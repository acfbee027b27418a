//! Which transactional ids there are: ListTransactions to every broker (KIP-664; KIP-994: by duration; KIP-1152: by pattern).

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::super::error::ClientError;
use super::super::super::handle::Lane;
use super::super::named::named;
use super::super::{Admin, refuse_filters};
use crate::wire::list_transactions::{ListTransactionsRequest, ListTransactionsResponse};

/// From this version of ListTransactions on a broker filters by how long a transaction is open.
const WITH_DURATION: i16 = 1;
/// From this one on by a pattern of ids.
const WITH_PATTERN: i16 = 2;

named! {
    /// What a transactional id's coordinator is about.
    TransactionState {
        /// There was no transaction yet.
        Empty = "Empty",
        /// One is open.
        Ongoing = "Ongoing",
        /// It is decided: markers are being written.
        PrepareCommit = "PrepareCommit",
        /// It is decided against: markers are being written.
        PrepareAbort = "PrepareAbort",
        /// The last one was committed.
        CompleteCommit = "CompleteCommit",
        /// The last one was aborted.
        CompleteAbort = "CompleteAbort",
        /// The id is about to be forgotten.
        Dead = "Dead",
        /// Its producer is being fenced.
        PrepareEpochFence = "PrepareEpochFence",
    }
}

/// Which transactions are listed; the default lets all through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransactionFilter {
    /// Only those in one of these states.
    pub states: Vec<TransactionState>,
    /// Only those of these producers.
    pub producer_ids: Vec<i64>,
    /// Only those whose transaction began longer ago; it may have ended since.
    pub older_than: Option<Duration>,
    /// Only ids that match this pattern as a whole, as Google's RE2 reads it.
    pub pattern: Option<String>,
}

/// One transactional id, in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionListing {
    /// The transactional id.
    pub transactional_id: String,
    /// The node that coordinates it.
    pub coordinator: i32,
    /// Whose it is.
    pub producer_id: i64,
    /// What it is about.
    pub state: TransactionState,
}

impl Admin {
    /// All transactional ids of all coordinators that the filter lets through, sorted.
    ///
    /// # Errors
    /// Where one of the brokers does not answer or refuses, after retries within `api_timeout`; `UNSUPPORTED_VERSION` where it cannot
    /// filter so, `INVALID_REGULAR_EXPRESSION`.
    pub async fn list_transactions(
        &self,
        filter: &TransactionFilter,
    ) -> Result<Vec<TransactionListing>, ClientError> {
        let millis = |age: Duration| i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        let request = ListTransactionsRequest {
            state_filters: filter.states.iter().map(|state| state.as_str().into()).collect(),
            producer_id_filters: filter.producer_ids.clone(),
            duration_filter: filter.older_than.map_or(-1, millis),
            transactional_id_pattern: filter.pattern.as_deref().map(Into::into),
            ..ListTransactionsRequest::default()
        };
        let told = self.of_every_broker(|broker| self.transactions_of(broker, &request)).await?;
        // While a coordinator moves, two brokers may speak of an id.
        let mut out: BTreeMap<String, TransactionListing> = BTreeMap::new();
        for (coordinator, answer) in told {
            for told in answer.transaction_states {
                let transactional_id = told.transactional_id.to_string();
                let listing = TransactionListing {
                    transactional_id: transactional_id.clone(),
                    coordinator,
                    producer_id: told.producer_id,
                    state: TransactionState::told(&told.transaction_state),
                };
                out.insert(transactional_id, listing);
            }
        }
        Ok(out.into_values().collect())
    }

    async fn transactions_of(
        &self,
        broker: i32,
        request: &ListTransactionsRequest,
    ) -> Result<ListTransactionsResponse, ClientError> {
        let connection = self.client.broker(broker, Lane::General).await?;
        let version = connection.version::<ListTransactionsRequest>()?;
        let what = || format!("transactions of broker {broker}");
        let by_duration = (request.duration_filter >= 0, WITH_DURATION);
        let by_pattern = (request.transactional_id_pattern.is_some(), WITH_PATTERN);
        refuse_filters(version, [by_duration, by_pattern], what)?;
        let answer = connection.call(request, self.client.config().request_timeout).await?;
        ClientError::check(answer.error_code, None, what)?;
        Ok(answer)
    }
}
