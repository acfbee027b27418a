//! `klog topics configs`

use klog::base::TopicName;
use klog::client::{ConfigResource, ConfigSource};
use klog::config::TOPIC_KEYS;
use serde::Serialize;

use super::missing;
use crate::admin_args::{Common, admin};
use crate::connect::explain;
use crate::output::{Row, Rows, or_dash};
use crate::values;

/// Show a topic's configs
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:
  klog topics configs events
  klog topics configs events --all --format json")]
pub struct Args {
    /// The topic
    #[arg(value_name = "NAME", value_parser = values::topic)]
    name: TopicName,
    /// Also those that the topic does not set itself
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    common: Common,
}

#[derive(Serialize)]
struct Config {
    topic: String,
    key: String,
    value: Option<String>,
    source: &'static str,
    documentation: Option<String>,
}

impl Row for Config {
    const HEADER: &'static [&'static str] = &["topic", "key", "value", "source", "documentation"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.topic.clone(),
            self.key.clone(),
            or_dash(&self.value),
            self.source.to_owned(),
            or_dash(&self.documentation),
        ]
    }
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let admin = admin(&args.common).await?;
    let mut rows = Rows::new(args.common.format);
    let topic = ConfigResource::Topic(args.name.to_string());
    let told = admin.describe_configs(&[topic], true).await.map_err(explain)?;
    let mut entries = Vec::new();
    for (_, told) in told {
        entries.extend(told.map_err(|e| missing(&args.name, e))?);
    }
    for entry in entries {
        let source = source(entry.source);
        if args.all || source == "topic" {
            // Our own words, where we know the config; else the broker's.
            let ours = TOPIC_KEYS.iter().find(|key| key.name == entry.name);
            let documentation = ours.map(|key| key.doc.to_owned());
            rows.push(Config {
                topic: args.name.to_string(),
                key: entry.name,
                value: entry.value,
                source,
                documentation: documentation.or(entry.documentation),
            })?;
        }
    }
    rows.finish()
}

/// Who says a config's value.
fn source(source: ConfigSource) -> &'static str {
    match source {
        ConfigSource::Topic => "topic",
        ConfigSource::DynamicBroker => "broker",
        ConfigSource::DynamicDefaultBroker => "cluster",
        ConfigSource::StaticBroker => "file",
        ConfigSource::Default => "default",
        ConfigSource::BrokerLogger => "logger",
        ConfigSource::Other(_) => "unknown",
    }
}
