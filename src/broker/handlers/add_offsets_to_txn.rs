//! AddOffsetsToTxn (key 25), v0 to v4. A transaction is to reach the offsets of a group. v2 PRODUCER_FENCED.

use crate::base::ErrorCode;
use crate::broker::coordinator_topic::{CoordinatorTopic, Durable};
use crate::broker::dispatch::Call;
use crate::broker::node::Node;
use crate::broker::reply::Reply;
use crate::broker::txns::InTransaction;
use crate::txn::{Producer, TxnVersion};
use crate::wire::add_offsets_to_txn::{AddOffsetsToTxnRequest, AddOffsetsToTxnResponse};

pub fn handle(call: Call<AddOffsetsToTxnRequest>) -> Reply<AddOffsetsToTxnResponse> {
    let Call { node, version, request, .. } = call;
    match add(&node, request) {
        Ok(durable) => Reply::later(async move {
            respond(Node::until_durable(durable).await.err().unwrap_or_default())
        }),
        Err(ErrorCode::ProducerFenced) if version < 2 => {
            Reply::ready(respond(ErrorCode::InvalidProducerEpoch))
        }
        Err(code) => Reply::ready(respond(code)),
    }
}

fn add(node: &Node, request: AddOffsetsToTxnRequest) -> Result<Durable, ErrorCode> {
    node.check_coordinates_transaction(&request.transactional_id)?;
    let home = node.home_of(CoordinatorTopic::Offsets, &request.group_id);
    let home = home.ok_or(ErrorCode::CoordinatorNotAvailable)?;
    let transaction = InTransaction {
        id: request.transactional_id,
        producer: Producer { id: request.producer_id, epoch: request.producer_epoch },
        version: TxnVersion::V0,
    };
    node.add_to_transaction(&transaction, &[(CoordinatorTopic::Offsets.name().into(), home)])
}

fn respond(code: ErrorCode) -> AddOffsetsToTxnResponse {
    AddOffsetsToTxnResponse { error_code: code.to_wire(), ..Default::default() }
}
