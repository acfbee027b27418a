//! EndTxn.

use std::sync::Arc;

use bytestring::ByteString;

use crate::base::ErrorCode;
use crate::broker::node::Node;
use crate::txn::{Decline, End, EndAsk, Producer};

impl Node {
    /// Ends a transaction. Answered once its end is decided for good; as a rule all markers are written by then, so that the
    /// producer may begin the next one at once.
    ///
    /// # Errors
    /// As [`Transaction::end`](crate::txn::Transaction::end); INVALID_PRODUCER_ID_MAPPING for an id that is not known.
    pub async fn end_transaction(
        self: &Arc<Node>,
        id: &ByteString,
        mut ask: EndAsk,
    ) -> Result<Producer, ErrorCode> {
        self.check_coordinates_transaction(id)?;
        loop {
            match self.try_end(id, ask) {
                Err(Decline::NeedsProducerId) => {
                    ask.spare_id = Some(self.fresh_producer_id().await?);
                }
                Err(Decline::Code(code)) => return Err(code),
                Ok((next, false)) => return Ok(next),
                Ok((next, true)) => {
                    self.finish_transaction(id).await;
                    return Ok(next);
                }
            }
        }
    }

    /// Who the producer is from then on, and whether there are markers to be written.
    fn try_end(&self, id: &ByteString, ask: EndAsk) -> Result<(Producer, bool), Decline> {
        let found = self.transactions.find(id).ok_or(ErrorCode::InvalidProducerIdMapping)?;
        let mut coordinated = found.lock();
        let known = coordinated.known.as_ref().ok_or(ErrorCode::InvalidProducerIdMapping)?;
        let now = self.now().0;
        match known.end(ask, now)? {
            End::Done => Ok((Producer { id: known.producer_id, epoch: known.epoch }, false)),
            End::Ends(next) => {
                let then = next.complete(now);
                self.keep_transaction(id, &mut coordinated, next)?;
                Ok((Producer { id: then.producer_id, epoch: then.epoch }, true))
            }
        }
    }
}
