//! DescribeGroups (key 15). Groups and their members.

use bytes::Bytes;
use bytestring::ByteString;

use super::macros::{message, request};

message! {
    /// Which groups.
    DescribeGroupsRequest {
        groups: Vec<ByteString>, [0..];
        include_authorized_operations: bool, [3..];
    }

    /// The groups.
    DescribeGroupsResponse {
        throttle_time_ms: i32, [1..], ignorable = true;
        groups: Vec<DescribedGroup>, [0..];
    }

    /// Part of [`DescribeGroupsResponse`]: see its `groups`.
    DescribedGroup {
        error_code: i16, [0..];
        error_message: Option<ByteString>, [6..], nullable [6..];
        group_id: ByteString, [0..];
        group_state: ByteString, [0..];
        protocol_type: ByteString, [0..];
        protocol_data: ByteString, [0..];
        members: Vec<DescribedGroupMember>, [0..];
        authorized_operations: i32, [3..], default i32::MIN;
    }

    /// Part of [`DescribedGroup`]: see its `members`.
    DescribedGroupMember {
        member_id: ByteString, [0..];
        group_instance_id: Option<ByteString>, [4..], nullable [4..], ignorable = true;
        client_id: ByteString, [0..];
        client_host: ByteString, [0..];
        member_metadata: Bytes, [0..];
        member_assignment: Bytes, [0..];
    }
}

request!(DescribeGroupsRequest => DescribeGroupsResponse, "DescribeGroups" 15, [0..=6], flexible 5);
