//! AddPartitionsToTxn (key 24), v0 to v5. Which partitions a transaction is to reach: all that are named or none. v2
//! PRODUCER_FENCED, v4 several transactions, also only to ask whether they reach partitions, as leaders do (KIP-890), v5
//! TRANSACTION_ABORTABLE.

use bytestring::ByteString;

use crate::base::ErrorCode;
use crate::broker::coordinator_topic::Durable;
use crate::broker::dispatch::Call;
use crate::broker::node::Node;
use crate::broker::reply::Reply;
use crate::broker::txns::InTransaction;
use crate::txn::{Place, Producer, TxnVersion};
use crate::wire::add_partitions_to_txn::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnRequest, AddPartitionsToTxnResponse,
    AddPartitionsToTxnResult, AddPartitionsToTxnTopic, AddPartitionsToTxnTopicResult,
    AddPartitionsToTxnTransaction,
};

/// What became of each partition.
type Outcomes = Vec<(Place, ErrorCode)>;

pub fn handle(call: Call<AddPartitionsToTxnRequest>) -> Reply<AddPartitionsToTxnResponse> {
    let Call { node, version, request, .. } = call;
    if version >= 4 {
        let transactions = request.transactions.into_iter();
        let done: Vec<_> = transactions
            .map(|one| (one.transactional_id.clone(), serve(&node, version, one)))
            .collect();
        return Reply::later(async move {
            let mut results = Vec::with_capacity(done.len());
            for (transactional_id, (outcomes, durable)) in done {
                let topic_results = by_topic(wait(outcomes, durable).await);
                results.push(AddPartitionsToTxnResult {
                    transactional_id,
                    topic_results,
                    ..Default::default()
                });
            }
            AddPartitionsToTxnResponse { results_by_transaction: results, ..Default::default() }
        });
    }
    let only = AddPartitionsToTxnTransaction {
        transactional_id: request.v3_and_below_transactional_id,
        producer_id: request.v3_and_below_producer_id,
        producer_epoch: request.v3_and_below_producer_epoch,
        topics: request.v3_and_below_topics,
        ..Default::default()
    };
    let (outcomes, durable) = serve(&node, version, only);
    Reply::later(async move {
        let results = by_topic(wait(outcomes, durable).await);
        AddPartitionsToTxnResponse { results_by_topic_v3_and_below: results, ..Default::default() }
    })
}

fn serve(node: &Node, version: i16, request: AddPartitionsToTxnTransaction) -> (Outcomes, Durable) {
    let places = places(&request.topics);
    let transaction = InTransaction {
        id: request.transactional_id,
        producer: Producer { id: request.producer_id, epoch: request.producer_epoch },
        version: if version >= 4 { TxnVersion::V2 } else { TxnVersion::V0 },
    };
    if request.verify_only {
        let verify = |place: Place| {
            let code = node.verify_in_transaction(&transaction, &place).err().unwrap_or_default();
            (place, told(code, version))
        };
        return (places.into_iter().map(verify).collect(), None);
    }
    if places.iter().any(|place| !is_there(node, place)) {
        let judge = |place: Place| match is_there(node, &place) {
            true => (place, ErrorCode::OperationNotAttempted),
            false => (place, ErrorCode::UnknownTopicOrPartition),
        };
        return (places.into_iter().map(judge).collect(), None);
    }
    let (code, durable) = match node.add_to_transaction(&transaction, &places) {
        Ok(durable) => (ErrorCode::None, durable),
        Err(code) => (told(code, version), None),
    };
    (places.into_iter().map(|place| (place, code)).collect(), durable)
}

fn told(code: ErrorCode, version: i16) -> ErrorCode {
    match code {
        ErrorCode::ProducerFenced if version < 2 => ErrorCode::InvalidProducerEpoch,
        ErrorCode::TransactionAbortable if version < 5 => ErrorCode::InvalidTxnState,
        code => code,
    }
}

fn places(topics: &[AddPartitionsToTxnTopic]) -> Vec<Place> {
    let of_topic = |topic: &AddPartitionsToTxnTopic| {
        // What a transaction keeps would else keep all of the frame.
        let name = ByteString::from(&*topic.name);
        topic.partitions.iter().map(move |at| (name.clone(), *at)).collect::<Vec<Place>>()
    };
    topics.iter().flat_map(of_topic).collect()
}

fn is_there(node: &Node, (topic, partition): &Place) -> bool {
    let logs = node.partitions.topic(topic);
    logs.is_some_and(|logs| usize::try_from(*partition).is_ok_and(|at| at < logs.slots.len()))
}

async fn wait(mut outcomes: Outcomes, durable: Durable) -> Outcomes {
    if let Err(code) = Node::until_durable(durable).await {
        outcomes.iter_mut().for_each(|(_, outcome)| *outcome = code);
    }
    outcomes
}

fn by_topic(outcomes: Outcomes) -> Vec<AddPartitionsToTxnTopicResult> {
    let mut topics: Vec<AddPartitionsToTxnTopicResult> = Vec::new();
    for ((name, partition_index), code) in outcomes {
        let result = AddPartitionsToTxnPartitionResult {
            partition_index,
            partition_error_code: code.to_wire(),
            ..Default::default()
        };
        match topics.last_mut().filter(|topic| topic.name == name) {
            Some(topic) => topic.results_by_partition.push(result),
            None => topics.push(AddPartitionsToTxnTopicResult {
                name,
                results_by_partition: vec![result],
                ..Default::default()
            }),
        }
    }
    topics
}
