//! DescribeTransactions (key 65), v0. How the transactions of some ids are (KIP-664).

use bytestring::ByteString;

use crate::broker::dispatch::Call;
use crate::broker::node::Node;
use crate::broker::reply::Reply;
use crate::txn::Transaction;
use crate::wire::describe_transactions::{
    DescribeTransactionsRequest, DescribeTransactionsResponse, TopicData, TransactionState,
};

pub fn handle(call: Call<DescribeTransactionsRequest>) -> Reply<DescribeTransactionsResponse> {
    let Call { node, request, .. } = call;
    let ids = request.transactional_ids.into_iter();
    let transaction_states = ids.map(|id| describe(&node, id)).collect();
    Reply::ready(DescribeTransactionsResponse { transaction_states, ..Default::default() })
}

fn describe(node: &Node, transactional_id: ByteString) -> TransactionState {
    match node.tell_transaction(&transactional_id) {
        Ok(known) => TransactionState {
            transactional_id,
            transaction_state: ByteString::from_static(known.state.name()),
            transaction_timeout_ms: known.timeout_ms,
            transaction_start_time_ms: known.started_at,
            producer_id: known.producer_id,
            producer_epoch: known.epoch,
            topics: topics(&known),
            ..Default::default()
        },
        Err(code) => {
            TransactionState { transactional_id, error_code: code.to_wire(), ..Default::default() }
        }
    }
}

fn topics(known: &Transaction) -> Vec<TopicData> {
    let mut topics: Vec<TopicData> = Vec::new();
    for (topic, partition) in &known.partitions {
        match topics.last_mut().filter(|last| last.topic == *topic) {
            Some(last) => last.partitions.push(*partition),
            None => topics.push(TopicData {
                topic: topic.clone(),
                partitions: vec![*partition],
                ..Default::default()
            }),
        }
    }
    topics
}
