//! DescribeConfigs (key 32), v1 to v4. Topics (2), this broker (4; with an empty name what was set on all brokers while they ran), its
//! log levels (8). v3 adds types and documentation.

use super::configs::{
    BROKER, BROKER_LOGGER, ConfigEntry, Origin, TOPIC, broker_entries, check_broker,
    dynamic_defaults, topic_entries,
};
use super::outcome::{Failure, on_wire};
use crate::base::ErrorCode;
use crate::broker::dispatch::Call;
use crate::broker::node::Node;
use crate::broker::reply::Reply;
use crate::config::{Kind, TOPIC_KEYS, topic_key};
use crate::meta::ConfigResource;
use crate::wire::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult,
    DescribeConfigsResponse, DescribeConfigsResult, DescribeConfigsSynonym,
};

/// The source of a log level (the protocol's number).
const DYNAMIC_BROKER_LOGGER: i8 = 6;

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
        BROKER => broker(node, &resource.resource_name),
        BROKER_LOGGER => check_broker(node.config.node_id, &resource.resource_name)
            .map(|()| node.loggers.all().into_iter().map(logger).collect()),
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
    let entries = topic_entries(&node.config, &image, &overrides);
    let unknown = overrides.iter().filter(|(key, _)| !TOPIC_KEYS.iter().any(|k| k.name == **key));
    let unknown = unknown.map(|(key, value)| kept(key, value, Origin::Topic));
    Ok(entries.into_iter().map(result).chain(unknown).collect())
}

fn broker(node: &Node, name: &str) -> Result<Vec<DescribeConfigsResourceResult>, Failure> {
    let image = node.image();
    let (entries, origin) = if name.is_empty() {
        (dynamic_defaults(&image), Origin::DynamicDefault)
    } else {
        check_broker(node.config.node_id, name)?;
        (broker_entries(&node.config, &image), Origin::DynamicBroker)
    };
    let set = image.configs(&ConfigResource::broker(name)).into_iter().flatten();
    let unknown = set.filter(|(key, _)| topic_key(key).is_none());
    let unknown: Vec<_> = unknown.map(|(key, value)| kept(key, value, origin)).collect();
    Ok(entries.into_iter().map(result).chain(unknown).collect())
}

/// What a Kafka set and klog does not know.
fn kept(key: &str, value: &str, origin: Origin) -> DescribeConfigsResourceResult {
    DescribeConfigsResourceResult {
        name: key.into(),
        value: Some(value.into()),
        config_source: origin as i8,
        config_type: Kind::String as i8,
        documentation: Some(
            "One of Kafka's that has no effect in klog: it is kept as it stands.".into(),
        ),
        ..Default::default()
    }
}

fn logger((name, level, own): (&'static str, &'static str, bool)) -> DescribeConfigsResourceResult {
    let source = if own { DYNAMIC_BROKER_LOGGER } else { Origin::Default as i8 };
    DescribeConfigsResourceResult {
        name: name.into(),
        value: Some(level.into()),
        config_source: source,
        config_type: Kind::String as i8,
        documentation: Some("The level from which on this part of the broker logs.".into()),
        ..Default::default()
    }
}

fn result(entry: ConfigEntry) -> DescribeConfigsResourceResult {
    let synonyms = entry.synonyms.into_iter().map(|(name, value, source)| DescribeConfigsSynonym {
        name: name.into(),
        value: Some(value.into()),
        source: source as i8,
        ..Default::default()
    });
    DescribeConfigsResourceResult {
        name: entry.name.into(),
        value: Some(entry.value.into()),
        read_only: !entry.key.dynamic,
        config_source: entry.source as i8,
        synonyms: synonyms.collect(),
        config_type: entry.key.kind as i8,
        documentation: Some(entry.key.doc.into()),
        ..Default::default()
    }
}
