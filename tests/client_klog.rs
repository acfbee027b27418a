//! The client's promises, against klog's own broker in this process.

#[path = "support/group_specs.rs"]
mod group_specs;
#[path = "support/proxy.rs"]
mod proxy;
#[path = "support/reach.rs"]
mod reach;
#[path = "support/specs.rs"]
mod specs;
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

/// Each spec of a module against a broker of its own.
macro_rules! specs {
    ($from:ident: $($name:ident,)*) => {
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            let (broker, address, _folder) = broker().await;
            $from::$name(&address).await;
            broker.shutdown().await.unwrap();
        })*
    };
}

specs! {
    specs:
    every_codec_and_acks,
    records_keep_all_their_parts,
    records_too_large_are_refused,
    cut_connections_lose_and_double_nothing,
    many_batches_fly_where_order_may_give,
    deliveries_time_out,
    the_buffer_is_bounded,
    seeks_land_where_they_say,
    try_send_never_waits,
    deleted_records_reset_the_position,
    a_recreated_topic_is_followed,
    a_topic_made_on_demand_carries_records,
    an_unknown_topic_is_told_soon,
    keys_keep_their_partition,
    the_admin_client_sees_what_it_did,
}

specs! {
    group_specs:
    members_share_and_take_over,
    a_group_goes_on_where_it_was,
    what_is_revoked_is_committed_first,
    who_does_not_poll_is_out_until_he_does,
    new_partitions_are_shared,
    members_that_cannot_be_are_told,
}

mod transactions {
    use super::{broker, transaction_specs};

    macro_rules! transactions {
        ($($name:ident,)*) => { specs! { transaction_specs: $($name,)* } };
    }

    transaction_specs::all!(transactions);
}
