//! ElectLeaders (key 43), v0 to v2. A single node leads all that it has, and always will: each partition asked for answers that no
//! election is needed (error 84); null asks for all, and then only what was elected is told: nothing. v1 unclean elections.

use crate::base::ErrorCode;
use crate::broker::dispatch::Call;
use crate::broker::reply::Reply;
use crate::wire::elect_leaders::{
    ElectLeadersRequest, ElectLeadersResponse, PartitionResult, ReplicaElectionResult,
};

const PREFERRED: i8 = 0;
const UNCLEAN: i8 = 1;

pub fn handle(call: Call<ElectLeadersRequest>) -> Reply<ElectLeadersResponse> {
    let Call { node, request, .. } = call;
    if !matches!(request.election_type, PREFERRED | UNCLEAN) {
        let error_code = ErrorCode::InvalidRequest.to_wire();
        return Reply::ready(ElectLeadersResponse { error_code, ..Default::default() });
    }
    let image = node.image();
    let asked = request.topic_partitions.unwrap_or_default().into_iter();
    let results = asked.map(|asked| {
        let topic = image.topic(&asked.topic);
        let one = |index: i32| {
            let there = topic.is_some_and(|topic| {
                usize::try_from(index).is_ok_and(|at| at < topic.partitions.len())
            });
            let (code, message) = match there {
                true => (ErrorCode::ElectionNotNeeded, "its preferred replica leads it already"),
                false => (ErrorCode::UnknownTopicOrPartition, "this partition does not exist"),
            };
            PartitionResult {
                partition_id: index,
                error_code: code.to_wire(),
                error_message: Some(message.into()),
                ..Default::default()
            }
        };
        let partition_result = asked.partitions.iter().map(|index| one(*index)).collect();
        ReplicaElectionResult { topic: asked.topic.clone(), partition_result, ..Default::default() }
    });
    let replica_election_results = results.collect();
    Reply::ready(ElectLeadersResponse { replica_election_results, ..Default::default() })
}
