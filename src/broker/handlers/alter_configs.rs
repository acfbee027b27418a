//! AlterConfigs (key 33), v0 to v2. Replaces all configs of a topic, or all that were set on a broker while it ran: what is not named
//! is unset. Its answer is as that of IncrementalAlterConfigs, which clients should prefer (KIP-339).

use super::change_configs::change;
use super::config_scope::Change;
use super::configs::BROKER_LOGGER;
use super::outcome::{Failure, on_wire, repeated};
use crate::base::ErrorCode;
use crate::broker::dispatch::Call;
use crate::broker::reply::Reply;
use crate::wire::alter_configs::{
    AlterConfigsRequest, AlterConfigsResource, AlterConfigsResourceResponse, AlterConfigsResponse,
};

pub fn handle(call: Call<AlterConfigsRequest>) -> Reply<AlterConfigsResponse> {
    let Call { node, request, .. } = call;
    Reply::later(async move {
        let name = |resource: &AlterConfigsResource| {
            (resource.resource_type, resource.resource_name.clone())
        };
        let twice = repeated(request.resources.iter().map(name));
        let mut responses = Vec::new();
        for resource in request.resources {
            let outcome = match changes(&resource) {
                _ if twice.contains(&name(&resource)) => Err(Failure::new(
                    ErrorCode::InvalidRequest,
                    "the request names this resource twice",
                )),
                Ok(changes) => {
                    let which = (resource.resource_type, &*resource.resource_name);
                    change(&node, which, changes, true, request.validate_only).await
                }
                Err(failure) => Err(failure),
            };
            let (error_code, error_message) = on_wire(&outcome);
            responses.push(AlterConfigsResourceResponse {
                error_code,
                error_message,
                resource_type: resource.resource_type,
                resource_name: resource.resource_name,
                ..Default::default()
            });
        }
        AlterConfigsResponse { responses, ..Default::default() }
    })
}

fn changes(resource: &AlterConfigsResource) -> Result<Vec<(String, Change)>, Failure> {
    let invalid = |message: String| Failure::new(ErrorCode::InvalidRequest, message);
    if resource.resource_type == BROKER_LOGGER {
        return Err(invalid("log levels are changed by IncrementalAlterConfigs only".into()));
    }
    let set = resource.configs.iter().map(|config| match &config.value {
        Some(value) => Ok((config.name.to_string(), Change::Set(value.to_string()))),
        None => Err(invalid(format!("{} has no value", config.name))),
    });
    set.collect()
}
