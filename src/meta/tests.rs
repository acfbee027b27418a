use super::records::nodes::RegisterBrokerRecord;
use super::records::topics::PartitionChangeRecord;
use super::*;
use crate::base::{ErrorCode, TopicId};

fn id(byte: u8) -> TopicId {
    TopicId([byte; 16])
}

fn image() -> Image {
    let mut image = Image::default();
    apply(
        &mut image,
        &register_broker(RegisterBrokerRecord {
            broker_id: 1,
            fenced: false,
            ..Default::default()
        }),
    );
    image
}

/// Applies records after a trip through their bytes.
fn apply(image: &mut Image, records: &[MetadataRecord]) {
    for record in records {
        let read = MetadataRecord::decode(record.encode().unwrap()).unwrap();
        assert_eq!(&read, record);
        image.replay(&read).unwrap();
    }
}

fn topic(name: &str, partitions: i32) -> NewTopic {
    NewTopic { name: name.into(), partitions, replication_factor: 1, ..NewTopic::default() }
}

#[test]
fn a_topic_has_its_partitions_on_the_only_broker() {
    let mut image = image();
    let records = create_topic(&image, &topic("events", 3), id(1), || id(9)).unwrap();
    apply(&mut image, &records);
    let topic = image.topic_by_id(id(1)).unwrap();
    assert_eq!(topic.name.as_str(), "events");
    assert_eq!(topic.partitions.len(), 3);
    assert!(
        topic
            .partitions
            .iter()
            .all(|partition| partition.leader == 1 && partition.directories == [id(9)])
    );
}

#[test]
fn what_cannot_be_a_topic_is_refused_with_kafkas_code() {
    let mut image = image();
    let records = create_topic(&image, &topic("a.b", 1), id(1), || id(9)).unwrap();
    apply(&mut image, &records);
    let code = |wish: NewTopic| create_topic(&image, &wish, id(2), || id(9)).unwrap_err().code;
    assert_eq!(code(topic("a.b", 1)), ErrorCode::TopicAlreadyExists);
    assert_eq!(code(topic("a_b", 1)), ErrorCode::InvalidTopicException);
    for name in ["", ".", "..", "../x", "a\0b", &"x".repeat(250)] {
        assert_eq!(code(topic(name, 1)), ErrorCode::InvalidTopicException, "{name:?}");
    }
    for partitions in [0, -1] {
        assert_eq!(code(topic("c", partitions)), ErrorCode::InvalidPartitions);
    }
    assert_eq!(code(topic("c", i32::MAX)), ErrorCode::PolicyViolation);
    assert_eq!(
        code(NewTopic { replication_factor: 2, ..topic("c", 1) }),
        ErrorCode::InvalidReplicationFactor
    );
    for assignments in
        [vec![(1, vec![1])], vec![(0, vec![1, 1])], vec![(0, vec![7])], vec![(0, vec![])]]
    {
        assert_eq!(
            code(NewTopic { assignments, ..topic("c", 1) }),
            ErrorCode::InvalidReplicaAssignment
        );
    }
}

#[test]
fn a_removed_topic_takes_its_configs_along() {
    let mut image = image();
    let wish = NewTopic { configs: vec![("retention.ms".into(), "5".into())], ..topic("t", 1) };
    let records = create_topic(&image, &wish, id(1), || id(9)).unwrap();
    apply(&mut image, &records);
    assert!(image.configs(&ConfigResource::topic("t")).is_some());
    let records = delete_topic(&image, id(1)).unwrap();
    apply(&mut image, &records);
    assert_eq!(image.configs(&ConfigResource::topic("t")), None);
    assert_eq!(delete_topic(&image, id(1)).unwrap_err().code, ErrorCode::UnknownTopicId);
}

#[test]
fn partitions_are_added_and_never_taken_away() {
    let mut image = image();
    let records = create_topic(&image, &topic("t", 2), id(1), || id(9)).unwrap();
    apply(&mut image, &records);
    let code = |count| create_partitions(&image, "t", count, None, || id(9)).unwrap_err().code;
    assert_eq!(code(2), ErrorCode::InvalidPartitions);
    assert_eq!(code(1), ErrorCode::InvalidPartitions);
    let records = create_partitions(&image, "t", 5, None, || id(9)).unwrap();
    apply(&mut image, &records);
    assert_eq!(image.topic("t").unwrap().partitions.len(), 5);
}

#[test]
fn blocks_of_producer_ids_do_not_overlap() {
    let mut image = image();
    let mut firsts = Vec::new();
    for _ in 0..3 {
        let (first, records) = allocate_producer_ids(&image, 1, 0, 1000).unwrap();
        apply(&mut image, &records);
        firsts.push(first);
    }
    assert_eq!(firsts, [0, 1000, 2000]);
}

#[test]
fn what_an_aborted_transaction_holds_does_not_count() {
    let mut image = image();
    let before = image.clone();
    let mut records = vec![MetadataRecord::BeginTransaction(Default::default())];
    records.extend(create_topic(&image, &topic("t", 1), id(1), || id(9)).unwrap());
    apply(&mut image, &records);
    assert!(image.topic("t").is_none());
    apply(&mut image, &[MetadataRecord::AbortTransaction(Default::default())]);
    assert_eq!(image, before);
    apply(&mut image, &records);
    apply(&mut image, &[MetadataRecord::EndTransaction(Default::default())]);
    assert!(image.topic("t").is_some());
}

