//! Configs of topics and brokers: described and changed.

use super::super::error::ClientError;
use super::super::handle::Lane;
use super::Admin;
use crate::wire::Request;
use crate::wire::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult,
    DescribeConfigsResult,
};
use crate::wire::incremental_alter_configs::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
};

/// What has configs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ConfigResource {
    /// A topic, by name.
    Topic(String),
    /// A broker; None for the defaults of all.
    Broker(Option<i32>),
    /// A broker's loggers.
    BrokerLogger(i32),
}

impl ConfigResource {
    fn wire(&self) -> (i8, String) {
        match self {
            ConfigResource::Topic(name) => (2, name.clone()),
            ConfigResource::Broker(id) => (4, id.map(|id| id.to_string()).unwrap_or_default()),
            ConfigResource::BrokerLogger(id) => (8, id.to_string()),
        }
    }

    /// The one broker that answers for it, if not any does.
    fn broker(&self) -> Option<i32> {
        match self {
            ConfigResource::Topic(_) => None,
            ConfigResource::Broker(id) => *id,
            ConfigResource::BrokerLogger(id) => Some(*id),
        }
    }
}

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigSource {
    /// Set on the topic.
    Topic,
    /// Set on this broker at run time.
    DynamicBroker,
    /// Set on all brokers at run time.
    DynamicDefaultBroker,
    /// From the broker's file.
    StaticBroker,
    /// Nobody set it.
    Default,
    /// A broker's logger.
    BrokerLogger,
    /// Another one; the number on the wire.
    Other(i8),
}

impl ConfigSource {
    fn from_wire(raw: i8) -> ConfigSource {
        match raw {
            1 => ConfigSource::Topic,
            2 => ConfigSource::DynamicBroker,
            3 => ConfigSource::DynamicDefaultBroker,
            4 => ConfigSource::StaticBroker,
            5 => ConfigSource::Default,
            6 => ConfigSource::BrokerLogger,
            other => ConfigSource::Other(other),
        }
    }

    /// In Kafka's words, for example `DYNAMIC_TOPIC_CONFIG`.
    pub fn name(self) -> &'static str {
        match self {
            ConfigSource::Topic => "DYNAMIC_TOPIC_CONFIG",
            ConfigSource::DynamicBroker => "DYNAMIC_BROKER_CONFIG",
            ConfigSource::DynamicDefaultBroker => "DYNAMIC_DEFAULT_BROKER_CONFIG",
            ConfigSource::StaticBroker => "STATIC_BROKER_CONFIG",
            ConfigSource::Default => "DEFAULT_CONFIG",
            ConfigSource::BrokerLogger => "DYNAMIC_BROKER_LOGGER_CONFIG",
            ConfigSource::Other(_) => "UNKNOWN",
        }
    }
}

/// One config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigEntry {
    /// Its name.
    pub name: String,
    /// Its value; None if it is sensitive or has none.
    pub value: Option<String>,
    /// Where the value came from.
    pub source: ConfigSource,
    /// Whether it cannot be changed at run time.
    pub read_only: bool,
    /// Whether its value is kept secret.
    pub sensitive: bool,
    /// What the broker says of it, if asked for.
    pub documentation: Option<String>,
}

/// How a config is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigOp {
    /// To this value.
    Set,
    /// Back to what it inherits.
    Delete,
    /// Adds to a list.
    Append,
    /// Takes from a list.
    Subtract,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigChange {
    /// The config's name.
    pub name: String,
    /// What to do.
    pub op: ConfigOp,
    /// With which value; None for `Delete`.
    pub value: Option<String>,
}

/// Per resource asked for, what came of it.
type PerResource<T> = Vec<(ConfigResource, Result<T, ClientError>)>;

impl Admin {
    /// All configs of these, sorted by name.
    ///
    /// # Errors
    /// Where no broker answers; per resource what the broker refused.
    pub async fn describe_configs(
        &self,
        resources: &[ConfigResource],
        documentation: bool,
    ) -> Result<PerResource<Vec<ConfigEntry>>, ClientError> {
        let mut out = Vec::new();
        for resource in resources {
            let (resource_type, name) = resource.wire();
            let request = DescribeConfigsRequest {
                resources: vec![DescribeConfigsResource {
                    resource_type,
                    resource_name: name.as_str().into(),
                    configuration_keys: None,
                    ..DescribeConfigsResource::default()
                }],
                include_documentation: documentation,
                ..DescribeConfigsRequest::default()
            };
            let answer = self.ask_for(resource, &request).await?;
            for told in &answer.results {
                let message = told.error_message.as_deref();
                let checked = ClientError::check(told.error_code, message, || name.clone());
                out.push((resource.clone(), checked.map(|()| entries(told))));
            }
        }
        Ok(out)
    }

    /// Changes configs, each resource's as a whole; with `validate_only` says only what would come of it.
    ///
    /// # Errors
    /// Where no broker answers; per resource what the broker refused.
    pub async fn alter_configs(
        &self,
        changes: &[(ConfigResource, Vec<ConfigChange>)],
        validate_only: bool,
    ) -> Result<PerResource<()>, ClientError> {
        let mut out = Vec::new();
        for (resource, changes) in changes {
            let (resource_type, name) = resource.wire();
            let request = IncrementalAlterConfigsRequest {
                resources: vec![AlterConfigsResource {
                    resource_type,
                    resource_name: name.as_str().into(),
                    configs: changes.iter().map(alterable).collect(),
                    ..AlterConfigsResource::default()
                }],
                validate_only,
                ..IncrementalAlterConfigsRequest::default()
            };
            let answer = self.ask_for(resource, &request).await?;
            for told in &answer.responses {
                let message = told.error_message.as_deref();
                let checked = ClientError::check(told.error_code, message, || name.clone());
                out.push((resource.clone(), checked));
            }
        }
        Ok(out)
    }

    async fn ask_for<R: Request>(
        &self,
        resource: &ConfigResource,
        request: &R,
    ) -> Result<R::Response, ClientError> {
        match resource.broker() {
            None => self.client.ask_any(request).await,
            Some(id) => {
                let connection = self.client.broker(id, Lane::General).await?;
                Ok(connection.call(request, self.client.config().request_timeout).await?)
            }
        }
    }
}

fn entries(told: &DescribeConfigsResult) -> Vec<ConfigEntry> {
    let entry = |c: &DescribeConfigsResourceResult| ConfigEntry {
        name: c.name.to_string(),
        value: c.value.as_ref().map(ToString::to_string),
        source: ConfigSource::from_wire(c.config_source),
        read_only: c.read_only,
        sensitive: c.is_sensitive,
        documentation: c.documentation.as_ref().map(ToString::to_string),
    };
    let mut out: Vec<ConfigEntry> = told.configs.iter().map(entry).collect();
    out.sort_by(|a, b| a.name.cmp(&b.name));
    out
}

fn alterable(change: &ConfigChange) -> AlterableConfig {
    AlterableConfig {
        name: change.name.as_str().into(),
        config_operation: match change.op {
            ConfigOp::Set => 0,
            ConfigOp::Delete => 1,
            ConfigOp::Append => 2,
            ConfigOp::Subtract => 3,
        },
        value: change.value.as_deref().map(Into::into),
        ..AlterableConfig::default()
    }
}
