//! ApiVersions (key 18). What the broker speaks (KIP-35, KIP-511, KIP-584).

use bytestring::ByteString;

use super::macros::{message, request};

message! {
    /// What client it is that asks.
    ApiVersionsRequest {
        client_software_name: ByteString, [3..], ignorable = true;
        client_software_version: ByteString, [3..], ignorable = true;
    }

    /// Which APIs, versions and features the broker has.
    ApiVersionsResponse {
        error_code: i16, [0..];
        api_keys: Vec<ApiVersion>, [0..];
        throttle_time_ms: i32, [1..], ignorable = true;
        supported_features: Vec<SupportedFeatureKey>, [3..], tag 0 [3..], ignorable = true;
        finalized_features_epoch: i64, [3..], tag 1 [3..], default -1, ignorable = true;
        finalized_features: Vec<FinalizedFeatureKey>, [3..], tag 2 [3..], ignorable = true;
        zk_migration_ready: bool, [3..], tag 3 [3..], ignorable = true;
    }

    /// Part of [`ApiVersionsResponse`]: see its `api_keys`.
    ApiVersion {
        api_key: i16, [0..];
        min_version: i16, [0..];
        max_version: i16, [0..];
    }

    /// Part of [`ApiVersionsResponse`]: see its `supported_features`.
    SupportedFeatureKey {
        name: ByteString, [3..];
        min_version: i16, [3..];
        max_version: i16, [3..];
    }

    /// Part of [`ApiVersionsResponse`]: see its `finalized_features`.
    FinalizedFeatureKey {
        name: ByteString, [3..];
        max_version_level: i16, [3..];
        min_version_level: i16, [3..];
    }
}

request!(ApiVersionsRequest => ApiVersionsResponse, "ApiVersions" 18, [0..=4], flexible 3);
