//! What every client command takes: where the cluster is, and the client library's properties.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::values;

/// Options of every command that talks to a broker.
#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "Connection")]
pub struct ClientArgs {
    /// Brokers to start from [default: 127.0.0.1:9092]
    ///
    /// Any one that answers tells of the others. Without this option, and without `bootstrap.servers` in -X or
    /// --command-config, it is 127.0.0.1:9092.
    #[arg(
        short,
        long,
        env = "KLOG_BOOTSTRAP_SERVERS",
        hide_env_values = true,
        value_name = "HOST:PORT[,…]",
        value_delimiter = ',',
        value_parser = values::server,
        display_order = 800
    )]
    pub bootstrap_server: Vec<String>,

    /// Set a client property, by librdkafka's or Java's name
    ///
    /// May be given more than once; the last one of a name wins. An unknown name is refused with the nearest known one; a
    /// known one that klog does not honour is refused and says why.
    #[arg(
        short = 'X',
        long = "property",
        value_name = "KEY=VALUE",
        value_parser = values::key_value,
        allow_hyphen_values = true,
        display_order = 801
    )]
    pub properties: Vec<(String, String)>,

    /// Read client properties from a Java properties file
    ///
    /// -X goes before what stands in the file.
    #[arg(long, value_name = "FILE", display_order = 802)]
    pub command_config: Option<PathBuf>,

    /// How long finding a broker or one request may take
    ///
    /// Waiting for records is never bounded by it. Units: ms, s, m, h, d.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = values::duration, display_order = 803)]
    pub timeout: Duration,
}
