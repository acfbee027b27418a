//! The client's promises, against klog's own broker in this process.
//!
//! The specs that create topics, delete records or alter configs join once the broker serves those.

#[path = "support/group_specs.rs"]
mod group_specs;
#[path = "support/proxy.rs"]
pub mod proxy;
#[path = "support/specs.rs"]
pub mod specs;
#[path = "support/transaction_specs.rs"]
mod transaction_specs;

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

#[tokio::test(flavor = "multi_thread")]
async fn members_share_and_take_over() {
    let (broker, address, _folder) = broker().await;
    group_specs::members_share_and_take_over(&address).await;
    broker.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_goes_on_where_it_was() {
    let (broker, address, _folder) = broker().await;
    group_specs::a_group_goes_on_where_it_was(&address).await;
    broker.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_poll_is_out_until_he_does() {
    let (broker, address, _folder) = broker().await;
    group_specs::who_does_not_poll_is_out_until_he_does(&address).await;
    broker.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn new_partitions_are_shared() {
    let (broker, address, _folder) = broker().await;
    group_specs::new_partitions_are_shared(&address).await;
    broker.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn members_that_cannot_be_are_told() {
    let (broker, address, _folder) = broker().await;
    group_specs::members_that_cannot_be_are_told(&address).await;
    broker.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_revoked_is_committed_first() {
    let (broker, address, _folder) = broker().await;
    group_specs::what_is_revoked_is_committed_first(&address).await;
    broker.shutdown().await.unwrap();
}

mod transactions {
    macro_rules! specs {
        ($($name:ident,)*) => {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let (broker, address, _folder) = super::broker().await;
                super::transaction_specs::$name(&address).await;
                broker.shutdown().await.unwrap();
            })*
        };
    }

    specs! {
        a_transaction_shows_as_a_whole_or_not_at_all,
        what_is_aborted_is_not_seen,
        a_second_producer_fences_the_first,
        a_transaction_that_lasts_too_long_is_aborted,
        errors_say_what_to_do,
        a_producer_that_comes_back_aborts_what_it_left,
        an_abandoned_transaction_is_aborted,
        a_runtime_may_end_in_the_middle_of_a_transaction,
        after_a_lost_record_the_next_transaction_goes_through,
        after_a_refused_record_the_next_transaction_goes_through,
        cut_connections_break_no_transaction,
        offsets_of_a_member_that_is_over_are_refused,
        consume_transform_produce_is_exactly_once,
    }
}
