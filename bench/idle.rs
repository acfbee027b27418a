//! Many connections that do nothing, after each has asked for the API versions.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::broker::{Broker, Subject};
use crate::figure::{Figure, Of, at_most};
use crate::options::Options;
use crate::raw::Raw;
use crate::usage::measure;

/// Beyond what either broker takes by default.
const SETTINGS: [(&str, &str); 2] =
    [("max.connections", "100000"), ("max.connections.per.ip", "100000")];

pub fn run(options: &Options, subject: &Subject) -> anyhow::Result<Vec<Figure>> {
    let limit = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: limit, maximum: limit })?;
    let broker = Broker::start_with(subject, &options.dir, &SETTINGS)?;
    Raw::connect(broker.address())?.api_versions()?;
    let before = broker.rss_mb()?;
    let (held, used) = measure(&broker, || {
        let connections = (0..options.idle_connections).map(|_| {
            let mut connection = Raw::connect(broker.address())?;
            connection.api_versions()?;
            Ok(connection)
        });
        connections.collect::<anyhow::Result<Vec<Raw>>>()
    })?;
    let after = broker.rss_mb()?;
    let count = held.len() as f64;
    let each = (after - before) * 1e6 / 1024.0 / count;
    Ok(vec![
        Figure::new("RSS with them, MB", after).aim(at_most(0.2, Of::Kafka)),
        Figure::new("RSS for each, KiB", each).aim(at_most(16.0, Of::One)),
        Figure::new("connections made, 1/s", count / used.seconds),
        Figure::new("broker CPU for 1000 of them, ms", used.broker_seconds * 1e6 / count),
        Figure::new("broker peak RSS, MB", broker.peak_mb()?),
    ])
}
