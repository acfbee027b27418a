//! DescribeConfigs (key 32), v1 to v4. Topics (2), this broker (4; with an empty name the dynamic defaults of all, of which there
//! are none), its log levels (8; none are shown yet). v3 adds types and documentation.

use super::configs::{
    BROKER, BROKER_LOGGER, ConfigEntry, Origin, TOPIC, broker_origin, check_broker, topic_entries,
};
use super::outcome::{Failure, on_wire};
use crate::base::ErrorCode;
use crate::broker::dispatch::Call;
use crate::broker::node::Node;
use crate::broker::reply::Reply;
use crate::config::{BROKER_KEYS, BrokerConfig, TOPIC_KEYS, broker_key};
use crate::meta::ConfigResource;
use crate::wire::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult,
    DescribeConfigsResponse, DescribeConfigsResult, DescribeConfigsSynonym,
};

pub fn handle(call: Call<DescribeConfigsRequest>) -> Reply<DescribeConfigsResponse> {
    let Call { node, request, .. } = call;
    let results = request.resources.iter().map(|resource| describe(&node, &request, resource));
    Reply::ready(DescribeConfigsResponse { results: results.collect(), ..Default::default() })
}

fn describe(
    node: &Node,
    request: &DescribeConfigsRequest,
    resource: &DescribeConfigsResource,
) -> DescribeConfigsResult {
    let found = match resource.resource_type {
        TOPIC => topic(node, &resource.resource_name),
        BROKER if resource.resource_name.is_empty() => Ok(Vec::new()),
        BROKER => check_broker(node.config.node_id, &resource.resource_name)
            .map(|()| broker(&node.config)),
        BROKER_LOGGER => {
            check_broker(node.config.node_id, &resource.resource_name).map(|()| Vec::new())
        }
        other => Err(Failure::new(
            ErrorCode::InvalidRequest,
            format!("resource type {other} has no configs here"),
        )),
    };
    let (error_code, error_message) = on_wire(&found);
    let asked = |name: &str| match &resource.configuration_keys {
        None => true,
        Some(keys) => keys.is_empty() || keys.iter().any(|key| **key == *name),
    };
    let mut configs = found.unwrap_or_default();
    configs.retain(|config| asked(&config.name));
    for config in &mut configs {
        if !request.include_synonyms {
            config.synonyms.clear();
        }
        if !request.include_documentation {
            config.documentation = None;
        }
    }
    DescribeConfigsResult {
        error_code,
        error_message,
        resource_type: resource.resource_type,
        resource_name: resource.resource_name.clone(),
        configs,
        ..Default::default()
    }
}

fn topic(node: &Node, name: &str) -> Result<Vec<DescribeConfigsResourceResult>, Failure> {
    let image = node.image();
    if image.topic(name).is_none() {
        return Err(Failure::new(
            ErrorCode::UnknownTopicOrPartition,
            format!("topic '{name}' does not exist"),
        ));
    }
    let overrides = image.configs(&ConfigResource::topic(name)).cloned().unwrap_or_default();
    Ok(topic_entries(&node.config, &overrides)
        .into_iter()
        .map(|entry| result(entry, false))
        .collect())
}

fn broker(config: &BrokerConfig) -> Vec<DescribeConfigsResourceResult> {
    let defaults = BrokerConfig::default();
    let topic_defaults = TOPIC_KEYS.iter().filter_map(|key| Some((broker_key(key.name)?, *key)));
    let keys = BROKER_KEYS.iter().map(|key| (key.name, *key)).chain(topic_defaults);
    let entry = |(name, key)| {
        let source = broker_origin(config, name);
        let value = config.get(name).unwrap_or_default();
        let mut synonyms = Vec::new();
        if source == Origin::Static {
            synonyms.push((name, value.clone(), Origin::Static));
        }
        synonyms.push((name, defaults.get(name).unwrap_or_default(), Origin::Default));
        result(ConfigEntry { name, value, source, synonyms, key }, true)
    };
    keys.map(entry).collect()
}

fn result(entry: ConfigEntry, read_only: bool) -> DescribeConfigsResourceResult {
    let synonyms = entry.synonyms.into_iter().map(|(name, value, source)| DescribeConfigsSynonym {
        name: name.into(),
        value: Some(value.into()),
        source: source as i8,
        ..Default::default()
    });
    DescribeConfigsResourceResult {
        name: entry.name.into(),
        value: Some(entry.value.into()),
        read_only,
        config_source: entry.source as i8,
        synonyms: synonyms.collect(),
        config_type: entry.key.kind as i8,
        documentation: Some(entry.key.doc.into()),
        ..Default::default()
    }
}
