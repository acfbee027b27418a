//! The options of `klog serve`.

use std::path::PathBuf;

use crate::values;

/// Run a broker
///
/// Without options: one node on 127.0.0.1:9092, data in ./klog-data. What the command line says goes before what the file
/// says, and that before the defaults. Once connections are accepted it prints one line to stdout, `listening on
/// HOST:PORT`; logs go to stderr. SIGTERM and Ctrl-C stop it cleanly; a second one at once.
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:
  klog serve
  klog serve --config klog.yaml --set log.retention.hours=24 --check")]
pub struct Args {
    /// Read settings from a klog.yaml or a server.properties
    ///
    /// The names are Kafka's own: node.id, listeners, log.dirs, num.partitions, log.segment.bytes, and so on. Unknown keys
    /// and bad values are refused, all at once, each with its line.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Accept connections here; port 0 picks a free one [default: 127.0.0.1:9092]
    #[arg(long, value_name = "HOST:PORT", value_parser = values::server)]
    pub listen: Option<String>,

    /// The address that clients are told [default: where it listens]
    #[arg(long, value_name = "HOST:PORT", value_parser = values::server)]
    pub advertise: Option<String>,

    /// Keep data here [default: ./klog-data]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,

    /// This node's number in its cluster
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    pub node_id: Option<i32>,

    /// Set a key, by Kafka's name; may be given more than once
    #[arg(long, value_name = "KEY=VALUE", value_parser = values::key_value)]
    pub set: Vec<(String, String)>,

    /// Only check the settings: exit 0 if they are sound, else 1
    #[arg(long)]
    pub check: bool,

    /// Only print every key, its value, and where that comes from
    #[arg(long)]
    pub print_config: bool,
}
