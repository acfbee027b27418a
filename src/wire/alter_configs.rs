//! AlterConfigs (key 33). Replacing all of a resource's configs (KIP-133).

use bytestring::ByteString;

use super::macros::{message, request};

message! {
    /// The configs that each resource shall have.
    AlterConfigsRequest {
        resources: Vec<AlterConfigsResource>, [0..];
        validate_only: bool, [0..];
    }

    /// Part of [`AlterConfigsRequest`]: see its `resources`.
    AlterConfigsResource {
        resource_type: i8, [0..];
        resource_name: ByteString, [0..];
        configs: Vec<AlterableConfig>, [0..];
    }

    /// Part of [`AlterConfigsResource`]: see its `configs`.
    AlterableConfig {
        name: ByteString, [0..];
        value: Option<ByteString>, [0..], nullable [0..], default Some(ByteString::new());
    }

    /// What became of each.
    AlterConfigsResponse {
        throttle_time_ms: i32, [0..];
        responses: Vec<AlterConfigsResourceResponse>, [0..];
    }

    /// Part of [`AlterConfigsResponse`]: see its `responses`.
    AlterConfigsResourceResponse {
        error_code: i16, [0..];
        error_message: Option<ByteString>, [0..], nullable [0..], default Some(ByteString::new());
        resource_type: i8, [0..];
        resource_name: ByteString, [0..];
    }
}

request!(AlterConfigsRequest => AlterConfigsResponse, "AlterConfigs" 33, [0..=2], flexible 2);
