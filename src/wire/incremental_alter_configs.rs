//! IncrementalAlterConfigs (key 44). Changing single configs (KIP-339).

use bytestring::ByteString;

use super::macros::{message, request};

message! {
    /// What to set, delete, append and subtract.
    IncrementalAlterConfigsRequest {
        resources: Vec<AlterConfigsResource>, [0..];
        validate_only: bool, [0..];
    }

    /// Part of [`IncrementalAlterConfigsRequest`]: see its `resources`.
    AlterConfigsResource {
        resource_type: i8, [0..];
        resource_name: ByteString, [0..];
        configs: Vec<AlterableConfig>, [0..];
    }

    /// Part of [`AlterConfigsResource`]: see its `configs`.
    AlterableConfig {
        name: ByteString, [0..];
        config_operation: i8, [0..];
        value: Option<ByteString>, [0..], nullable [0..], default Some(ByteString::new());
    }

    /// What became of each resource.
    IncrementalAlterConfigsResponse {
        throttle_time_ms: i32, [0..];
        responses: Vec<AlterConfigsResourceResponse>, [0..];
    }

    /// Part of [`IncrementalAlterConfigsResponse`]: see its `responses`.
    AlterConfigsResourceResponse {
        error_code: i16, [0..];
        error_message: Option<ByteString>, [0..], nullable [0..], default Some(ByteString::new());
        resource_type: i8, [0..];
        resource_name: ByteString, [0..];
    }
}

request!(IncrementalAlterConfigsRequest => IncrementalAlterConfigsResponse, "IncrementalAlterConfigs" 44, [0..=1], flexible 1);
