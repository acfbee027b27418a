//! What a member of a group promises, as functions of a broker's address: they run against Apache Kafka and against klog.

use std::collections::BTreeSet;
use std::time::Duration;

use klog::base::TopicName;
use klog::client::{
    Admin, Assignor, Client, ClientConfig, CommittedOffset, ConsumerConfig, GroupConsumer,
    GroupError, OffsetReset, Polled, Producer, ProducerConfig, ProducerRecord, Subscription,
};
use tokio::time::{Instant, timeout_at};

use crate::reach::topic;

const PATIENCE: Duration = Duration::from_secs(60);

/// A client that looks for new partitions often.
async fn client(address: &str) -> Client {
    let metadata_max_age = Duration::from_millis(200);
    let bootstrap = vec![address.to_owned()];
    Client::connect(ClientConfig { bootstrap, metadata_max_age, ..Default::default() })
        .await
        .unwrap()
}

fn config(group: &str, assignor: Assignor) -> ConsumerConfig {
    let mut config = ConsumerConfig { offset_reset: OffsetReset::Earliest, ..Default::default() };
    config.group.id = Some(group.into());
    config.group.heartbeat_interval = Duration::from_millis(100);
    config.group.assignors = vec![assignor];
    config
}

fn member(client: &Client, config: ConsumerConfig, topic: &TopicName) -> GroupConsumer {
    GroupConsumer::new(client, config, Subscription::Topics(vec![topic.clone()])).unwrap()
}

async fn write(client: &Client, topic: &TopicName, partition: i32, count: usize) {
    let producer = Producer::new(client, ProducerConfig::default());
    for n in 0..count {
        let record = ProducerRecord::new(topic.clone(), format!("{partition}-{n}"));
        let record = ProducerRecord { partition: Some(partition), ..record };
        drop(producer.send(record).await.unwrap());
    }
    assert_eq!(producer.close().await.delivered, count as u64);
}

/// The next thing but empty answers.
async fn next(member: &GroupConsumer) -> Polled {
    let give_up_at = Instant::now() + PATIENCE;
    loop {
        let polled = timeout_at(give_up_at, member.poll(Duration::from_secs(1))).await;
        match polled.expect("something happens in time").unwrap() {
            Polled::Records(records) if records.is_empty() => {}
            Polled::Assigned(added) if added.is_empty() => {}
            polled => return polled,
        }
    }
}

/// Polls all of them until each has so many partitions; tells what each has.
async fn settle(members: &[&GroupConsumer], has: &mut [BTreeSet<i32>], wanted: &[usize]) {
    let give_up_at = Instant::now() + PATIENCE;
    while has.iter().map(BTreeSet::len).collect::<Vec<_>>() != wanted {
        assert!(Instant::now() < give_up_at, "they do not share as {wanted:?}: {has:?}");
        for (member, has) in members.iter().zip(has.iter_mut()) {
            match member.poll(Duration::from_millis(20)).await.unwrap() {
                Polled::Assigned(added) => has.extend(added.iter().map(|(_, p, _)| *p)),
                Polled::Revoked(gone) | Polled::Lost(gone) => {
                    has.retain(|p| !gone.iter().any(|(_, gone)| gone == p));
                }
                Polled::Records(_) => {}
            }
        }
        let all: usize = has.iter().map(BTreeSet::len).sum();
        let distinct: BTreeSet<i32> = has.iter().flatten().copied().collect();
        assert_eq!(all, distinct.len(), "a partition has two readers: {has:?}");
    }
}

/// Members share the partitions, never two of them one, whoever comes and goes.
pub async fn members_share_and_take_over(address: &str) {
    let client = client(address).await;
    for assignor in Assignor::ALL {
        let topic = topic(&client, &format!("shared-{}", assignor.name()), 6).await;
        let config = config(&topic, assignor);
        let one = member(&client, config.clone(), &topic);
        let mut has = vec![BTreeSet::new()];
        settle(&[&one], &mut has, &[6]).await;
        let two = member(&client, config.clone(), &topic);
        let before = has[0].clone();
        has.push(BTreeSet::new());
        settle(&[&one, &two], &mut has, &[3, 3]).await;
        if assignor == Assignor::CooperativeSticky || assignor == Assignor::Sticky {
            assert!(has[0].is_subset(&before), "what need not move stays");
        }
        let three = member(&client, config, &topic);
        has.push(BTreeSet::new());
        settle(&[&one, &two, &three], &mut has, &[2, 2, 2]).await;
        two.close().await.unwrap();
        has.remove(1);
        settle(&[&one, &three], &mut has, &[3, 3]).await;
        one.close().await.unwrap();
        three.close().await.unwrap();
    }
}

/// What was revoked is committed before it goes on elsewhere, and a group goes on where it was.
pub async fn a_group_goes_on_where_it_was(address: &str) {
    let client = client(address).await;
    let topic = topic(&client, "resumed", 1).await;
    write(&client, &topic, 0, 10).await;
    let mut config = config("resumed", Assignor::CooperativeSticky);
    config.max_poll_records = 4;
    let one = member(&client, config.clone(), &topic);
    assert_eq!(next(&one).await, Polled::Assigned(vec![(topic.clone(), 0, None)]));
    let Polled::Records(records) = next(&one).await else { panic!("records come next") };
    assert_eq!(records.len(), 4);
    one.close().await.unwrap();

    config.group.auto_commit = None;
    let two = member(&client, config, &topic);
    let Polled::Assigned(added) = next(&two).await else { panic!("a share comes first") };
    assert_eq!(
        added[0].2.as_ref().map(|at| at.offset),
        Some(4),
        "a closing member commits what it returned"
    );
    let Polled::Records(records) = next(&two).await else { panic!("records come next") };
    assert_eq!(records[0].offset, 4);
    // An explicit commit counts as well, and so does going back.
    two.store(&topic, 0, CommittedOffset::at(2));
    two.commit().await.unwrap();
    two.close().await.unwrap();
    let committed = committed(&client, "resumed", &topic).await;
    assert_eq!(committed, Some(2));
}

