//! ListPartitionReassignments (key 46), v0. What is being moved between brokers (KIP-455): with a single node, nothing ever is.

use crate::broker::dispatch::Call;
use crate::broker::reply::Reply;
use crate::wire::list_partition_reassignments::{
    ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse,
};

pub fn handle(
    _call: Call<ListPartitionReassignmentsRequest>,
) -> Reply<ListPartitionReassignmentsResponse> {
    Reply::ready(ListPartitionReassignmentsResponse { error_message: None, ..Default::default() })
}
