//! InitProducerId (key 22), v0 to v5. An id that nobody ever had, epoch 0, for an idempotent producer. With a transactional id: that
//! id's producer, with an epoch that fences whoever was it before. v3 whoever goes on after an error says who it is
//! (KIP-360), v4 PRODUCER_FENCED.

use crate::base::ErrorCode;
use crate::broker::dispatch::Call;
use crate::broker::reply::Reply;
use crate::txn::Producer;
use crate::wire::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};

pub fn handle(call: Call<InitProducerIdRequest>) -> Reply<InitProducerIdResponse> {
    let Call { node, version, request, .. } = call;
    let current = (request.producer_id >= 0)
        .then_some(Producer { id: request.producer_id, epoch: request.producer_epoch });
    if (request.producer_id < 0) != (request.producer_epoch < 0) {
        return Reply::ready(failed(ErrorCode::InvalidRequest));
    }
    Reply::later(async move {
        let timeout_ms = request.transaction_timeout_ms;
        let begun = match &request.transactional_id {
            None => node.fresh_producer_id().await.map(|id| Producer { id, epoch: 0 }),
            Some(id) => node.init_transactional(id, timeout_ms, current).await,
        };
        match begun {
            Ok(Producer { id, epoch }) => InitProducerIdResponse {
                producer_id: id,
                producer_epoch: epoch,
                ..Default::default()
            },
            Err(ErrorCode::ProducerFenced) if version < 4 => {
                failed(ErrorCode::InvalidProducerEpoch)
            }
            Err(code) => failed(code),
        }
    })
}

fn failed(code: ErrorCode) -> InitProducerIdResponse {
    InitProducerIdResponse { error_code: code.to_wire(), producer_epoch: -1, ..Default::default() }
}