/// What goes to another member was committed first, however far away the next automatic commit is.
pub async fn what_is_revoked_is_committed_first(address: &str) {
    let client = client(address).await;
    for assignor in [Assignor::Range, Assignor::CooperativeSticky] {
        let topic = topic(&client, &format!("revoked-{}", assignor.name()), 2).await;
        write(&client, &topic, 0, 5).await;
        write(&client, &topic, 1, 5).await;
        let mut config = config(&topic, assignor);
        config.group.auto_commit = Some(Duration::from_secs(3600));
        let one = member(&client, config.clone(), &topic);
        let mut read = 0;
        while read < 10 {
            if let Polled::Records(records) = next(&one).await {
                read += records.len();
            }
        }
        let two = member(&client, config, &topic);
        let give_up_at = Instant::now() + PATIENCE;
        let added = loop {
            assert!(Instant::now() < give_up_at, "the second member gets nothing");
            one.poll(Duration::from_millis(20)).await.unwrap();
            match two.poll(Duration::from_millis(20)).await.unwrap() {
                Polled::Assigned(added) if !added.is_empty() => break added,
                _ => {}
            }
        };
        let at = added[0].2.as_ref().map(|at| at.offset);
        assert_eq!(at, Some(5), "{}: what was read is committed", assignor.name());
        one.close().await.unwrap();
        two.close().await.unwrap();
    }
}

/// What a new member starts from.
async fn committed(client: &Client, group: &str, topic: &TopicName) -> Option<i64> {
    let mut config = config(group, Assignor::CooperativeSticky);
    config.group.auto_commit = None;
    let reader = member(client, config, topic);
    let Polled::Assigned(added) = next(&reader).await else { panic!("a share comes first") };
    reader.close().await.unwrap();
    added[0].2.as_ref().map(|at| at.offset)
}

/// A program that does not poll is out, hears of it, cannot commit any more, and comes back.
pub async fn who_does_not_poll_is_out_until_he_does(address: &str) {
    let client = client(address).await;
    let topic = topic(&client, "slow", 1).await;
    write(&client, &topic, 0, 3).await;
    let mut config = config("slow", Assignor::Range);
    config.group.max_poll_interval = Duration::from_secs(1);
    let slow = member(&client, config.clone(), &topic);
    assert!(matches!(next(&slow).await, Polled::Assigned(_)));
    assert!(matches!(next(&slow).await, Polled::Records(_)));
    // The other one gets the partition once the slow one is out.
    let other = member(&client, config, &topic);
    assert!(matches!(next(&other).await, Polled::Assigned(_)));
    slow.store(&topic, 0, CommittedOffset::at(3));
    assert!(matches!(slow.commit().await, Ok(()) | Err(GroupError::NotMember)));
    assert_eq!(next(&slow).await, Polled::Lost(vec![(topic.clone(), 0)]));
    other.close().await.unwrap();
    let Polled::Assigned(added) = next(&slow).await else { panic!("it comes back") };
    let at = added[0].2.as_ref().map_or(0, |at| at.offset);
    assert_eq!(at, 0, "nothing was committed by one who was out");
    slow.close().await.unwrap();
}

/// Partitions that are added are read too.
pub async fn new_partitions_are_shared(address: &str) {
    let client = client(address).await;
    let topic = topic(&client, "growing", 1).await;
    let one = member(&client, config("growing", Assignor::CooperativeSticky), &topic);
    assert!(matches!(next(&one).await, Polled::Assigned(added) if added.len() == 1));
    let grown = Admin::new(&client).create_partitions(&[(topic.clone(), 3)], false).await.unwrap();
    grown.into_iter().for_each(|(_, result)| result.unwrap());
    let Polled::Assigned(added) = next(&one).await else { panic!("the new ones come") };
    assert_eq!(added.iter().map(|(_, p, _)| *p).collect::<Vec<_>>(), [1, 2]);
    one.close().await.unwrap();
}

/// A coordinator that refuses for good is told to the program.
pub async fn members_that_cannot_be_are_told(address: &str) {
    let client = client(address).await;
    let topic = topic(&client, "refused", 1).await;
    let mut config = config("refused", Assignor::Range);
    config.group.session_timeout = Duration::from_millis(1);
    config.group.heartbeat_interval = Duration::from_micros(300);
    let refused = member(&client, config, &topic);
    let give_up_at = Instant::now() + PATIENCE;
    let cause = loop {
        assert!(Instant::now() < give_up_at, "it is not told");
        if let Err(cause) = refused.poll(Duration::from_secs(1)).await {
            break cause;
        }
    };
    assert!(cause.to_string().contains("INVALID_SESSION_TIMEOUT"), "{cause}");
    let nameless = ConsumerConfig::default();
    let topics = Subscription::Topics(vec![topic]);
    assert!(matches!(GroupConsumer::new(&client, nameless, topics), Err(GroupError::NoGroup)));
}
