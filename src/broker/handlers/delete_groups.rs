//! DeleteGroups (key 42), v0 to v2. Groups without members, and their offsets (KIP-229).

use crate::broker::dispatch::Call;
use crate::broker::reply::Reply;
use crate::wire::delete_groups::{DeletableGroupResult, DeleteGroupsRequest, DeleteGroupsResponse};

pub fn handle(call: Call<DeleteGroupsRequest>) -> Reply<DeleteGroupsResponse> {
    let Call { node, request, .. } = call;
    let results = request.groups_names.into_iter().map(|group_id| {
        let done = node.check_coordinates(&group_id).and_then(|()| node.delete_group(&group_id));
        let error_code = done.err().unwrap_or_default().to_wire();
        DeletableGroupResult { group_id, error_code, ..Default::default() }
    });
    Reply::ready(DeleteGroupsResponse { results: results.collect(), ..Default::default() })
}
