//! Which partitions a command is about: `--topic T[:P,…]`.

use klog::base::TopicName;

use crate::cluster::Partition;
use crate::values;

/// A topic, or some of its partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    /// The topic.
    pub topic: TopicName,
    /// None for all.
    pub partitions: Vec<i32>,
}

impl Selected {
    /// Whether it speaks of this partition.
    pub fn has(&self, (topic, partition): &Partition) -> bool {
        self.topic == *topic && (self.partitions.is_empty() || self.partitions.contains(partition))
    }
}

/// Reads `T` or `T:0,2`; a topic's name has no colon.
pub fn selected(text: &str) -> Result<Selected, String> {
    let (topic, numbers) = match text.split_once(':') {
        Some((topic, numbers)) => (topic, Some(numbers)),
        None => (text, None),
    };
    let topic = values::topic(topic).map_err(|e| e.to_string())?;
    let number = |text: &str| {
        let number = text.parse().ok().filter(|number: &i32| *number >= 0);
        number.ok_or_else(|| format!("{text:?} is no partition; it is written TOPIC:0,2"))
    };
    let partitions = match numbers {
        Some(numbers) => numbers.split(',').map(number).collect::<Result<_, _>>()?,
        None => Vec::new(),
    };
    Ok(Selected { topic, partitions })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_stand_behind_a_colon() {
        let topic = TopicName::new("t").expect("a name");
        let wanted = |partitions| Ok(Selected { topic: topic.clone(), partitions });
        assert_eq!(selected("t"), wanted(vec![]));
        assert_eq!(selected("t:0,2"), wanted(vec![0, 2]));
        for bad in ["", "t:", "t:a", "t:-1", "t:0,", "a b"] {
            assert!(selected(bad).is_err(), "{bad:?}");
        }
        let some = selected("t:1").expect("it is read");
        assert!(some.has(&(topic.clone(), 1)) && !some.has(&(topic, 0)));
    }
}
