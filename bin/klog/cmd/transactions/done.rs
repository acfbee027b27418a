//! Which transaction was aborted.

use serde::Serialize;

/// As it stands here, with `dry_run` behind, it is a line of JSON.
#[derive(Default, Serialize)]
pub struct Done<'a> {
    /// By its transactional id, which fenced its producer.
    pub transactional_id: Option<&'a str>,
    /// Or at this partition,
    pub topic: Option<&'a str>,
    /// of this topic,
    pub partition: Option<i32>,
    /// of this producer,
    pub producer_id: Option<i64>,
    /// at this epoch: the first that is not fenced, or that of the marker.
    pub producer_epoch: Option<i32>,
    /// `abort`.
    pub change: &'static str,
}
