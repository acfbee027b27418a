//! `klog serve`: a broker, until it is told to stop.

mod args;
mod ready;
mod settings;

use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context as _;
use klog::base::quoted;
use klog::broker::{Broker, Loggers, StartError};
use klog::config::BrokerConfig;
use klog::log::{LogDirError, META_PROPERTIES_FILE};
use klog::net::BindError;
use klog::os::Os;

use crate::exit::{Ended, advise};
use crate::logging::{self, LogArgs};
use crate::output::Stdout;
use crate::signals::Signals;

pub use args::Args;

pub fn run(args: Args, log: &LogArgs) -> anyhow::Result<()> {
    let loggers = logging::start_broker(log);
    let loaded = settings::load(&args)?;
    if args.print_config {
        return settings::print(&loaded.config);
    }
    if !loaded.without_effect.is_empty() {
        tracing::warn!(
            keys = loaded.without_effect.join(", "),
            "Kafka's keys that have no effect in klog"
        );
    }
    if args.check {
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(loaded.config, loggers))
}

async fn serve(mut config: BrokerConfig, loggers: Loggers) -> anyhow::Result<()> {
    // The log names files and commands for whoever reads it, wherever they are.
    for dir in config.log_dirs.iter_mut().chain(&mut config.metadata_log_dir) {
        *dir =
            std::path::absolute(&*dir).with_context(|| format!("no path to {}", dir.display()))?;
    }
    let mut signals = Signals::install()?;
    let metadata = config.metadata_dir().to_owned();
    let broker = Broker::start(config, Os::real(), loggers)
        .await
        .map_err(|error| explain(error, &metadata))?;
    say_where(&broker)?;
    if let Err(error) = ready::tell(std::env::var_os("NOTIFY_SOCKET").as_deref()) {
        tracing::warn!(%error, "NOTIFY_SOCKET was not told that the broker is ready");
    }
    let _ = signals.stop().await;
    tracing::info!("stopping; a second signal stops at once");
    broker.shutdown().await.context("the stop was not clean: the next start recovers")
}

fn explain(error: StartError, metadata: &Path) -> anyhow::Error {
    let is_taken = |error: &BindError| error.source.kind() == ErrorKind::AddrInUse;
    let look = |at: &Path| {
        format!("klog dump-segment --verify {} tells what is wrong, and how to mend it", quoted(at))
    };
    let hint = match &error {
        StartError::Bind(error) if is_taken(error) => {
            Some("--listen 127.0.0.1:0 picks a free port".into())
        }
        StartError::Metrics(error) if is_taken(error) => {
            Some("--set klog.metrics.listener=127.0.0.1:0 picks a free port".into())
        }
        StartError::Bind(_) | StartError::Metrics(_) => None,
        StartError::Dir(LogDirError::Properties { file, .. }) => file.parent().map(look),
        StartError::Dir(_) => Some("--data-dir chooses another folder".into()),
        StartError::Foreign { node_id, wanted_node, .. } if node_id == wanted_node => {
            Some("the folders in log.dirs are those of one node of one cluster".into())
        }
        StartError::Foreign { .. } => Some(
            "--node-id says which node this is; each has folders of its own: --data-dir, or log.dirs".into(),
        ),
        StartError::Unnamed { folder, properties, .. } => Some(format!(
            "put it back from a copy; if there is none, say anew whose it is: printf '%s\\n' {} > {}",
            properties.lines().map(quoted).join(" "),
            quoted(folder.join(META_PROPERTIES_FILE))
        )),
        StartError::NoMetadata { .. } => Some(
            "put it back from a copy, or say with metadata.log.dir where it is; without it no partition has a topic: to begin \
             anew, move what log.dirs names away, or choose another --data-dir"
                .into(),
        ),
        StartError::Metadata(_) => Some(look(metadata)),
        StartError::Register(_) | StartError::Storage(_) => None,
    };
    match hint {
        Some(hint) => advise(error, hint),
        None => error.into(),
    }
}

/// The line that scripts wait for. A reader that has gone away is none of the broker's business.
fn say_where(broker: &Broker) -> anyhow::Result<()> {
    let mut out = Stdout::new();
    for address in broker.local_addrs() {
        out.buffer().extend_from_slice(format!("listening on {address}\n").as_bytes());
    }
    match out.flush() {
        Err(error) if matches!(error.downcast_ref(), Some(Ended::BrokenPipe)) => Ok(()),
        other => other,
    }
}
