//! `klog groups describe --members`

use klog::client::{GroupDescription, GroupMember, Share};
use serde::Serialize;

use crate::output::{ListFormat, Partitions, Row, Rows, in_short, or_dash};

#[derive(Serialize)]
struct Member {
    group: String,
    member_id: String,
    instance_id: Option<String>,
    client_id: String,
    host: String,
    rack: Option<String>,
    epoch: Option<i32>,
    assignment: Option<Vec<Partitions>>,
    target: Option<Vec<Partitions>>,
}

impl Row for Member {
    const HEADER: &'static [&'static str] = &[
        "group",
        "member_id",
        "instance_id",
        "client_id",
        "host",
        "rack",
        "epoch",
        "assignment",
        "target",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.group.clone(),
            self.member_id.clone(),
            or_dash(&self.instance_id),
            self.client_id.clone(),
            self.host.clone(),
            or_dash(&self.rack),
            or_dash(&self.epoch),
            in_short(self.assignment.as_deref().unwrap_or_default()),
            in_short(self.target.as_deref().unwrap_or_default()),
        ]
    }
}

fn assigned(share: &Share) -> Vec<Partitions> {
    let topic = |(topic, partitions): (&klog::base::TopicName, &Vec<i32>)| Partitions {
        topic: topic.to_string(),
        partitions: partitions.clone(),
    };
    share.iter().map(topic).collect()
}

fn row(group: &str, member: &GroupMember) -> Member {
    Member {
        group: group.to_owned(),
        member_id: member.id.clone(),
        instance_id: member.instance_id.clone(),
        client_id: member.client_id.clone(),
        host: member.host.clone(),
        rack: member.rack.clone(),
        epoch: member.epoch,
        assignment: member.assignment.as_ref().map(assigned),
        target: member.target.as_ref().map(assigned),
    }
}

pub fn print(groups: &[GroupDescription], format: ListFormat) -> anyhow::Result<()> {
    let mut rows = Rows::new(format);
    for group in groups {
        for member in &group.members {
            rows.push(row(&group.group, member))?;
        }
    }
    rows.finish()
}
