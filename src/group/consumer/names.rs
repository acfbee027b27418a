//! Between topics' names, in which members of the classic protocol speak, and their ids.

use super::Topics;
use crate::group::assignor::Partitions;
use crate::group::protocol::Places;

/// By topics' ids; topics that are not there are left out.
pub fn by_id(named: &Places, topics: &dyn Topics) -> Partitions {
    let mut partitions = Partitions::new();
    for (name, numbers) in named {
        if let Some((id, _)) = topics.by_name(name) {
            partitions.entry(id).or_default().extend(numbers);
        }
    }
    partitions.retain(|_, numbers| !numbers.is_empty());
    partitions
}

/// By topics' names; topics that are gone are left out.
pub fn by_name(partitions: &Partitions, topics: &dyn Topics) -> Places {
    let named = partitions
        .iter()
        .filter_map(|(id, numbers)| Some((topics.name(*id)?, numbers.iter().copied().collect())));
    named.collect()
}
