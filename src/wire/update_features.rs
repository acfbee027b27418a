//! UpdateFeatures (key 57). Moving feature levels (KIP-584).

use bytestring::ByteString;

use super::macros::{message, request};

message! {
    /// Which levels to move.
    UpdateFeaturesRequest {
        timeout_ms: i32, [0..], default 60000;
        feature_updates: Vec<FeatureUpdateKey>, [0..];
        validate_only: bool, [1..];
    }

    /// Part of [`UpdateFeaturesRequest`]: see its `feature_updates`.
    FeatureUpdateKey {
        feature: ByteString, [0..];
        max_version_level: i16, [0..];
        allow_downgrade: bool, [0..=0];
        upgrade_type: i8, [1..], default 1;
    }

    /// What became of each.
    UpdateFeaturesResponse {
        throttle_time_ms: i32, [0..];
        error_code: i16, [0..];
        error_message: Option<ByteString>, [0..], nullable [0..], default Some(ByteString::new());
        results: Vec<UpdatableFeatureResult>, [0..=1], ignorable = true;
    }

    /// Part of [`UpdateFeaturesResponse`]: see its `results`.
    UpdatableFeatureResult {
        feature: ByteString, [0..];
        error_code: i16, [0..];
        error_message: Option<ByteString>, [0..], nullable [0..], default Some(ByteString::new());
    }
}

request!(UpdateFeaturesRequest => UpdateFeaturesResponse, "UpdateFeatures" 57, [0..=2], flexible 0);
