//! Why something cannot be done to a group, in words that name who or what stands in the way.

use klog::base::ErrorCode;
use klog::client::{Admin, ClientError, GroupDescription, GroupState, GroupType};

use crate::connect::explain;
use crate::exit::advise;

/// How many members a hint names.
const NAMED: usize = 3;

/// What a coordinator refused about a group. That it is missing is told as such, or of which other type it is.
pub async fn refused(admin: &Admin, group: &str, error: ClientError) -> anyhow::Error {
    if error.code() != Some(ErrorCode::GroupIdNotFound) {
        return explain(error);
    }
    let listed = admin.list_groups(&[], &[]).await.unwrap_or_default();
    let kind = listed.into_iter().find(|one| one.group == group).and_then(|one| one.kind);
    match kind {
        Some(kind) if !matches!(kind, GroupType::Classic | GroupType::Consumer) => {
            let error = anyhow::anyhow!("{group} is a {kind} group");
            advise(error, "this works for classic and consumer groups")
        }
        _ => missing(group),
    }
}

/// There is no such group.
pub fn missing(group: &str) -> anyhow::Error {
    let error = anyhow::anyhow!("group {group} does not exist");
    advise(error, "`klog groups list` shows what there is")
}

/// Only a group without members can be changed: what its members have in hand would overwrite the change.
///
/// # Errors
/// If somebody is in it, by name.
pub fn must_be_idle(group: &GroupDescription) -> anyhow::Result<()> {
    if group.members.is_empty() && matches!(group.state, GroupState::Empty | GroupState::Dead) {
        return Ok(());
    }
    let (name, state) = (&group.group, &group.state);
    let error = anyhow::anyhow!("group {name} is in use: it is {state}");
    Err(advise(error, format!("stop its members first: {}", who(group))))
}

/// The first members by client and address.
fn who(group: &GroupDescription) -> String {
    if group.members.is_empty() {
        return "they are about to join".to_owned();
    }
    let name = |member: &klog::client::GroupMember| {
        let name = member.instance_id.as_ref().unwrap_or(&member.client_id);
        format!("{name} at {}", member.host)
    };
    let mut text = group.members.iter().take(NAMED).map(name).collect::<Vec<_>>().join(", ");
    if let Some(more) = group.members.len().checked_sub(NAMED).filter(|more| *more > 0) {
        let group = &group.group;
        text.push_str(&format!(", and {more} more (`klog groups describe {group} --members`)"));
    }
    text
}
