//! A broker's settings: command line over file over defaults.

use std::path::Path;

use anyhow::{Context as _, anyhow};
use klog::config::{
    BrokerConfig, ConfigError, Entry, Loaded, Source, parse_properties, parse_yaml,
};
use serde::Serialize;

use super::args::Args;
use crate::exit::Hint as _;
use crate::output::{ListFormat, Row, Rows};

/// Puts the settings together.
///
/// # Errors
/// All that is wrong with them at once, with lines where a file says it.
pub fn load(args: &Args) -> anyhow::Result<Loaded> {
    let mut entries = match &args.config {
        Some(path) => from_file(path)?,
        None => Vec::new(),
    };
    entries.extend(from_options(args));
    BrokerConfig::load(&entries).map_err(|problems| refused(args.config.as_deref(), &problems))
}

fn from_file(path: &Path) -> anyhow::Result<Vec<Entry>> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read {}", path.display()))
        .hint("--config takes a klog.yaml or a server.properties")?;
    match path.extension().and_then(|e| e.to_str()) {
        Some("yaml" | "yml") => {
            parse_yaml(&text).map_err(|problems| refused(Some(path), &problems))
        }
        _ => Ok(parse_properties(&text)),
    }
}

fn from_options(args: &Args) -> Vec<Entry> {
    let entry = |key: &str, value: String| Entry {
        key: key.to_owned(),
        value,
        source: Source::CommandLine,
    };
    let address = |address: &String| format!("PLAINTEXT://{address}");
    let mut entries: Vec<Entry> =
        args.set.iter().map(|(key, value)| entry(key, value.clone())).collect();
    entries.extend(args.listen.as_ref().map(|at| entry("listeners", address(at))));
    entries.extend(args.advertise.as_ref().map(|at| entry("advertised.listeners", address(at))));
    entries.extend(args.data_dir.as_ref().map(|dir| entry("log.dirs", dir.display().to_string())));
    entries.extend(args.node_id.map(|id| entry("node.id", id.to_string())));
    entries
}

fn refused(file: Option<&Path>, problems: &[ConfigError]) -> anyhow::Error {
    let lines: Vec<String> = problems.iter().map(|problem| format!("  {problem}")).collect();
    let whose = match file {
        Some(path) => format!("the settings are not sound ({})", path.display()),
        None => "the settings are not sound".to_owned(),
    };
    crate::exit::advise(
        anyhow!("{whose}\n{}", lines.join("\n")),
        "`klog serve --print-config` lists every key with its default",
    )
}

#[derive(Serialize)]
struct Setting {
    key: String,
    value: Option<String>,
    source: String,
}

impl Row for Setting {
    const HEADER: &'static [&'static str] = &["key", "value", "source"];

    fn cells(&self) -> Vec<String> {
        vec![self.key.clone(), self.value.clone().unwrap_or_default(), self.source.clone()]
    }
}

/// Prints every key, its value and where that comes from.
///
/// # Errors
/// If stdout cannot be written.
pub fn print(config: &BrokerConfig) -> anyhow::Result<()> {
    let mut rows = Rows::new(ListFormat::Table);
    for key in BrokerConfig::names() {
        rows.push(Setting {
            key: key.to_owned(),
            value: config.get(key),
            source: config.source(key).to_string(),
        })?;
    }
    rows.finish()
}
