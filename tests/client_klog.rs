//! The client's promises, against klog's own broker in this process.
//!
//! The specs that create topics, delete records or alter configs join once the broker serves those.

#[path = "support/proxy.rs"]
pub mod proxy;
#[path = "support/specs.rs"]
pub mod specs;

use klog::broker::{Broker, Loggers};
use klog::config::{BrokerConfig, Listener};
use klog::os::Os;

/// A broker on a free port, with data in a folder that goes with it.
async fn broker() -> (Broker, String, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let config = BrokerConfig {
        listeners: vec![Listener::plaintext("127.0.0.1", 0)],
        log_dirs: vec![folder.path().join("data")],
        ..BrokerConfig::default()
    };
    let broker = Broker::start(config, Os::real(), Loggers::default()).await.unwrap();
    let address = broker.local_addrs()[0].to_string();
    (broker, address, folder)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_made_on_demand_carries_records() {
    let (broker, address, _folder) = broker().await;
    specs::a_topic_made_on_demand_carries_records(&address).await;
    broker.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_topic_is_told_soon() {
    let (broker, address, _folder) = broker().await;
    specs::an_unknown_topic_is_told_soon(&address).await;
    broker.shutdown().await.unwrap();
}
