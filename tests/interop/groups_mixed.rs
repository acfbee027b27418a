//! Groups whose members are of many clients at once: whoever leads shares out to all of them, and whoever leaves or is killed is
//! followed by the others, without losing a record.

use std::collections::BTreeSet;

use crate::members::Client;
use crate::mixed_group::Group;

#[test]
fn members_of_all_clients_share_by_range() {
    every_client_leads_and_follows("range", 0, &EAGER);
}

#[test]
fn members_of_all_clients_share_by_roundrobin() {
    let with_kafkajs = [&EAGER[..], &[Client::Kafkajs]].concat();
    every_client_leads_and_follows("roundrobin", 1, &with_kafkajs);
}

#[test]
fn members_of_all_clients_share_by_cooperative_sticky() {
    let without_aiokafka = &EAGER[..EAGER.len() - 1];
    every_client_leads_and_follows("cooperative-sticky", 2, without_aiokafka);
}

const EAGER: [Client; 8] = [
    Client::Klog,
    Client::Java,
    Client::Kcat,
    Client::ConfluentKafka,
    Client::FranzGo,
    Client::Sarama,
    Client::KafkaPython,
    Client::Aiokafka,
];

/// All come, one after the other, klog first, which so leads. Then it is always the leader that goes, so that each has led those that
/// are left, while klog follows: it comes back whenever it has gone. Each client is killed under one of the assignors.
fn every_client_leads_and_follows(assignor: &'static str, turn: usize, clients: &[Client]) {
    let mut group = Group::of(assignor);
    for client in clients {
        group.start(*client);
        assert_eq!(group.settle(), Client::Klog, "who came first leads");
    }
    let mut led = BTreeSet::from([Client::Klog]);
    let mut leader = Client::Klog;
    while led.len() < clients.len() || leader != Client::Klog {
        let at = clients.iter().position(|client| *client == leader).expect("one of them leads");
        if at % 3 == turn {
            group.kill(leader)
        } else {
            group.terminate(leader)
        }
        let heir = group.settle();
        group.note(&format!("{heir:?} leads, {} in all", group.members.len()));
        if leader == Client::Klog {
            group.start(Client::Klog);
            assert_eq!(group.settle(), heir, "who comes follows");
        }
        led.insert(heir);
        leader = heir;
    }
    group.end();
}
