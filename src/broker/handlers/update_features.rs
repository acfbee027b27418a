//! UpdateFeatures (key 57), v0 to v2. Moves the levels of features, all of them or none (KIP-584, KIP-1022). v0 says whether a level
//! may go down, v1 how, and can only validate; v2 has one error for all, before it each feature bears it.

use bytestring::ByteString;

use super::outcome::{Failure, on_wire, repeated};
use crate::base::ErrorCode;
use crate::broker::dispatch::Call;
use crate::broker::node::Node;
use crate::broker::reply::Reply;
use crate::meta::{FeatureChange, update_features};
use crate::wire::update_features::{
    FeatureUpdateKey, UpdatableFeatureResult, UpdateFeaturesRequest, UpdateFeaturesResponse,
};

const UPGRADE: i8 = 1;
const SAFE_DOWNGRADE: i8 = 2;
const UNSAFE_DOWNGRADE: i8 = 3;

pub fn handle(call: Call<UpdateFeaturesRequest>) -> Reply<UpdateFeaturesResponse> {
    let Call { node, version, request, .. } = call;
    Reply::later(async move {
        let names: Vec<ByteString> =
            request.feature_updates.iter().map(|update| update.feature.clone()).collect();
        let outcome = update(&node, version, &request).await;
        let (error_code, error_message) = on_wire(&outcome);
        let results = names.into_iter().map(|feature| UpdatableFeatureResult {
            feature,
            error_code,
            error_message: error_message.clone(),
            ..Default::default()
        });
        UpdateFeaturesResponse {
            results: if version < 2 { results.collect() } else { Vec::new() },
            error_code: if version < 2 { 0 } else { error_code },
            error_message: error_message.filter(|_| version >= 2),
            ..Default::default()
        }
    })
}

async fn update(node: &Node, version: i16, request: &UpdateFeaturesRequest) -> Result<(), Failure> {
    let twice = repeated(request.feature_updates.iter().map(|update| update.feature.clone()));
    if let Some(name) = twice.iter().next() {
        let message = format!("the request names feature '{name}' twice");
        return Err(Failure::new(ErrorCode::InvalidRequest, message));
    }
    let changes: Vec<FeatureChange> = request
        .feature_updates
        .iter()
        .map(|update| change(version, update))
        .collect::<Result<_, _>>()?;
    if request.validate_only {
        update_features(&node.image(), &changes)?;
        return Ok(());
    }
    let committed = node.store.submit(Box::new(move |image| update_features(image, &changes)));
    committed.await.map_err(Failure::from)
}

fn change(version: i16, update: &FeatureUpdateKey) -> Result<FeatureChange, Failure> {
    let may_downgrade = match (version, update.upgrade_type) {
        (0, _) => update.allow_downgrade,
        (_, UPGRADE) => false,
        (_, SAFE_DOWNGRADE | UNSAFE_DOWNGRADE) => true,
        (_, other) => {
            let message = format!("{other} is no way to move feature '{}'", update.feature);
            return Err(Failure::new(ErrorCode::InvalidRequest, message));
        }
    };
    let name = update.feature.to_string();
    Ok(FeatureChange { name, level: update.max_version_level, may_downgrade })
}
