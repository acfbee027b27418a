//! The client's promises, against Apache Kafka 4.3.1.

#[path = "support/group_specs.rs"]
mod group_specs;
#[path = "support/kafka.rs"]
mod kafka;
#[path = "support/ports.rs"]
mod ports;
#[path = "support/proxy.rs"]
mod proxy;
#[path = "support/reach.rs"]
mod reach;
#[path = "support/specs.rs"]
mod specs;

#[tokio::test(flavor = "multi_thread")]
async fn every_codec_and_acks() {
    specs::every_codec_and_acks(&kafka::shared().address).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_keep_all_their_parts() {
    specs::records_keep_all_their_parts(&kafka::shared().address).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_too_large_are_refused() {
    specs::records_too_large_are_refused(&kafka::shared().address).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_connections_lose_and_double_nothing() {
    specs::cut_connections_lose_and_double_nothing(&kafka::shared().address).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_batches_fly_where_order_may_give() {
    specs::many_batches_fly_where_order_may_give(&kafka::shared().address).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_time_out() {
    specs::deliveries_time_out(&kafka::shared().address).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_buffer_is_bounded() {
    specs::the_buffer_is_bounded(&kafka::shared().address).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn seeks_land_where_they_say() {
    specs::seeks_land_where_they_say(&kafka::shared().address).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn try_send_never_waits() {
    specs::try_send_never_waits(&kafka::shared().address).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_records_reset_the_position() {
    specs::deleted_records_reset_the_position(&kafka::shared().address).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recreated_topic_is_followed() {
    specs::a_recreated_topic_is_followed(&kafka::shared().address).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_keep_their_partition() {
    specs::keys_keep_their_partition(&kafka::shared().address).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_admin_client_sees_what_it_did() {
    specs::the_admin_client_sees_what_it_did(&kafka::shared().address).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_topic_is_told_soon() {
    specs::an_unknown_topic_is_told_soon(&kafka::shared().address).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_made_on_demand_carries_records() {
    specs::a_topic_made_on_demand_carries_records(&kafka::shared().address).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_share_and_take_over() {
    group_specs::members_share_and_take_over(&kafka::shared().address).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_goes_on_where_it_was() {
    group_specs::a_group_goes_on_where_it_was(&kafka::shared().address).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_poll_is_out_until_he_does() {
    group_specs::who_does_not_poll_is_out_until_he_does(&kafka::shared().address).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn new_partitions_are_shared() {
    group_specs::new_partitions_are_shared(&kafka::shared().address).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_that_cannot_be_are_told() {
    group_specs::members_that_cannot_be_are_told(&kafka::shared().address).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_revoked_is_committed_first() {
    group_specs::what_is_revoked_is_committed_first(&kafka::shared().address).await;
}
