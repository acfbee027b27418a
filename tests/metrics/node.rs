//! A broker with metrics.

use std::net::SocketAddr;
use std::path::PathBuf;

use klog::broker::{Broker, Loggers};
use klog::config::{BrokerConfig, Listener};
use klog::os::Os;
use tempfile::TempDir;

use crate::connection::Raw;
use crate::scrape::Scrape;

/// A broker over a folder of its own.
pub struct Node {
    broker: Broker,
    pub metrics: SocketAddr,
    pub folder: TempDir,
}

impl Node {
    pub async fn start() -> Node {
        Node::start_with(|_| ()).await
    }

    /// With other settings than the usual ones.
    pub async fn start_with(change: impl FnOnce(&mut BrokerConfig)) -> Node {
        let folder = tempfile::tempdir().expect("a folder");
        let mut config = BrokerConfig {
            listeners: vec![Listener::plaintext("127.0.0.1", 0)],
            metrics_listener: Some(Listener::plaintext("127.0.0.1", 0)),
            log_dirs: vec![folder.path().join("data")],
            ..BrokerConfig::default()
        };
        change(&mut config);
        let broker = Broker::start(config, Os::real(), Loggers::default()).await.expect("starts");
        let metrics = broker.metrics_addr().expect("metrics are served");
        Node { broker, metrics, folder }
    }

    /// A log directory, as metrics name it.
    pub fn dir(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    /// A path beside it that can be no directory.
    pub fn blocked(folder: &std::path::Path) -> PathBuf {
        let file = folder.join("file");
        std::fs::write(&file, "").expect("it can be written");
        file.join("under")
    }

    pub fn connect(&self) -> Raw {
        Raw::connect(&self.broker.local_addrs()[0].to_string())
    }

    pub fn scrape(&self) -> Scrape {
        Scrape::of(self.metrics)
    }

    /// Scrapes until something is so.
    pub fn wait_for(&self, what: &str, so: impl Fn(&Scrape) -> bool) -> Scrape {
        for _ in 0..2000 {
            let scrape = self.scrape();
            if so(&scrape) {
                return scrape;
            }
        }
        panic!("it never came about that {what}:\n{}", self.scrape().text);
    }

    pub async fn stop(self) {
        self.broker.shutdown().await.expect("a clean stop");
    }
}
