//! `klog groups describe --state`

use klog::client::GroupDescription;
use serde::Serialize;

use crate::output::{ListFormat, Row, Rows, or_dash};

#[derive(Serialize)]
struct State {
    group: String,
    r#type: String,
    state: String,
    coordinator: i32,
    protocol: Option<String>,
    epoch: Option<i32>,
    members: usize,
}

impl Row for State {
    const HEADER: &'static [&'static str] =
        &["group", "type", "state", "coordinator", "protocol", "epoch", "members"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.group.clone(),
            self.r#type.clone(),
            self.state.clone(),
            self.coordinator.to_string(),
            or_dash(&self.protocol),
            or_dash(&self.epoch),
            self.members.to_string(),
        ]
    }
}

pub fn print(groups: &[GroupDescription], format: ListFormat) -> anyhow::Result<()> {
    let mut rows = Rows::new(format);
    for group in groups {
        rows.push(State {
            group: group.group.clone(),
            r#type: group.kind.to_string(),
            state: group.state.to_string(),
            coordinator: group.coordinator,
            protocol: group.protocol.clone(),
            epoch: group.epoch,
            members: group.members.len(),
        })?;
    }
    rows.finish()
}
