//! ListGroups (key 16). All groups of a broker (KIP-518, KIP-848).

use bytestring::ByteString;

use super::macros::{message, request};

message! {
    /// Which states and types.
    ListGroupsRequest {
        states_filter: Vec<ByteString>, [4..];
        types_filter: Vec<ByteString>, [5..];
    }

    /// The groups.
    ListGroupsResponse {
        throttle_time_ms: i32, [1..], ignorable = true;
        error_code: i16, [0..];
        groups: Vec<ListedGroup>, [0..];
    }

    /// Part of [`ListGroupsResponse`]: see its `groups`.
    ListedGroup {
        group_id: ByteString, [0..];
        protocol_type: ByteString, [0..];
        group_state: ByteString, [4..], ignorable = true;
        group_type: ByteString, [5..], ignorable = true;
    }
}

request!(ListGroupsRequest => ListGroupsResponse, "ListGroups" 16, [0..=5], flexible 3);
