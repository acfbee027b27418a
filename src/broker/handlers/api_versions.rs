//! ApiVersions (key 18), v0 to v4. Answered from the table of what is served. A version that is not known gets a v0 answer
//! with error 35 and this API's own range, so that the client can ask again (KIP-511). v3 software name and version,
//! features (KIP-584); v0 to v3 leave out features whose lowest level is 0.

use bytestring::ByteString;

use crate::base::ErrorCode;
use crate::broker::dispatch::{Admitted, Call, SERVED};
use crate::broker::reply::{Reply, frame};
use crate::meta::FEATURES;
use crate::wire::api_versions::{
    ApiVersion, ApiVersionsRequest, ApiVersionsResponse, FinalizedFeatureKey, SupportedFeatureKey,
};
use crate::wire::{EncodeError, Request};

pub fn handle(call: Call<ApiVersionsRequest>) -> Reply<ApiVersionsResponse> {
    let request = &call.request;
    let sound = call.version < 3
        || is_software_name(&request.client_software_name)
            && is_software_name(&request.client_software_version);
    if !sound {
        let error_code = ErrorCode::InvalidRequest.to_wire();
        return Reply::ready(ApiVersionsResponse { error_code, ..Default::default() });
    }
    tracing::debug!(peer = %call.origin.peer, client_id = ?call.client_id, name = &*request.client_software_name,
        version = &*request.client_software_version, "client");
    let image = call.node.image();
    let finalized_features = FEATURES.iter().filter_map(|(name, ..)| {
        let level = *image.features().get(*name)?;
        Some(FinalizedFeatureKey {
            name: ByteString::from_static(name),
            max_version_level: level,
            min_version_level: level,
            ..Default::default()
        })
    });
    // KIP-1022: the older versions cannot say that a feature may have no level at all.
    let supported = FEATURES.iter().filter(|(_, lowest, _)| call.version >= 4 || *lowest > 0);
    let supported_features = supported.map(|(name, lowest, highest)| SupportedFeatureKey {
        name: ByteString::from_static(name),
        min_version: *lowest,
        max_version: *highest,
        ..Default::default()
    });
    Reply::ready(ApiVersionsResponse {
        api_keys: SERVED
            .iter()
            .map(|served| range(served.api.key, served.advertised_min, served.max))
            .collect(),
        supported_features: supported_features.collect(),
        finalized_features_epoch: call.node.store.status().high_watermark,
        finalized_features: finalized_features.collect(),
        ..Default::default()
    })
}

fn range(api_key: i16, min_version: i16, max_version: i16) -> ApiVersion {
    ApiVersion { api_key, min_version, max_version, ..Default::default() }
}

/// The answer to a version that is not known.
pub fn unsupported(correlation_id: i32) -> Result<Admitted, EncodeError> {
    let key = ApiVersionsRequest::API.key;
    let own = SERVED.iter().filter(|served| served.api.key == key);
    let response = ApiVersionsResponse {
        error_code: ErrorCode::UnsupportedVersion.to_wire(),
        api_keys: own.map(|served| range(key, served.advertised_min, served.max)).collect(),
        ..Default::default()
    };
    Ok(Admitted::Ready(frame::<ApiVersionsRequest>(&response.into(), 0, correlation_id)?))
}

/// `[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?`
fn is_software_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    let ends = [bytes.first(), bytes.last()];
    ends.iter().all(|end| end.is_some_and(u8::is_ascii_alphanumeric))
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::is_software_name;

    #[test]
    fn software_names_follow_kip_511() {
        for name in ["a", "librdkafka", "apache-kafka-java", "2.0.2", "a-.b"] {
            assert!(is_software_name(name), "{name}");
        }
        for name in ["", "-a", "a-", ".", "a b", "a_b", "\u{e9}"] {
            assert!(!is_software_name(name), "{name}");
        }
    }
}
