//! DescribeLogDirs (key 35), v1 to v5. Each log directory with the partitions asked for (null: all) and their bytes. v3 a
//! top-level error, v4 the room on the file system. An offline directory answers error 56.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::ErrorCode;
use crate::broker::dispatch::Call;
use crate::broker::node::Node;
use crate::broker::partition::Partition;
use crate::broker::reply::Reply;
use crate::log::LogDir;
use crate::wire::describe_log_dirs::{
    DescribableLogDirTopic, DescribeLogDirsPartition, DescribeLogDirsRequest,
    DescribeLogDirsResponse, DescribeLogDirsResult, DescribeLogDirsTopic,
};

pub fn handle(call: Call<DescribeLogDirsRequest>) -> Reply<DescribeLogDirsResponse> {
    let Call { node, request, .. } = call;
    Reply::later(async move {
        let describe =
            tokio::task::spawn_blocking(move || describe(&node, request.topics.as_deref()));
        match describe.await {
            Ok(results) => DescribeLogDirsResponse { results, ..Default::default() },
            Err(_) => DescribeLogDirsResponse {
                error_code: ErrorCode::UnknownServerError.to_wire(),
                ..Default::default()
            },
        }
    })
}

fn describe(node: &Node, wanted: Option<&[DescribableLogDirTopic]>) -> Vec<DescribeLogDirsResult> {
    let mut online = node.partitions.online();
    online.retain(|partition| is_wanted(wanted, partition));
    online.sort_by(|a, b| a.id.cmp(&b.id));
    node.partitions.dirs().iter().map(|dir| one(node, dir, &online)).collect()
}

fn is_wanted(wanted: Option<&[DescribableLogDirTopic]>, partition: &Partition) -> bool {
    let (topic, index) = (partition.id.topic.as_str(), partition.id.partition.get());
    wanted.is_none_or(|topics| {
        topics.iter().any(|wanted| *wanted.topic == *topic && wanted.partitions.contains(&index))
    })
}

fn one(node: &Node, dir: &Arc<LogDir>, online: &[Arc<Partition>]) -> DescribeLogDirsResult {
    let path = std::path::absolute(dir.folder()).unwrap_or_else(|_| dir.folder().into());
    let log_dir = path.display().to_string().into();
    if dir.is_offline() {
        let error_code = ErrorCode::KafkaStorageError.to_wire();
        return DescribeLogDirsResult { error_code, log_dir, ..Default::default() };
    }
    let mut topics: BTreeMap<&str, Vec<DescribeLogDirsPartition>> = BTreeMap::new();
    for partition in online.iter().filter(|partition| Arc::ptr_eq(&partition.dir, dir)) {
        topics.entry(partition.id.topic.as_str()).or_default().push(DescribeLogDirsPartition {
            partition_index: partition.id.partition.get(),
            partition_size: signed(partition.log().size_bytes()),
            ..Default::default()
        });
    }
    let topics = topics.into_iter().map(|(name, partitions)| DescribeLogDirsTopic {
        name: name.into(),
        partitions,
        ..Default::default()
    });
    let space = node.os.disk.space(dir.folder()).ok();
    DescribeLogDirsResult {
        log_dir,
        topics: topics.collect(),
        total_bytes: space.map_or(-1, |space| signed(space.total_bytes)),
        usable_bytes: space.map_or(-1, |space| signed(space.usable_bytes)),
        ..Default::default()
    }
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
