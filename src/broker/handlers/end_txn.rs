//! EndTxn (key 26), v0 to v5. Commits or aborts a transaction. v2 PRODUCER_FENCED, v5 each transaction has an epoch of its own,
//! and the answer bears the next one (KIP-890).

use crate::base::ErrorCode;
use crate::broker::dispatch::Call;
use crate::broker::reply::Reply;
use crate::txn::{EndAsk, Producer, TxnVersion};
use crate::wire::end_txn::{EndTxnRequest, EndTxnResponse};

pub fn handle(call: Call<EndTxnRequest>) -> Reply<EndTxnResponse> {
    let Call { node, version, request, .. } = call;
    let ask = EndAsk {
        producer: Producer { id: request.producer_id, epoch: request.producer_epoch },
        commit: request.committed,
        version: if version >= 5 { TxnVersion::V2 } else { TxnVersion::V0 },
        spare_id: None,
    };
    Reply::later(async move {
        match node.end_transaction(&request.transactional_id, ask).await {
            Ok(Producer { id, epoch }) => {
                EndTxnResponse { producer_id: id, producer_epoch: epoch, ..Default::default() }
            }
            Err(ErrorCode::ProducerFenced) if version < 2 => {
                failed(ErrorCode::InvalidProducerEpoch)
            }
            Err(code) => failed(code),
        }
    })
}

fn failed(code: ErrorCode) -> EndTxnResponse {
    EndTxnResponse { error_code: code.to_wire(), ..Default::default() }
}
