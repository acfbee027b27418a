//! All partitions in turn: topic by topic, each partition to the next member that reads its topic.

use bytestring::ByteString;

use super::order::{by_utf16, in_order, readers_of};
use super::{Members, Shares, TopicInfo, Topics, no_shares};

pub(super) fn assign(members: &Members, topics: &Topics) -> Shares {
    let order = in_order(members);
    let mut shares = no_shares(members);
    let mut topics: Vec<(&ByteString, &TopicInfo)> = topics.iter().collect();
    topics.sort_by(|(name, _), (other, _)| by_utf16(name, other));
    // Whose turn it is, whether it reads the topic or not.
    let mut turn = 0;
    for ((topic, info), readers) in topics.iter().zip(readers_of(&topics, &order)) {
        if readers.is_empty() {
            continue;
        }
        let first = readers.partition_point(|at| *at < turn);
        for (partition, at) in (0..info.partitions).zip(readers.iter().cycle().skip(first)) {
            if let Some(share) = shares.get_mut(order[*at].0) {
                share.entry(ByteString::clone(topic)).or_default().push(partition);
            }
            turn = (at + 1) % order.len();
        }
    }
    shares
}
