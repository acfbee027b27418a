//! IncrementalAlterConfigs (key 44), v0 to v1. Per key: 0 set, 1 unset, 2 append to a list, 3 take from a list. Each resource
//! changes as a whole or not at all; one that stands twice is refused. Topics, brokers (KIP-226) and the levels of a
//! broker's log (KIP-412); KIP-339.

use super::change_configs::change;
use super::config_scope::Change;
use super::outcome::{Failure, on_wire, repeated};
use crate::base::ErrorCode;
use crate::broker::dispatch::Call;
use crate::broker::reply::Reply;
use crate::wire::incremental_alter_configs::{
    AlterConfigsResource, AlterConfigsResourceResponse, AlterableConfig,
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse,
};

pub fn handle(
    call: Call<IncrementalAlterConfigsRequest>,
) -> Reply<IncrementalAlterConfigsResponse> {
    let Call { node, request, .. } = call;
    Reply::later(async move {
        let name = |resource: &AlterConfigsResource| {
            (resource.resource_type, resource.resource_name.clone())
        };
        let twice = repeated(request.resources.iter().map(name));
        let mut responses = Vec::new();
        for resource in request.resources {
            let changes: Result<Vec<_>, Failure> = resource.configs.iter().map(one).collect();
            let outcome = match changes {
                _ if twice.contains(&name(&resource)) => Err(Failure::new(
                    ErrorCode::InvalidRequest,
                    "the request names this resource twice",
                )),
                Ok(changes) => {
                    let which = (resource.resource_type, &*resource.resource_name);
                    change(&node, which, changes, false, request.validate_only).await
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
        IncrementalAlterConfigsResponse { responses, ..Default::default() }
    })
}

fn one(config: &AlterableConfig) -> Result<(String, Change), Failure> {
    let invalid = |message: String| Failure::new(ErrorCode::InvalidRequest, message);
    let value = || {
        let value = config.value.as_ref().map(ToString::to_string);
        value.ok_or_else(|| invalid(format!("{} has no value", config.name)))
    };
    let change = match config.config_operation {
        0 => Change::Set(value()?),
        1 => Change::Unset,
        2 => Change::Append(value()?),
        3 => Change::Subtract(value()?),
        other => return Err(invalid(format!("{other} is no operation on a config"))),
    };
    Ok((config.name.to_string(), change))
}
