//! Ending transactions for producers that do not: by their coordinator, which fences the producer; or at one partition, by a marker,
//! where the coordinator knows of no transaction.

use super::super::super::coordinator::Kind;
use super::super::super::error::ClientError;
use super::super::super::handle::Lane;
use super::super::{Admin, millis};
use super::{OpenTransaction, PerId};
use crate::base::ErrorCode;
use crate::wire::init_producer_id::InitProducerIdRequest;
use crate::wire::write_txn_markers::{
    WritableTxnMarker, WritableTxnMarkerTopic, WriteTxnMarkersRequest,
};

/// Who a transactional id belongs to after its producer was fenced: nobody, until one takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FencedProducer {
    /// The producer id.
    pub producer_id: i64,
    /// The lowest epoch that is not fenced.
    pub producer_epoch: i16,
}

impl Admin {
    /// Fences the producers of these transactional ids; a transaction that one has open is aborted. What they send from then on is
    /// refused. An id that was not known is made (KIP-98, `Admin.fenceProducers` of Java).
    ///
    /// # Errors
    /// Per id what its coordinator refused, after retries within `api_timeout`.
    pub async fn fence_producers(&self, ids: &[String]) -> PerId<FencedProducer> {
        let timeout = self.client.config().request_timeout;
        self.by_coordinator_of(Kind::Transaction, ids, |connection, _, ids| async move {
            let mut out = Vec::new();
            for id in ids {
                let request = InitProducerIdRequest {
                    transactional_id: Some(id.as_str().into()),
                    // Of a transaction that nobody will begin.
                    transaction_timeout_ms: millis(timeout),
                    ..InitProducerIdRequest::default()
                };
                let answer = connection.call(&request, timeout).await?;
                let told = Kind::Transaction.checked(&id, answer.error_code, None);
                let fenced = FencedProducer {
                    producer_id: answer.producer_id,
                    producer_epoch: answer.producer_epoch,
                };
                out.push((id, told.map(|()| fenced)));
            }
            Ok(out)
        })
        .await
    }

    /// Writes an abort marker where a transaction is open in a partition. Only for one that hangs: a marker behind its coordinator's
    /// back takes records away from a transaction that may still be committed.
    ///
    /// # Errors
    /// Where the leader does not answer; `INVALID_PRODUCER_EPOCH` where the producer has gone on meanwhile,
    /// `TRANSACTION_COORDINATOR_FENCED` where a newer coordinator has written there.
    pub async fn abort_open_transaction(&self, open: &OpenTransaction) -> Result<(), ClientError> {
        let key = (open.topic.clone(), open.partition);
        let what = || format!("{}[{}]", open.topic, open.partition);
        let (led, failed) = self.by_leader(std::slice::from_ref(&key)).await?;
        failed.into_iter().try_for_each(|(_, failed)| failed)?;
        let leader = led.into_keys().next().ok_or(ClientError::Closed)?;
        let marker = WritableTxnMarker {
            producer_id: open.producer.producer_id,
            producer_epoch: i16::try_from(open.producer.producer_epoch).unwrap_or(i16::MAX),
            transaction_result: false,
            // A coordinator that never wrote here is as old as any.
            coordinator_epoch: open.producer.coordinator_epoch.unwrap_or(0),
            topics: vec![WritableTxnMarkerTopic {
                name: open.topic.as_str().into(),
                partition_indexes: vec![open.partition],
                ..WritableTxnMarkerTopic::default()
            }],
            ..WritableTxnMarker::default()
        };
        let request = WriteTxnMarkersRequest { markers: vec![marker], ..Default::default() };
        let connection = self.client.broker(leader, Lane::General).await?;
        let answer = connection.call(&request, self.client.config().request_timeout).await?;
        let told = answer.markers.iter().flat_map(|marker| &marker.topics);
        let told = told.flat_map(|topic| &topic.partitions).next();
        let code = told.map_or(ErrorCode::UnknownServerError.to_wire(), |told| told.error_code);
        ClientError::check(code, None, what)
    }
}
