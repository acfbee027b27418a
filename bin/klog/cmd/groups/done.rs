//! What was destroyed of a group.

use serde::Serialize;

/// As it stands here, with `dry_run` behind, it is a line of JSON.
#[derive(Serialize)]
pub struct Done<'a> {
    /// Of which group.
    pub group: &'a str,
    /// Of which topic, if not all of the group.
    pub topic: Option<&'a str>,
    /// Of which of its partitions.
    pub partition: Option<i32>,
    /// `delete`, `delete-offsets`.
    pub change: &'static str,
    /// The offset that was committed there.
    pub offset: Option<i64>,
}
