//! ListConfigResources (key 74). Which resources have configs (KIP-1106).

use bytestring::ByteString;

use super::macros::{message, request};

message! {
    /// Of which kinds.
    ListConfigResourcesRequest {
        resource_types: Vec<i8>, [1..];
    }

    /// Their names.
    ListConfigResourcesResponse {
        throttle_time_ms: i32, [0..];
        error_code: i16, [0..];
        config_resources: Vec<ConfigResource>, [0..];
    }

    /// Part of [`ListConfigResourcesResponse`]: see its `config_resources`.
    ConfigResource {
        resource_name: ByteString, [0..];
        resource_type: i8, [1..], default 16, ignorable = true;
    }
}

request!(ListConfigResourcesRequest => ListConfigResourcesResponse, "ListConfigResources" 74, [0..=1], flexible 0);
