//! What transactions promise, against Apache Kafka 4.3.1: with the protocol of today, and with that of `transaction.version` 1.

#[path = "support/kafka.rs"]
mod kafka;
#[path = "support/proxy.rs"]
mod proxy;
#[path = "support/specs.rs"]
#[allow(dead_code, reason = "its helpers are used here, its specs elsewhere")]
mod specs;
#[path = "support/transaction_specs.rs"]
mod transaction_specs;

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
                let node = super::kafka::of_transaction_version_1();
                super::transaction_specs::$name(&node.address).await;
            })*
        }
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
