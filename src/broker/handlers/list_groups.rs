//! ListGroups (key 16), v0 to v5. All groups that are coordinated here. v4 states (KIP-518), v5 types (KIP-848).

use crate::broker::dispatch::Call;
use crate::broker::reply::Reply;
use crate::wire::list_groups::{ListGroupsRequest, ListGroupsResponse, ListedGroup};

pub fn handle(call: Call<ListGroupsRequest>) -> Reply<ListGroupsResponse> {
    let Call { node, request, .. } = call;
    let wanted = |filter: &[bytestring::ByteString], value: &str| {
        filter.is_empty() || filter.iter().any(|one| one.eq_ignore_ascii_case(value))
    };
    let mut groups: Vec<ListedGroup> = Vec::new();
    for found in node.groups.all() {
        let coordinated = found.lock();
        let (state, kind) = (coordinated.group.state_name(), coordinated.group.kind());
        if wanted(&request.states_filter, state) && wanted(&request.types_filter, kind) {
            groups.push(ListedGroup {
                group_id: coordinated.group.id().clone(),
                protocol_type: coordinated.group.protocol_type().unwrap_or_default(),
                group_state: state.into(),
                group_type: kind.into(),
                ..Default::default()
            });
        }
    }
    groups.sort_by(|a, b| a.group_id.cmp(&b.group_id));
    Reply::ready(ListGroupsResponse { groups, ..Default::default() })
}
