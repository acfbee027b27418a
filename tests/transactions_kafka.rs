//! What transactions promise, against Apache Kafka 4.3.1: with the protocol of today, and with that of `transaction.version` 1.

#[path = "support/kafka.rs"]
mod kafka;
#[path = "support/ports.rs"]
mod ports;
#[path = "support/proxy.rs"]
mod proxy;
#[path = "support/reach.rs"]
mod reach;
#[path = "support/transaction_specs.rs"]
mod transaction_specs;

use std::sync::OnceLock;

/// A node of a cluster whose `transaction.version` is 1: clients announce what a transaction is to reach.
fn of_transaction_version_1() -> &'static kafka::Kafka {
    static NODE: OnceLock<kafka::Kafka> = OnceLock::new();
    NODE.get_or_init(|| kafka::start(&["--feature", "transaction.version=1"]))
}

/// Each spec against a node of today and against one whose `transaction.version` is 1.
macro_rules! specs {
    ($($name:ident,)*) => {
        mod noted {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::transaction_specs::$name(&super::kafka::shared().address).await;
            })*
        }

        mod announced {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let node = super::of_transaction_version_1();
                super::transaction_specs::$name(&node.address).await;
            })*
        }
    };
}

transaction_specs::all!(specs);