#[test]
fn an_image_is_made_again_from_its_own_records() {
    let mut image = image();
    let wish = NewTopic { configs: vec![("retention.ms".into(), "5".into())], ..topic("t", 4) };
    let mut records = create_topic(&image, &wish, id(1), || id(9)).unwrap();
    records.extend(allocate_producer_ids(&image, 1, 3, 1000).unwrap().1);
    let raise = FeatureChange {
        name: METADATA_VERSION_FEATURE.into(),
        level: METADATA_VERSION,
        may_downgrade: false,
    };
    records.extend(update_features(&image, &[raise]).unwrap());
    records.push(MetadataRecord::ClientQuota(Default::default()));
    apply(&mut image, &records);
    let mut again = Image::default();
    apply(&mut again, &image.to_records());
    assert_eq!(again, image);
}

#[test]
fn a_metadata_version_that_is_not_known_is_refused() {
    let record = records::cluster::FeatureLevelRecord {
        name: METADATA_VERSION_FEATURE.into(),
        feature_level: METADATA_VERSION + 1,
        ..Default::default()
    };
    let error = Image::default().replay(&record.into()).unwrap_err();
    assert!(matches!(error, ReplayError::MetadataVersion(_)));
}

#[test]
fn a_feature_goes_down_if_that_is_allowed_and_no_record_is_lost_by_it() {
    let mut image = image();
    let to = |level: i16, may_downgrade: bool| {
        [FeatureChange { name: METADATA_VERSION_FEATURE.into(), level, may_downgrade }]
    };
    let level = |image: &Image| image.features()[METADATA_VERSION_FEATURE];
    let first = update_features(&image, &to(29, false)).unwrap();
    apply(&mut image, &first);
    assert!(update_features(&image, &to(25, false)).is_err(), "it was not allowed");
    assert!(update_features(&image, &to(22, true)).is_err(), "23 brought new records");
    let down = update_features(&image, &to(25, true)).unwrap();
    apply(&mut image, &down);
    assert_eq!(level(&image), 25);
    let up = update_features(&image, &to(METADATA_VERSION, false)).unwrap();
    apply(&mut image, &up);
    assert_eq!(level(&image), METADATA_VERSION);
    assert!(update_features(&image, &to(METADATA_VERSION, false)).unwrap().is_empty());
    assert!(update_features(&image, &to(METADATA_VERSION + 1, false)).is_err());
}

#[test]
fn consumer_groups_are_a_feature_that_can_be_turned_on_and_off() {
    let mut image = image();
    let to = |level: i16, may_downgrade: bool| {
        [FeatureChange { name: GROUP_VERSION_FEATURE.into(), level, may_downgrade }]
    };
    let on = update_features(&image, &to(GROUP_VERSION, false)).unwrap();
    apply(&mut image, &on);
    assert_eq!(image.features().get(GROUP_VERSION_FEATURE), Some(&GROUP_VERSION));
    assert!(update_features(&image, &to(GROUP_VERSION + 1, false)).is_err());
    assert!(update_features(&image, &to(0, false)).is_err(), "it was not allowed");
    let off = update_features(&image, &to(0, true)).unwrap();
    apply(&mut image, &off);
    assert_eq!(image.features().get(GROUP_VERSION_FEATURE), None);
}

#[test]
fn a_partition_that_a_kafka_left_without_a_leader_gets_one_in_the_next_epoch() {
    let mut image = image();
    let records = create_topic(&image, &topic("events", 2), id(1), || id(9)).unwrap();
    apply(&mut image, &records);
    assert_eq!(take_leadership(&image, 1), [], "it leads them already");
    let left = PartitionChangeRecord {
        partition_id: 1,
        topic_id: id(1),
        leader: -1,
        isr: Some(Vec::new()),
        eligible_leader_replicas: Some(vec![1]),
        ..Default::default()
    };
    apply(&mut image, &[left.into()]);
    let partition = |image: &Image| image.topic_by_id(id(1)).unwrap().partitions[1].clone();
    assert_eq!(partition(&image).eligible_leader_replicas, Some(vec![1]));
    let elected = take_leadership(&image, 1);
    assert_eq!(elected.len(), 1);
    apply(&mut image, &elected);
    let led = partition(&image);
    assert_eq!((led.leader, led.leader_epoch, led.isr), (1, 2, vec![1]));
    assert_eq!(led.eligible_leader_replicas, None);
    assert_eq!(take_leadership(&image, 2), [], "others have no replica");
}

#[test]
fn a_broker_that_stopped_is_fenced_once() {
    let mut image = image();
    let records = fence_broker(&image, 1);
    apply(&mut image, &records);
    let broker = image.brokers().next().unwrap();
    assert!(broker.fenced && broker.in_controlled_shutdown);
    assert_eq!(fence_broker(&image, 1), []);
    assert_eq!(fence_broker(&image, 2), []);
}
