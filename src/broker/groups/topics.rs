//! The cluster's topics, as groups may know them.

use std::sync::Arc;

use bytestring::ByteString;
use parking_lot::Mutex;

use crate::base::TopicId;
use crate::broker::node::Node;
use crate::group::Topics;
use crate::meta::Image;

/// The last image that was looked at, and how many were before.
#[derive(Debug, Default)]
pub struct Seen(Mutex<(Arc<Image>, i64)>);

/// Topics of one image.
pub struct TopicsOf {
    image: Arc<Image>,
    version: i64,
}

impl Node {
    /// The topics of now.
    pub fn group_topics(&self) -> TopicsOf {
        let image = self.image();
        let mut seen = self.groups.seen.0.lock();
        if !Arc::ptr_eq(&seen.0, &image) {
            *seen = (image.clone(), seen.1 + 1);
        }
        TopicsOf { image, version: seen.1 }
    }
}

impl Topics for TopicsOf {
    fn version(&self) -> i64 {
        self.version
    }

    fn by_name(&self, name: &str) -> Option<(TopicId, i32)> {
        let topic = self.image.topic(name)?;
        Some((topic.id, i32::try_from(topic.partitions.len()).ok()?))
    }

    fn name(&self, id: TopicId) -> Option<ByteString> {
        self.image.topic_by_id(id).map(|topic| topic.name.as_str().into())
    }

    fn names(&self) -> Vec<ByteString> {
        self.image.topics().map(|topic| topic.name.as_str().into()).collect()
    }
}
