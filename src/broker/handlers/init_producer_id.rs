//! InitProducerId (key 22), v0 to v5. An id that nobody ever had, epoch 0, for an idempotent producer. With a transactional id:
//! COORDINATOR_NOT_AVAILABLE until there are transactions.

use crate::base::ErrorCode;
use crate::broker::dispatch::Call;
use crate::broker::producer_ids::ProducerIds;
use crate::broker::reply::Reply;
use crate::wire::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};

pub fn handle(call: Call<InitProducerIdRequest>) -> Reply<InitProducerIdResponse> {
    if call.request.transactional_id.is_some() {
        return Reply::ready(failed(ErrorCode::CoordinatorNotAvailable));
    }
    let node = call.node;
    Reply::later(async move {
        match ProducerIds::next(&node).await {
            Ok(producer_id) => {
                InitProducerIdResponse { producer_id, producer_epoch: 0, ..Default::default() }
            }
            Err(error) => {
                tracing::error!(%error, "no producer id could be handed out");
                failed(ErrorCode::CoordinatorLoadInProgress)
            }
        }
    })
}

fn failed(code: ErrorCode) -> InitProducerIdResponse {
    InitProducerIdResponse { error_code: code.to_wire(), producer_epoch: -1, ..Default::default() }
}
