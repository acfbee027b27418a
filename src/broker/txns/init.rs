//! InitProducerId with a transactional id.

use std::sync::Arc;

use bytestring::ByteString;

use crate::base::{ErrorCode, with_causes};
use crate::broker::coordinator_topic::Durable;
use crate::broker::node::Node;
use crate::broker::producer_ids::ProducerIds;
use crate::txn::{Decline, Init, InitAsk, Producer, Transaction};

impl Node {
    /// A producer id that nobody ever had.
    ///
    /// # Errors
    /// COORDINATOR_LOAD_IN_PROGRESS, which clients try again: the metadata could not be written.
    pub async fn fresh_producer_id(self: &Arc<Node>) -> Result<i64, ErrorCode> {
        ProducerIds::next(self).await.map_err(|error| {
            tracing::error!(error = %with_causes(&error), "no producer id could be handed out");
            ErrorCode::CoordinatorLoadInProgress
        })
    }

    /// Makes the asker the producer of a transactional id; who was it before is fenced, and its open transaction aborted.
    ///
    /// # Errors
    /// As [`Transaction::init`]; INVALID_TRANSACTION_TIMEOUT; POLICY_VIOLATION for one id too many.
    pub async fn init_transactional(
        self: &Arc<Node>,
        id: &ByteString,
        timeout_ms: i32,
        current: Option<Producer>,
    ) -> Result<Producer, ErrorCode> {
        self.check_coordinates_transaction(id)?;
        if !(1..=self.config.transaction_max_timeout_ms).contains(&timeout_ms) {
            return Err(ErrorCode::InvalidTransactionTimeout);
        }
        let mut ask = InitAsk { timeout_ms, current, spare_id: None };
        let mut aborted = false;
        loop {
            match self.try_init(id, ask) {
                Err(Decline::NeedsProducerId) => {
                    ask.spare_id = Some(self.fresh_producer_id().await?);
                }
                Err(Decline::Code(code)) => return Err(code),
                Ok((Init::Ready(next), durable)) => {
                    Node::until_durable(durable).await?;
                    tracing::debug!(transactional_id = %id, producer_id = next.producer_id, epoch = next.epoch, "a producer begins");
                    return Ok(Producer { id: next.producer_id, epoch: next.epoch });
                }
                // The client may be spared another attempt, if it does not take long.
                Ok((Init::Aborts(_), _)) => {
                    let done = self.finish_transaction(id).await;
                    if !done || std::mem::replace(&mut aborted, true) {
                        return Err(ErrorCode::ConcurrentTransactions);
                    }
                }
            }
        }
    }

    fn try_init(&self, id: &ByteString, ask: InitAsk) -> Result<(Init, Durable), Decline> {
        let most = self.config.max_transactional_ids;
        let found = self.transactions.find_or_make(id, most)?;
        let mut coordinated = found.lock();
        if coordinated.dead {
            return Err(ErrorCode::ConcurrentTransactions.into());
        }
        let (version, now) = (self.transaction_version(), self.now().0);
        let init = Transaction::init(coordinated.known.as_ref(), ask, version, now)?;
        let (Init::Ready(next) | Init::Aborts(next)) = &init;
        let durable = self.keep_transaction(id, &mut coordinated, next.clone())?;
        Ok((init, durable))
    }
}
