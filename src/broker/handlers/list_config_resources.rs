//! ListConfigResources (key 74), v0 to v1. What can be asked for by DescribeConfigs. v0 means client metrics (of which there are
//! none); v1 names types, none means all.

use super::configs::{BROKER, BROKER_LOGGER, TOPIC};
use crate::base::ErrorCode;
use crate::broker::dispatch::Call;
use crate::broker::reply::Reply;
use crate::wire::list_config_resources::{
    ConfigResource, ListConfigResourcesRequest, ListConfigResourcesResponse,
};

const CLIENT_METRICS: i8 = 16;
const GROUP: i8 = 32;
const ALL: [i8; 5] = [TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP];

pub fn handle(call: Call<ListConfigResourcesRequest>) -> Reply<ListConfigResourcesResponse> {
    let Call { node, version, request, .. } = call;
    let asked = match request.resource_types {
        _ if version == 0 => vec![CLIENT_METRICS],
        none if none.is_empty() => ALL.to_vec(),
        some => some,
    };
    if asked.iter().any(|kind| !ALL.contains(kind)) {
        let error_code = ErrorCode::UnsupportedVersion.to_wire();
        return Reply::ready(ListConfigResourcesResponse { error_code, ..Default::default() });
    }
    let image = node.image();
    let mut out = Vec::new();
    for kind in ALL.into_iter().filter(|kind| asked.contains(kind)) {
        let names: Vec<String> = match kind {
            TOPIC => image.topics().map(|topic| topic.name.to_string()).collect(),
            BROKER | BROKER_LOGGER => {
                image.brokers().map(|broker| broker.broker_id.to_string()).collect()
            }
            _ => image
                .configured()
                .filter(|resource| resource.kind == kind)
                .map(|resource| resource.name.clone())
                .collect(),
        };
        out.extend(names.into_iter().map(|name| ConfigResource {
            resource_name: name.into(),
            resource_type: kind,
            ..Default::default()
        }));
    }
    Reply::ready(ListConfigResourcesResponse { config_resources: out, ..Default::default() })
}
